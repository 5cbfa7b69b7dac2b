mod alone;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use oc2_clock::{Clock, Hand};
use oc2_core::StatusCode;
use oc2_core::types::time::{DateTime, Window};
use oc2_profile_slpf::{Direction, DropProcess, Packets, Rule};
use oc2_store::testing::Disk;
use tempfile::TempDir;

use super::*;
use crate::backend::{Backend, BackendError, DryRun};
use crate::config::{Config, Mode};
use crate::plan::NewRule;
use crate::ruleset::{Change, InForce, Rules};

#[tokio::test]
async fn a_panic_fails_one_order_and_leaves_nothing_of_it() {
    let world = World::new();
    world.perform(1).await.unwrap();
    world.misbehaviour.panics.store(true, Ordering::Relaxed);
    let rejection = world.perform(2).await.unwrap_err();
    assert_eq!((rejection.status(), rejection.text()), (StatusCode::InternalError, "internal error"));
    world.perform(3).await.unwrap();
    let numbers: Vec<i64> = world.engine.rules().await.unwrap().iter().map(|record| record.number.as_i64()).collect();
    assert_eq!(numbers, [999_970, 999_990]);
    assert!(world.engine.kernel_agrees().await.unwrap());
}

#[tokio::test]
async fn a_panic_in_a_group_is_one_orders() {
    let world = World::new();
    world.misbehaviour.panics_at.store(7, Ordering::Relaxed);
    let answers = world.perform_at_once(1..20).await;
    for (host, answer) in (1..20).zip(&answers) {
        match answer {
            Ok(_) => assert_ne!(host, 7),
            Err(rejection) => assert_eq!((host, rejection.text()), (7, "internal error")),
        }
    }
    world.assert_order(&answers).await;
}

#[tokio::test]
async fn one_that_the_kernel_does_not_take_does_not_spoil_the_others() {
    let world = World::new();
    world.misbehaviour.refuses.store(7, Ordering::Relaxed);
    let answers = world.perform_at_once(1..20).await;
    for (host, answer) in (1..20).zip(&answers) {
        match answer {
            Ok(_) => assert_ne!(host, 7),
            Err(rejection) => assert_eq!((host, rejection.status()), (7, StatusCode::NotImplemented)),
        }
    }
    world.assert_order(&answers).await;
}

#[tokio::test]
async fn a_disk_that_fails_refuses_all_of_a_group_and_leaves_nothing() {
    let world = World::new();
    world.perform(1).await.unwrap();
    world.hold().await;
    let asked: Vec<_> = (2..20).map(|host| world.ask(host)).collect();
    world.disk.fail_after(0);
    world.misbehaviour.hangs.store(false, Ordering::Relaxed);
    for asked in asked {
        let rejection = asked.await.unwrap_err();
        assert!([500, 503].contains(&rejection.status().as_u16()), "{rejection}");
    }
    world.disk.repair();
    let in_force = world.engine.rules().await.unwrap();
    assert_eq!(in_force.len(), 2, "the first, and that which was being performed");
    assert!(world.engine.kernel_agrees().await.unwrap());
    let numbers: Vec<_> = in_force.iter().map(|record| record.number).collect();
    let next = loop {
        match world.perform(3).await {
            Ok(number) => break number.unwrap(),
            Err(rejection) => assert_eq!(rejection.status(), StatusCode::ServiceUnavailable),
        }
    };
    assert!(!numbers.contains(&next));
}

#[tokio::test]
async fn what_waits_takes_one_commit_and_one_change_of_the_kernel() {
    let world = World::new();
    world.perform(1).await.unwrap();
    let (n_syncs, n_changes) = (world.disk.n_syncs(), world.misbehaviour.n_changes.load(Ordering::Relaxed));
    let answers = world.perform_at_once(2..200).await;
    // That which holds the thread is one more.
    assert_eq!(world.misbehaviour.n_changes.load(Ordering::Relaxed) - n_changes, 2);
    assert!(world.disk.n_syncs() - n_syncs <= 4, "{}", world.disk.n_syncs() - n_syncs);
    assert!(answers.iter().all(Result::is_ok));
    world.assert_order(&answers).await;
}

#[tokio::test]
async fn questions_and_replacements_keep_their_place_among_orders() {
    let world = World::new();
    world.hold().await;
    let first = world.ask(1);
    let rules = Box::pin(world.engine.rules());
    let taken = new_rule(9, RuleNumber::new(5).ok());
    let context = || Context::new("producer", Window { start: DateTime::now(), stop: None });
    let replaced = Box::pin(world.engine.perform(Order::Replace(vec![taken.clone()]), context()));
    let refused = Box::pin(world.engine.check(Order::Insert(taken), context()));
    let last = Box::pin(world.engine.rules());
    let release = async { world.misbehaviour.hangs.store(false, Ordering::Relaxed) };
    // Polled in this order, so queued in this order.
    let (rules, replaced, refused, last, ()) = tokio::join!(biased; rules, replaced, refused, last, release);
    first.await.unwrap();
    replaced.unwrap();
    assert_eq!(rules.unwrap().len(), 2);
    assert!(refused.unwrap_err().text().starts_with("Rule number currently in use"));
    assert_eq!(last.unwrap().len(), 1);
}

