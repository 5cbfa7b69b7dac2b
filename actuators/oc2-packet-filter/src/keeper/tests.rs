use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use oc2_clock::Hand;
use oc2_core::StatusCode;
use oc2_core::types::time::Window;
use oc2_profile_slpf::{Direction, DropProcess, Packets, Rule};
use oc2_store::testing::{Disk, copy_as_killed};
use tempfile::TempDir;

use super::*;
use crate::backend::{DryRun, Fault, Faults, Faulty};
use crate::config::Mode;
use crate::plan::NewRule;
use crate::ruleset::Rules;

mod time;
mod undo;

#[test]
fn what_succeeded_is_in_force_and_stored() {
    let mut world = World::new();
    assert_eq!(world.perform(any(1)).unwrap(), Some(number(999_990)));
    assert_eq!(world.perform(any(2)).unwrap(), Some(number(999_980)));
    world.perform(Order::Remove(number(999_990))).unwrap();
    world.assert_agreement(&[999_980]);
    world.restart();
    world.assert_agreement(&[999_980]);
}

#[test]
fn a_rule_that_is_not_persistent_is_in_force_until_a_restart() {
    let mut world = World::new();
    world.perform(any(1)).unwrap();
    world.perform(transient(2)).unwrap();
    world.assert_agreement(&[999_980, 999_990]);
    world.restart();
    world.assert_agreement(&[999_990]);
    assert_eq!(world.perform(any(3)).unwrap(), Some(number(999_970)), "the number of a transient rule stays used");
}

/// Whatever the calls to the kernel come to, an order has succeeded or has left nothing; what cannot be brought in line at
/// once is with the next command.
#[test]
fn an_order_is_whole_or_nothing_however_the_kernel_fails() {
    for order in ORDERS {
        for faults in sequences() {
            let mut world = World::with_rules();
            let before = world.keeper().rules();
            for (n, fault) in faults.iter().enumerate() {
                fault.map(|fault| world.faults.on_call(n, fault));
            }
            let res = world.perform(order());
            let case = format!("{:?} {faults:?}: {res:?}", order());
            match &res {
                Ok(_) => assert_ne!(world.keeper().rules(), before, "{case}"),
                Err(rejection) => {
                    assert_eq!(world.keeper().rules(), before, "{case}");
                    assert!([500, 501].contains(&rejection.status().as_u16()), "{case}");
                }
            }
            world.faults.clear();
            if world.keeper().doubt.any() {
                assert!(res.is_err(), "{case}");
                world.wait_for_another_attempt();
            }
            world.perform(placed(77, 9)).unwrap_or_else(|rejection| panic!("{case}: {rejection}"));
            world.assert_agreement_of_all();
        }
    }
}

#[test]
fn an_order_is_whole_or_nothing_wherever_the_disk_fails() {
    for order in ORDERS {
        for n in 0.. {
            let mut world = World::with_rules();
            let before = world.keeper().rules();
            world.disk.fail_after(n);
            let res = world.perform(order());
            if !world.disk.has_failed() {
                assert!(n > 1 && res.is_ok(), "{n}: {res:?}");
                break;
            }
            if res.is_err() {
                assert_eq!(world.keeper().rules(), before, "{n}");
                let rejection = world.perform(any(9)).unwrap_err();
                assert_eq!(rejection.status(), StatusCode::ServiceUnavailable);
            }
            world.disk.repair();
            world.wait_for_another_attempt();
            world.perform(placed(77, 9)).unwrap();
            world.assert_agreement_of_all();
        }
    }
}

/// The kernel does not take the change, and the store cannot be put back.
#[test]
fn nothing_is_accepted_until_a_store_that_could_not_be_put_back_is() {
    for order in ORDERS {
        for n in 0.. {
            let mut world = World::with_rules();
            let before = world.keeper().rules();
            world.refuse(2);
            world.disk.fail_after(n);
            world.perform(order()).unwrap_err();
            world.faults.clear();
            assert_eq!(world.keeper().rules(), before);
            if !world.disk.has_failed() {
                world.assert_agreement_of_all();
                break;
            }
            world.wait_for_another_attempt();
            let rejection = world.perform(any(9)).unwrap_err();
            assert_eq!(rejection.status(), StatusCode::ServiceUnavailable);
            world.disk.repair();
            world.wait_for_another_attempt();
            world.perform(any(9)).unwrap();
            world.assert_agreement_of_all();
        }
    }
}

