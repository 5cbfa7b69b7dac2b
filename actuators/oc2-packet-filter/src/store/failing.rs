//! A disk that fails on purpose.

use std::fs::File;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use redb::backends::FileBackend;
use redb::{BackendError, Builder, StorageBackend};

use super::Opener;

/// A disk that works for so long. Clones speak of the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Health>);

#[derive(Debug, Default)]
struct Health {
    is_failing: AtomicBool,
    has_failed: AtomicBool,
    n_left: AtomicUsize,
}

impl Disk {
    /// A disk that does not fail yet.
    pub(crate) fn sound() -> Self {
        Self::default()
    }

    /// It writes and syncs `n` more times, then it fails until it is repaired.
    pub(crate) fn fail_after(&self, n: usize) {
        self.0.n_left.store(n, Ordering::Relaxed);
        self.0.has_failed.store(false, Ordering::Relaxed);
        self.0.is_failing.store(true, Ordering::Relaxed);
    }

    pub(crate) fn repair(&self) {
        self.0.is_failing.store(false, Ordering::Relaxed);
    }

    /// Whether it was asked for more than it had left.
    pub(crate) fn has_failed(&self) -> bool {
        self.0.has_failed.load(Ordering::Relaxed)
    }

    /// Opens databases on this disk.
    pub(crate) fn opener(&self) -> Opener {
        let disk = self.clone();
        Box::new(move |path: &Path| {
            let file = File::options().read(true).write(true).open(path).map_err(redb::StorageError::Io)?;
            let disk = disk.clone();
            Builder::new().create_with_backend(FailingFile { file: FileBackend::new(file)?, disk })
        })
    }

    fn work(&self) -> io::Result<()> {
        if !self.0.is_failing.load(Ordering::Relaxed) {
            return Ok(());
        }
        let spend = |left: usize| left.checked_sub(1);
        self.0.n_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).map(drop).map_err(|_| {
            self.0.has_failed.store(true, Ordering::Relaxed);
            io::Error::other("a fault on purpose")
        })
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
        self.disk.work()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.work()?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.work()?;
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
