use std::io;
use std::path::{Path, PathBuf};

use oc2_profile_slpf::RuleNumber;

/// Why the store cannot be used. The texts are for the operator of this host.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process works with it.
    #[error("{} is held by another process: is a second consumer running?", path.display())]
    InUse {
        /// The file that tells.
        path: PathBuf,
    },
    /// A later version of this program wrote it.
    #[error("{} has version {found}, which is unknown to this program; it was left as it is", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version it says it has.
        found: u64,
    },
    /// It is damaged, or not a store of rules.
    #[error("{} is not a store of rules that can be read ({detail}); it was left as it is", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The file system failed.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The database failed.
    #[error("{}: {cause}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What it said.
        cause: Box<redb::Error>,
    },
}

/// What went wrong, before it is known with which file.
#[derive(Debug)]
pub(super) enum Cause {
    Database(Box<redb::Error>),
    Damage(Damage),
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum Damage {
    #[error("it cannot be read")]
    Unreadable,
    #[error("version {0}")]
    Version(u64),
    #[error("it does not say its version")]
    NoVersion,
    #[error("rule {number}: {reason}")]
    Rule { number: RuleNumber, reason: String },
    #[error("the rule numbers make no sense")]
    Numbers,
}

impl Cause {
    /// An error of opening, reading or writing this file.
    pub(super) fn at(self, path: &Path) -> StoreError {
        let path = path.to_owned();
        match self {
            Self::Damage(Damage::Version(found)) => StoreError::Version { path, found },
            Self::Damage(damage) => StoreError::Damaged { path, detail: damage.to_string() },
            Self::Database(cause) => match *cause {
                redb::Error::DatabaseAlreadyOpen => StoreError::InUse { path },
                redb::Error::Io(cause) if is_about_content(&cause) => {
                    StoreError::Damaged { path, detail: cause.to_string() }
                }
                redb::Error::Io(cause) => StoreError::Io { path, cause },
                cause if is_damage(&cause) => StoreError::Damaged { path, detail: cause.to_string() },
                cause => StoreError::Database { path, cause: Box::new(cause) },
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

/// A record that cannot be written, which only the type of what is written could cause.
impl From<serde_json::Error> for Cause {
    fn from(error: serde_json::Error) -> Self {
        io::Error::from(error).into()
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
