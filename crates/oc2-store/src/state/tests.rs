use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::log::format::BLOCK;
use crate::testing::{Disk, copy_as_killed};
use crate::{Store, key};

#[test]
fn a_commit_is_one_write_and_one_sync() {
    let world = World::new(Disk::sound());
    world.put(1, "one").unwrap();
    let n_syncs = world.disk.n_syncs();
    for number in 2..=4 {
        world.put(number, "more").unwrap();
    }
    assert_eq!(world.disk.n_syncs(), n_syncs + 3);
    world.disk.fail_after(2);
    world.put(5, "five").unwrap();
    assert!(!world.disk.has_failed());
    world.put(6, "six").unwrap_err();
}

/// In each situation that a commit can meet, the disk fails at each step in turn, and then at each step of the next attempt.
#[test]
fn whatever_is_refused_is_not_there_later_in_any_situation() {
    for situation in Situation::ALL {
        let mut n_landed = 0;
        'steps: for n in 0.. {
            for m in SECOND_FAULTS {
                let world = situation.world();
                let before = world.rows();
                world.disk.fail_after(n);
                let first = situation.commit(&world).is_ok();
                if !world.disk.has_failed() {
                    assert!(first && n > 1, "{situation:?}, {n}");
                    break 'steps;
                }
                let found = world.as_killed().rows();
                let mut with = before.clone();
                with.extend(situation.rows());
                assert!(found == with || !first && found == before, "{situation:?}, {n}");
                n_landed += usize::from(!first && found == with);

                world.disk.fail_after(m);
                let second = world.put(8, "eight").is_ok();
                world.disk.repair();
                // With the next write, or with none.
                let third = (n + m) % 2 == 0;
                if third {
                    world.put(9, "nine").unwrap()
                } else {
                    world.store.settle().unwrap()
                }
                let mut expected = if first { with } else { before };
                expected.extend(second.then(|| (8, "eight".to_owned())));
                expected.extend(third.then(|| (9, "nine".to_owned())));
                assert_eq!(world.as_killed().rows(), expected, "{situation:?}, {n}, {m}");
                assert_eq!(world.reopened().rows(), expected, "{situation:?}, {n}, {m}");
            }
        }
        assert!(n_landed > 0, "{situation:?}: the hardest case was met");
    }
}

/// Kills, closings, faults and commits at random, in a log that is full after a few.
#[test]
fn whatever_happens_there_is_what_was_promised() {
    let config = ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(steps in vec(step(), 1..40))| {
        let mut world = World::new(Disk::sound());
        // What may be there, too, until anything else is written: one that failed.
        let (mut promised, mut doubtful) = (BTreeMap::new(), Vec::new());
        for (i, step) in steps.into_iter().enumerate() {
            match step {
                Step::Commit { numbers, len } => {
                    let text = format!("{i}{}", "x".repeat(len));
                    let (batch, mut with) = world.changes(&numbers, &text, &promised);
                    let before = promised.clone();
                    match world.store.commit(batch) {
                        Ok(undo) => {
                            doubtful.clear();
                            promised = with;
                            // What was committed is taken back now and then.
                            if i % 5 == 0 && world.store.commit(undo).is_ok() {
                                promised = before;
                            } else if i % 5 == 0 {
                                with = before;
                                doubtful.push(with);
                            }
                        }
                        Err(_) => doubtful.push(with),
                    }
                }
                Step::Fail(n) => world.disk.fail_after(n),
                Step::Repair => {
                    world.disk.repair();
                    world.store.settle().unwrap();
                    doubtful.clear();
                }
                Step::Kill => {
                    world.disk.repair();
                    world = world.as_killed();
                    let found: BTreeMap<_, _> = world.rows().into_iter().collect();
                    prop_assert!(found == promised || doubtful.contains(&found), "step {i}: {found:?}, not {promised:?}");
                    (promised, doubtful) = (found, Vec::new());
                    continue;
                }
                Step::Close => {
                    world.disk.repair();
                    world = world.reopened();
                    doubtful.clear();
                }
            }
            if doubtful.is_empty() {
                prop_assert!(world.rows().into_iter().eq(promised.clone()), "step {i}");
            }
        }
    });
}

