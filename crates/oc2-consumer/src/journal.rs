//! What is remembered over a restart, on its way to the disk: one thread writes all that waits at once.
//!
//! *Invariants.* What a [`Pending`] says is done is durable. Rows are written in the order in which they were handed over, so
//! their numbers only grow. A row that was refused is not on the disk once anything else was written; an outcome that was
//! refused, and a deletion, are tried again until they succeed. A disk that fails costs no memory beyond what is remembered
//! anyway.

use std::any::Any;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::{error, info};

use crate::key::Fingerprint;

/// The way to the disk. Dropped, it waits until all that was handed over is written.
pub(crate) struct Journal {
    /// Absent only while it is dropped.
    queue: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
    #[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "nobody watches"))]
    is_failing: Arc<AtomicBool>,
}

/// A request as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// When it was taken on, in milliseconds since 1970 by the clock of this host.
    pub(crate) admitted: u64,
    /// Who asked, under which id.
    pub(crate) key: Fingerprint,
    /// What was asked for.
    pub(crate) content: Fingerprint,
    /// The answer; none as long as it may be under way.
    pub(crate) outcome: Option<Vec<u8>>,
}

/// Rows to be written, by number; none is one to be deleted.
pub(crate) type Changes = BTreeMap<u64, Option<Row>>;

/// What keeps rows.
pub(crate) trait Ledger: Send + 'static {
    /// Makes all changes durable, or none. Rows from the number `void_from` on may be there by mistake: they go first.
    ///
    /// # Errors
    /// The disk failed; whether the changes are on it is not known.
    fn write(&mut self, changes: &Changes, void_from: Option<u64>) -> Result<(), Failure>;
}

/// Why a ledger failed, for the log.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Says when something is durable.
#[derive(Debug)]
pub(crate) struct Pending(oneshot::Receiver<()>);

/// It is not durable; the log says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotWritten;

impl Journal {
    /// Starts the thread over a ledger whose rows have numbers up to `last`.
    ///
    /// # Errors
    /// The system gives none.
    pub(crate) fn start(ledger: impl Ledger, last: u64) -> io::Result<Self> {
        let (queue, orders) = channel();
        let is_failing = Arc::new(AtomicBool::new(false));
        let telling = Arc::clone(&is_failing);
        let writer =
            Writer { ledger, owed: Changes::new(), written_up_to: last, has_failed: false, is_failing: telling };
        let thread = thread::Builder::new().name("oc2-requests".into()).spawn(move || writer.run(&orders))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), is_failing })
    }

    /// Whether the disk refused what was last to be written.
    #[cfg(feature = "metrics")]
    pub(crate) fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Relaxed)
    }

    /// Has a row written, or deleted, and the rows of `forgotten` deleted in the same step.
    pub(crate) fn write(&self, number: u64, row: Option<Row>, forgotten: Vec<u64>) -> Pending {
        let (done, pending) = oneshot::channel();
        if let Some(queue) = &self.queue {
            // The thread ends only after us; if it did all the same, the pending one would say that nothing was written.
            let _ = queue.send(Order { number, row, forgotten, done });
        }
        Pending(pending)
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Journal")
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.queue.take();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was told by the panic itself.
            let _ = thread.join();
        }
    }
}

impl Pending {
    /// Ready once it is durable.
    ///
    /// # Errors
    /// It is not.
    pub(crate) async fn done(self) -> Result<(), NotWritten> {
        self.0.await.map_err(|_| NotWritten)
    }
}

struct Order {
    number: u64,
    row: Option<Row>,
    forgotten: Vec<u64>,
    done: oneshot::Sender<()>,
}

/// What the thread knows.
struct Writer<L> {
    ledger: L,
    /// What a failed disk still owes.
    owed: Changes,
    /// The highest number of a row that is durable.
    written_up_to: u64,
    /// Whether rows may be on the disk that are said not to be.
    has_failed: bool,
    /// The same, for those who watch.
    is_failing: Arc<AtomicBool>,
}

impl<L: Ledger> Writer<L> {
    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let first = match self.owed.is_empty() {
                true => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => orders.recv_timeout(RETRY),
            };
            match first {
                // Whoever came while the disk was busy goes with the first.
                Ok(first) => self.write([first].into_iter().chain(orders.try_iter())),
                Err(RecvTimeoutError::Timeout) => self.write([]),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if !self.owed.is_empty() {
            self.write([]);
        }
    }

    fn write(&mut self, orders: impl IntoIterator<Item = Order>) {
        let mut changes = std::mem::take(&mut self.owed);
        let mut waiting = Vec::new();
        for Order { number, row, forgotten, done } in orders {
            for number in forgotten {
                self.delete(&mut changes, number);
            }
            match row {
                Some(row) => _ = changes.insert(number, Some(row)),
                None => self.delete(&mut changes, number),
            }
            waiting.push(done);
        }
        if !changes.is_empty() && !self.commit(changes) {
            return;
        }
        for done in waiting {
            // Who does not wait need not be told.
            let _ = done.send(());
        }
    }

    /// A row that never got onto the disk need not be deleted from it.
    fn delete(&self, changes: &mut Changes, number: u64) {
        if number <= self.written_up_to {
            changes.insert(number, None);
        } else {
            changes.remove(&number);
        }
    }

    /// Whether the changes are durable; if not, what of them is to be tried again is owed.
    fn commit(&mut self, mut changes: Changes) -> bool {
        let void_from = self.has_failed.then_some(self.written_up_to + 1);
        let written = catch_unwind(AssertUnwindSafe(|| self.ledger.write(&changes, void_from)));
        let written = written.unwrap_or_else(|panic| Err(what_was_said(&*panic).into()));
        self.is_failing.store(written.is_err(), Ordering::Relaxed);
        match written {
            Ok(()) => {
                if self.has_failed {
                    info!("Requests can be remembered on disk again.");
                }
                self.has_failed = false;
                let last = changes.iter().rev().find(|(_, row)| row.is_some());
                self.written_up_to = last.map_or(0, |(number, _)| *number).max(self.written_up_to);
                true
            }
            Err(error) => {
                error!(%error, "Requests cannot be remembered on disk.");
                self.has_failed = true;
                changes.retain(|_, row| row.as_ref().is_none_or(|row| row.outcome.is_some()));
                self.owed = changes;
                false
            }
        }
    }
}

fn what_was_said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the database panicked: {}", text.unwrap_or("it did not say why"))
}

/// Between two attempts to write what is owed, where nothing else is to be written.
const RETRY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
