//! The tests that every transfer must pass. MQTT brings answers home by the request id in a message, so their bodies travel in
//! messages here.
//!
//! One of them is not for MQTT: `an_empty_reply_keeps_its_status`. A reply without a message is silence here (MQTT-123).

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use oc2_core::StatusCode;
use oc2_encoding::Glimpse;
use oc2_tests_broker::Mosquitto;
use oc2_transfer::conform::{self, Probe, Subject};
use oc2_transfer::{
    Answer, Answers, Encoded, Handler, Listener, Outgoing, Refusal, Reply, Request, Transfer, TransferError,
};
use oc2_transfer_mqtt::{MqttListener, MqttTransfer, Options};
use tokio::sync::mpsc;

use crate::harness::{JSON, options, settings, transfer};

/// Room for bodies of 1 MiB that are written as twice as many digits.
fn roomy(port: u16) -> Options {
    let mut options = options(port);
    options.max_packet = 4 << 20;
    options
}

fn start(broker: &Mosquitto) -> impl AsyncFnOnce(Probe) -> Subject<Enveloped> {
    let port = broker.port();
    async move |probe| {
        // A device of its own: the session of the last one still hears for it.
        let device = uuid::Uuid::new_v4().to_string();
        let listener = MqttListener::new(roomy(port), settings(&device)).unwrap();
        let transfer = Enveloped(transfer(roomy(port), &device));
        let subject = Subject::start(Unveiling(listener), probe, transfer.clone());
        transfer.waits_for_listener().await;
        subject
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_and_answers_arrive() {
    let Some(broker) = Mosquitto::start() else { return };
    conform::a_body_and_its_answer_arrive(start(&broker)).await;
    conform::a_body_of_one_mebibyte_less_one_passes_both_ways(start(&broker)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_exchanges_pass_in_turn_and_at_once() {
    let Some(broker) = Mosquitto::start() else { return };
    conform::a_thousand_exchanges_pass_one_after_the_other(start(&broker)).await;
    conform::sixty_four_exchanges_at_once_are_not_mixed_up(start(&broker)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_finishes_the_command_under_way() {
    let Some(broker) = Mosquitto::start() else { return };
    conform::a_shutdown_finishes_the_command_under_way(start(&broker)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_panics_is_answered_for() {
    let Some(broker) = Mosquitto::start() else { return };
    conform::a_handler_that_panics_is_500_and_the_next_command_passes(start(&broker)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_a_reply_arrives() {
    let Some(broker) = Mosquitto::start() else { return };
    conform::what_follows_a_reply_arrives_after_it(start(&broker)).await;
}

/// A transfer of bodies by messages.
#[derive(Clone)]
struct Enveloped(MqttTransfer);

impl Enveloped {
    /// A topic without a subscriber is an error, so the listener has to be there first.
    async fn waits_for_listener(&self) {
        let probe = Outgoing { timeout: Duration::from_millis(200), ..Outgoing::new(PROBE, JSON) };
        while self.exchange(probe.clone()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Transfer for Enveloped {
    async fn exchange(&self, outgoing: Outgoing) -> Result<Answers, TransferError> {
        let request_id = uuid::Uuid::new_v4().to_string();
        let body = HEXLOWER.encode(&outgoing.body);
        let message = format!(
            r#"{{"headers":{{"request_id":"{request_id}","from":"omega"}},"body":{{"openc2":{{"request":"{body}"}}}}}}"#
        );
        // Nobody answers it any more.
        let timeout = if &outgoing.body[..] == b"late" { Duration::from_secs(1) } else { outgoing.timeout };
        let outgoing = Outgoing { body: message.into(), request_id: Some(request_id), timeout, ..outgoing };
        let mut answers = self.0.exchange(outgoing).await?;
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            while let Some(answer) = answers.next().await {
                let unveiled = answer.map(|answer| Answer { body: unveil(&answer.body), ..answer });
                if sender.send(unveiled).await.is_err() {
                    return;
                }
            }
        });
        Ok(Answers::new(receiver))
    }
}

struct Unveiling<T>(T);

impl Listener for Unveiling<MqttListener> {
    async fn serve<H: Handler>(
        self,
        handler: H,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), TransferError> {
        self.0.serve(Unveiling(handler), shutdown).await
    }
}

impl<H: Handler> Handler for Unveiling<H> {
    async fn handle(&self, request: Request) -> Reply {
        let request_id = Glimpse::of_json(&request.body).request_id.unwrap().to_string();
        if unveil(&request.body) == PROBE {
            return Reply::empty(StatusCode::Ok);
        }
        veiled(self.0.handle(Request { body: unveil(&request.body), ..request }).await, request_id)
    }

    fn refuse(&self, refusal: Refusal) -> Reply {
        let request_id = refusal.request_id.unwrap();
        Reply::new(refusal.rejection.status(), veil(&request_id, refusal.rejection.status(), b""))
    }
}

fn veiled(reply: Reply, request_id: String) -> Reply {
    let Reply { status, body, later } = reply;
    let body = body.map(|encoded| veil(&request_id, status, &encoded.bytes));
    let reply = Reply { status, body, later: None };
    match later {
        Some(later) => reply.and_later(async move { veiled(later.await, request_id) }),
        None => reply,
    }
}

fn veil(request_id: &str, status: StatusCode, body: &[u8]) -> Encoded {
    let (status, body) = (status.as_u16(), HEXLOWER.encode(body));
    let message = format!(
        r#"{{"headers":{{"request_id":"{request_id}","from":"zulu"}},"body":{{"openc2":{{"response":{{"status":{status},"body":"{body}"}}}}}}}}"#
    );
    Encoded { bytes: message.into(), media_type: JSON }
}

fn unveil(message: &[u8]) -> Bytes {
    // The last text in it.
    let end = message.iter().rposition(|octet| *octet == b'"').unwrap();
    let start = message[..end].iter().rposition(|octet| *octet == b'"').unwrap() + 1;
    HEXLOWER.decode(&message[start..end]).unwrap().into()
}

const PROBE: &str = "are you there";
