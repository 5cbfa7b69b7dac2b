//! The thread that writes: whatever waits, at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::{error, info};

use crate::batch::{Batch, Merged};
use crate::file::File;

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

/// What the thread knows.
pub(crate) struct Writer {
    file: Arc<Mutex<File>>,
    /// What a failed disk still owes.
    owed: Merged,
    /// Whether the disk refused what was last to be written, for those who watch.
    is_failing: Arc<AtomicBool>,
}

impl Writer {
    pub(crate) fn new(file: Arc<Mutex<File>>, is_failing: Arc<AtomicBool>) -> Self {
        Self { file, owed: Merged::default(), is_failing }
    }

    pub(crate) fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let first = match self.is_settled() {
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
        if !self.is_settled() {
            self.write([]);
        }
    }

    /// After a failure there is something to write, if only that there was one: nobody else may come and show that the disk is well.
    fn is_settled(&self) -> bool {
        !self.is_failing.load(Ordering::Relaxed) && self.owed.is_empty() && !lock(&self.file).is_in_doubt()
    }

    fn write(&mut self, orders: impl IntoIterator<Item = Order>) {
        let mut batches = vec![std::mem::take(&mut self.owed).into_batch()];
        let mut waiting = Vec::new();
        for Order { batch, is_owed, done } in orders {
            batches.push(batch);
            waiting.push((is_owed, done));
        }
        let written = lock(&self.file).write(&batches);
        let has_failed = written.is_err();
        let was_failing = self.is_failing.swap(has_failed, Ordering::Relaxed);
        match written {
            Ok(undos) => {
                if was_failing {
                    info!("The disk takes again what is to be kept.");
                }
                // The first is of what was owed: nobody waits for it any more.
                waiting.into_iter().zip(undos.into_iter().skip(1)).for_each(|((_, done), undo)| done.tell(undo));
            }
            Err(error) => {
                if !was_failing || !waiting.is_empty() {
                    error!(%error, "The disk does not take what is to be kept.");
                }
                let is_owed = [true].into_iter().chain(waiting.iter().map(|(is_owed, _)| *is_owed));
                batches
                    .into_iter()
                    .zip(is_owed)
                    .filter(|(_, is_owed)| *is_owed)
                    .for_each(|(batch, _)| self.owed.take_in(batch));
            }
        }
    }
}

/// No code that can panic unseen runs while it is held: panics of the database are errors.
pub(crate) fn lock(file: &Mutex<File>) -> MutexGuard<'_, File> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Between two attempts to write what is owed, where nothing else is to be written.
const RETRY: Duration = Duration::from_secs(1);