#[test]
fn a_full_disk_takes_what_there_is_room_for_in_the_log_and_recovers_by_itself() {
    let world = World::new(Disk::sound());
    world.put(0, "zero").unwrap();
    world.disk.fill();
    let n_taken = (1..100).take_while(|number| world.put(*number, "small").is_ok()).count();
    assert_eq!(n_taken, LOG as usize - 1, "the log is full then");
    assert!(world.store.is_failing());
    world.put(100, "refused").unwrap_err();
    assert_eq!(world.as_killed().rows().len(), n_taken + 1);
    world.disk.repair();
    eventually(|| !world.store.is_failing());
    assert_eq!(world.rows().len(), n_taken + 1);
    world.put(100, "taken").unwrap();
    assert_eq!(world.reopened().rows().len(), n_taken + 2);
}

#[test]
fn the_database_gets_what_is_in_the_log_when_nothing_is_to_do_and_at_the_end() {
    let world = World::new(Disk::sound());
    world.put(1, "one").unwrap();
    world.put(2, "two").unwrap();
    let n_syncs = world.disk.n_syncs();
    eventually(|| world.disk.n_syncs() > n_syncs);
    eventually(|| world.as_killed_with(|_, _, logged| logged == 0));
    world.put(3, "three").unwrap();
    assert!(world.as_killed_with(|_, _, logged| logged == 1));
    let rows = world.rows();
    let closed = world.closed();
    fs::remove_file(closed.path().join("state.log")).unwrap();
    assert_eq!(World::open(Disk::sound(), closed).rows(), rows, "the database is whole by itself");
}

#[test]
fn nothing_is_written_before_the_first_write_also_if_the_log_has_something() {
    let world = World::new(Disk::sound());
    world.put(1, "one").unwrap();
    world.put(2, "two").unwrap();
    let killed = world.killed();
    let before = ["state.redb", "state.log"].map(|name| fs::read(killed.path().join(name)).unwrap());
    let copy = Store::copy_of(killed.path()).unwrap();
    let table = copy.area("test").unwrap().table("rows");
    assert_eq!(rows(&copy, &table), [(1, "one".into()), (2, "two".into())]);
    let mut batch = Batch::new();
    batch.put(&table, key::of_i64(3), "in memory");
    copy.commit(batch).unwrap();
    assert_eq!(rows(&copy, &table).len(), 3);
    drop((copy, table));
    assert!(before == ["state.redb", "state.log"].map(|name| fs::read(killed.path().join(name)).unwrap()));

    let next = World::open(Disk::sound(), killed);
    assert_eq!(next.rows().len(), 2);
    let closed = next.closed();
    assert!(fs::read(closed.path().join("state.log")).unwrap() == before[1]);
    let next = World::open(Disk::sound(), closed);
    next.put(3, "three").unwrap();
    assert_eq!(next.reopened().rows().len(), 3);
}

#[test]
fn a_log_that_is_missing_where_it_is_needed_or_another_one_is_told() {
    type Harm = fn(&Path, &Path);
    let harms: [(&str, Harm); 5] = [
        ("it is not there", |log, _| fs::remove_file(log).unwrap()),
        ("it belongs to another database", |log, other| _ = fs::copy(other, log).unwrap()),
        ("it has no header", |log, _| fs::write(log, b"oc2").unwrap()),
        ("it is shorter than it was", |log, _| {
            let file = fs::File::options().write(true).open(log).unwrap();
            file.set_len((BLOCK * LOG as usize) as u64).unwrap();
        }),
        ("record 1 cannot be read, and record 2 can", |log, _| {
            let mut bytes = fs::read(log).unwrap();
            bytes[BLOCK + 30] ^= 1;
            fs::write(log, bytes).unwrap();
        }),
    ];
    for (detail, harm) in harms {
        let [harmed, other] = [(); 2].map(|()| {
            let world = World::new(Disk::sound());
            (1..4).for_each(|number| world.put(number, "row").unwrap());
            world.killed()
        });
        let log = harmed.path().join("state.log");
        harm(&log, &other.path().join("state.log"));
        let before = fs::read(&log).ok();
        for opened in [Store::open(harmed.path()), Store::copy_of(harmed.path())] {
            let error = opened.unwrap_err();
            assert!(
                matches!(&error, StoreError::DamagedLog { path, detail: said } if *path == log && said == detail),
                "{error}"
            );
        }
        assert!(before == fs::read(&log).ok(), "{detail}");
    }
}

#[test]
fn a_log_of_a_later_version_is_told() {
    let world = World::new(Disk::sound());
    world.put(1, "one").unwrap();
    let killed = world.killed();
    let log = killed.path().join("state.log");
    let mut bytes = fs::read(&log).unwrap();
    bytes[8] = 2;
    let checksum = crc32fast::hash(&bytes[..24]);
    bytes[24..28].copy_from_slice(&checksum.to_le_bytes());
    fs::write(&log, bytes).unwrap();
    let error = Store::open(killed.path()).unwrap_err();
    assert!(matches!(&error, StoreError::Version { path, found: 2 } if *path == log), "{error}");
}

