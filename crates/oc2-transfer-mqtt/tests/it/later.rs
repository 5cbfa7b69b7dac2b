//! Responses that follow others, or are long in coming (DECISIONS L7).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oc2_core::StatusCode;
use oc2_encoding::Glimpse;
use oc2_tests_broker::{Direction, Draft, Kind, Mosquitto, RawClient, Tap, wait_until};
use oc2_transfer::{Encoded, Handler, Refusal, Reply, Request};
use oc2_transfer_mqtt::Session;
use tokio::sync::Semaphore;

use crate::harness::{Consumer, JSON, command, options, options_with, response, settings};

use Direction::{ToBroker, ToClient};

/// A handler whose answer to requests that begin with `long` follows nothing, to those that begin with `told` a 102, once it is
/// released.
#[derive(Clone, Default)]
struct Slow(Arc<State>);

struct State {
    n_handled: AtomicUsize,
    released: Semaphore,
}

impl Default for State {
    fn default() -> Self {
        Self { n_handled: AtomicUsize::new(0), released: Semaphore::new(0) }
    }
}

impl Slow {
    fn release(&self) {
        self.0.released.add_permits(1);
    }

    fn n_handled(&self) -> usize {
        self.0.n_handled.load(Ordering::SeqCst)
    }
}

fn reply(request_id: &str, status: StatusCode) -> Reply {
    let body = response(request_id, "zulu", status.as_u16());
    Reply::new(status, Encoded { bytes: body.into(), media_type: JSON })
}

impl Handler for Slow {
    async fn handle(&self, request: Request) -> Reply {
        assert!(!request.needs_answer);
        let request_id = Glimpse::of_json(&request.body).request_id.unwrap().to_string();
        self.0.n_handled.fetch_add(1, Ordering::SeqCst);
        let first = match &*request_id {
            id if id.starts_with("long") => Reply::empty(StatusCode::Processing),
            id if id.starts_with("told") => reply(id, StatusCode::Processing),
            id => return reply(id, StatusCode::Ok),
        };
        let state = Arc::clone(&self.0);
        first.and_later(async move {
            state.released.acquire().await.unwrap().forget();
            reply(&request_id, StatusCode::Ok)
        })
    }

    fn refuse(&self, refusal: Refusal) -> Reply {
        Reply::empty(refusal.rejection.status())
    }
}

fn request(request_id: &str) -> Draft {
    Draft::openc2("oc2/cmd/device/zulu", "req", command(request_id))
}

/// Status and id of the next Response.
fn hear(client: &mut RawClient) -> (u64, String) {
    let glimpse = Glimpse::of_json(&client.receive().payload);
    (glimpse.status.unwrap(), glimpse.request_id.unwrap().to_string())
}

fn listener(broker: &Mosquitto) -> RawClient {
    let mut client = RawClient::connect(broker.port());
    client.subscribe("oc2/rsp");
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_102_was_told_is_acknowledged_and_answered_later() {
    // MQTT-042
    let Some(broker) = Mosquitto::start() else { return };
    let (tap, slow, mut ear) = (Tap::to(broker.port()), Slow::default(), listener(&broker));
    let consumer = Consumer::start(options(tap.port()), settings("zulu"), slow.clone());
    let _ = tap.wait_for(ToClient, Kind::SubAck, 1);
    RawClient::connect(broker.port()).publish(&request("told"));
    assert_eq!(hear(&mut ear), (102, "told".to_owned()));
    let _ = tap.wait_for(ToBroker, Kind::PubAck, 1);
    slow.release();
    assert_eq!(hear(&mut ear), (200, "told".to_owned()));
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_answer_is_long_in_coming_stays_with_the_broker() {
    // MQTT-042, MQTT-061
    let Some(broker) = Mosquitto::start() else { return };
    let (tap, slow, mut ear) = (Tap::to(broker.port()), Slow::default(), listener(&broker));
    let directory = tempfile::tempdir().unwrap();
    let session = || Session::open(directory.path()).unwrap();
    let consumer = Consumer::start(options_with(tap.port(), session()), settings("zulu"), slow.clone());
    let _ = tap.wait_for(ToClient, Kind::SubAck, 1);
    let mut client = RawClient::connect(broker.port());
    client.publish(&request("long"));
    client.publish(&request("short"));
    assert_eq!(hear(&mut ear), (200, "short".to_owned()));
    assert!(tap.of_kind(ToBroker, Kind::PubAck).is_empty());
    consumer.kill().await;
    let slow = Slow::default();
    let consumer = Consumer::start(options_with(tap.port(), session()), settings("zulu"), slow.clone());
    wait_until("both come again", || slow.n_handled() == 2);
    slow.release();
    let mut heard = [hear(&mut ear), hear(&mut ear)];
    heard.sort();
    assert_eq!(heard.map(|(_, id)| id), ["long", "short"]);
    let _ = tap.wait_for(ToBroker, Kind::PubAck, 2);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_long_in_coming_lets_others_through() {
    let Some(broker) = Mosquitto::start() else { return };
    let (slow, mut ear) = (Slow::default(), listener(&broker));
    let (tap, mut options) = (Tap::to(broker.port()), options(1));
    options.broker = format!("mqtt://127.0.0.1:{}", tap.port()).parse().unwrap();
    options.receive_maximum = 8;
    let consumer = Consumer::start(options, settings("zulu"), slow.clone());
    let _ = tap.wait_for(ToClient, Kind::SubAck, 1);
    let mut client = RawClient::connect(broker.port());
    client.publish(&request("long"));
    for number in 0..100 {
        let request_id = format!("short-{number}");
        client.publish(&request(&request_id));
        assert_eq!(hear(&mut ear), (200, request_id));
    }
    slow.release();
    assert_eq!(hear(&mut ear), (200, "long".to_owned()));
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_waits_for_what_follows() {
    let Some(broker) = Mosquitto::start() else { return };
    let (tap, slow, mut ear) = (Tap::to(broker.port()), Slow::default(), listener(&broker));
    let mut consumer = Consumer::start(options(tap.port()), settings("zulu"), slow.clone());
    let _ = tap.wait_for(ToClient, Kind::SubAck, 1);
    RawClient::connect(broker.port()).publish(&request("told"));
    assert_eq!(hear(&mut ear), (102, "told".to_owned()));
    let _ = tap.wait_for(ToBroker, Kind::PubAck, 1);
    consumer.begin_stop();
    slow.release();
    assert_eq!(hear(&mut ear), (200, "told".to_owned()));
    consumer.ends().await.unwrap();
}
