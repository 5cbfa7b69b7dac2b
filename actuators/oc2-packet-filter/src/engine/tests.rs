use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use oc2_core::StatusCode;
use oc2_core::types::time::{DateTime, Window};
use oc2_profile_slpf::{Direction, DropProcess, Packets, Rule};
use tempfile::TempDir;

use super::*;
use crate::backend::{Backend, BackendError, DryRun};
use crate::config::{Config, Mode};
use crate::plan::NewRule;
use crate::ruleset::{Change, Ruleset};

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
async fn a_full_queue_is_told_at_once() {
    let world = World::new();
    world.misbehaviour.hangs.store(true, Ordering::Relaxed);
    let mut waiting: Vec<_> = (0..QUEUE_LENGTH + 2).map(|_| Box::pin(world.perform(1))).collect();
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
    assert!((1..=2).contains(&n_refused), "{n_refused}: one is being performed, or not yet");
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
    let start = DateTime::now();
    let stop = DateTime::from_millis(start.as_millis() + 100).ok();
    world.engine.perform(order(1), Context::new("producer", Window { start, stop })).await.unwrap();
    assert_eq!(world.kernel.rules().unwrap().len(), 1);
    let deadline = Instant::now() + Duration::from_secs(5);
    while !world.kernel.rules().unwrap().is_empty() {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(DateTime::now() >= stop.unwrap());
}

struct World {
    engine: Engine,
    misbehaviour: Arc<Misbehaviour>,
    kernel: DryRun,
    dir: TempDir,
}

impl World {
    fn new() -> Self {
        Self::open(TempDir::new().unwrap(), DryRun::new())
    }

    fn open(dir: TempDir, kernel: DryRun) -> Self {
        let misbehaviour = Arc::default();
        let backend = Misbehaving { inner: kernel.clone(), how: Arc::clone(&misbehaviour) };
        let keeper = Keeper::open(Arc::new(Config::default()), dir.path(), Box::new(backend)).unwrap();
        Self { engine: Engine::start(keeper).unwrap(), misbehaviour, kernel, dir }
    }

    async fn perform(&self, host: u8) -> Result<Option<RuleNumber>, Rejection> {
        let context = Context::new("producer", Window { start: DateTime::now(), stop: None });
        self.engine.perform(order(host), context).await
    }
}

#[derive(Debug, Default)]
struct Misbehaviour {
    /// In the next call, after it has done its work.
    panics: AtomicBool,
    /// As long as it is set.
    hangs: AtomicBool,
}

#[derive(Debug)]
struct Misbehaving {
    inner: DryRun,
    how: Arc<Misbehaviour>,
}

impl Backend for Misbehaving {
    fn load(&mut self, rules: &Ruleset) -> Result<(), BackendError> {
        self.inner.load(rules)
    }

    fn apply(&mut self, changes: &[Change]) -> Result<(), BackendError> {
        while self.how.hangs.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(1));
        }
        self.inner.apply(changes)?;
        assert!(!self.how.panics.swap(false, Ordering::Relaxed), "a panic on purpose");
        Ok(())
    }

    fn remove(&mut self) -> Result<(), BackendError> {
        self.inner.remove()
    }

    fn holds(&mut self, rules: &Ruleset) -> Result<bool, BackendError> {
        self.inner.holds(rules)
    }
}

fn order(host: u8) -> Order {
    let packets = Packets::Ipv4Net(std::net::Ipv4Addr::new(192, 0, 2, host).into());
    let rule = Rule { packets, direction: Direction::Both, persistent: true, insert_rule: None };
    Order::Insert(NewRule::deny(rule, DropProcess::None, &Mode::Host).unwrap())
}
