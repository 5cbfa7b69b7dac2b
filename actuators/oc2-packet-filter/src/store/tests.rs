use std::os::unix::fs::PermissionsExt;

use oc2_core::types::time::DateTime;
use oc2_profile_slpf::{Direction, Packets};
use tempfile::TempDir;

use super::failing::Disk;
use super::*;
use crate::config::{Config, Mode};
use crate::plan::Plan;
use crate::rule::Verdict;

#[test]
fn a_new_store_is_empty_and_its_owners_alone() {
    let dir = TempDir::new().unwrap();
    let (store, contents) = open_in(&dir);
    assert_eq!(contents, Contents { records: Vec::new(), numbering: Numbering::default() });
    for name in ["slpf-OC2.redb", "slpf-OC2.lock"] {
        let mode = fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    drop(store);
}

#[test]
fn what_was_committed_is_there_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let mut world = World::open(&dir);
    world.insert(7, true);
    world.insert(-7, true);
    world.insert(8, false);
    world.remove(7);
    world.insert_automatic();
    let (_store, contents) = world.reopen(&dir);
    let numbers: Vec<i64> = contents.records.iter().map(|record| record.number.as_i64()).collect();
    assert_eq!(numbers, [-7, 999_990]);
    assert!(contents.numbering.is_used(number(8)), "of a rule that is not kept the number is");
    assert!(contents.numbering.is_used(number(7)));
}

#[test]
fn a_rewrite_makes_it_hold_that_state_and_nothing_else() {
    let dir = TempDir::new().unwrap();
    let mut world = World::open(&dir);
    world.insert(1, true);
    world.insert(2, true);
    let kept = world.state.clone();
    world.insert(3, true);
    world.insert_automatic();
    world.store.rewrite(&kept).unwrap();
    world.state = kept;
    world.reopen(&dir);
}

#[test]
fn replaced_rules_are_gone_at_once() {
    let dir = TempDir::new().unwrap();
    let mut world = World::open(&dir);
    (1..100).for_each(|number| world.insert(number, true));
    let list: RuleList = [entry(5, true), entry(200, true), entry(201, false)].into_iter().collect();
    world.perform(Step::Replace(list), Claims::default());
    let (_store, contents) = world.reopen(&dir);
    assert_eq!(contents.records.len(), 2);
}

#[test]
fn of_two_processes_one_is_told() {
    let dir = TempDir::new().unwrap();
    let (_store, _) = open_in(&dir);
    let error = Store::open(dir.path(), &prefix()).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    assert!(matches!(Lock::take(dir.path(), &prefix()), Err(StoreError::InUse { .. })));
    Store::open(dir.path(), &"OTHER".parse().unwrap()).unwrap();
}

#[test]
fn a_file_that_is_no_store_is_left_as_it_is() {
    let database = |fill: fn(&WriteTransaction)| {
        let dir = TempDir::new().unwrap();
        let database = Database::create(dir.path().join("x")).unwrap();
        let transaction = database.begin_write().unwrap();
        fill(&transaction);
        transaction.commit().unwrap();
        drop(database);
        fs::read(dir.path().join("x")).unwrap()
    };
    let foreign = database(|transaction| {
        transaction.open_table(TableDefinition::<u64, u64>::new("theirs")).unwrap();
    });
    let other_meta = database(|transaction| {
        transaction.open_table(TableDefinition::<u64, u64>::new("meta")).unwrap();
    });
    let unversioned = database(|transaction| {
        transaction.open_table(META).unwrap();
    });
    for bytes in [vec![], b"hello".to_vec(), vec![0; 1 << 20], foreign, other_meta, unversioned] {
        let error = open_these(&bytes);
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    }
}

#[test]
fn a_later_version_is_left_as_it_is() {
    let bytes = store_file(|transaction| {
        transaction.open_table(META).unwrap().insert(SCHEMA, 2).unwrap();
    });
    let error = open_these(&bytes);
    assert!(matches!(error, StoreError::Version { found: 2, .. }), "{error}");
}

#[test]
fn a_rule_that_makes_no_sense_is_named() {
    let bytes = store_file(|transaction| {
        transaction.open_table(RULES).unwrap().insert(17, b"{}".as_slice()).unwrap();
    });
    let error = open_these(&bytes);
    assert!(error.to_string().contains("rule 17: missing field"), "{error}");
}

#[test]
fn numbers_that_make_no_sense_are_damage() {
    let beyond = store_file(|transaction| {
        transaction.open_table(PLACED).unwrap().insert(i64::MAX, ()).unwrap();
    });
    let no_step = store_file(|transaction| {
        transaction.open_table(AUTOMATIC).unwrap().insert(1, (0, 1)).unwrap();
    });
    for bytes in [beyond, no_step] {
        let error = open_these(&bytes);
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    }
}

/// What a damaged file holds may be found or not; it must not bring the program down.
#[test]
fn damage_anywhere_is_an_error_or_harmless() {
    let sound = store_file(|_| {});
    let mut n_found = 0;
    for at in (0..sound.len()).step_by(sound.len() / 150) {
        let mut bytes = sound.clone();
        for octet in bytes.iter_mut().skip(at).take(64) {
            *octet ^= 0xa5;
        }
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("slpf-OC2.redb"), &bytes).unwrap();
        n_found += usize::from(Store::open(dir.path(), &prefix()).is_err());
    }
    assert!(n_found > 0);
    for len in [1, 100, 4096, sound.len() / 2, sound.len() - 1] {
        let error = open_these(&sound[..len]);
        assert!(matches!(error, StoreError::Damaged { .. }), "{len} bytes: {error}");
    }
}

