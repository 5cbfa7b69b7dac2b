//! The thread that changes the rules, and the queue that leads to it.
//!
//! One thread, because the kernel and the store take one change after the other, and both make the caller wait. An order that
//! comes alone is performed by whoever brings it, where nobody else has to wait for that: to wake a thread and to be woken by it takes
//! longer than what it does.
//! *Invariants.* One changes the rules at a time. Orders are performed in the order in which they were queued; those that wait at the same time as a group, in
//! one commit and one change of the kernel, each answered on its own. A full queue is told at once. A panic is one order's: it
//! is taken back, answered with a failure, and the others are performed. Whatever is queued when the engine is closed is still
//! performed.

mod desk;
mod group;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use oc2_actuator::Context;
use oc2_clock::Alarm as Wake;
use oc2_core::Rejection;
use oc2_profile_slpf::RuleNumber;
use tokio::sync::{oneshot, watch};

use crate::backend::Alarm;
use crate::error::OpenError;
use crate::keeper::Keeper;
use crate::plan::Order;
use crate::record::RuleRecord;

use self::desk::{Desk, Turn};
use self::group::{Answer, Group, Member};

/// The way to the thread. It ends when this is dropped or closed.
///
/// The queue is the standard library's and not tokio's: the thread has to wait for the next order and for the end of the
/// next window at the same time.
pub(crate) struct Engine {
    queue: Queue,
    standing: Arc<Standing>,
    desk: Arc<Desk>,
    ended: watch::Receiver<()>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives none.
    pub(crate) fn start(mut keeper: Keeper) -> Result<Self, OpenError> {
        let (queue, jobs) = sync_channel(QUEUE_LENGTH);
        let queue: Queue = Arc::new(Mutex::new(Some(queue)));
        let (ending, ended) = watch::channel(());
        let suspicion = Arc::new(AtomicBool::new(false));
        keeper.watch_kernel(alarm(&queue, &suspicion));
        let awaited = Arc::downgrade(&queue);
        let wake = keeper.clock().alarm(move || look(&awaited)).map_err(OpenError::Thread)?;
        let standing = Arc::<Standing>::default();
        let told = Arc::clone(&standing);
        let desk = Arc::new(Desk::new(keeper));
        let own = Arc::clone(&desk);
        let run = move || {
            run(&own, &jobs, &suspicion, &wake, &told);
            own.close();
            drop(ending);
        };
        let thread =
            thread::Builder::new().name(env!("CARGO_PKG_NAME").into()).spawn(run).map_err(OpenError::Thread)?;
        Ok(Self { queue, desk, standing, ended, thread: Mutex::new(Some(thread)) })
    }

    /// Performs an order, after all that were queued before it.
    ///
    /// # Errors
    /// The refusal; 503 if the queue is full or closed; 500 after a panic.
    pub(crate) async fn perform(&self, order: Order, context: Context) -> Result<Option<RuleNumber>, Rejection> {
        if let Some(turn) = self.turn_for(&order) {
            return self.perform_here(turn, order, &context);
        }
        self.ask(|reply| Job::Perform(Member { order, context, reply })).await?
    }

