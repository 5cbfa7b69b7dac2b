use std::io;
use std::path::{Path, PathBuf};

/// Why a store cannot be used. The texts are for the operator of this host.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process works with it.
    #[error("{} is held by another process: is a second consumer running?", path.display())]
    InUse {
        /// The file that tells.
        path: PathBuf,
    },
    /// Another part of this process works with this area of it.
    #[error("{}: {area} is in use", path.display())]
    AreaInUse {
        /// The file.
        path: PathBuf,
        /// The area.
        area: String,
    },
    /// A later version of this program wrote it.
    #[error("{} has version {found}, which is unknown to this program; it was left as it is", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version it says it has.
        found: u64,
    },
    /// There are files in which an earlier version of this program kept rules and requests.
    #[error("{} was written by an earlier version of this program, which kept rules and requests in files of their own; they are \
        not taken over. Give the rules again and move it away", path.display())]
    Former {
        /// One of the files.
        path: PathBuf,
    },
    /// It is damaged, or no store of ours.
    #[error("{} is not a store that can be read ({detail}); it was left as it is. Without it, the rules are gone, and requests of \
        the last hour that are repeated are performed again: if that is acceptable, move it away", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The log is damaged, or not the one that goes with the database.
    #[error("{} cannot be relied on: {detail}; it was left as it is. It has the latest changes, which the database beside it does \
        not have yet. Without both, the rules are gone, and requests of the last hour that are repeated are performed again: if that \
        is acceptable, move both away", path.display())]
    DamagedLog {
        /// The log.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The file system failed.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system, or the database, said.
        cause: io::Error,
    },
}

/// It is not on the disk; the log says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the disk did not take it")]
pub struct NotWritten;

/// What went wrong, before it is known with which file.
#[derive(Debug)]
pub(crate) enum Cause {
    Database(Box<redb::Error>),
    Damage(Damage),
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Damage {
    #[error("it cannot be read")]
    Unreadable,
    #[error("version {0}")]
    Version(u64),
    #[error("it does not say its version")]
    NoVersion,
    #[error("{0}")]
    Row(String),
    #[error("it does not say which log goes with it")]
    NoLog,
    #[error("{0}")]
    Log(String),
}

impl Cause {
    /// An error of opening, reading or writing this file.
    pub(crate) fn at(self, path: &Path) -> StoreError {
        let path = path.to_owned();
        let damaged = |path, detail: String| StoreError::Damaged { path, detail };
        match self {
            Self::Damage(Damage::Version(found)) => StoreError::Version { path, found },
            Self::Damage(Damage::Log(detail)) => StoreError::DamagedLog { path, detail },
            Self::Damage(damage) => damaged(path, damage.to_string()),
            Self::Database(cause) => match *cause {
                redb::Error::DatabaseAlreadyOpen => StoreError::InUse { path },
                redb::Error::Io(cause) if is_about_content(&cause) => damaged(path, cause.to_string()),
                redb::Error::Io(cause) => StoreError::Io { path, cause },
                cause if is_damage(&cause) => damaged(path, cause.to_string()),
                cause => StoreError::Io { path, cause: io::Error::other(cause) },
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
