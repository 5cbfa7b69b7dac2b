use std::fs;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;
use crate::key;
use crate::lock::Lock;
use crate::merged::Merged;
use crate::testing::{Disk, copy_as_killed};

#[test]
fn of_two_processes_one_is_told() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    assert!(matches!(Lock::take(dir.path()), Err(StoreError::InUse { .. })));
    let clone = store.clone();
    drop(store);
    assert!(matches!(Lock::take(dir.path()), Err(StoreError::InUse { .. })));
    drop(clone);
    Lock::take(dir.path()).unwrap();
}

#[test]
fn a_copy_is_looked_at_and_nothing_is_written() {
    let dir = TempDir::new().unwrap();
    let error = Store::copy_of(dir.path()).unwrap_err();
    assert!(matches!(&error, StoreError::Io { cause, .. } if cause.kind() == std::io::ErrorKind::NotFound), "{error}");
    assert!(!dir.path().join("state.lock").exists(), "it was touched");

    let store = Store::open(dir.path()).unwrap();
    let doors = store.area("doors").unwrap();
    let mut batch = Batch::new();
    batch.put(&doors.table("shut"), key::of_u64(7), b"by the porter");
    store.commit(batch).unwrap();
    assert!(matches!(Store::copy_of(dir.path()), Err(StoreError::InUse { .. })));
    // As a process leaves it that is killed.
    let killed = TempDir::new().unwrap();
    copy_as_killed(dir.path(), killed.path()).unwrap();
    drop((doors, store));
    for dir in [dir, killed] {
        let before = fs::read(dir.path().join("state.redb")).unwrap();
        let copy = Store::copy_of(dir.path()).unwrap();
        let doors = copy.area("doors").unwrap();
        let mut shut = Vec::new();
        copy.read(&doors.table("shut"), |_, by| {
            shut.push(by.to_vec());
            Ok(())
        })
        .unwrap();
        assert_eq!(shut, [b"by the porter".to_vec()]);
        drop((doors, copy));
        assert_eq!(fs::read(dir.path().join("state.redb")).unwrap(), before, "it was written to");
    }
}

#[test]
fn of_two_users_of_an_area_one_is_told() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let area = store.area("slpf-OC2").unwrap();
    let clone = area.clone();
    drop(area);
    let error = store.area("slpf-OC2").unwrap_err();
    assert!(error.to_string().ends_with("state.redb: slpf-OC2 is in use"), "{error}");
    store.area("slpf-OTHER").unwrap();
    drop(clone);
    store.area("slpf-OC2").unwrap();
}

#[test]
fn what_waits_is_written_at_once_and_in_order() {
    let world = World::new();
    world.store.commit(world.put(0, "opened")).unwrap();
    let n_syncs = world.disk.n_syncs();
    {
        // The thread cannot begin before all wait.
        let _held = world.store.0.writer.hold();
        for n in 1..=100 {
            drop(world.store.write(world.put(n % 10, &n.to_string())));
        }
    }
    world.store.settle().unwrap();
    let values: Vec<_> = world.rows().into_iter().skip(1).map(|(_, value)| value).collect();
    assert_eq!(values, ["91", "92", "93", "94", "95", "96", "97", "98", "99"]);
    assert!(world.disk.n_syncs() <= n_syncs + 3, "one that was first, and all others: {}", world.disk.n_syncs());
}

#[test]
fn a_commit_says_how_to_take_it_back() {
    let world = World::with_rows();
    let before = world.rows();
    let undo = world.store.commit(world.mixed()).unwrap();
    assert_eq!(world.rows(), [(1, "one again".into()), (4, "five".into()), (9, "nine".into())]);
    world.store.commit(undo).unwrap();
    assert_eq!(world.rows(), before);
}

#[test]
fn of_batches_written_at_once_each_is_taken_back_alone() {
    let world = World::with_rows();
    let (first, second) = {
        let held = world.store.0.writer.hold();
        let threads = [world.put(7, "seven"), world.put(8, "eight")].map(|batch| {
            let store = world.store.clone();
            thread::spawn(move || store.commit(batch).unwrap())
        });
        thread::sleep(Duration::from_millis(20));
        drop(held);
        threads.map(|thread| thread.join().unwrap()).into()
    };
    assert_eq!(world.rows().len(), 5);
    world.store.commit(first).unwrap();
    assert_eq!(world.rows().last().unwrap().0, 8);
    world.store.commit(second).unwrap();
    assert_eq!(world.rows().len(), 3);
}

