//! Both ends in one process, for tests, examples, and a Producer that lives beside its Consumer.

use std::fmt;
use std::sync::Arc;

use tokio::time::timeout;

use crate::error::TransferError;
use crate::handler::{Handler, Peer, Request, Scope};
use crate::transfer::{Answer, Answers, Outgoing, Transfer};

/// A transfer that calls a handler. It needs a runtime with time enabled, for its timeouts.
pub struct MemoryTransfer<H> {
    handler: Arc<H>,
    peer: Peer,
}

impl<H: Handler> MemoryTransfer<H> {
    /// A transfer to this handler, under the name `memory`.
    #[must_use]
    pub fn to(handler: Arc<H>) -> Self {
        Self { handler, peer: Peer::Unauthenticated("memory".into()) }
    }

    /// The same under another name.
    #[must_use]
    pub fn with_peer(self, peer: Peer) -> Self {
        Self { peer, ..self }
    }
}

impl<H: Handler> Transfer for MemoryTransfer<H> {
    async fn exchange(&self, outgoing: Outgoing) -> Result<Answers, TransferError> {
        let request = Request {
            peer: self.peer.clone(),
            scope: Scope::Direct,
            content_type: Some(outgoing.media_type.to_owned()),
            request_id: outgoing.request_id,
            body: outgoing.body,
        };
        let handled = timeout(outgoing.timeout, self.handler.handle(request)).await;
        let reply = handled.map_err(|_| TransferError::Timeout(outgoing.timeout))?;
        let (content_type, body) = match reply.body {
            Some(encoded) => (Some(encoded.media_type.to_owned()), encoded.bytes),
            None => (None, bytes::Bytes::new()),
        };
        Ok(Answers::one(Answer { status: Some(reply.status), content_type, body }))
    }
}

impl<H> fmt::Debug for MemoryTransfer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryTransfer({})", self.peer)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::handler::{Refusal, Reply};

    struct Mute;

    impl Handler for Mute {
        async fn handle(&self, _: Request) -> Reply {
            std::future::pending().await
        }

        fn refuse(&self, refusal: Refusal) -> Reply {
            Reply::empty(refusal.rejection.status())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_is_waited_for_no_longer_than_asked() {
        let outgoing = Outgoing { timeout: Duration::from_secs(5), ..Outgoing::new("", "text/plain") };
        let error = MemoryTransfer::to(Arc::new(Mute)).exchange(outgoing).await.unwrap_err();
        assert!(matches!(error, TransferError::Timeout(after) if after == Duration::from_secs(5)), "{error}");
    }
}