#[tokio::test]
async fn a_full_queue_is_told_at_once() {
    let world = World::new();
    world.misbehaviour.hangs.store(true, Ordering::Relaxed);
    let n_asked = QUEUE_LENGTH + MOST_AT_ONCE + 1;
    let mut waiting: Vec<_> = (0..n_asked).map(|_| Box::pin(world.perform(1))).collect();
    let mut n_refused = 0;
    for asked in &mut waiting {
        tokio::select! {
            biased;
            res = asked => {
                assert_eq!(res.unwrap_err().status(), StatusCode::ServiceUnavailable);
                n_refused += 1;
            }
            () = std::future::ready(()) => {}
        }
    }
    assert!((1..=MOST_AT_ONCE + 1).contains(&n_refused), "{n_refused}: a group is being performed, or not yet");
    world.misbehaviour.hangs.store(false, Ordering::Relaxed);
}

#[tokio::test]
async fn what_is_queued_is_performed_before_the_end_and_nothing_after() {
    let world = World::new();
    let (res, ()) = tokio::join!(biased; world.perform(1), world.engine.close());
    res.unwrap();
    assert_eq!(world.perform(2).await.unwrap_err().status(), StatusCode::ServiceUnavailable);
    world.engine.close().await;
    let reopened = World::open(world.dir, world.kernel);
    assert_eq!(reopened.engine.rules().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_window_ends_without_a_command() {
    let world = World::new();
    let stop = world.deny_for(100).await;
    world.until_there_are_no_rules().await;
    assert!(DateTime::now() >= stop);
}

#[tokio::test]
async fn a_clock_that_is_set_wakes_the_engine() {
    let start = DateTime::from_millis(1_700_000_000_000).unwrap();
    let (hand, clock) = Hand::at(start);
    let world = World::by(clock);
    world.deny_for(3_600_000).await;
    world.deny_for(7_200_000).await;
    hand.set(DateTime::from_millis(1_600_000_000_000).unwrap());
    assert_eq!(world.engine.rules().await.unwrap().len(), 2);
    hand.set(DateTime::from_millis(start.as_millis() + 3_600_000).unwrap());
    world.until(1).await;
    hand.pass(3_599_999);
    assert_eq!(world.engine.rules().await.unwrap().len(), 1);
    hand.pass(1);
    world.until_there_are_no_rules().await;
}

struct World {
    engine: Arc<Engine>,
    misbehaviour: Arc<Misbehaviour>,
    kernel: DryRun,
    disk: Disk,
    clock: Clock,
    dir: TempDir,
}

impl World {
    fn new() -> Self {
        Self::open(TempDir::new().unwrap(), DryRun::new())
    }

    fn by(clock: Clock) -> Self {
        Self::open_by(clock, TempDir::new().unwrap(), DryRun::new())
    }

    fn open(dir: TempDir, kernel: DryRun) -> Self {
        Self::open_by(Clock::of_host(), dir, kernel)
    }

    fn open_by(clock: Clock, dir: TempDir, kernel: DryRun) -> Self {
        let misbehaviour = Arc::default();
        let backend = Misbehaving { inner: kernel.clone(), how: Arc::clone(&misbehaviour) };
        let config = Arc::new(Config { clock: clock.clone(), ..Config::default() });
        let disk = Disk::sound();
        let store = disk.open(dir.path()).unwrap();
        let keeper = Keeper::open(config, &store, Box::new(backend)).unwrap();
        drop(store);
        Self { engine: Arc::new(Engine::start(keeper).unwrap()), misbehaviour, kernel, disk, clock, dir }
    }

    /// When its window closes.
    async fn deny_for(&self, milliseconds: u64) -> DateTime {
        let start = self.clock.now();
        let stop = DateTime::from_millis(start.as_millis() + milliseconds).unwrap();
        let context = Context::new("producer", Window { start, stop: Some(stop) });
        self.engine.perform(order(1), context).await.unwrap();
        stop
    }

    async fn until_there_are_no_rules(&self) {
        self.until(0).await;
    }

    /// Waits until the kernel has the rules of so many commands, without asking the engine, which would wake it.
    async fn until(&self, n_commands: usize) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.kernel.rules().unwrap().len() != n_commands {
            assert!(Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn perform(&self, host: u8) -> Result<Option<RuleNumber>, Rejection> {
        let context = Context::new("producer", Window { start: DateTime::now(), stop: None });
        self.engine.perform(order(host), context).await
    }

    /// Queues an order now.
    fn ask(&self, host: u8) -> Pin<Box<dyn Future<Output = Asked> + Send>> {
        let engine = Arc::clone(&self.engine);
        let context = Context::new("producer", Window { start: DateTime::now(), stop: None });
        let mut asked = Box::pin(async move { engine.perform(order(host), context).await });
        let polled = asked.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        assert!(polled.is_pending(), "the thread is held");
        asked
    }

    /// Has the thread wait in the kernel for an order of its own.
    async fn hold(&self) {
        self.misbehaviour.hangs.store(true, Ordering::Relaxed);
        let n_changes = self.misbehaviour.n_changes.load(Ordering::Relaxed);
        drop(self.ask(250));
        while self.misbehaviour.n_changes.load(Ordering::Relaxed) == n_changes {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// What becomes of orders that all wait at the same time.
    async fn perform_at_once(&self, hosts: std::ops::Range<u8>) -> Vec<Asked> {
        self.hold().await;
        let asked: Vec<_> = hosts.map(|host| self.ask(host)).collect();
        self.misbehaviour.hangs.store(false, Ordering::Relaxed);
        let mut answers = Vec::new();
        for asked in asked {
            answers.push(asked.await);
        }
        answers
    }

    /// In force is what was answered so, in the order of the commands, and the kernel has it.
    async fn assert_order(&self, answers: &[Asked]) {
        let given: Vec<_> = answers.iter().flatten().map(|number| number.unwrap()).collect();
        assert!(given.is_sorted_by(|first, second| first > second), "{given:?}");
        let in_force: Vec<_> = self.engine.rules().await.unwrap().iter().map(|record| record.number).collect();
        assert!(given.iter().all(|number| in_force.contains(number)), "{given:?} {in_force:?}");
        let n_failed = answers.iter().filter(|answer| answer.is_err()).count();
        assert!(in_force.len() <= answers.len() - n_failed + 2, "{in_force:?}");
        assert!(self.engine.kernel_agrees().await.unwrap());
    }
}

type Asked = Result<Option<RuleNumber>, Rejection>;

#[derive(Debug, Default)]
struct Misbehaviour {
    /// In the next call, after it has done its work.
    panics: AtomicBool,
    /// As long as it is set.
    hangs: AtomicBool,
    /// Whenever a rule for this host comes, after it has done its work.
    panics_at: AtomicU8,
    /// Rules for this host.
    refuses: AtomicU8,
    /// How often it was to change something.
    n_changes: AtomicUsize,
    /// How often by the thread of the engine.
    n_changes_of_thread: AtomicUsize,
}

#[derive(Debug)]
struct Misbehaving {
    inner: DryRun,
    how: Arc<Misbehaviour>,
}

impl Backend for Misbehaving {
    fn is_prompt(&self) -> bool {
        true
    }

    fn load(&mut self, rules: &dyn Rules) -> Result<(), BackendError> {
        self.how.judge(rules.in_order())?;
        self.inner.load(rules)
    }

    fn apply(&mut self, changes: &[Change]) -> Result<(), BackendError> {
        self.how.n_changes.fetch_add(1, Ordering::Relaxed);
        if thread::current().name() == Some(env!("CARGO_PKG_NAME")) {
            self.how.n_changes_of_thread.fetch_add(1, Ordering::Relaxed);
        }
        self.how.judge(changes.iter().map(|change| change.rule().clone()))?;
        while self.how.hangs.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(1));
        }
        self.inner.apply(changes)?;
        assert!(!self.how.panics.swap(false, Ordering::Relaxed), "a panic on purpose");
        let panics_at = self.how.panics_at.load(Ordering::Relaxed);
        assert!(!changes.iter().any(|change| is_for(change.rule(), panics_at)), "a panic on purpose");
        Ok(())
    }

    fn remove(&mut self) -> Result<(), BackendError> {
        self.inner.remove()
    }

    fn holds(&mut self, rules: &dyn Rules) -> Result<bool, BackendError> {
        self.inner.holds(rules)
    }
}

impl Misbehaviour {
    fn judge(&self, mut rules: impl Iterator<Item = InForce>) -> Result<(), BackendError> {
        let refused = self.refuses.load(Ordering::Relaxed);
        match rules.any(|rule| is_for(&rule, refused)) {
            true => Err(BackendError::Refused { family: None, detail: "on purpose".to_owned() }),
            false => Ok(()),
        }
    }
}

fn is_for(rule: &InForce, host: u8) -> bool {
    host != 0 && format!("{rule:?}").contains(&format!("192.0.2.{host},"))
}

fn order(host: u8) -> Order {
    Order::Insert(new_rule(host, None))
}

fn new_rule(host: u8, insert_rule: Option<RuleNumber>) -> NewRule {
    let packets = Packets::Ipv4Net(std::net::Ipv4Addr::new(192, 0, 2, host).into());
    let rule = Rule { packets, direction: Direction::Both, persistent: true, insert_rule };
    NewRule::deny(rule, DropProcess::None, &Mode::Host).unwrap()
}
