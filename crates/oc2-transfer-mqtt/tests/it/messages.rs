//! Messages of any shape: none of them ends a Consumer, and what can be answered is.

use oc2_core::Mode;
use oc2_tests_broker::{Direction, Draft, Impostor, Kind, Mosquitto, Publish, RawClient, Tap, wait_until};
use oc2_transfer::{Outgoing, Scope, Transfer};
use oc2_transfer_mqtt::{Destination, MqttTransfer, Settings};

use crate::harness::{CBOR, Consumer, Doer, JSON, all, command, options, outgoing, response, settings};

use Direction::{ToBroker, ToClient};

const DEVICE: &str = "oc2/cmd/device/zulu";

/// A Consumer, and a client that speaks to it and hears its Responses.
struct Stage {
    _broker: Mosquitto,
    consumer: Consumer,
    tap: Tap,
    doer: Doer,
    client: RawClient,
}

impl Stage {
    fn set(mode: Mode) -> Option<Self> {
        Self::with(mode, |_| {})
    }

    fn with(mode: Mode, change: impl FnOnce(&mut Settings)) -> Option<Self> {
        let broker = Mosquitto::start()?;
        let (tap, doer) = (Tap::to(broker.port()), Doer::new("zulu"));
        let mut settings = settings("zulu");
        settings.mode = mode;
        change(&mut settings);
        let consumer = Consumer::start(options(tap.port()), settings, doer.clone());
        let _ = tap.wait_for(ToClient, Kind::SubAck, 1);
        let mut client = RawClient::connect(broker.port());
        client.subscribe("oc2/rsp/#");
        Some(Self { _broker: broker, consumer, tap, doer, client })
    }

    /// Sends a message, and gives the Response to it, or nothing if it has none.
    #[track_caller]
    fn ask(&mut self, draft: &Draft) -> Option<Publish> {
        let n_before = self.tap.of_kind(ToBroker, Kind::Publish).len();
        self.client.publish(draft);
        // A request is acknowledged after those before it, and after its Response.
        let end = format!("end{n_before}");
        self.client.publish(&Draft::openc2(DEVICE, "req", command(&end)));
        wait_until("all is done", || self.is_done(&end));
        let answers = self.tap.of_kind(ToBroker, Kind::Publish).split_off(n_before);
        let mut answers =
            answers.iter().map(|seen| seen.packet.publish()).filter(|answer| !answer.text().contains(&end));
        answers.next()
    }

    fn is_done(&self, request_id: &str) -> bool {
        let delivered = self.tap.of_kind(ToClient, Kind::Publish);
        let delivered = delivered.iter().map(|seen| seen.packet.publish());
        let request = delivered.rev().find(|publish| publish.payload == command(request_id).as_bytes());
        let id = request.and_then(|publish| publish.id);
        self.tap.of_kind(ToBroker, Kind::PubAck).last().map(|seen| seen.packet.id()) == id && id.is_some()
    }

    #[track_caller]
    fn check(&mut self, draft: &Draft, expected: Option<u16>) {
        let answer = self.ask(draft);
        let text = answer.as_ref().map(Publish::text);
        assert_eq!(text, expected.map(|status| response("a", "zulu", status)).as_deref(), "{draft:?}");
    }

    async fn end(self) {
        // Nothing is left for the next process.
        let n_received = self.tap.of_kind(ToClient, Kind::Publish).len();
        let _ = self.tap.wait_for(ToBroker, Kind::PubAck, n_received);
        self.consumer.stop().await;
    }
}

fn good() -> Draft {
    Draft::openc2(DEVICE, "req", command("a"))
}

fn bare(payload: impl Into<Vec<u8>>) -> Draft {
    Draft::new(DEVICE, payload)
}