#[test]
fn a_log_that_says_nothing_to_its_database_is_replaced() {
    let world = World::new(Disk::sound());
    (1..4).for_each(|number| world.put(number, "other").unwrap());
    let other = world.killed();
    let world = World::new(Disk::sound());
    world.put(1, "one").unwrap();
    let closed = world.closed();
    for content in [fs::read(other.path().join("state.log")).unwrap(), b"half".to_vec(), Vec::new()] {
        let copy = TempDir::new().unwrap();
        fs::copy(closed.path().join("state.redb"), copy.path().join("state.redb")).unwrap();
        fs::write(copy.path().join("state.log"), &content).unwrap();
        let world = World::open(Disk::sound(), copy);
        assert_eq!(world.rows(), [(1, "one".into())]);
        world.put(2, "two").unwrap();
        assert_eq!(world.as_killed().rows().len(), 2);
        assert_eq!(world.reopened().rows().len(), 2);
    }
}

#[test]
fn what_is_longer_than_the_log_goes_past_it() {
    let world = World::new(Disk::sound());
    world.put(1, "before").unwrap();
    let long = "x".repeat(BLOCK * LOG as usize);
    let mut batch = world.batch(2, &long);
    batch.clear(&world.table);
    batch.append(world.batch(3, &long));
    let undo = world.store.commit(batch).unwrap();
    world.put(4, "after").unwrap();
    assert_eq!(world.as_killed().rows(), [(3, long.clone()), (4, "after".into())]);
    world.store.commit(undo).unwrap();
    assert_eq!(world.rows(), [(1, "before".into()), (4, "after".into())]);
    assert_eq!(world.reopened().rows().len(), 2);
}

/// What a store has whose log is cut off or flipped anywhere is what it had after one of its commits, or it is told.
#[test]
fn a_store_with_a_harmed_log_is_as_it_was_or_told() {
    let world = World::new(Disk::sound());
    let mut states = Vec::new();
    for number in 0..5 {
        world.put(number % 3, &format!("{number}{}", "y".repeat(900 * number as usize))).unwrap();
        states.push(world.rows());
    }
    let killed = world.killed();
    let whole = fs::read(killed.path().join("state.log")).unwrap();
    let mut n_told = 0;
    for at in (0..whole.len()).step_by(61) {
        for is_cut in [false, true] {
            let mut bytes = whole.clone();
            if is_cut {
                bytes[at.max(BLOCK)..].fill(0)
            } else {
                bytes[at] ^= 0x10
            }
            let copy = TempDir::new().unwrap();
            fs::copy(killed.path().join("state.redb"), copy.path().join("state.redb")).unwrap();
            fs::write(copy.path().join("state.log"), &bytes).unwrap();
            match Store::open(copy.path()) {
                Ok(store) => {
                    let table = store.area("test").unwrap().table("rows");
                    let rows = rows(&store, &table);
                    assert!(rows.is_empty() || states.contains(&rows), "{at}: {rows:?}");
                }
                Err(error) => {
                    n_told += 1;
                    assert!(!is_cut && matches!(error, StoreError::DamagedLog { .. }), "{at}: {error}");
                }
            }
        }
    }
    assert!(n_told > 0);
}

/// What a commit can meet.
#[derive(Clone, Copy, Debug)]
enum Situation {
    /// There is room in the log.
    Plain,
    /// Nothing was written yet, and there is no log.
    First,
    /// Nothing was written yet, and there is a log.
    Again,
    /// The last process was killed, and the log has something.
    AfterKill,
    /// The log is full.
    Full,
    /// It is too long for the log.
    Long,
}

impl Situation {
    const ALL: [Self; 6] = [Self::Plain, Self::First, Self::Again, Self::AfterKill, Self::Full, Self::Long];

    fn world(self) -> World {
        let world = World::new(Disk::sound());
        let n = match self {
            Self::First => 0,
            Self::Full => i64::from(LOG),
            Self::Plain | Self::Again | Self::AfterKill | Self::Long => 3,
        };
        (0..n).for_each(|number| world.put(number, "row").unwrap());
        match self {
            Self::Again => world.reopened(),
            Self::AfterKill => world.as_killed(),
            Self::Plain | Self::First | Self::Full | Self::Long => world,
        }
    }