#[test]
fn a_group_is_one_commit_and_one_change_of_the_kernel() {
    let mut world = World::with_rules();
    let (n_syncs, n_calls) = (world.disk.n_syncs(), world.faults.n_calls());
    world.join(&GROUP);
    world.keeper_mut().commit().unwrap();
    assert_eq!((world.disk.n_syncs() - n_syncs, world.faults.n_calls() - n_calls), (syncs_of_a_commit(), 1));
    world.assert_agreement(&[15, 20, 999_970, 999_980]);
    world.restart();
    world.assert_agreement(&[15, 20, 999_970]);
}

#[test]
fn a_group_is_whole_or_nothing_wherever_the_disk_fails() {
    for refused in [0, 1] {
        for n in 0.. {
            let mut world = World::with_rules();
            let before = world.keeper().rules();
            world.refuse(refused);
            world.disk.fail_after(n);
            world.join(&GROUP);
            let res = world.keeper_mut().commit();
            assert_eq!(res.is_ok(), refused == 0 && !world.disk.has_failed());
            if res.is_err() {
                assert_eq!(world.keeper().rules(), before, "{n}");
            }
            if world.keeper().doubt.any() {
                assert_eq!(world.perform(any(9)).unwrap_err().status(), StatusCode::ServiceUnavailable);
            }
            let has_failed = world.disk.has_failed();
            world.disk.repair();
            world.faults.clear();
            world.wait_for_another_attempt();
            world.perform(placed(77, 9)).unwrap();
            world.assert_agreement_of_all();
            if !has_failed {
                break;
            }
        }
    }
}

/// Refused together, they are left to be tried one by one, and their numbers are not given again.
#[test]
fn a_group_that_the_kernel_does_not_take_leaves_nothing() {
    for fault in [Fault::Refuse, Fault::LoseCommand, Fault::LoseAnswer] {
        let mut world = World::with_rules();
        let before = world.keeper().rules();
        world.faults.on_call(0, fault);
        let numbers = world.join(&GROUP);
        assert!(matches!(world.keeper_mut().commit(), Err(Failure::OneOfSeveral)), "{fault:?}");
        assert_eq!(world.keeper().rules(), before);
        world.assert_agreement_of_all();
        world.restart();
        world.assert_agreement_of_all();
        let new = world.perform(any(1)).unwrap();
        assert!(!numbers.contains(&new), "{new:?} {numbers:?}");
        assert_eq!(world.perform(placed(15, 1)).unwrap(), Some(number(15)), "it may be asked for again");
    }
}

#[test]
fn what_is_late_or_busy_is_not_tried_for_each_of_a_group() {
    let late = || BackendError::Timeout { family: Some(crate::Family::V4), after: RETRY };
    let mut world = World::with_rules();
    world.restart_with(Box::new(Stubborn { error: late, loads: Arc::default() }));
    world.join(&GROUP);
    assert!(matches!(world.keeper_mut().commit(), Err(Failure::Kernel)));
}

#[test]
fn a_group_is_wholly_there_or_not_at_all_after_a_kill() {
    let whole = {
        let mut world = World::with_rules();
        world.join(&GROUP);
        world.keeper_mut().commit().unwrap();
        world.restart();
        world.numbers_and_packets()
    };
    for n in 0.. {
        let mut world = World::with_rules();
        let before = world.numbers_and_packets();
        world.disk.fail_after(n);
        world.join(&GROUP);
        let res = world.keeper_mut().commit();
        let has_failed = world.disk.has_failed();
        world.restart();
        let restored = world.numbers_and_packets();
        assert!(restored == whole || (res.is_err() && restored == before), "{n}: {res:?} {restored:?}");
        world.assert_agreement_of_all();
        if !has_failed {
            break;
        }
    }
}

/// The process ends with the disk at any of its writes. What was answered with success is there afterwards; of anything
/// else all or nothing.
#[test]
fn killed_anywhere_the_next_start_makes_kernel_and_store_agree() {
    for order in ORDERS {
        let [before, after] = [false, true].map(|is_performed| {
            let mut world = World::with_rules();
            if is_performed {
                world.perform(order()).unwrap();
            }
            world.restart();
            world.numbers_and_packets()
        });
        for n in 0.. {
            let mut world = World::with_rules();
            world.disk.fail_after(n);
            let res = world.perform(order());
            let has_failed = world.disk.has_failed();
            world.restart();
            let restored = world.numbers_and_packets();
            assert!(restored == after || (res.is_err() && restored == before), "{n}: {res:?} {restored:?}");
            world.assert_agreement_of_all();
            if !has_failed {
                break;
            }
        }
    }
}

