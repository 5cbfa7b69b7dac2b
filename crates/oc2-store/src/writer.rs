//! Who writes: whoever comes first, and all that waits at once.
//!
//! A thread that may wait writes by itself, with what others have handed over: nobody is to be woken for it, before or after.
//! For tasks, which may not wait, a thread of the store does, which also tries again what failed, and brings the log into the
//! database when nothing else is to do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::{error, info};

use crate::batch::{Batch, Table};
use crate::error::StoreError;
use crate::merged::{EachRow, Merged};
use crate::state::State;

/// A batch on its way.
pub(crate) struct Order {
    pub(crate) batch: Batch,
    /// Whether it is tried again where the disk fails.
    pub(crate) is_owed: bool,
    pub(crate) done: Done,
}

/// Who is told once a batch is on the disk, with what takes it back. Dropped, it says that it is not.
pub(crate) enum Done {
    Task(oneshot::Sender<()>),
    Thread(SyncSender<Batch>),
}

impl Done {
    /// Who does not wait need not be told.
    fn tell(self, undo: Batch) {
        match self {
            Self::Task(task) => _ = task.send(()),
            Self::Thread(thread) => _ = thread.try_send(undo),
        }
    }
}

/// What waits, and what is kept. Who locks both locks what is kept first.
pub(crate) struct Writer {
    queue: Mutex<Queue>,
    /// Something changed that the thread wants to know.
    call: Condvar,
    kept: Mutex<Kept>,
    /// Whether the disk refused what was last to be written, for those who watch.
    is_failing: AtomicBool,
}

#[derive(Default)]
struct Queue {
    orders: Vec<Order>,
    chore: Chore,
    /// How often something was written, so that the thread sees whether there is something to do.
    n_writes: u64,
    is_closed: bool,
}

/// What there is to do for the thread when nobody comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Chore {
    #[default]
    Nothing,
    /// The database does not have all that is in the log.
    CatchUp,
    /// The disk failed.
    Retry,
}

struct Kept {
    state: State,
    /// What a failed disk still owes.
    owed: Merged,
    /// Whether the database did not take what is in the log.
    cannot_catch_up: bool,
}

impl Writer {
    pub(crate) fn new(state: State) -> Self {
        let kept = Mutex::new(Kept { state, owed: Merged::default(), cannot_catch_up: false });
        Self { queue: Mutex::default(), call: Condvar::new(), kept, is_failing: AtomicBool::new(false) }
    }

