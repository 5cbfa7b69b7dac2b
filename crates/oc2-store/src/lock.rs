use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::error::{Cause, StoreError};

/// Says that nobody else works with the store of a directory, as long as it is held.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "it is held, not used")] File);

impl Lock {
    /// Takes the lock of a directory, whether there is a store in it yet or not. An open store holds it.
    ///
    /// # Errors
    /// Another process has it, or the file system fails.
    pub fn take(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join("state.lock");
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(OWNER_ONLY);
        let file = options.open(&path).map_err(|error| Cause::from(error).at(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path }),
            Err(TryLockError::Error(error)) => Err(Cause::from(error).at(&path)),
        }
    }
}

pub(crate) const OWNER_ONLY: u32 = 0o600;