#[test]
fn a_rule_is_on_the_disk_before_it_is_in_the_kernel() {
    let mut world = World::new();
    let seen = Arc::default();
    let path = world.dir.path().to_owned();
    world.restart_with(Box::new(Witness { kernel: world.kernel.clone(), path, seen: Arc::clone(&seen) }));
    let number = world.perform(any(1)).unwrap().unwrap();
    let other = world.perform(transient(2)).unwrap().unwrap();
    world.perform(Order::Remove(number)).unwrap();
    let seen: Vec<Contents> = std::mem::take(&mut seen.lock().unwrap());
    assert_eq!(seen.iter().map(|contents| contents.records.len()).collect::<Vec<_>>(), [1, 1, 0]);
    assert!(seen[0].numbering.is_used(number) && !seen[0].numbering.is_used(other));
    assert!(seen[1].numbering.is_used(other));
}

#[test]
fn a_kernel_that_takes_the_old_rules_and_not_the_new_one_has_no_means_for_it() {
    let mut world = World::with_rules();
    world.refuse(2);
    let rejection = world.perform(any(1)).unwrap_err();
    assert_eq!(rejection.status(), StatusCode::NotImplemented);
    assert_eq!(rejection.text(), "Rule not updated: the kernel of this host does not take it");
    world.perform(any(2)).unwrap();
}

#[test]
fn a_kernel_that_takes_nothing_has_failed() {
    let mut world = World::with_rules();
    world.refuse(3);
    let rejection = world.perform(any(1)).unwrap_err();
    assert_eq!(rejection.status(), StatusCode::InternalError);
    assert_eq!(rejection.text(), "Rule not updated: the kernel could not be changed");
    let mut world = World::with_rules();
    world.refuse(2);
    let rejection = world.perform(Order::Remove(number(10))).unwrap_err();
    assert_eq!(rejection.status(), StatusCode::InternalError);
    assert!(rejection.text().starts_with("firewall rule not removed or updated: "), "{rejection}");
}

/// What a busy kernel holds is known; what one holds that did not answer is not.
#[test]
fn a_kernel_that_is_busy_is_left_alone_and_one_that_did_not_answer_is_loaded_anew() {
    let busy = || BackendError::Busy { family: Some(crate::Family::V4) };
    let late = || BackendError::Timeout { family: Some(crate::Family::V4), after: RETRY };
    for (error, n_loads) in [(busy as fn() -> BackendError, 1), (late, 2)] {
        let mut world = World::with_rules();
        let n_rules = world.keeper().rules().len();
        let loads = Arc::default();
        world.restart_with(Box::new(Stubborn { error, loads: Arc::clone(&loads) }));
        let rejection = world.perform(any(1)).unwrap_err();
        assert_eq!(rejection.status(), StatusCode::InternalError);
        assert_eq!(loads.load(Ordering::Relaxed), n_loads, "the start is one");
        assert!(!world.keeper().doubt.any());
        assert_eq!(world.keeper().rules().len(), n_rules);
    }
}

#[test]
fn a_number_asked_for_in_vain_may_be_asked_for_again_and_one_given_is_never_given_again() {
    let mut world = World::new();
    for order in [placed(5, 1), any(2)] {
        world.refuse(2);
        world.perform(order).unwrap_err();
    }
    assert_eq!(world.perform(placed(5, 1)).unwrap(), Some(number(5)));
    assert_eq!(world.perform(any(2)).unwrap(), Some(number(999_980)));
    world.restart();
    assert!(world.perform(placed(5, 1)).unwrap_err().text().starts_with("Rule number currently in use"));
    world.perform(Order::Remove(number(5))).unwrap();
    world.restart();
    assert!(world.perform(placed(5, 1)).unwrap_err().text().contains("never reused"));
    assert_eq!(world.perform(any(3)).unwrap(), Some(number(999_970)));
}

#[test]
fn a_window_ends_though_the_disk_and_the_kernel_fail() {
    let mut world = World::new();
    world.perform_for(any(1), 50).unwrap();
    world.perform(any(2)).unwrap();
    world.disk.fail_after(0);
    world.refuse(4);
    world.tick_after(60);
    assert_eq!(world.keeper().rules().len(), 1);
    assert!(world.keeper().until_retry().unwrap() < RETRY * 2);
    world.disk.repair();
    world.faults.clear();
    thread::sleep(world.keeper().until_retry().unwrap());
    world.keeper_mut().tick();
    assert!(!world.keeper().doubt.any());
    world.assert_agreement(&[999_980]);
}

#[test]
fn foreign_changes_are_put_right_by_the_next_change_that_meets_them() {
    let mut world = World::with_rules();
    world.kernel.clone().load(&crate::Ruleset::new()).unwrap();
    assert!(!world.keeper_mut().kernel_agrees().unwrap());
    world.perform(Order::Remove(number(10))).unwrap();
    world.assert_agreement_of_all();
}