    /// The turn of an order that comes alone, if it may be waited for here.
    fn turn_for(&self, order: &Order) -> Option<Turn<'_>> {
        if matches!(order, Order::Replace(_)) || !desk::may_wait_here() {
            return None;
        }
        let turn = self.desk.try_take()?;
        self.lock_queue().is_some().then_some(turn)
    }

    fn perform_here(&self, mut keeper: Turn<'_>, order: Order, context: &Context) -> Answer {
        let former = keeper.next_deadline();
        guarded(&mut keeper, Keeper::tick);
        let answer = guarded(&mut keeper, |keeper| keeper.perform(order, context));
        // The thread waits for another moment now.
        if keeper.next_deadline() != former || keeper.until_retry().is_some() {
            look(&Arc::downgrade(&self.queue));
        }
        answer.unwrap_or_else(|| Err(Rejection::failed("internal error")))
    }

    /// Whether an order would be refused, after all that were queued before it.
    ///
    /// # Errors
    /// The refusal; 503 if the queue is full or closed; 500 after a panic.
    pub(crate) async fn check(&self, order: Order, context: Context) -> Result<(), Rejection> {
        self.ask(|reply| Job::Check { order, context, reply }).await?
    }

    /// The rules, lowest number first.
    ///
    /// # Errors
    /// 503 if the queue is full or closed.
    pub(crate) async fn rules(&self) -> Result<Vec<RuleRecord>, Rejection> {
        self.ask(Job::Rules).await
    }

    /// How often others had changed what is ours in the kernel.
    pub(crate) fn n_drifts(&self) -> u64 {
        self.standing.n_drifts.load(Ordering::Relaxed)
    }

    /// Whether the disk or the kernel may not hold the rules that it should, so that no command is performed.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.standing.is_in_doubt.load(Ordering::Relaxed)
    }

    /// Whether the kernel holds the rules it should.
    ///
    /// # Errors
    /// 503 if the queue is full or closed, 500 if the kernel does not say.
    pub(crate) async fn kernel_agrees(&self) -> Result<bool, Rejection> {
        self.ask(Job::KernelAgrees).await?
    }

    /// Takes no further orders, and waits until those that are queued are performed and the store is closed.
    pub(crate) async fn close(&self) {
        self.lock_queue().take();
        // An error is what is waited for: the other end is gone.
        while self.ended.clone().changed().await.is_ok() {}
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T, Rejection> {
        let (reply, answer) = oneshot::channel();
        self.enqueue(job(reply))?;
        answer.await.map_err(|_| Rejection::failed("internal error"))
    }

    fn enqueue(&self, job: Job) -> Result<(), Rejection> {
        let closed = || Rejection::unavailable("shutting down");
        let queue = self.lock_queue();
        let queue = queue.as_ref().ok_or_else(closed)?;
        self.desk.one_more_waits();
        queue.try_send(job).map_err(|error| {
            self.desk.one_less_waits();
            match error {
                TrySendError::Full(_) => Rejection::unavailable("too many commands are waiting"),
                TrySendError::Disconnected(_) => closed(),
            }
        })
    }

    /// No code that can panic runs while the lock is held.
    fn lock_queue(&self) -> MutexGuard<'_, Option<SyncSender<Job>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Engine")
    }
}

/// Waits until the store is closed: whoever opens it next must find it free.
impl Drop for Engine {
    fn drop(&mut self) {
        self.lock_queue().take();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A panic of the thread was told by the panic itself.
            let _ = thread.join();
        }
    }
}

/// How the thread stands, for whoever wants to know without waiting for it.
#[derive(Debug, Default)]
struct Standing {
    /// How often others had changed what is ours.
    n_drifts: AtomicU64,
    /// Whether something is to be repaired.
    is_in_doubt: AtomicBool,
}

/// The way into the queue, as long as it is open.
type Queue = Arc<Mutex<Option<SyncSender<Job>>>>;

/// An alarm that does not keep the queue open.
fn alarm(queue: &Queue, suspicion: &Arc<AtomicBool>) -> Alarm {
    let (queue, suspicion) = (Arc::downgrade(queue), Arc::clone(suspicion));
    Alarm::new(move || {
        suspicion.store(true, Ordering::SeqCst);
        look(&queue);
    })
}

/// Wakes the thread, unless there is so much to do that it is awake.
fn look(queue: &Weak<Mutex<Option<SyncSender<Job>>>>) {
    if let Some(queue) = queue.upgrade()
        && let Some(queue) = queue.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
    {
        let _ = queue.try_send(Job::Look);
    }
}

enum Job {
    /// Whatever there is to do, which may be to look at the kernel.
    Look,
    Perform(Member),
    Check {
        order: Order,
        context: Context,
        reply: oneshot::Sender<Result<(), Rejection>>,
    },
    Rules(oneshot::Sender<Vec<RuleRecord>>),
    KernelAgrees(oneshot::Sender<Result<bool, Rejection>>),
}

impl Job {
    /// Whether somebody waits for it.
    fn was_queued(&self) -> bool {
        !matches!(self, Self::Look)
    }

