//! A disk that fails on purpose.

use std::fs::{self, File};
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use redb::backends::FileBackend;
use redb::{BackendError, Builder, StorageBackend};

use crate::batch::Batch;
use crate::error::StoreError;
use crate::file::Opener;
use crate::log::format::{self, Header};
use crate::log::{Logs, Medium};
use crate::store::Store;

/// A disk that works for so long. Clones speak of the same disk.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Health>);

#[derive(Debug, Default)]
struct Health {
    is_failing: AtomicBool,
    has_failed: AtomicBool,
    is_full: AtomicBool,
    n_left: AtomicUsize,
    n_syncs: AtomicUsize,
}

impl Disk {
    /// A disk that does not fail yet.
    #[must_use]
    pub fn sound() -> Self {
        Self::default()
    }

    /// Opens the store of a directory on this disk.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(&self, dir: &Path) -> Result<Store, StoreError> {
        Store::open_with(dir, self.opener(), Some(self.logs(Logs::default().n_blocks)))
    }

    /// The same with a log of so many blocks of 4 KiB, if it is made now: one that is soon full.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with_log_of(&self, n_blocks: u32, dir: &Path) -> Result<Store, StoreError> {
        Store::open_with(dir, self.opener(), Some(self.logs(n_blocks)))
    }

    /// It writes and syncs `n` more times, then it fails until it is repaired.
    pub fn fail_after(&self, n: usize) {
        self.0.n_left.store(n, Ordering::SeqCst);
        self.0.has_failed.store(false, Ordering::SeqCst);
        self.0.is_failing.store(true, Ordering::SeqCst);
    }

    /// It takes nothing but what there is room for already, which is in the log, until it is repaired.
    pub fn fill(&self) {
        self.0.is_full.store(true, Ordering::SeqCst);
    }

    /// It works again.
    pub fn repair(&self) {
        self.0.is_full.store(false, Ordering::SeqCst);
        self.0.is_failing.store(false, Ordering::SeqCst);
    }

    /// Whether it was asked for more than it had left.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.0.has_failed.load(Ordering::SeqCst)
    }

    /// How often it was synced.
    #[must_use]
    pub fn n_syncs(&self) -> usize {
        self.0.n_syncs.load(Ordering::SeqCst)
    }

    pub(crate) fn opener(&self) -> Opener {
        let disk = self.clone();
        Box::new(move |path: &Path| {
            let file = File::options().read(true).write(true).open(path).map_err(redb::StorageError::Io)?;
            let disk = disk.clone();
            Builder::new().create_with_backend(FailingFile { file: FileBackend::new(file)?, disk })
        })
    }

    pub(crate) fn logs(&self, n_blocks: u32) -> Logs {
        let disk = self.clone();
        Logs { medium: Box::new(move |file| Box::new(FailingLog { file, disk: disk.clone() })), n_blocks }
    }

    fn grow(&self) -> io::Result<()> {
        match self.0.is_full.load(Ordering::SeqCst) {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => self.work(),
        }
    }

    fn work(&self) -> io::Result<()> {
        if !self.0.is_failing.load(Ordering::SeqCst) {
            return Ok(());
        }
        let spend = |left: usize| left.checked_sub(1);
        self.0.n_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend).map(drop).map_err(|_| {
            self.0.has_failed.store(true, Ordering::SeqCst);
            io::Error::other("a fault on purpose")
        })
    }
}

/// Copies what is in the directory of a store, as it is at one moment while it is open: as a process leaves it that is killed.
///
/// # Errors
/// The file system fails.
pub fn copy_as_killed(from: &Path, to: &Path) -> io::Result<()> {
    let files = || -> io::Result<Vec<_>> {
        let mut files = Vec::new();
        for name in ["state.redb", "state.log"] {
            match fs::read(from.join(name)) {
                Ok(content) => files.push((name, content)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(files)
    };
    let mut seen = files()?;
    loop {
        // The database may have been getting what is in the log.
        let again = files()?;
        if seen == again {
            break;
        }
        seen = again;
    }
    seen.into_iter().try_for_each(|(name, content)| fs::write(to.join(name), content))
}

/// A log that holds these batches, each as a record.
#[must_use]
pub fn log_of(batches: &[Batch]) -> Vec<u8> {
    let (mut records, mut record) = (Vec::new(), Vec::new());
    for (number, batch) in (1..).zip(batches) {
        format::write(&mut record, LOG_ID, number, slice::from_ref(batch));
        records.extend_from_slice(&record);
    }
    let n_blocks = u32::try_from(records.len() / format::BLOCK).unwrap_or(u32::MAX);
    [&Header { id: LOG_ID, n_blocks }.write()[..], &records].concat()
}

/// What anything says that is taken for a log.
///
/// # Errors
/// What is wrong with it.
pub fn read_log(bytes: &[u8]) -> Result<Vec<Batch>, String> {
    let header = Header::read(bytes).map_err(|damage| damage.to_string())?;
    let records = format::read(bytes.get(format::BLOCK..).unwrap_or_default(), header.id, 0);
    Ok(records.map_err(|damage| damage.to_string())?.into_iter().map(|(_, batch)| batch).collect())
}

/// What anything says that is taken for a record, without its checksum; none if it makes no sense.
#[must_use]
pub fn read_record(says: &[u8]) -> Option<Batch> {
    format::changes(says)
}

#[derive(Debug)]
struct FailingLog {
    file: File,
    disk: Disk,
}

impl Medium for FailingLog {
    fn write(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.disk.work()?;
        Medium::write(&self.file, bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.work()?;
        self.disk.0.n_syncs.fetch_add(1, Ordering::SeqCst);
        self.file.sync_data()
    }
}

#[derive(Debug)]
struct FailingFile {
    file: FileBackend,
    disk: Disk,
}

impl StorageBackend for FailingFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.grow()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.work()?;
        self.disk.0.n_syncs.fetch_add(1, Ordering::SeqCst);
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.grow()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }
}

const LOG_ID: u64 = 0x06c2;
