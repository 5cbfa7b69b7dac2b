//! Both ends in one process, for tests, examples, and a Producer that lives beside its Consumer.

use std::fmt;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::error::TransferError;
use crate::handler::{Handler, Later, Peer, Reply, Request, Scope};
use crate::transfer::{Answer, Answers, Outgoing, Transfer};

/// A transfer that calls a handler, or many of them. It needs a runtime with time enabled, for its timeouts.
pub struct MemoryTransfer<H> {
    handlers: Vec<Arc<H>>,
    scope: Scope,
    peer: Peer,
}

impl<H: Handler> MemoryTransfer<H> {
    /// A transfer to this handler, under the name `memory`.
    #[must_use]
    pub fn to(handler: Arc<H>) -> Self {
        Self { handlers: vec![handler], scope: Scope::Direct, peer: Peer::Unauthenticated("memory".into()) }
    }

    /// A transfer to all of these, as if each heard a message that is for everybody: all answer at once, or keep silent.
    #[must_use]
    pub fn to_all(handlers: impl IntoIterator<Item = Arc<H>>) -> Self {
        let handlers = handlers.into_iter().collect();
        Self { handlers, scope: Scope::Broadcast, peer: Peer::Unauthenticated("memory".into()) }
    }

    /// The same under another name.
    #[must_use]
    pub fn with_peer(self, peer: Peer) -> Self {
        Self { peer, ..self }
    }

    fn request(&self, outgoing: &Outgoing) -> Request {
        Request {
            peer: self.peer.clone(),
            scope: self.scope,
            content_type: Some(outgoing.media_type.to_owned()),
            request_id: outgoing.request_id.clone(),
            body: outgoing.body.clone(),
            needs_answer: true,
        }
    }

    async fn exchange_with_one(&self, handler: &H, outgoing: &Outgoing) -> Result<Answers, TransferError> {
        let end = Instant::now() + outgoing.timeout;
        let handled = timeout_at(end, handler.handle(self.request(outgoing))).await;
        let mut reply = handled.map_err(|_| TransferError::Timeout(outgoing.timeout))?;
        let later = reply.later.take();
        let first = Answer { status: Some(reply.status), ..answer_of(reply) };
        let Some(later) = later else { return Ok(Answers::one(first)) };
        let (sender, receiver) = mpsc::channel(2);
        // The channel is new: it has room, and its receiver is there.
        let _ = sender.try_send(Ok(first));
        tokio::spawn(follow(later, sender, end));
        Ok(Answers::new(receiver))
    }

    fn exchange_with_all(&self, outgoing: &Outgoing) -> Answers {
        let (sender, receiver) = mpsc::channel(self.handlers.len().max(1));
        for handler in &self.handlers {
            let (handler, request, sender) = (Arc::clone(handler), self.request(outgoing), sender.clone());
            let end = Instant::now() + outgoing.timeout;
            tokio::spawn(async move {
                let Ok(mut reply) = timeout_at(end, handler.handle(request)).await else { return };
                let later = reply.later.take();
                if reply.body.is_some() && sender.send(Ok(answer_of(reply))).await.is_err() {
                    // Whoever asked is gone.
                    return;
                }
                if let Some(later) = later {
                    follow(later, sender, end).await;
                }
            });
        }
        Answers::new(receiver)
    }
}

impl<H: Handler> Transfer for MemoryTransfer<H> {
    async fn exchange(&self, outgoing: Outgoing) -> Result<Answers, TransferError> {
        match (self.scope, self.handlers.as_slice()) {
            (Scope::Direct, [handler]) => self.exchange_with_one(handler, &outgoing).await,
            _ => Ok(self.exchange_with_all(&outgoing)),
        }
    }
}

/// Brings what follows an answer, until the time is over or nobody waits for it.
async fn follow(mut later: Later, sender: mpsc::Sender<Result<Answer, TransferError>>, end: Instant) {
    loop {
        let reply = tokio::select! {
            reply = timeout_at(end, later) => reply,
            () = sender.closed() => return,
        };
        let Ok(mut reply) = reply else { return };
        let next = reply.later.take();
        if reply.body.is_some() && sender.send(Ok(answer_of(reply))).await.is_err() {
            return;
        }
        match next {
            Some(next) => later = next,
            None => return,
        }
    }
}

fn answer_of(reply: Reply) -> Answer {
    let (content_type, body) = match reply.body {
        Some(encoded) => (Some(encoded.media_type.to_owned()), encoded.bytes),
        None => (None, bytes::Bytes::new()),
    };
    Answer { status: None, content_type, body }
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
    use crate::handler::Refusal;

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
