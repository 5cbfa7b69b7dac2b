//! Why bytes are not a message, or a message not bytes.

use oc2_core::Invalid;
use oc2_core::shape::read::ReadError;
use thiserror::Error;

use crate::glimpse::Glimpse;

/// Bytes are not a message (DECISIONS L2: 400).
#[derive(Clone, Debug, Error)]
#[error("{reason}")]
pub struct DecodeError {
    reason: ReadError,
    glimpse: Box<Glimpse>,
}

impl DecodeError {
    pub(crate) fn new(reason: ReadError, glimpse: Glimpse) -> Self {
        Self { reason, glimpse: Box::new(glimpse) }
    }

    /// The place and the reason.
    #[must_use]
    pub fn reason(&self) -> &ReadError {
        &self.reason
    }

    /// What could be read all the same, so that the message is answered under its id.
    #[must_use]
    pub fn glimpse(&self) -> &Glimpse {
        &self.glimpse
    }
}

/// A message cannot be written.
#[derive(Debug, Error)]
#[error("the message cannot be written: {0}")]
pub struct EncodeError(Box<dyn std::error::Error + Send + Sync>);

impl EncodeError {
    pub(crate) fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

/// A value that may not be sent.
impl From<Invalid> for EncodeError {
    fn from(invalid: Invalid) -> Self {
        Self::new(invalid)
    }
}

/// A media type is not one of ours (DECISIONS M2: 400).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MediaTypeError {
    /// None was given.
    #[error("no content type is given; {expected} is due")]
    Missing {
        /// The media type to use.
        expected: &'static str,
    },
    /// Another one was given.
    #[error("the content type {found:?} is not {expected}")]
    Unsupported {
        /// What was given, cut to a decent length.
        found: String,
        /// The media type to use.
        expected: &'static str,
    },
    /// The version is missing or another one.
    #[error("the content type {found:?} does not say version=1.0")]
    Version {
        /// What was given, cut to a decent length.
        found: String,
    },
}