    pub(crate) fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Relaxed)
    }

    pub(crate) fn read(&self, table: &Table, row: &mut EachRow<'_>) -> Result<(), StoreError> {
        self.lock_kept().state.read(table, row)
    }

    /// Leaves an order to the thread.
    pub(crate) fn hand_over(&self, order: Order) {
        self.lock_queue().orders.push(order);
        self.call.notify_one();
    }

    /// Writes an order, with whatever waits; it is told of it when this returns.
    pub(crate) fn write_with(&self, order: Order) {
        self.lock_queue().orders.push(order);
        self.write_all();
    }

    /// Takes no more orders but those that are there.
    pub(crate) fn close(&self) {
        self.lock_queue().is_closed = true;
        self.call.notify_one();
    }

    /// Until it is closed.
    pub(crate) fn run(&self) {
        let mut queue = self.lock_queue();
        loop {
            if !queue.orders.is_empty() {
                drop(queue);
                self.write_all();
                queue = self.lock_queue();
                continue;
            }
            if queue.is_closed {
                break;
            }
            let (chore, n_writes) = (queue.chore, queue.n_writes);
            let pause = match chore {
                Chore::Nothing => {
                    queue = self.call.wait(queue).unwrap_or_else(PoisonError::into_inner);
                    continue;
                }
                Chore::CatchUp => REST,
                Chore::Retry => RETRY,
            };
            let (woken, outcome) = self.call.wait_timeout(queue, pause).unwrap_or_else(PoisonError::into_inner);
            queue = woken;
            if outcome.timed_out() && queue.n_writes == n_writes {
                drop(queue);
                self.do_chore(chore);
                queue = self.lock_queue();
            }
        }
        drop(queue);
        self.end();
    }

    /// Writes what waits, unless somebody else just has.
    fn write_all(&self) {
        let mut kept = self.lock_kept();
        let orders = std::mem::take(&mut self.lock_queue().orders);
        if !orders.is_empty() {
            self.write(&mut kept, orders);
        }
    }

    fn do_chore(&self, chore: Chore) {
        let mut kept = self.lock_kept();
        match chore {
            Chore::Nothing => {}
            Chore::CatchUp => self.catch_up(&mut kept),
            Chore::Retry => self.write(&mut kept, Vec::new()),
        }
    }

    fn end(&self) {
        let mut kept = self.lock_kept();
        if !self.is_settled(&kept) {
            self.write(&mut kept, Vec::new());
        }
        if let Err(error) = kept.state.close() {
            error!(%error, "The database does not take what is in the log; it stays there until the next start.");
        }
    }

    /// After a failure there is something to write, if only that there was one: nobody else may come and show that the disk is well.
    fn is_settled(&self, kept: &Kept) -> bool {
        !self.is_failing() && kept.owed.is_empty() && !kept.state.is_in_doubt()
    }

    fn catch_up(&self, kept: &mut Kept) {
        match kept.state.checkpoint() {
            Ok(()) => kept.cannot_catch_up = false,
            Err(error) if !std::mem::replace(&mut kept.cannot_catch_up, true) => {
                error!(%error, "The database does not take what is in the log; it is tried again.");
            }
            Err(_) => {}
        }
        self.set_chore(kept);
    }

    fn write(&self, kept: &mut Kept, orders: Vec<Order>) {
        let mut batches = vec![std::mem::take(&mut kept.owed).into_batch()];
        // What has to be written in any case is kept until it is.
        let mut owed = vec![batches[0].clone()];
        let mut waiting = Vec::new();
        for Order { batch, is_owed, done } in orders {
            if is_owed {
                owed.push(batch.clone());
            }
            batches.push(batch);
            waiting.push(done);
        }
        let written = kept.state.write(batches);
        let was_failing = self.is_failing.swap(written.is_err(), Ordering::Relaxed);
        match written {
            Ok(undos) => {
                if was_failing {
                    info!("The disk takes again what is to be kept.");
                }
                // The first is of what was owed: nobody waits for it any more.
                waiting.into_iter().zip(undos.into_iter().skip(1)).for_each(|(done, undo)| done.tell(undo));
            }
            Err(error) => {
                if !was_failing || !waiting.is_empty() {
                    error!(%error, "The disk does not take what is to be kept.");
                }
                owed.into_iter().for_each(|batch| kept.owed.take_in(batch));
            }
        }
        self.set_chore(kept);
    }

    fn set_chore(&self, kept: &Kept) {
        let chore = match (self.is_settled(kept), kept.state.is_behind()) {
            (false, _) => Chore::Retry,
            (true, true) => Chore::CatchUp,
            (true, false) => Chore::Nothing,
        };
        let mut queue = self.lock_queue();
        queue.n_writes += 1;
        if std::mem::replace(&mut queue.chore, chore) != chore {
            self.call.notify_one();
        }
    }

    fn lock_queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No code that can panic unseen runs while it is held: panics of the database are errors.
    fn lock_kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn hold(&self) -> impl Drop + '_ {
        Held { _kept: self.lock_kept() }
    }

    #[cfg(test)]
    pub(crate) fn n_in_doubt(&self) -> usize {
        self.lock_kept().state.n_in_doubt()
    }
}

/// As long as it is there, nobody writes.
#[cfg(test)]
struct Held<'a> {
    _kept: MutexGuard<'a, Kept>,
}

#[cfg(test)]
impl Drop for Held<'_> {
    fn drop(&mut self) {}
}

/// Between two attempts to write what is owed, where nothing else is to be written.
const RETRY: Duration = Duration::from_secs(1);
/// So long nothing is written before the database gets what is in the log.
const REST: Duration = Duration::from_secs(1);