/// A disk that fails at each of the steps of a commit in turn: what is said to be written is there, what is refused is not,
/// whatever had landed.
#[test]
fn a_failing_disk_tells_the_truth_at_every_step() {
    let mut n_landed = 0;
    for n in 0.. {
        let world = World::with_rows();
        let before = world.rows();
        world.disk.fail_after(n);
        let is_written = world.store.commit(world.mixed()).is_ok();
        let has_failed = world.disk.has_failed();
        assert!(is_written || has_failed);
        world.disk.repair();
        let found = world.as_after_a_kill().rows();
        n_landed += usize::from(!is_written && found != before);
        // With the next write, or with none.
        match n % 2 {
            0 => world.store.settle().unwrap(),
            _ => drop(world.store.commit(world.put(20, "next")).unwrap()),
        }
        let mut rows = world.reopened().rows();
        rows.retain(|(number, _)| *number != 20);
        let after = [(1, "one again".to_owned()), (4, "five".into()), (9, "nine".into())];
        assert_eq!(rows, if is_written { after.to_vec() } else { before }, "after {n} steps");
        if !has_failed {
            assert!(is_written && n > 1, "{n}");
            break;
        }
    }
    assert!(n_landed > 0, "the hardest case was met");
}

/// Fails at each step, and again at each step of the attempt after it.
#[test]
fn a_disk_that_fails_twice_tells_the_truth_too() {
    for n in 0..8 {
        for m in 0..8 {
            let world = World::with_rows();
            world.disk.fail_after(n);
            let first = world.store.commit(world.put(11, "first")).is_ok();
            world.disk.fail_after(m);
            let second = world.store.commit(world.put(12, "second")).is_ok();
            world.disk.repair();
            world.store.commit(world.put(13, "third")).unwrap();
            let numbers: Vec<_> = world.reopened().rows().into_iter().map(|(number, _)| number).collect();
            let expected: Vec<_> = [(1, true), (2, true), (3, true), (11, first), (12, second), (13, true)]
                .into_iter()
                .filter_map(|(number, is_written)| is_written.then_some(number))
                .collect();
            assert_eq!(numbers, expected, "{n}, {m}");
        }
    }
}

#[test]
fn what_is_owed_is_written_by_itself_once_the_disk_works() {
    for n in 0..8 {
        let world = World::with_rows();
        world.disk.fail_after(n);
        let mut batch = world.put(2, "owed");
        batch.delete(&world.table, key::of_i64(1));
        let is_written = world.store.commit_owed(batch).is_ok();
        assert_eq!(is_written, !world.store.is_failing());
        world.disk.repair();
        let deadline = Instant::now() + Duration::from_secs(20);
        while world.store.is_failing() {
            assert!(Instant::now() < deadline);
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(world.rows(), [(2, "owed".into()), (3, "three".into())], "{n}");
    }
}

#[test]
fn what_is_owed_goes_before_the_next_and_at_the_end() {
    let world = World::with_rows();
    world.disk.fail_after(0);
    world.store.commit_owed(world.put(1, "owed")).unwrap_err();
    world.store.settle().unwrap_err();
    world.disk.repair();
    world.store.commit(world.put(1, "next")).unwrap();
    assert_eq!(world.rows()[0].1, "next");
    world.disk.fail_after(0);
    world.store.commit_owed(world.put(2, "owed")).unwrap_err();
    world.disk.repair();
    assert_eq!(world.reopened().rows()[1].1, "owed");
}

#[test]
fn a_disk_that_fails_for_long_costs_no_memory() {
    let world = World::with_rows();
    for n in 0..300 {
        world.disk.fail_after(n % 7);
        let _ = world.store.commit(world.put(100 + n as i64, "given up"));
        let _ = world.store.commit_owed(world.put(1, &format!("owed {n}")));
        assert!(world.store.0.writer.n_in_doubt() <= 2);
    }
    world.disk.repair();
    world.store.settle().unwrap();
    assert_eq!(world.rows()[0].1, "owed 299");
}

#[test]
fn of_what_is_owed_nothing_is_left_but_what_has_to_be_done() {
    let world = World::with_rows();
    world.disk.fail_after(0);
    for number in 10..20 {
        let mut batch = Batch::new();
        batch.insert(&world.table, key::of_i64(number), "new");
        batch.append(world.put(number, "changed"));
        world.store.commit_owed(batch).unwrap_err();
        if number > 10 {
            let mut batch = Batch::new();
            batch.delete(&world.table, key::of_i64(number));
            world.store.commit_owed(batch).unwrap_err();
        }
    }
    let mut merged = Merged::default();
    let mut owed = Batch::new();
    for number in [10, 11] {
        owed.insert(&world.table, key::of_i64(number), "new");
        owed.append(world.put(number, "changed"));
    }
    owed.delete(&world.table, key::of_i64(11));
    owed.delete(&world.table, key::of_i64(1));
    merged.take_in(owed);
    assert_eq!(merged.into_batch().0.len(), 2, "a new row, and one that is to go");
    world.disk.repair();
    world.store.settle().unwrap();
    assert_eq!(world.rows().last().unwrap(), &(10, "changed".to_owned()));
}

#[test]
fn a_disk_that_works_again_is_noticed_when_nobody_writes() {
    let world = World::with_rows();
    world.disk.fail_after(0);
    world.store.commit(world.put(2, "refused")).unwrap_err();
    assert!(world.store.is_failing());
    world.disk.repair();
    let deadline = Instant::now() + Duration::from_secs(20);
    while world.store.is_failing() {
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(5));
    }
    assert!(world.rows().iter().all(|(_, text)| text != "refused"));
}

