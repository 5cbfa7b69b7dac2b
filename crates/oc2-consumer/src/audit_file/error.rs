//! Why there is no audit file.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// An audit file that cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum AuditError {
    /// The file system fails.
    Io {
        /// Where.
        path: PathBuf,
        /// How.
        error: io::Error,
    },
    /// Another process writes to it.
    InUse {
        /// Its lock.
        path: PathBuf,
    },
    /// It holds something, and no record.
    NotAnAuditFile {
        /// Where.
        path: PathBuf,
    },
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, error } => write!(f, "audit file {}: {error}", path.display()),
            Self::InUse { path } => write!(f, "audit file: another process holds {}", path.display()),
            Self::NotAnAuditFile { path } => {
                write!(f, "audit file {}: there is something in it, and no record; it is left alone", path.display())
            }
        }
    }
}

impl std::error::Error for AuditError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::InUse { .. } | Self::NotAnAuditFile { .. } => None,
        }
    }
}
