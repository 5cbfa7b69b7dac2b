//! What is answered at once: `query features` changes nothing and needs nothing but what is at hand, so it is neither given a task nor
//! remembered (DECISIONS M12). Whatever is out of the ordinary about one is left to the way that all other Commands go.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use oc2_core::Rejection;
use oc2_transfer::{Reply, Started};

use super::{Consumer, Shared, internal_error};
use crate::audit::Record;
use crate::features::{Answer, QUERY_FEATURES};
use crate::understand::{Asked, Refused};

/// A Command that was read.
pub(super) struct Received {
    pub(super) asked: Asked,
    pub(super) record: Record,
    /// Whether its peer may send one more.
    pub(super) admitted: Result<(), Rejection>,
}

impl Consumer {
    /// The answer if there is one at once.
    pub(super) fn answer_at_once(&self, received: &Received) -> Option<Reply> {
        let Received { asked, record, .. } = received;
        if asked.command.pair() != QUERY_FEATURES {
            return None;
        }
        let told = catch_unwind(AssertUnwindSafe(|| self.shared.tell_at_once(received)));
        match told.unwrap_or_else(|_| Some(Err(internal_error())))? {
            Ok(answer) => {
                record.end(answer.response());
                Some(answer.reply(&asked.responder))
            }
            Err(rejection) => Some(Refused::new(asked.responder.clone(), rejection).reply(record)),
        }
    }

    /// Tells this once what it is about is kept, where it must be.
    pub(super) fn settled(&self, reply: Reply) -> Started {
        let observers = self.shared.observers.clone();
        if observers.is_empty() {
            return Started::Done(reply);
        }
        Started::with(async move {
            observers.settled().await;
            reply
        })
    }
}

impl Shared {
    /// What is supported; none where something else is to be said, or has to be waited for.
    fn tell_at_once(&self, received: &Received) -> Option<Result<Arc<Answer>, Rejection>> {
        let Received { asked, record, admitted } = received;
        let addressed = self.registry.addressed(&asked.command, asked.scope).ok()?;
        if admitted.is_err() || self.observers.admit().is_err() {
            return None;
        }
        let question = (&asked.peer, asked.from.as_deref(), &asked.command);
        let permit = match at_once(self.decide(question, Ok(&addressed), record))? {
            Ok(permit) => permit,
            Err(rejection) => return Some(Err(rejection)),
        };
        if asked.replay_key().is_some_and(|key| self.replay.knows(key)) {
            return None;
        }
        // From here on nothing is left to another way, so that nothing is counted twice.
        Some(self.admit(&permit).and_then(|()| self.tell_features(asked)))
    }
}

/// What a future comes to, if it does at once.
fn at_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(res) => Some(res),
        Poll::Pending => None,
    }
}