#[test]
fn a_store_that_was_half_made_is_made_again() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("slpf-OC2.redb.new"), b"half").unwrap();
    World::open(&dir).insert(1, true);
    assert!(!dir.path().join("slpf-OC2.redb.new").exists());
}

#[test]
fn a_missing_directory_is_named() {
    let error = Store::open(Path::new("/nonexistent"), &prefix()).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }));
    assert!(error.to_string().starts_with("/nonexistent/slpf-OC2.lock: "), "{error}");
}

/// After a failure at any point of a commit the store holds the state before or after it, and works again once the disk
/// does.
#[test]
fn a_commit_is_whole_or_nothing_wherever_the_disk_fails() {
    for n in 0.. {
        let dir = TempDir::new().unwrap();
        let disk = Disk::sound();
        let mut world = World::open_on(&dir, &disk);
        world.insert(1, true);
        let before = world.state.clone();
        disk.fail_after(n);
        let (step, claims) = world.insertion(2, true);
        let res = world.store.commit(&step, &claims);
        let has_failed = disk.has_failed();
        disk.repair();
        let mut after = before.clone();
        after.adopt(Plan { step: step.clone(), claims: claims.clone(), number: None });
        match res {
            Ok(()) => world.state = after,
            Err(_) => {
                let dir_copy = TempDir::new().unwrap();
                fs::copy(dir.path().join("slpf-OC2.redb"), dir_copy.path().join("slpf-OC2.redb")).unwrap();
                let (_, contents) = open_in(&dir_copy);
                assert!([&before, &after].into_iter().any(|state| holds(&contents, state)), "{n}: {contents:?}");
                world.store.rewrite(&before).unwrap();
            }
        }
        world.insert(3, true);
        world.reopen(&dir);
        if !has_failed {
            assert!(n > 3, "a commit writes and syncs");
            return;
        }
    }
}

/// A store with the state that it should hold.
struct World {
    store: Store,
    state: State,
}

impl World {
    fn open(dir: &TempDir) -> Self {
        let (store, _) = open_in(dir);
        Self { store, state: State::default() }
    }

    fn open_on(dir: &TempDir, disk: &Disk) -> Self {
        let (store, _) = Store::open_with(dir.path(), &prefix(), disk.opener()).unwrap();
        Self { store, state: State::default() }
    }

    fn insert(&mut self, number: i64, persistent: bool) {
        let (step, claims) = self.insertion(number, persistent);
        self.perform(step, claims);
    }

    fn insertion(&self, of: i64, persistent: bool) -> (Step, Claims) {
        let mut claims = Claims::default();
        claims.place(number(of), &self.state.numbering);
        let edit = Edit { number: number(of), before: None, after: Some(entry(of, persistent)) };
        (Step::Edit(vec![edit]), claims)
    }

    fn insert_automatic(&mut self) {
        let mut claims = Claims::default();
        let number = claims.next(&self.state.numbering, &Config::default()).unwrap();
        let after = Some(entry(number.as_i64(), true));
        self.perform(Step::Edit(vec![Edit { number, before: None, after }]), claims);
    }

    fn remove(&mut self, of: i64) {
        let before = self.state.rules.get(number(of)).cloned();
        self.perform(Step::Edit(vec![Edit { number: number(of), before, after: None }]), Claims::default());
    }

    fn perform(&mut self, step: Step, claims: Claims) {
        self.store.commit(&step, &claims).unwrap();
        self.state.adopt(Plan { step, claims, number: None });
    }

    /// As after a restart; what is there is what should be.
    fn reopen(self, dir: &TempDir) -> (Store, Contents) {
        let Self { store, state } = self;
        drop(store);
        let (store, contents) = open_in(dir);
        assert!(holds(&contents, &state), "{contents:?}");
        (store, contents)
    }
}

fn holds(contents: &Contents, state: &State) -> bool {
    let persistent = state.rules.iter().map(|entry| entry.record()).filter(|record| record.persistent);
    contents.records.iter().eq(persistent) && contents.numbering == state.numbering
}

fn open_in(dir: &TempDir) -> (Store, Contents) {
    Store::open(dir.path(), &prefix()).unwrap()
}

/// Opens a store of these bytes in vain; they must still be there then.
fn open_these(bytes: &[u8]) -> StoreError {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("slpf-OC2.redb");
    fs::write(&path, bytes).unwrap();
    let error = Store::open(dir.path(), &prefix()).unwrap_err();
    assert!(fs::read(path).unwrap() == bytes, "it was written to: {error}");
    error
}

/// The bytes of a store with one rule, after `change`.
fn store_file(change: impl FnOnce(&WriteTransaction)) -> Vec<u8> {
    let dir = TempDir::new().unwrap();
    let mut world = World::open(&dir);
    world.insert(1, true);
    world.insert_automatic();
    drop(world);
    let path = dir.path().join("slpf-OC2.redb");
    let database = Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    change(&transaction);
    transaction.commit().unwrap();
    drop(database);
    fs::read(path).unwrap()
}

fn entry(of: i64, persistent: bool) -> Arc<Entry> {
    let record = RuleRecord {
        number: number(of),
        packets: Packets::Ipv4Net("192.0.2.1".parse().unwrap()),
        direction: Direction::Both,
        verdict: Verdict::Drop,
        persistent,
        stop: None,
        suspended_until: None,
        producer: "producer".into(),
        created: DateTime::from_millis(1).unwrap(),
    };
    Entry::of(record, &Mode::Host).unwrap()
}

fn number(number: i64) -> RuleNumber {
    RuleNumber::new(number).unwrap()
}

fn prefix() -> ChainPrefix {
    ChainPrefix::default()
}