    /// Whether it may be done while a group is under way: what it says is not yet so.
    fn may_go_between(&self) -> bool {
        match self {
            Self::Look | Self::Check { .. } => true,
            Self::Perform(member) => !matches!(member.order, Order::Replace(_)),
            Self::Rules(_) | Self::KernelAgrees(_) => false,
        }
    }

    /// A caller that is gone does not undo the work.
    fn run(self, keeper: &mut Keeper) {
        match self {
            Self::Look => {}
            Self::Perform(member) => member.perform(keeper),
            Self::Check { order, context, reply } => {
                let _ = reply.send(keeper.check(order, &context));
            }
            Self::Rules(reply) => {
                let _ = reply.send(keeper.rules());
            }
            Self::KernelAgrees(reply) => {
                let agrees = keeper.kernel_agrees().map_err(|error| {
                    tracing::error!(%error, "The kernel does not say what it holds.");
                    Rejection::failed("the kernel does not say what it holds")
                });
                let _ = reply.send(agrees);
            }
        }
    }
}

/// A suspicion is looked into at once, but not again before a while has passed: whoever changes our rules all the time is not
/// to keep us from performing commands.
fn run(desk: &Desk, jobs: &Receiver<Job>, suspicion: &AtomicBool, wake: &Wake, standing: &Standing) {
    let mut next_look = Instant::now();
    let mut is_set = false;
    loop {
        let Some(keeper) = desk.take() else { return };
        let (deadline, until_retry) = (keeper.next_deadline(), keeper.until_retry());
        standing.is_in_doubt.store(keeper.is_in_doubt(), Ordering::Relaxed);
        drop(keeper);
        // Also to the time it had: it may have rung, and the clock may have been set since.
        if is_set || deadline.is_some() {
            wake.set(deadline);
            is_set = deadline.is_some();
        }
        let until_look = suspicion.load(Ordering::SeqCst).then(|| next_look.saturating_duration_since(Instant::now()));
        let job = match [until_retry, until_look].into_iter().flatten().min() {
            Some(timeout) => jobs.recv_timeout(timeout),
            None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let Some(mut keeper) = desk.take() else { return };
        if Instant::now() >= next_look && suspicion.swap(false, Ordering::SeqCst) {
            if guarded(&mut keeper, Keeper::look) == Some(true) {
                standing.n_drifts.fetch_add(1, Ordering::Relaxed);
            }
            next_look = Instant::now() + LOOK_INTERVAL;
        }
        guarded(&mut keeper, Keeper::tick);
        match job {
            Ok(job) => {
                let jobs = [job].into_iter().chain(jobs.try_iter()).take(MOST_AT_ONCE);
                desk.count(|n_done| run_all(&mut keeper, jobs.inspect(|job| *n_done += usize::from(job.was_queued()))));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Does what waits, in its order.
fn run_all(keeper: &mut Keeper, jobs: impl Iterator<Item = Job>) {
    let mut group = Group::default();
    for job in jobs {
        if !job.may_go_between() {
            group.commit(keeper);
        }
        match job {
            Job::Perform(member) if !matches!(member.order, Order::Replace(_)) => group.join(keeper, member),
            // What a check panics about changes nothing.
            Job::Check { .. } => _ = catch_unwind(AssertUnwindSafe(|| job.run(keeper))),
            job => _ = guarded(keeper, |keeper| job.run(keeper)),
        }
    }
    group.commit(keeper);
}

/// The keeper is in order again after a panic, or says itself that it is not.
fn guarded<T>(keeper: &mut Keeper, act: impl FnOnce(&mut Keeper) -> T) -> Option<T> {
    let res = catch_unwind(AssertUnwindSafe(|| act(keeper)));
    if res.is_err() {
        let _ = catch_unwind(AssertUnwindSafe(|| keeper.recover()));
    }
    res.ok()
}

/// Between two looks at what others do in the kernel.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
const QUEUE_LENGTH: usize = 1024;
/// More would make the first wait longer than the disk and the kernel do.
const MOST_AT_ONCE: usize = 256;

#[cfg(test)]
mod tests;
