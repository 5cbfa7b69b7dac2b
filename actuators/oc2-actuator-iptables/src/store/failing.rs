//! A disk that fails on purpose.

use std::fs::File;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use redb::backends::FileBackend;
use redb::{BackendError, Builder, StorageBackend};

use super::Opener;

/// How many more times the disk works. Clones speak of the same disk.
#[derive(Clone, Debug)]
pub(crate) struct Disk(Arc<AtomicUsize>);

impl Disk {
    /// A disk that does not fail yet.
    pub(crate) fn sound() -> Self {
        Self(Arc::new(AtomicUsize::new(usize::MAX)))
    }

    /// It writes and syncs `n` more times, then it fails until it is repaired.
    pub(crate) fn fail_after(&self, n: usize) {
        self.0.store(n, Ordering::Relaxed);
    }

    pub(crate) fn repair(&self) {
        self.fail_after(usize::MAX);
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
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
        let spend = |left: usize| if left == usize::MAX { Some(left) } else { left.checked_sub(1) };
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend) {
            Ok(_) => Ok(()),
            Err(_) => Err(io::Error::other("a fault on purpose")),
        }
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