#[tokio::test]
async fn a_task_waits_too_and_who_does_not_wait_is_written_too() {
    let world = World::new();
    world.store.write(world.put(1, "one")).done().await.unwrap();
    drop(world.store.write(world.put(2, "two")));
    world.store.write(Batch::new()).done().await.unwrap();
    world.disk.fail_after(0);
    assert_eq!(world.store.write(world.put(4, "four")).done().await, Err(NotWritten));
    assert_eq!(world.store.owe(world.put(5, "five")).done().await, Err(NotWritten));
    assert!(world.store.is_failing());
    world.disk.repair();
    let numbers: Vec<_> = world.reopened().rows().into_iter().map(|(number, _)| number).collect();
    assert!(
        [vec![1, 2, 5], vec![1, 2, 3, 5]].contains(&numbers),
        "{numbers:?}: 3 may have been written before the fault"
    );
}

struct World {
    store: Store,
    table: Table,
    disk: Disk,
    dir: TempDir,
}

impl World {
    fn new() -> Self {
        Self::open(TempDir::new().unwrap())
    }

    fn open(dir: TempDir) -> Self {
        let disk = Disk::sound();
        let store = disk.open(dir.path()).unwrap();
        let table = store.area("test").unwrap().table("rows");
        Self { store, table, disk, dir }
    }

    fn with_rows() -> Self {
        let world = Self::new();
        for (number, value) in [(1, "one"), (2, "two"), (3, "three")] {
            world.store.commit(world.put(number, value)).unwrap();
        }
        world
    }

    fn put(&self, number: i64, value: &str) -> Batch {
        let mut batch = Batch::new();
        batch.put(&self.table, key::of_i64(number), value);
        batch
    }

    /// Something of everything, and some rows twice.
    fn mixed(&self) -> Batch {
        let mut batch = self.put(4, "four");
        batch.delete(&self.table, key::of_i64(2));
        batch.clear(&self.table);
        batch.append(self.put(1, "one again"));
        batch.append(self.put(4, "four again"));
        batch.append(self.put(4, "five"));
        batch.append(self.put(9, "nine"));
        batch.delete(&self.table, key::of_i64(100));
        batch
    }

    fn rows(&self) -> Vec<(i64, String)> {
        let mut rows = Vec::new();
        let row = |key: &[u8], value: &[u8]| {
            rows.push((key::to_i64(key).ok_or("key")?, String::from_utf8_lossy(value).into_owned()));
            Ok(())
        };
        self.store.read(&self.table, row).unwrap();
        rows
    }

    fn as_after_a_kill(&self) -> Self {
        let copy = TempDir::new().unwrap();
        copy_as_killed(self.dir.path(), copy.path()).unwrap();
        Self::open(copy)
    }

    fn reopened(self) -> Self {
        let Self { store, dir, .. } = self;
        drop(store);
        Self::open(dir)
    }
}
