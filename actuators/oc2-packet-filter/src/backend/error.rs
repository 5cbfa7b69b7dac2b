use std::io;
use std::time::Duration;

use crate::rule::Family;
use crate::ruleset::Mismatch;

/// Why a back end did not do what it was told.
///
/// The texts are for the log of this host: they name tools and quote them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// A tool is not installed, or not where it was looked for.
    #[error("{tool} is in none of the directories searched")]
    MissingTool {
        /// Its name.
        tool: String,
    },
    /// A tool could not be started or spoken to, or the kernel could not.
    #[error("{}it could not be spoken to: {cause}", of(*family))]
    Unusable {
        /// The family it is for; none means both.
        family: Option<Family>,
        /// What the system said.
        cause: io::Error,
    },
    /// The changes do not fit the rules that are held.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// What the kernel holds is not known, so nothing can be changed until a `load`.
    #[error("what the kernel holds is not known: load first")]
    Unsynced,
    /// The tool or the kernel said no.
    #[error("{}refused: {detail}", of(*family))]
    Refused {
        /// The family of the transaction; none means both in one.
        family: Option<Family>,
        /// What the tool said.
        detail: String,
    },
    /// Another program kept the tables locked (legacy flavor).
    #[error("{}another program holds the lock of the tables", of(*family))]
    Busy {
        /// The family of the transaction; none means both in one.
        family: Option<Family>,
    },
    /// The tool was killed at its work.
    #[error("{}it ended before it answered: {detail}", of(*family))]
    Died {
        /// The family of the transaction; none means both in one.
        family: Option<Family>,
        /// How it ended and what it said.
        detail: String,
    },
    /// The tool did not answer in time and was killed.
    #[error("{}no answer within {after:?}", of(*family))]
    Timeout {
        /// The family of the transaction; none means both in one.
        family: Option<Family>,
        /// The time it had.
        after: Duration,
    },
    /// One step of several failed, and those before it could not be taken back.
    #[error("one step failed ({cause}), then those before it could not be taken back ({undo})")]
    HalfApplied {
        /// Why it failed.
        cause: Box<Self>,
        /// Why the others could not be taken back.
        undo: Box<Self>,
    },
}

impl BackendError {
    /// Whether the kernel certainly holds what it held before the call. If not, only a `load` helps.
    #[must_use]
    pub fn left_unchanged(&self) -> bool {
        match self {
            Self::MissingTool { .. }
            | Self::Unusable { .. }
            | Self::Mismatch(_)
            | Self::Refused { .. }
            | Self::Busy { .. } => true,
            Self::Unsynced | Self::Died { .. } | Self::Timeout { .. } | Self::HalfApplied { .. } => false,
        }
    }
}

fn of(family: Option<Family>) -> String {
    family.map(|family| format!("{family}: ")).unwrap_or_default()
}
