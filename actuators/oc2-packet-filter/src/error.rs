//! Why an actuator cannot start.

use std::io;

use oc2_profile_slpf::RuleNumber;
use oc2_store::{NotWritten, StoreError};

use crate::backend::BackendError;

/// Why an actuator cannot start, or be removed. The texts are for the operator of this host.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The store of rules cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk did not take that windows are over.
    #[error("the rules cannot be stored: {0}")]
    NotWritten(#[from] NotWritten),
    /// A stored rule is none for this kernel.
    #[error("rule {number} of the store cannot be put in force: {reason}")]
    Rule {
        /// Its number.
        number: RuleNumber,
        /// What is wrong.
        reason: String,
    },
    /// The kernel or a tool does not play along.
    #[error("the rules cannot be put in force: {0}")]
    Backend(#[from] BackendError),
    /// The system gives no thread.
    #[error("no thread for the rules: {0}")]
    Thread(#[source] io::Error),
}
