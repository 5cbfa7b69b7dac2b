//! Why a message did not get through.

use std::time::Duration;

use thiserror::Error;

/// A message did not get through.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The address is not one of this transfer.
    #[error("the address {address:?} {reason}")]
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody could be reached. Another attempt may get through.
    #[error("{peer} cannot be reached: {reason}")]
    Unreachable {
        /// Who.
        peer: String,
        /// Why.
        reason: String,
    },
    /// Both ends were there, and one refused the other: credentials, certificates, permissions, size. Another attempt is in vain
    /// until somebody changes something; nothing was performed.
    #[error("no agreement with {peer}: {reason}")]
    Refused {
        /// Who.
        peer: String,
        /// Why.
        reason: String,
    },
    /// Who passes messages on has nobody to pass this one to; nothing was performed.
    #[error("nobody hears it at {peer}: {reason}")]
    Unheard {
        /// Who.
        peer: String,
        /// Why.
        reason: String,
    },
    /// The listener cannot listen.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// No answer came in time.
    #[error("no answer within {} s; the Command may have been performed all the same", .0.as_secs_f64())]
    Timeout(Duration),
    /// The connection was lost after the message was sent.
    #[error("the connection was lost before the answer: {0}; the Command may have been performed all the same")]
    Lost(String),
    /// What came back is not an answer of this transfer.
    #[error("not an answer: {0}")]
    Protocol(String),
}