fn labelled(msg_type: &str, encoding: &str, payload: impl Into<Vec<u8>>) -> Draft {
    bare(payload)
        .property(0x01, &[1])
        .text(0x03, "application/openc2")
        .user("msgType", msg_type)
        .user("encoding", encoding)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strict_refuses_what_is_not_labelled_as_it_must_be() {
    // MQTT-027, MQTT-083, MQTT-084, DECISIONS Q7
    let Some(mut stage) = Stage::set(Mode::Strict) else { return };
    stage.check(&good(), Some(200));
    stage.check(&bare(command("a")), Some(400));
    stage.check(&labelled("command", "json", command("a")), Some(400));
    stage.check(&labelled("req", "xml", command("a")), Some(400));
    stage.check(&labelled("req", "cbor", command("a")), Some(400));
    stage.check(&good().user("msgType", "rsp"), Some(400));
    stage
        .check(&bare(command("a")).text(0x03, "text/plain").user("msgType", "req").user("encoding", "json"), Some(400));
    assert!(stage.doer.refusals().iter().all(|refusal| refusal.request_id.as_deref() == Some("a")));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lenient_finds_out_what_is_missing_and_refuses_what_is_wrong() {
    // MQTT-027, DECISIONS Q7
    let Some(mut stage) = Stage::set(Mode::Lenient) else { return };
    stage.check(&good(), Some(200));
    stage.check(&bare(command("a")), Some(200));
    stage.check(&labelled("command", "json", command("a")), Some(400));
    stage.check(&labelled("req", "xml", command("a")), Some(400));
    stage.check(&labelled("rsp", "json", command("a")), Some(400));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_mqtt_3_is_heard_in_lenient_mode() {
    let Some(mut stage) = Stage::set(Mode::Lenient) else { return };
    let mut old = RawClient::at_level(stage._broker.port(), 4);
    old.publish(&bare(command("a")));
    assert_eq!(stage.client.receive().text(), response("a", "zulu", 200));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_without_an_id_is_handled_and_answered() {
    // MQTT-122: what the handler makes of it is the handler's.
    let Some(mut stage) = Stage::set(Mode::Strict) else { return };
    let answer = stage.ask(&Draft::openc2(DEVICE, "req", command("a").replace(r#""request_id":"a","#, "")));
    assert_eq!(answer.map(|answer| answer.text().to_owned()), Some(response("", "zulu", 200)));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_request_gets_no_answer() {
    // DECISIONS M13
    let Some(mut stage) = Stage::set(Mode::Strict) else { return };
    stage.check(&labelled("rsp", "json", response("a", "x", 200)), None);
    stage.check(&labelled("req", "json", response("a", "x", 200)), None);
    let notification = r#"{"headers":{"request_id":"a"},"body":{"openc2":{"notification":{"x":1}}}}"#;
    stage.check(&labelled("ntf", "json", notification), None);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_without_from_is_refused_in_strict_mode_only() {
    // MQTT-032, DECISIONS M6
    let anonymous = command("a").replace(r#","from":"omega""#, "");
    let draft = Draft::openc2(DEVICE, "req", anonymous);
    let Some(mut strict) = Stage::set(Mode::Strict) else { return };
    strict.check(&draft, Some(400));
    strict.end().await;
    let Some(mut lenient) = Stage::set(Mode::Lenient) else { return };
    lenient.check(&draft, Some(200));
    lenient.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_is_thrown_away() {
    for mode in [Mode::Strict, Mode::Lenient] {
        let Some(mut stage) = Stage::set(mode) else { return };
        let garbage: [&[u8]; 9] = [
            b"",
            b"\0",
            b"\xff\xfe\xfd",
            b"text",
            b"[]",
            b"\x9f\x9f\x9f",
            b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
            &[b'['; 100_000],
            &[0x81; 100_000],
        ];
        for payload in garbage {
            // Without a label nobody knows what it is; with one its reader says what is wrong with it, under no id.
            for draft in [bare(payload), labelled("req", "json", payload), labelled("req", "cbor", payload)] {
                stage.client.publish(&draft);
            }
            stage.client.publish(&bare(payload).qos(2));
            stage.client.publish(&bare(payload).qos(0));
        }
        // All of it is done with.
        let _ = stage.tap.wait_for(ToBroker, Kind::PubComp, garbage.len());
        wait_until("all is answered", || {
            let n_delivered = stage.tap.of_kind(ToClient, Kind::Publish).len();
            n_delivered >= 5 * garbage.len() && stage.doer.n_begun() == stage.doer.requests().len()
        });
        stage.ask(&good());
        let many = (0..200).fold(good(), |draft, number| draft.user(&"k".repeat(200), &number.to_string()));
        stage.check(&many, Some(200));
        stage.check(
            &Draft::openc2(DEVICE, "req", command("a").replace("omega", "\\u0007")),
            (mode == Mode::Strict).then_some(400).or(Some(200)),
        );
        assert_eq!(stage.tap.of_kind(ToBroker, Kind::Connect).len(), 1, "the connection was kept");
        stage.consumer.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_too_large_does_not_arrive_and_does_no_harm() {
    let Some(mut stage) = Stage::set(Mode::Strict) else { return };
    let large = command("a").replace("omega", &"o".repeat(10 << 20));
    stage.check(&Draft::openc2(DEVICE, "req", large), None);
    assert_eq!(stage.tap.of_kind(ToBroker, Kind::Connect).len(), 1, "the connection was kept");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_that_is_too_large_for_the_broker_becomes_an_error() {
    let Some(broker) = Mosquitto::with().line("max_packet_size 400").start() else { return };
    let tap = Tap::to(broker.port());
    let consumer = Consumer::start(options(tap.port()), settings("zulu"), Doer::new(&"z".repeat(400)));
    let _ = tap.wait_for(ToClient, Kind::SubAck, 1);
    let mut client = RawClient::connect(broker.port());
    client.publish(&Draft::openc2(DEVICE, "req", command("a")));
    // Here the error is too large as well, and the request is done with all the same.
    let _ = tap.wait_for(ToBroker, Kind::PubAck, 1);
    assert_eq!(tap.of_kind(ToBroker, Kind::Connect).len(), 1, "the connection was kept");
    assert!(tap.of_kind(ToBroker, Kind::Publish).is_empty());
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retained_request_is_not_performed() {
    // DECISIONS Q6
    let Some(broker) = Mosquitto::start() else { return };
    let mut client = RawClient::connect(broker.port());
    client.publish(&good().retained());
    for (serves_retained, expected) in [(false, vec![]), (true, vec!["a"])] {
        let (tap, doer) = (Tap::to(broker.port()), Doer::new("zulu"));
        let mut settings = settings("zulu");
        settings.serves_retained = serves_retained;
        let consumer = Consumer::start(options(tap.port()), settings, doer.clone());
        // It is acknowledged either way.
        let _ = tap.wait_for(ToBroker, Kind::PubAck, 1);
        consumer.stop().await;
        assert_eq!(doer.ids(), expected);
    }
    // Retain As Published: one that is sent as retained while we listen is not performed either.
    let Some(mut stage) = Stage::set(Mode::Strict) else { return };
    stage.check(&good().retained(), None);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_topic_says_who_is_meant() {
    // MQTT-013, DECISIONS R7
    let Some(mut stage) = Stage::set(Mode::Strict) else { return };
    for topic in ["oc2/cmd/all", "oc2/cmd/ap/slpf", DEVICE] {
        stage.check(&Draft::openc2(topic, "req", command("a")), Some(200));
    }
    let scopes = stage.doer.requests().into_iter().filter(|request| request.body == command("a"));
    let expected = [Scope::Broadcast, Scope::Profile(oc2_core::Nsid::SLPF), Scope::Device];
    assert_eq!(scopes.map(|request| request.scope).collect::<Vec<_>>(), expected);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_of_before_is_taken_back() {
    // MQTT-014: what is for a profile that is not there is not performed.
    let broker = Impostor::start(|_, packet| match packet.kind {
        Kind::Subscribe => {
            // MQTT-099: with a Subscription Identifier.
            let publish = b"\x32\x16\x00\x0doc2/cmd/ap/er\x00\x07\x02\x0b\x05{}";
            [Impostor::usual(packet), publish.to_vec()].concat()
        }
        Kind::Unsubscribe => [&[0xb0, 4][..], &packet.id().to_be_bytes(), &[0, 0]].concat(),
        _ => Impostor::usual(packet),
    });
    let doer = Doer::new("zulu");
    let consumer = Consumer::start(options(broker.port()), settings("zulu"), doer.clone());
    let _ = broker.wait_for(Kind::Unsubscribe, 1);
    let acknowledged = broker.wait_for(Kind::PubAck, 1);
    assert_eq!(acknowledged[0].1.id(), 7);
    consumer.stop().await;
    assert_eq!(doer.n_begun(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_packet_that_cannot_be_read_does_not_come_again_and_again() {
    // A topic that is not UTF-8, at QoS 1 and at QoS 2. A broker should not let it through.
    let broker = Impostor::start(|_, packet| match packet.kind {
        Kind::Subscribe => {
            let malformed = b"\x32\x06\x00\x01\xff\x00\x07\x00\x34\x06\x00\x01\xff\x00\x08\x00".to_vec();
            [Impostor::usual(packet), malformed].concat()
        }
        _ => Impostor::usual(packet),
    });
    let consumer = Consumer::start(options(broker.port()), settings("zulu"), Doer::new("zulu"));
    let (puback, pubrec) = (broker.wait_for(Kind::PubAck, 1), broker.wait_for(Kind::PubRec, 1));
    assert_eq!((puback[0].1.id(), puback[0].1.body[2]), (7, 0x83));
    assert_eq!((pubrec[0].1.id(), pubrec[0].1.body[2]), (8, 0x83));
    assert_eq!(broker.wait_for(Kind::Connect, 1).len(), 1, "the connection was kept");
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_flat_layout_is_answered_in_kind_in_lenient_mode() {
    let flat = r#"{"content":{"request":{"action":"query","target":{"features":[]}}},"request_id":"a","created":1610483630000,"from":"omega"}"#;
    let draft = Draft::openc2(DEVICE, "req", flat);
    let Some(mut lenient) = Stage::set(Mode::Lenient) else { return };
    let answer = lenient.ask(&draft).unwrap();
    let expected = r#"{"content":{"response":{"status":200}},"request_id":"a","from":"zulu"}"#;
    assert_eq!((answer.topic.as_str(), answer.text()), ("oc2/rsp", expected));
    let is_told = lenient.doer.requests().iter().any(|request| request.body == command("a"));
    assert!(is_told, "the handler is told in the standard's layout");
    lenient.end().await;

    let individual = |settings: &mut Settings| settings.respond_to = oc2_transfer_mqtt::RespondTo::Individual;
    let Some(mut lenient) = Stage::with(Mode::Lenient, individual) else { return };
    lenient.client.publish(&draft);
    let answer = lenient.client.receive();
    assert_eq!((answer.topic.as_str(), answer.text()), ("oc2/rsp/device/omega", expected));
    lenient.end().await;

    let Some(mut strict) = Stage::set(Mode::Strict) else { return };
    let answer = strict.ask(&draft);
    assert_eq!(answer.map(|answer| answer.text().contains("content")), Some(false), "nothing flat is written");
    strict.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producer_hears_flat_responses_on_the_topic_of_such_peers() {
    let Some(broker) = Mosquitto::start() else { return };
    let mut consumer = RawClient::connect(broker.port());
    consumer.subscribe(DEVICE);
    let flat = r#"{"content":{"response":{"status":200}},"request_id":"a","from":"zulu"}"#;
    for (mode, n_topics) in [(Mode::Lenient, 3), (Mode::Strict, 2)] {
        let tap = Tap::to(broker.port());
        let destination = Destination::Device("zulu".parse().unwrap());
        let transfer = MqttTransfer::reading(options(tap.port()), "omega".parse().unwrap(), destination, mode).unwrap();
        let answers = transfer.exchange(outgoing("a")).await.unwrap();
        consumer.receive();
        assert_eq!(tap.of_kind(ToBroker, Kind::Subscribe)[0].packet.subscribe().filters.len(), n_topics);
        consumer.publish(&Draft::openc2("oc2/rsp/device/omega", "rsp", flat));
        consumer.publish(&Draft::openc2("oc2/rsp", "rsp", response("a", "zulu", 404)));
        let expected = if mode == Mode::Lenient { response("a", "zulu", 200) } else { response("a", "zulu", 404) };
        assert_eq!(all(answers).await.concat(), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producer_that_is_told_to_writes_the_flat_layout() {
    let Some(broker) = Mosquitto::start() else { return };
    let mut consumer = RawClient::connect(broker.port());
    consumer.subscribe(DEVICE);
    let transfer = crate::harness::transfer(options(broker.port()), "zulu");
    let flat = transfer.clone().in_flat_layout();
    // The id is known from the message, too.
    for request_id in [Some("a".to_owned()), None] {
        let answers = flat.exchange(Outgoing { request_id, ..outgoing("a") }).await.unwrap();
        let heard = consumer.receive();
        let expected = r#"{"content":{"request":{"action":"query","target":{"features":[]}}},"request_id":"a","created":1610483630000,"from":"omega"}"#;
        assert_eq!(heard.text(), expected);
        let response = r#"{"content":{"response":{"status":200}},"request_id":"a","from":"zulu"}"#;
        consumer.publish(&Draft::openc2("oc2/rsp", "rsp", response));
        assert_eq!(all(answers).await.concat(), crate::harness::response("a", "zulu", 200));
    }
    let answers = transfer.exchange(outgoing("b")).await.unwrap();
    assert_eq!(consumer.receive().text(), command("b"), "the others are told in the layout of the standard");
    drop(answers);
    let compact = Outgoing::new(r#"[{"request_id":"a"},{"openc2":{"request":["query",{"features":[]}]}}]"#, JSON);
    for other in [compact, Outgoing::new(&b"\x82\xa0\xa0"[..], CBOR)] {
        let error = flat.exchange(other).await.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("the flat layout is for messages in JSON by name"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producer_ignores_what_is_no_response_to_it() {
    // MQTT-017, MQTT-036, MQTT-083
    let Some(broker) = Mosquitto::start() else { return };
    let mut consumer = RawClient::connect(broker.port());
    consumer.subscribe(DEVICE);
    let tap = Tap::to(broker.port());
    let transfer = crate::harness::transfer(options(tap.port()), "zulu");
    let answers = transfer.exchange(outgoing("a")).await.unwrap();
    consumer.receive();
    let hostile: [&[u8]; 4] = [b"", b"\xff", b"{", &[b'['; 100_000]];
    for payload in hostile {
        consumer.publish(&Draft::new("oc2/rsp", payload));
        consumer.publish(&Draft::openc2("oc2/rsp", "rsp", payload));
    }
    consumer.publish(&Draft::openc2("oc2/rsp", "req", command("a")));
    consumer.publish(&Draft::openc2("oc2/rsp", "req", response("a", "zulu", 400)));
    consumer.publish(&Draft::openc2("oc2/rsp", "rsp", response("b", "zulu", 400)));
    consumer.publish(&Draft::new("oc2/rsp/omega", response("a", "zulu", 200)));
    assert_eq!(all(answers).await, [response("a", "zulu", 200)]);
    let _ = tap.wait_for(ToBroker, Kind::PubAck, 12);
}
