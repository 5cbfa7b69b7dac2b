use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use crate::batch::{Batch, Table};
use crate::error::{Cause, Damage, NotWritten, StoreError};
use crate::file::{Opener, copier, exists_in, opener};
use crate::log::Logs;
use crate::state::State;
use crate::writer::{Done, Order, Writer};

/// The store of a directory. Clones are the same store; the last one that is dropped waits until all that was handed over is
/// written.
///
/// What waits to be written is held in memory: whoever hands over bounds how much he does at a time.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

/// Which store of this process it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StoreId(u64);

/// A part of the store that is one user's; others who ask for it are refused until its last clone is dropped.
#[derive(Clone, Debug)]
pub struct Area(Arc<Claim>);

/// Says when a batch is on the disk.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<()>);

struct Shared {
    id: StoreId,
    path: PathBuf,
    writer: Arc<Writer>,
    /// Absent only while it is dropped.
    thread: Option<JoinHandle<()>>,
    areas: Mutex<HashSet<String>>,
}

impl Store {
    /// Opens the store of a directory, which must exist, and makes it if there is none.
    ///
    /// Waits for the disk: call it where waiting is allowed.
    ///
    /// # Errors
    /// Another process has it open, it is not a store, it is damaged, the directory holds what an earlier version of this
    /// program kept, or the file system fails.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_with(dir, opener(), Some(Logs::default()))
    }

    /// A copy in memory of the store of a directory, to look at: the file stays as it is, also if it was not closed in order.
    ///
    /// # Errors
    /// There is none ([`io::ErrorKind::NotFound`](std::io::ErrorKind)), another process has it open, it is not a store, it is
    /// damaged, or the file system fails.
    pub fn copy_of(dir: &Path) -> Result<Self, StoreError> {
        exists_in(dir)?;
        Self::open_with(dir, copier(), None)
    }

    pub(crate) fn open_with(dir: &Path, opener: Opener, logs: Option<Logs>) -> Result<Self, StoreError> {
        let state = State::open(dir, opener, logs)?;
        let path = state.path().to_owned();
        let writer = Arc::new(Writer::new(state));
        let run = Arc::clone(&writer);
        let thread = thread::Builder::new().name("oc2-store".into()).spawn(move || run.run());
        let thread = Some(thread.map_err(|error| Cause::from(error).at(&path))?);
        let id = StoreId(N_OPENED.fetch_add(1, Ordering::Relaxed));
        Ok(Self(Arc::new(Shared { id, path, writer, thread, areas: Mutex::default() })))
    }

    /// Which store it is: not that of a directory, but as it is open now.
    #[must_use]
    pub fn id(&self) -> StoreId {
        self.0.id
    }

    /// Takes a part of it.
    ///
    /// # Errors
    /// Somebody else has it.
    pub fn area(&self, name: &str) -> Result<Area, StoreError> {
        let is_free = self.0.areas.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        match is_free {
            true => Ok(Area(Arc::new(Claim { store: self.clone(), name: name.to_owned() }))),
            false => Err(StoreError::AreaInUse { path: self.0.path.clone(), area: name.to_owned() }),
        }
    }

    /// Hands the rows of a table over in the order of their keys; none if there is no such table. What waits to be written is
    /// not among them. Waits for the disk.
    ///
    /// # Errors
    /// The file system fails, or what is read is not what was written: `row` says so, too.
    pub fn read(
        &self,
        table: &Table,
        mut row: impl FnMut(&[u8], &[u8]) -> Result<(), String>,
    ) -> Result<(), StoreError> {
        self.0.writer.read(table, &mut row)
    }

    /// Says that rows which were read cannot have been written by us.
    #[must_use]
    pub fn damaged(&self, detail: String) -> StoreError {
        Cause::from(Damage::Row(detail)).at(&self.0.path)
    }

    /// Has a batch written, together with all others that wait. If the disk fails it is given up.
    pub fn write(&self, batch: Batch) -> Pending {
        self.enqueue_task(batch, false)
    }

    /// The same for what has to be written in any case: it is tried again until it is. Who waits is told of the first failure.
    pub fn owe(&self, batch: Batch) -> Pending {
        self.enqueue_task(batch, true)
    }

    /// As [`Store::write`], and waits: for threads that may. What takes it back.
    ///
    /// # Errors
    /// It is not on the disk.
    pub fn commit(&self, batch: Batch) -> Result<Batch, NotWritten> {
        self.enqueue_thread(batch, false)
    }

    /// As [`Store::owe`], and waits: for threads that may.
    ///
    /// # Errors
    /// It is not on the disk yet.
    pub fn commit_owed(&self, batch: Batch) -> Result<(), NotWritten> {
        self.enqueue_thread(batch, true).map(drop)
    }

    /// Waits until all that is owed is on the disk, and nothing that was said not to be: for threads that may wait.
    ///
    /// # Errors
    /// The disk fails.
    pub fn settle(&self) -> Result<(), NotWritten> {
        self.commit_owed(Batch::new())
    }

    /// Whether the disk refused what was last to be written.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.0.writer.is_failing()
    }

    fn enqueue_task(&self, batch: Batch, is_owed: bool) -> Pending {
        let (done, pending) = oneshot::channel();
        self.0.writer.hand_over(Order { batch, is_owed, done: Done::Task(done) });
        Pending(pending)
    }

    fn enqueue_thread(&self, batch: Batch, is_owed: bool) -> Result<Batch, NotWritten> {
        let (done, pending) = sync_channel(1);
        self.0.writer.write_with(Order { batch, is_owed, done: Done::Thread(done) });
        pending.try_recv().map_err(|_| NotWritten)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.writer.close();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was told by the panic itself.
            let _ = thread.join();
        }
    }
}

impl Area {
    /// A table of this part; it comes to be with its first row.
    #[must_use]
    pub fn table(&self, name: &str) -> Table {
        Table(format!("{}/{name}", self.0.name).into())
    }

    /// The store that it is a part of.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }
}

#[derive(Debug)]
struct Claim {
    store: Store,
    name: String,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.store.0.areas.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

impl Pending {
    /// Ready once it is on the disk.
    ///
    /// # Errors
    /// It is not.
    pub async fn done(self) -> Result<(), NotWritten> {
        self.0.await.map_err(|_| NotWritten)
    }
}

static N_OPENED: AtomicU64 = AtomicU64::new(0);

#[cfg(test)]
mod tests;
