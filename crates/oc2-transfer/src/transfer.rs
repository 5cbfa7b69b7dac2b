//! The Producer's side: how a message gets to a Consumer, and its answers back.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use oc2_core::StatusCode;
use tokio::sync::mpsc;

use crate::error::TransferError;

/// Exchanges a message for its answers.
pub trait Transfer: Send + Sync + 'static {
    /// Sends a message; the answers come when they come.
    ///
    /// # Errors
    /// The message did not get through.
    fn exchange(&self, outgoing: Outgoing) -> impl Future<Output = Result<Answers, TransferError>> + Send;
}

/// A message to send.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The message.
    pub body: Bytes,
    /// Its media type.
    pub media_type: &'static str,
    /// Its id, for transfers that carry it beside the message.
    pub request_id: Option<String>,
    /// How long to wait for an answer. Default 60 seconds.
    pub timeout: Duration,
    /// How many Consumers answer, for transfers that reach many: when so many have given their last word, there are no more
    /// answers. Default unknown: answers come until the time is over.
    pub expected: Option<usize>,
    /// Whether [`exchange`](Transfer::exchange) may return before it is known that the message got through. What went wrong then
    /// comes in the place of the first answer. Default no.
    pub defers_errors: bool,
}

impl Outgoing {
    /// A message without an id, with the default timeout.
    #[must_use]
    pub fn new(body: impl Into<Bytes>, media_type: &'static str) -> Self {
        Self {
            body: body.into(),
            media_type,
            request_id: None,
            timeout: Duration::from_secs(60),
            expected: None,
            defers_errors: false,
        }
    }
}

/// An answer as it arrived.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status that the transfer carries beside the message; counts only where there is no message (DECISIONS R5).
    pub status: Option<StatusCode>,
    /// The media type as the transfer states it.
    pub content_type: Option<String>,
    /// The message; empty if there is none.
    pub body: Bytes,
}

/// The answers to one message, as they arrive.
#[derive(Debug)]
pub struct Answers(mpsc::Receiver<Result<Answer, TransferError>>);

impl Answers {
    /// Answers that arrive through a channel.
    #[must_use]
    pub fn new(answers: mpsc::Receiver<Result<Answer, TransferError>>) -> Self {
        Self(answers)
    }

    /// The one answer of a transfer that has but one.
    #[must_use]
    pub fn one(answer: Answer) -> Self {
        let (sender, receiver) = mpsc::channel(1);
        // The channel is new: it has room, and its receiver is there.
        let _ = sender.try_send(Ok(answer));
        Self(receiver)
    }

    /// The next answer; `None` if there are no more.
    pub async fn next(&mut self) -> Option<Result<Answer, TransferError>> {
        self.0.recv().await
    }
}

/// Any transfer, for programs that choose one at run time.
#[derive(Clone)]
pub struct AnyTransfer(Arc<dyn Erased>);

impl AnyTransfer {
    /// Erases the type of a transfer.
    pub fn new(transfer: impl Transfer) -> Self {
        Self(Arc::new(transfer))
    }
}

impl Transfer for AnyTransfer {
    async fn exchange(&self, outgoing: Outgoing) -> Result<Answers, TransferError> {
        self.0.exchange(outgoing).await
    }
}

impl fmt::Debug for AnyTransfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyTransfer")
    }
}

/// The object-safe twin of [`Transfer`].
#[async_trait]
trait Erased: Send + Sync {
    async fn exchange(&self, outgoing: Outgoing) -> Result<Answers, TransferError>;
}

#[async_trait]
impl<T: Transfer> Erased for T {
    async fn exchange(&self, outgoing: Outgoing) -> Result<Answers, TransferError> {
        Transfer::exchange(self, outgoing).await
    }
}
