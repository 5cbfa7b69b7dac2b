use oc2_core::types::time::DateTime;
use oc2_profile_slpf::{Direction, Packets};
use oc2_store::testing::Disk;
use tempfile::TempDir;

use super::*;
use crate::config::{Config, Mode};
use crate::plan::Plan;
use crate::rule::Verdict;

#[test]
fn a_new_store_is_empty() {
    let (_store, contents) = open_in(&TempDir::new().unwrap());
    assert_eq!(contents, Contents { records: Vec::new(), numbering: Numbering::default() });
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
fn the_whole_makes_it_hold_that_state_and_nothing_else() {
    let dir = TempDir::new().unwrap();
    let mut world = World::open(&dir);
    world.insert(1, true);
    world.insert(2, true);
    let kept = world.state.clone();
    world.insert(3, true);
    world.insert_automatic();
    world.store.commit(world.store.whole(&kept)).unwrap();
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
fn what_is_taken_back_leaves_nothing_but_used_up_numbers() {
    let dir = TempDir::new().unwrap();
    let mut world = World::open(&dir);
    world.insert(1, true);
    world.insert_automatic();
    let kept = world.state.clone();
    let list: RuleList = [entry(5, true), entry(1, true)].into_iter().collect();
    let mut claims = Claims::default();
    claims.place(number(5), &kept.numbering);
    let taken_back = world.store.commit(world.store.batch(&Step::Replace(list), &claims)).unwrap();
    world.store.commit(taken_back).unwrap();
    assert!(holds(&world.reopen(&dir).1, &kept));
}

#[test]
fn what_nobody_keeps_costs_no_commit() {
    let dir = TempDir::new().unwrap();
    let world = World::open(&dir);
    let edit = Edit { number: number(1), before: Some(entry(1, false)), after: None };
    assert!(world.store.batch(&Step::Edit(vec![edit]), &Claims::default()).is_empty());
}

#[test]
fn of_two_with_one_prefix_one_is_told() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let (_rules, _) = RuleStore::open(&store, &prefix()).unwrap();
    let error = RuleStore::open(&store, &prefix()).unwrap_err();
    assert!(matches!(error, StoreError::AreaInUse { .. }), "{error}");
    RuleStore::open(&store, &"OTHER".parse().unwrap()).unwrap();
}

#[test]
fn a_rule_that_makes_no_sense_is_named() {
    let error = open_with("rules", &key::of_i64(17), b"{}");
    assert!(error.to_string().contains("rule 17: it has an unknown layout"), "{error}");
}

#[test]
fn numbers_that_make_no_sense_are_damage() {
    let cases = [
        ("rules", &key::of_i64(i64::MAX)[..], &b""[..]),
        ("placed", &key::of_i64(i64::MAX), b""),
        ("placed", b"1", b""),
        ("automatic", &key::of_i64(1), b"\0\0\0\0\0\0\0\0\0\0\0\x01"),
        ("automatic", &key::of_i64(1), b"\0"),
    ];
    for (table, key, value) in cases {
        let error = open_with(table, key, value);
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("make no sense"), "{error}");
    }
}

/// After a failure at any point of a commit the store holds the state before it, and works again once the disk does.
#[test]
fn a_commit_is_whole_or_nothing_wherever_the_disk_fails() {
    for n in 0.. {
        let dir = TempDir::new().unwrap();
        let disk = Disk::sound();
        let mut world = World::open_on(&dir, &disk);
        world.insert(1, true);
        disk.fail_after(n);
        let (step, claims) = world.insertion(2, true);
        let res = world.store.commit(world.store.batch(&step, &claims));
        let has_failed = disk.has_failed();
        disk.repair();
        match res {
            Ok(_) => _ = world.state.adopt(Plan { step, claims, number: None }),
            Err(NotWritten) => world.store.settle().unwrap(),
        }
        world.insert(3, true);
        world.reopen(&dir);
        if !has_failed {
            assert!(n > 1, "a commit writes and syncs");
            return;
        }
    }
}

/// A store with the state that it should hold.
struct World {
    store: RuleStore,
    state: State,
}

impl World {
    fn open(dir: &TempDir) -> Self {
        Self::open_on(dir, &Disk::sound())
    }

    fn open_on(dir: &TempDir, disk: &Disk) -> Self {
        let (store, _) = RuleStore::open(&disk.open(dir.path()).unwrap(), &prefix()).unwrap();
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
        let mut batch = self.store.batch(&step, &claims);
        batch.append(self.store.used_up(claims.span().as_slice()));
        self.store.commit(batch).unwrap();
        self.state.adopt(Plan { step, claims, number: None });
    }

    /// As after a restart; what is there is what should be.
    fn reopen(self, dir: &TempDir) -> (RuleStore, Contents) {
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

fn open_in(dir: &TempDir) -> (RuleStore, Contents) {
    RuleStore::open(&Store::open(dir.path()).unwrap(), &prefix()).unwrap()
}

/// Opens a store with this row in vain.
fn open_with(table: &str, key: &[u8], value: &[u8]) -> StoreError {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let mut batch = Batch::new();
    batch.put(&store.area("slpf-OC2").unwrap().table(table), key, value);
    store.commit(batch).unwrap();
    RuleStore::open(&store, &prefix()).unwrap_err()
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