/// Persistent, transient, placed, deleted, suspended, replaced.
const ORDERS: [fn() -> Order; 5] = [
    || any(50),
    || transient(51),
    || placed(15, 52),
    || Order::Remove(number(10)),
    || Order::Replace(vec![rule(53, None, true), rule(54, Some(number(10)), true), rule(55, None, false)]),
];

/// Those that may be done together; one deletes what was there, and one what the one before it brings.
const GROUP: [fn() -> Order; 6] = [
    || any(50),
    || transient(51),
    || Order::Remove(number(999_990)),
    || placed(15, 52),
    || Order::Remove(number(10)),
    || any(53),
];

/// Every way in which three calls can work or fail.
fn sequences() -> impl Iterator<Item = [Option<Fault>; 3]> {
    let each = [None, Some(Fault::Refuse), Some(Fault::LoseCommand), Some(Fault::LoseAnswer)];
    (0..64).map(move |n| [each[n % 4], each[n / 4 % 4], each[n / 16]])
}

/// Of a day in the past: no clock of a host shows it.
const NOON: u64 = 1_700_000_000_000;

/// A keeper between a disk that may fail and a kernel that may fail.
struct World {
    dir: TempDir,
    disk: Disk,
    kernel: DryRun,
    faults: Faults,
    hand: Hand,
    clock: Clock,
    /// Absent only while it is restarted: the store is closed first.
    keeper: Option<Keeper>,
}

impl World {
    fn new() -> Self {
        let kernel = DryRun::new();
        let (dir, disk) = (TempDir::new().unwrap(), Disk::sound());
        let (hand, clock) = Hand::at(at(NOON));
        let mut world = Self { dir, disk, kernel, faults: Faults::default(), hand, clock, keeper: None };
        world.restart();
        world
    }

    /// With the rules 10, 20, and one that is not persistent.
    fn with_rules() -> Self {
        let mut world = Self::new();
        world.perform(placed(10, 1)).unwrap();
        world.perform(placed(20, 2)).unwrap();
        world
    }

    /// The process ends, and a new one finds a sound disk and a kernel that holds what it held.
    fn restart(&mut self) {
        let (backend, faults) = Faulty::new(self.kernel.clone());
        self.faults = faults;
        self.restart_with(Box::new(backend));
    }

    fn restart_with(&mut self, backend: Box<dyn Backend>) {
        drop(self.keeper.take());
        self.disk.repair();
        let config = Arc::new(Config { clock: self.clock.clone(), ..Config::default() });
        let store = self.disk.open(self.dir.path()).unwrap();
        self.keeper = Some(Keeper::open(config, &store, backend).unwrap());
    }

    fn keeper(&self) -> &Keeper {
        self.keeper.as_ref().unwrap()
    }

    fn keeper_mut(&mut self) -> &mut Keeper {
        self.keeper.as_mut().unwrap()
    }

    fn perform(&mut self, order: Order) -> Result<Option<RuleNumber>, Rejection> {
        let context = Context::new("producer", Window { start: self.clock.now(), stop: None });
        self.keeper_mut().perform(order, &context)
    }

    fn join(&mut self, orders: &[fn() -> Order]) -> Vec<Option<RuleNumber>> {
        let context = Context::new("producer", Window { start: DateTime::now(), stop: None });
        orders.iter().map(|order| self.keeper_mut().join(order(), &context).unwrap()).collect()
    }

    fn perform_for(&mut self, order: Order, milliseconds: u64) -> Result<Option<RuleNumber>, Rejection> {
        let start = self.clock.now();
        let stop = Some(at(start.as_millis() + milliseconds));
        self.keeper_mut().perform(order, &Context::new("producer", Window { start, stop }))
    }

    /// What is noted to undo an order.
    fn noted(&mut self, order: Order, milliseconds: Option<u64>) -> Vec<u8> {
        let start = self.clock.now();
        let stop = milliseconds.map(|milliseconds| at(start.as_millis() + milliseconds));
        let context = Context::new("producer", Window { start, stop });
        self.keeper_mut().perform(order, &context).unwrap();
        context.undo.noted().unwrap_or_default().to_vec()
    }

    fn undo(&mut self, note: &[u8]) -> Result<Option<RuleNumber>, Rejection> {
        let deed = Deed::read(note, &Config::default().chain_prefix).unwrap();
        self.perform(Order::Undo(deed))
    }

    fn tick_after(&mut self, milliseconds: u64) {
        self.hand.pass(milliseconds);
        self.keeper_mut().tick();
    }

