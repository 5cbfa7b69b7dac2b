//! The Consumer's side: who answers what a transfer received.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use oc2_core::{Nsid, Rejection, StatusCode};

/// Answers requests. It cannot fail: every failure has a Response.
pub trait Handler: Send + Sync + 'static {
    /// Answers a message.
    fn handle(&self, request: Request) -> impl Future<Output = Reply> + Send;

    /// Begins to answer a message, which is all where nothing has to be waited for; tasks cost more than such an answer. What has to be
    /// waited for outlives the connection if it is spawned.
    fn start(self: Arc<Self>, request: Request) -> Started
    where
        Self: Sized,
    {
        Started::with(async move { self.handle(request).await })
    }

    /// Words the answer to something that the transfer itself refused, such as a wrong path or a body too large.
    fn refuse(&self, refusal: Refusal) -> Reply;
}

impl<H: Handler> Handler for Arc<H> {
    fn handle(&self, request: Request) -> impl Future<Output = Reply> + Send {
        H::handle(self, request)
    }

    fn start(self: Arc<Self>, request: Request) -> Started {
        H::start(Self::clone(&self), request)
    }

    fn refuse(&self, refusal: Refusal) -> Reply {
        H::refuse(self, refusal)
    }
}

/// A message that arrived.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who sent it.
    pub peer: Peer,
    /// Whom it was sent to.
    pub scope: Scope,
    /// The media type of the body as the transfer states it.
    pub content_type: Option<String>,
    /// The id that the transfer carries beside the message (`X-Request-ID`).
    pub request_id: Option<String>,
    /// The message.
    pub body: Bytes,
    /// Whether an answer is due in any case. Where it is not, a Command that takes long may have none but its last word, which
    /// comes [later](Reply::later).
    pub needs_answer: bool,
}

/// How far the answer to a message is.
#[derive(Debug)]
pub enum Started {
    /// This is the answer.
    Done(Reply),
    /// It takes a while.
    UnderWay(Later),
}

impl Started {
    /// Asks for this once.
    pub fn with(reply: impl Future<Output = Reply> + Send + 'static) -> Self {
        let mut later = Later::new(reply);
        // Whoever is to wake it is told when it is asked again.
        match Pin::new(&mut later).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(reply) => Self::Done(reply),
            Poll::Pending => Self::UnderWay(later),
        }
    }
}

/// Something a transfer refused before there was a message.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Who sent it.
    pub peer: Peer,
    /// The id that the transfer carries beside the message.
    pub request_id: Option<String>,
    /// Why.
    pub rejection: Rejection,
}

/// The answer to a request.
#[derive(Debug)]
pub struct Reply {
    /// The status, for transfers that have a place for it beside the message.
    pub status: StatusCode,
    /// The message; `None` if the Producer wants none (LS 3.3.1.4).
    pub body: Option<Encoded>,
    /// What follows it under the same id, where the transfer has a way for it (DECISIONS L7). A transfer that has none drops it.
    pub later: Option<Later>,
}

impl Reply {
    /// A reply that nothing follows.
    #[must_use]
    pub fn new(status: StatusCode, body: Encoded) -> Self {
        Self { status, body: Some(body), later: None }
    }

    /// A reply without a message.
    #[must_use]
    pub fn empty(status: StatusCode) -> Self {
        Self { status, body: None, later: None }
    }

    /// The same, and this follows.
    #[must_use]
    pub fn and_later(self, later: impl Future<Output = Self> + Send + 'static) -> Self {
        Self { later: Some(Later::new(later)), ..self }
    }
}

/// A reply that is not there yet. It may have a later one itself.
pub struct Later(Pin<Box<dyn Future<Output = Reply> + Send>>);

impl Future for Later {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Reply> {
        self.0.as_mut().poll(context)
    }
}

impl Later {
    /// What this comes to.
    pub fn new(reply: impl Future<Output = Reply> + Send + 'static) -> Self {
        Self(Box::pin(reply))
    }
}

impl fmt::Debug for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Later")
    }
}

/// A message as bytes, with its media type.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The bytes.
    pub bytes: Bytes,
    /// The media type.
    pub media_type: &'static str,
}

/// Who sent a message, as far as the transfer knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Peer {
    /// Somebody at this address, not authenticated.
    Unauthenticated(Arc<str>),
    /// This identity, authenticated by the transfer.
    Authenticated(Arc<str>),
}

impl Peer {
    /// The address or identity.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Unauthenticated(name) | Self::Authenticated(name) => name,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whom a message was sent to: what a transfer knows that the message does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// This Consumer.
    #[default]
    Direct,
    /// The device that this Consumer is, where others may hear it: who is not named in `headers.to` stays silent (DECISIONS M5).
    Device,
    /// Every Consumer that hears it; who is not meant stays silent (DECISIONS R3, R4).
    Broadcast,
    /// Every Consumer with this profile (DECISIONS R7).
    Profile(Nsid),
}

impl Scope {
    /// Whether a message is for many Consumers.
    #[must_use]
    pub fn is_broadcast(self) -> bool {
        matches!(self, Self::Broadcast | Self::Profile(_))
    }
}
