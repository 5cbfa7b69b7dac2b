//! Transfers that answer as they are told, and remember what they were given.

use std::fmt;
use std::sync::{Arc, Mutex};

use oc2_core::{Action, Command, Features, ResponseType, StatusCode};
use oc2_producer::{Identified, Producer, ProducerBuilder};
use oc2_transfer::{
    Answer, Answers, Encoded, Handler, MemoryTransfer, Outgoing, Refusal, Reply, Request, Transfer, TransferError,
};
use tokio::sync::mpsc;

/// The media type of everything that is sent.
pub(crate) const MEDIA_TYPE: &str = "application/openc2+json;version=1.0";

/// A Consumer that answers every request with what a function makes of it.
pub(crate) struct Consumer<F> {
    answer: F,
    requests: Mutex<Vec<Request>>,
}

impl<F: Fn(&Request) -> Reply + Send + Sync + 'static> Consumer<F> {
    pub(crate) fn new(answer: F) -> Arc<Self> {
        Arc::new(Self { answer, requests: Mutex::default() })
    }

    /// What it was sent so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl<F: Fn(&Request) -> Reply + Send + Sync + 'static> Handler for Consumer<F> {
    async fn handle(&self, request: Request) -> Reply {
        let reply = (self.answer)(&request);
        self.requests.lock().unwrap().push(request);
        reply
    }

    fn refuse(&self, refusal: Refusal) -> Reply {
        Reply::empty(refusal.rejection.status())
    }
}

/// A Producer that commands this Consumer.
pub(crate) fn producer_of<H: Handler>(consumer: &Arc<H>) -> ProducerBuilder<Identified> {
    Producer::builder(MemoryTransfer::to(Arc::clone(consumer))).identity("tests")
}

/// A message with a Response under the id that came beside the request.
pub(crate) fn response_to(request: &Request, response: &str) -> Reply {
    let id = request.request_id.as_deref().expect("an id beside the message");
    let body =
        format!(r#"{{"headers":{{"request_id":"{id}","from":"fw1"}},"body":{{"openc2":{{"response":{response}}}}}}}"#);
    reply(StatusCode::Ok, body)
}

/// A reply with this body.
pub(crate) fn reply(status: StatusCode, body: impl Into<String>) -> Reply {
    Reply::new(status, Encoded { bytes: body.into().into(), media_type: MEDIA_TYPE })
}

/// A transfer that gives these answers; `ID` in them stands for the id of the request. The channel stays open if told so, as
/// if more could come.
pub(crate) struct Script {
    pub(crate) answers: Vec<Result<Answer, &'static str>>,
    pub(crate) stays_open: bool,
    pub(crate) open: Mutex<Vec<mpsc::Sender<Result<Answer, TransferError>>>>,
}

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = Result<Answer, &'static str>>, stays_open: bool) -> Self {
        Self { answers: answers.into_iter().collect(), stays_open, open: Mutex::default() }
    }

    pub(crate) fn producer(self) -> Producer {
        Producer::builder(self).identity("tests").build()
    }
}

impl Transfer for Script {
    async fn exchange(&self, outgoing: Outgoing) -> Result<Answers, TransferError> {
        let (sender, receiver) = mpsc::channel(16);
        let id = outgoing.request_id.unwrap_or_default();
        for answer in &self.answers {
            let answer = match answer {
                Ok(answer) => {
                    let body = String::from_utf8_lossy(&answer.body).replace("ID", &id).into();
                    Ok(Answer { body, ..answer.clone() })
                }
                Err(reason) => Err(TransferError::Lost((*reason).to_owned())),
            };
            sender.send(answer).await.expect("the receiver is there");
        }
        if self.stays_open {
            self.open.lock().unwrap().push(sender);
        }
        Ok(Answers::new(receiver))
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

/// An answer with this Response to the request.
pub(crate) fn answer(response: &str) -> Answer {
    let body = format!(r#"{{"headers":{{"request_id":"ID"}},"body":{{"openc2":{{"response":{response}}}}}}}"#);
    Answer { status: None, content_type: Some(MEDIA_TYPE.to_owned()), body: body.into() }
}

/// A Command that asks for this answer.
pub(crate) fn command(response: ResponseType) -> Command {
    let args = oc2_core::Args::builder().response_requested(response).build().expect("one argument");
    Command::new(Action::Deny, "192.0.2.1".parse::<oc2_core::target::Ipv4Net>().expect("a net")).with_args(args)
}

/// `query features` of no feature.
pub(crate) fn query() -> Command {
    Command::new(Action::Query, Features::default())
}