    fn set_clock(&mut self, milliseconds: u64) {
        self.hand.set(at(milliseconds));
        self.keeper_mut().tick();
    }

    /// The next calls to the kernel are refused.
    fn refuse(&self, n_calls: usize) {
        (0..n_calls).for_each(|call| self.faults.on_call(call, Fault::Refuse));
    }

    fn numbers_and_packets(&self) -> Vec<(RuleNumber, Packets)> {
        self.keeper().rules().into_iter().map(|record| (record.number, record.packets)).collect()
    }

    fn wait_for_another_attempt(&self) {
        thread::sleep(self.keeper().doubt.not_before.saturating_duration_since(Instant::now()));
    }

    /// The rules in force are these; memory, store and kernel agree.
    fn assert_agreement(&mut self, numbers: &[i64]) {
        let in_force = self.keeper().rules().into_iter().filter(|record| record.suspended_until.is_none());
        assert_eq!(in_force.map(|record| record.number.as_i64()).collect::<Vec<_>>(), numbers);
        self.assert_agreement_of_all();
    }

    fn assert_agreement_of_all(&mut self) {
        assert!(!self.keeper().doubt.any());
        assert_eq!(self.kernel.rules(), Some(self.keeper().state.rules.in_order().collect()));
        let contents = as_after_a_kill(self.dir.path());
        let persistent = self.keeper().rules().into_iter().filter(|record| record.persistent);
        assert_eq!(contents.records, persistent.collect::<Vec<_>>());
        assert_eq!(contents.numbering, self.keeper().state.numbering);
    }
}

/// How often the disk is synced for one rule.
fn syncs_of_a_commit() -> usize {
    let mut world = World::with_rules();
    let n_syncs = world.disk.n_syncs();
    world.perform(any(1)).unwrap();
    world.disk.n_syncs() - n_syncs
}

/// What a process that is killed now leaves: a copy of the files tells.
fn as_after_a_kill(dir: &Path) -> Contents {
    let copy = TempDir::new().unwrap();
    copy_as_killed(dir, copy.path()).unwrap();
    RuleStore::open(&Store::open(copy.path()).unwrap(), &Config::default().chain_prefix).unwrap().1
}

/// A kernel that looks at the disk whenever it is changed.
#[derive(Debug)]
struct Witness {
    kernel: DryRun,
    path: std::path::PathBuf,
    seen: Arc<Mutex<Vec<Contents>>>,
}

impl Backend for Witness {
    fn load(&mut self, rules: &dyn Rules) -> Result<(), BackendError> {
        self.kernel.load(rules)
    }

    fn apply(&mut self, changes: &[crate::Change]) -> Result<(), BackendError> {
        self.seen.lock().unwrap().push(as_after_a_kill(&self.path));
        self.kernel.apply(changes)
    }

    fn remove(&mut self) -> Result<(), BackendError> {
        self.kernel.remove()
    }

    fn holds(&mut self, rules: &dyn Rules) -> Result<bool, BackendError> {
        self.kernel.holds(rules)
    }
}

/// A kernel that can be loaded and not changed.
#[derive(Debug)]
struct Stubborn {
    error: fn() -> BackendError,
    loads: Arc<AtomicUsize>,
}

impl Backend for Stubborn {
    fn load(&mut self, _: &dyn Rules) -> Result<(), BackendError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn apply(&mut self, _: &[crate::Change]) -> Result<(), BackendError> {
        Err((self.error)())
    }

    fn remove(&mut self) -> Result<(), BackendError> {
        Ok(())
    }

    fn holds(&mut self, _: &dyn Rules) -> Result<bool, BackendError> {
        Ok(true)
    }
}

fn any(host: u8) -> Order {
    Order::Insert(rule(host, None, true))
}

fn transient(host: u8) -> Order {
    Order::Insert(rule(host, None, false))
}

fn placed(at: i64, host: u8) -> Order {
    Order::Insert(rule(host, Some(number(at)), true))
}

fn rule(host: u8, insert_rule: Option<RuleNumber>, persistent: bool) -> NewRule {
    let packets = Packets::Ipv4Net(std::net::Ipv4Addr::new(192, 0, 2, host).into());
    let rule = Rule { packets, direction: Direction::Both, persistent, insert_rule };
    NewRule::deny(rule, DropProcess::None, &Mode::Host).unwrap()
}

fn number(number: i64) -> RuleNumber {
    RuleNumber::new(number).unwrap()
}

fn at(milliseconds: u64) -> DateTime {
    DateTime::from_millis(milliseconds).unwrap()
}
