use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why the requests cannot be remembered on disk. The texts are for the operator of this host.
#[derive(Debug)]
#[non_exhaustive]
pub enum RequestStoreError {
    /// Another process works with the store.
    InUse {
        /// The file that tells.
        path: PathBuf,
    },
    /// A later version of this program wrote it.
    Version {
        /// The file.
        path: PathBuf,
        /// The version it says it has.
        found: u64,
    },
    /// It is damaged, or not a store of requests.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The file system failed.
    Io {
        /// The file.
        path: PathBuf,
        /// What the system, or the database, said.
        cause: io::Error,
    },
}

impl fmt::Display for RequestStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse { path } => {
                write!(f, "{} is held by another process: is a second consumer running?", path.display())
            }
            Self::Version { path, found } => {
                let path = path.display();
                write!(f, "{path} has version {found}, which is unknown to this program; it was left as it is")
            }
            Self::Damaged { path, detail } => write!(
                f,
                "{} is not a store of requests that can be read ({detail}); it was left as it is. Without it, requests of the \
                 last hour that are repeated are performed again: if that is acceptable, move it away",
                path.display()
            ),
            Self::Io { path, cause } => write!(f, "{}: {cause}", path.display()),
        }
    }
}

impl Error for RequestStoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { cause, .. } => Some(cause),
            Self::InUse { .. } | Self::Version { .. } | Self::Damaged { .. } => None,
        }
    }
}

/// What went wrong, before it is known with which file.
#[derive(Debug)]
pub(super) enum Cause {
    Database(Box<redb::Error>),
    Damage(Damage),
}

/// What is wrong with a file.
#[derive(Debug)]
pub(super) enum Damage {
    Unreadable,
    Version(u64),
    NoVersion,
}

impl Cause {
    /// An error of opening, reading or writing this file.
    pub(super) fn at(self, path: &Path) -> RequestStoreError {
        let path = path.to_owned();
        let damaged = |path, detail: String| RequestStoreError::Damaged { path, detail };
        match self {
            Self::Damage(Damage::Version(found)) => RequestStoreError::Version { path, found },
            Self::Damage(Damage::NoVersion) => damaged(path, "it does not say its version".to_owned()),
            Self::Damage(Damage::Unreadable) => damaged(path, "it cannot be read".to_owned()),
            Self::Database(cause) => match *cause {
                redb::Error::DatabaseAlreadyOpen => RequestStoreError::InUse { path },
                redb::Error::Io(cause) if is_about_content(&cause) => damaged(path, cause.to_string()),
                redb::Error::Io(cause) => RequestStoreError::Io { path, cause },
                cause if is_damage(&cause) => damaged(path, cause.to_string()),
                cause => RequestStoreError::Io { path, cause: io::Error::other(cause) },
            },
        }
    }
}

/// A file that is too short or begins with something else.
fn is_about_content(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

fn is_damage(error: &redb::Error) -> bool {
    matches!(
        error,
        redb::Error::Corrupted(_)
            | redb::Error::UpgradeRequired(_)
            | redb::Error::TableDoesNotExist(_)
            | redb::Error::TableTypeMismatch { .. }
            | redb::Error::TableIsMultimap(_)
            | redb::Error::TypeDefinitionChanged { .. }
    )
}

impl From<Damage> for Cause {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Self {
        Self::Database(Box::new(redb::Error::Io(error)))
    }
}

macro_rules! from_redb {
    ($($error:ty),+) => {
        $(impl From<$error> for Cause {
            fn from(error: $error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        })+
    };
}

from_redb!(redb::DatabaseError, redb::TransactionError, redb::TableError, redb::StorageError, redb::CommitError);
