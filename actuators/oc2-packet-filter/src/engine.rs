//! The thread that changes the rules, and the queue that leads to it.
//!
//! One thread, because the kernel and the store take one change after the other, and both make the caller wait.
//! *Invariants.* Orders are performed in the order in which they were queued. A full queue is told at once. A panic is one
//! order's: it is taken back, answered with a failure, and the next order is performed. Whatever is queued when the engine
//! is closed is still performed.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use oc2_actuator::Context;
use oc2_core::Rejection;
use oc2_profile_slpf::RuleNumber;
use tokio::sync::{oneshot, watch};

use crate::error::OpenError;
use crate::keeper::Keeper;
use crate::plan::Order;
use crate::record::RuleRecord;

/// The way to the thread. It ends when this is dropped or closed.
///
/// The queue is the standard library's and not tokio's: the thread has to wait for the next order and for the end of the
/// next window at the same time.
pub(crate) struct Engine {
    queue: Mutex<Option<SyncSender<Job>>>,
    ended: watch::Receiver<()>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives none.
    pub(crate) fn start(keeper: Keeper) -> Result<Self, OpenError> {
        let (queue, jobs) = sync_channel(QUEUE_LENGTH);
        let (ending, ended) = watch::channel(());
        let run = move || {
            run(keeper, &jobs);
            drop(ending);
        };
        let thread =
            thread::Builder::new().name(env!("CARGO_PKG_NAME").into()).spawn(run).map_err(OpenError::Thread)?;
        Ok(Self { queue: Mutex::new(Some(queue)), ended, thread: Mutex::new(Some(thread)) })
    }

    /// Performs an order, after all that were queued before it.
    ///
    /// # Errors
    /// The refusal; 503 if the queue is full or closed; 500 after a panic.
    pub(crate) async fn perform(&self, order: Order, context: Context) -> Result<Option<RuleNumber>, Rejection> {
        self.ask(|reply| Job::Perform { order, context, reply }).await?
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
        match self.lock_queue().as_ref().ok_or_else(closed)?.try_send(job) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => Err(Rejection::unavailable("too many commands are waiting")),
            Err(TrySendError::Disconnected(_)) => Err(closed()),
        }
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

enum Job {
    Perform { order: Order, context: Context, reply: oneshot::Sender<Result<Option<RuleNumber>, Rejection>> },
    Check { order: Order, context: Context, reply: oneshot::Sender<Result<(), Rejection>> },
    Rules(oneshot::Sender<Vec<RuleRecord>>),
    KernelAgrees(oneshot::Sender<Result<bool, Rejection>>),
}

impl Job {
    /// A caller that is gone does not undo the work.
    fn run(self, keeper: &mut Keeper) {
        match self {
            Self::Perform { order, context, reply } => {
                let _ = reply.send(keeper.perform(order, &context));
            }
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

fn run(mut keeper: Keeper, jobs: &Receiver<Job>) {
    loop {
        let job = match keeper.until_tick() {
            Some(timeout) => jobs.recv_timeout(timeout),
            None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        guarded(&mut keeper, Keeper::tick);
        match job {
            Ok(job) => guarded(&mut keeper, |keeper| job.run(keeper)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// The keeper is in order again after a panic, or says itself that it is not.
fn guarded(keeper: &mut Keeper, act: impl FnOnce(&mut Keeper)) {
    let res = catch_unwind(AssertUnwindSafe(|| act(keeper)));
    if res.is_err() {
        let _ = catch_unwind(AssertUnwindSafe(|| keeper.recover()));
    }
}

const QUEUE_LENGTH: usize = 1024;

#[cfg(test)]
mod tests;
