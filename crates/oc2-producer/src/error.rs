//! Why a Command has no Response.

use oc2_core::Invalid;
use oc2_core::types::text::RequestId;
use oc2_encoding::{DecodeError, EncodeError, MediaTypeError};
use oc2_transfer::TransferError;
use thiserror::Error;

/// A Command was not sent, or has no Response.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProducerError {
    /// A Producer must not send this Command; nothing was sent.
    #[error("a Producer must not send this: {0}")]
    Forbidden(Invalid),
    /// The Command cannot be written; nothing was sent.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The message did not get through, or no answer came back.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// Something came back that is no Response to the Command. The Command may have been performed all the same.
    #[error("what came back is no Response to the Command: {0}")]
    Answer(#[from] AnswerError),
    /// The transfer has no more answers, and gave none.
    #[error("no answer came; the Command may have been performed all the same")]
    NoAnswer,
}

/// An answer is not a Response to the Command: what the Consumer did wrong.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// It is not a message.
    #[error("{0}")]
    Unreadable(#[from] DecodeError),
    /// It says that it is something else.
    #[error("{0}")]
    ContentType(#[from] MediaTypeError),
    /// It is a message of another kind.
    #[error("it is {0}")]
    OtherContent(&'static str),
    /// It answers another Command.
    #[error("its request_id is {found}, that of the Command is {expected}")]
    OtherRequest {
        /// The id of the Command.
        expected: RequestId,
        /// The id of the answer.
        found: RequestId,
    },
    /// It does not say which Command it answers.
    #[error("it has no request_id")]
    NoRequestId,
    /// There is neither a message nor a status.
    #[error("it has neither a message nor a status")]
    Empty,
}