    fn rows(self) -> [(i64, String); 1] {
        let text = if let Self::Long = self { "z".repeat(BLOCK * LOG as usize) } else { "seven".to_owned() };
        [(7, text)]
    }

    fn commit(self, world: &World) -> Result<(), crate::NotWritten> {
        let [(number, text)] = self.rows();
        world.put(number, &text)
    }
}

#[derive(Clone, Debug)]
enum Step {
    Commit { numbers: Vec<(i64, bool)>, len: usize },
    Fail(usize),
    Repair,
    Kill,
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let len = prop_oneof![8 => 0..200_usize, 2 => 3000..9000_usize, 1 => 20_000..40_000_usize];
    prop_oneof![
        12 => (vec((0..12_i64, any::<bool>()), 1..4), len).prop_map(|(numbers, len)| Step::Commit { numbers, len }),
        3 => (0..9_usize).prop_map(Step::Fail),
        2 => Just(Step::Repair),
        2 => Just(Step::Kill),
        1 => Just(Step::Close),
    ]
}

struct World {
    store: Store,
    table: Table,
    disk: Disk,
    dir: TempDir,
}

impl World {
    fn new(disk: Disk) -> Self {
        Self::open(disk, TempDir::new().unwrap())
    }

    fn open(disk: Disk, dir: TempDir) -> Self {
        let store = disk.open_with_log_of(LOG, dir.path()).unwrap();
        let table = store.area("test").unwrap().table("rows");
        Self { store, table, disk, dir }
    }

    fn batch(&self, number: i64, text: &str) -> Batch {
        let mut batch = Batch::new();
        batch.put(&self.table, key::of_i64(number), text);
        batch
    }

    fn put(&self, number: i64, text: &str) -> Result<(), crate::NotWritten> {
        self.store.commit(self.batch(number, text)).map(drop)
    }

    /// Rows that come or go, all of them now and then; and what there is then.
    fn changes(
        &self,
        numbers: &[(i64, bool)],
        text: &str,
        before: &BTreeMap<i64, String>,
    ) -> (Batch, BTreeMap<i64, String>) {
        let (mut batch, mut rows) = (Batch::new(), before.clone());
        for (number, comes) in numbers {
            match (number, comes) {
                (11, false) => {
                    batch.clear(&self.table);
                    rows.clear();
                }
                (number, true) => {
                    batch.put(&self.table, key::of_i64(*number), text);
                    rows.insert(*number, text.to_owned());
                }
                (number, false) => {
                    batch.delete(&self.table, key::of_i64(*number));
                    rows.remove(number);
                }
            }
        }
        (batch, rows)
    }

    fn rows(&self) -> Vec<(i64, String)> {
        rows(&self.store, &self.table)
    }

    fn killed(&self) -> TempDir {
        let copy = TempDir::new().unwrap();
        copy_as_killed(self.dir.path(), copy.path()).unwrap();
        copy
    }

    fn as_killed(&self) -> Self {
        Self::open(Disk::sound(), self.killed())
    }

    /// What a process finds that comes after a kill: the state, its rows, and how many tables the log says something of.
    fn as_killed_with(&self, holds: impl Fn(&mut State, &Table, usize) -> bool) -> bool {
        let killed = self.killed();
        let disk = Disk::sound();
        let mut state = State::open(killed.path(), disk.opener(), Some(disk.logs(LOG))).unwrap();
        let n_logged = state.logged.tables().map(|(_, rows)| rows.said.len()).sum();
        holds(&mut state, &self.table, n_logged)
    }

    fn closed(self) -> TempDir {
        let Self { store, dir, .. } = self;
        drop(store);
        dir
    }

    fn reopened(self) -> Self {
        let disk = self.disk.clone();
        Self::open(disk, self.closed())
    }
}

fn rows(store: &Store, table: &Table) -> Vec<(i64, String)> {
    let mut rows = Vec::new();
    let row = |key: &[u8], value: &[u8]| {
        rows.push((key::to_i64(key).ok_or("key")?, String::from_utf8_lossy(value).into_owned()));
        Ok(())
    };
    store.read(table, row).unwrap();
    rows
}

fn eventually(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "it never comes");
        thread::sleep(Duration::from_millis(5));
    }
}

/// After how many steps the disk fails again: in the log, and in the database at its first, some and its last steps.
const SECOND_FAULTS: [usize; 5] = [0, 1, 2, 5, 9];
/// Blocks of a log that is soon full.
const LOG: u32 = 6;
