//! What goes over the wire, heard by somebody else than the client (MQTT 3).

use std::time::Duration;

use oc2_core::Nsid;
use oc2_tests_broker::{Connect, Direction, Impostor, Kind, Mosquitto, Publish, RawClient, Tap};
use oc2_transfer::{Outgoing, Transfer};
use oc2_transfer_mqtt::{Credentials, Destination, KeepAlive, Qos, RespondTo, Session};

use crate::harness::{CBOR, Consumer, Doer, JSON, ask, command, options, options_with, outgoing, settings, transfer};

use Direction::{ToBroker, ToClient};

fn connect(tap: &Tap, number: usize) -> Connect {
    tap.wait_for(ToBroker, Kind::Connect, number + 1)[number].packet.connect()
}

fn published(tap: &Tap, number: usize) -> Publish {
    tap.wait_for(ToBroker, Kind::Publish, number + 1)[number].packet.publish()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connect_is_as_the_standard_has_it() {
    // MQTT-002, MQTT-046, MQTT-047, MQTT-051, MQTT-057 to MQTT-059, MQTT-062 to MQTT-071, MQTT-102
    let Some(broker) = Mosquitto::start() else { return };
    let tap = Tap::to(broker.port());
    let directory = tempfile::tempdir().unwrap();
    let session = Session::open(directory.path()).unwrap();
    let consumer = Consumer::start(options_with(tap.port(), session.clone()), settings("zulu"), Doer::new("zulu"));
    let first = connect(&tap, 0);
    assert_eq!(first.level, 5);
    // No Clean Start, no Will, no user name, no password.
    assert_eq!(first.flags, 0);
    assert!(first.rest.is_empty());
    assert_eq!(first.keep_alive, 300);
    assert_eq!(first.property(0x11), Some(&86_400_u32.to_be_bytes()[..]), "Session Expiry Interval");
    assert_eq!(first.property(0x21), Some(&256_u16.to_be_bytes()[..]), "Receive Maximum");
    assert_eq!(first.property(0x27), Some(&(1_048_576_u32 + 65_536).to_be_bytes()[..]), "Maximum Packet Size");
    assert_eq!(first.client_id, session.client_id().as_str());
    assert!((1..=23).contains(&first.client_id.len()), "{}", first.client_id);
    assert!(first.client_id.bytes().all(|octet| octet.is_ascii_alphanumeric()), "{}", first.client_id);
    // MQTT-048: the next process says the same.
    let _ = tap.wait_for(ToClient, Kind::SubAck, 1);
    consumer.stop().await;
    drop(session);
    let session = Session::open(directory.path()).unwrap();
    let consumer = Consumer::start(options_with(tap.port(), session), settings("zulu"), Doer::new("zulu"));
    let second = connect(&tap, 1);
    assert_eq!((second.flags, &second.client_id), (0, &first.client_id));
    // It said goodbye, and left its session behind.
    assert_eq!(tap.wait_for(ToBroker, Kind::Disconnect, 1)[0].packet.body.first().copied().unwrap_or(0), 0);
    assert_eq!(tap.wait_for(ToClient, Kind::ConnAck, 2)[1].packet.body[0], 1, "Session Present");
    let _ = tap.wait_for(ToClient, Kind::SubAck, 2);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_be_chosen_is_in_connect() {
    // MQTT-052, MQTT-062, MQTT-071
    let Some(broker) = Mosquitto::with().user("consumer", "secret").start() else { return };
    let tap = Tap::to(broker.port());
    let mut options = options(tap.port());
    options.credentials = Some(Credentials { username: "consumer".to_owned(), password: Some(b"secret".to_vec()) });
    options.keep_alive = KeepAlive::from_secs(20).unwrap();
    options.session_expiry = 60;
    options.receive_maximum = 7;
    let consumer = Consumer::start(options, settings("zulu"), Doer::new("zulu"));
    let connect = connect(&tap, 0);
    assert_eq!((connect.flags, connect.keep_alive), (0b1100_0000, 20));
    assert_eq!(connect.property(0x11), Some(&60_u32.to_be_bytes()[..]));
    assert_eq!(connect.property(0x21), Some(&7_u16.to_be_bytes()[..]));
    assert_eq!(connect.rest, b"\x00\x08consumer\x00\x06secret");
    let _ = tap.wait_for(ToClient, Kind::SubAck, 1);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_subscribes_to_its_topics() {
    // MQTT-004, MQTT-018 to MQTT-021, MQTT-089 to MQTT-092, MQTT-095 to MQTT-097
    let Some(broker) = Mosquitto::start() else { return };
    let tap = Tap::to(broker.port());
    let mut settings = settings("zulu");
    settings.profiles.push("x-acme".parse::<Nsid>().unwrap());
    let consumer = Consumer::start(options(tap.port()), settings, Doer::new("zulu"));
    let subscribe = tap.wait_for(ToBroker, Kind::Subscribe, 1)[0].packet.subscribe();
    let topics = ["oc2/cmd/all", "oc2/cmd/ap/slpf", "oc2/cmd/ap/x-acme", "oc2/cmd/device/zulu"];
    assert_eq!(subscribe.filters, topics.map(|topic| (topic.to_owned(), OPTIONS)));
    let _ = tap.wait_for(ToClient, Kind::SubAck, 1);
    consumer.stop().await;
}

/// Maximum QoS 2, No Local, Retain As Published, Retain Handling 0 (MQTT 5 3.8.3.1).
const OPTIONS: u8 = 0b0000_1110;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producer_subscribes_before_it_publishes() {
    // MQTT-003, MQTT-093 to MQTT-095, MQTT-100
    let Some(broker) = Mosquitto::start() else { return };
    let session = Session::ephemeral();
    let client_id = session.client_id().as_str().to_owned();
    let consumer = Consumer::start(options_with(broker.port(), session), settings("zulu"), Doer::new("zulu"));
    broker.wait_subscribed(&client_id);
    let tap = Tap::to(broker.port());
    let transfer = transfer(options(tap.port()), "zulu");
    ask(&transfer, "a").await.unwrap();
    let seen = tap.packets();
    let position =
        |direction, kind| seen.iter().position(|seen| seen.direction == direction && seen.packet.kind == kind).unwrap();
    assert!(position(ToClient, Kind::SubAck) < position(ToBroker, Kind::Publish));
    let subscribe = seen[position(ToBroker, Kind::Subscribe)].packet.subscribe();
    let topics = ["oc2/rsp", "oc2/rsp/device/omega", "oc2/rsp/omega"];
    assert_eq!(subscribe.filters, topics.map(|topic| (topic.to_owned(), OPTIONS)));
    consumer.stop().await;
}

/// The properties of a message of OpenC2, and no others.
#[track_caller]
fn check_properties(publish: &Publish, format: u8, msg_type: &str, encoding: &str) {
    assert_eq!((publish.qos, publish.is_retained, publish.is_dup), (1, false, false));
    assert_eq!(publish.property(0x01), Some(&[format][..]), "Payload Format Indicator");
    assert_eq!(publish.property(0x03), Some(&b"application/openc2"[..]), "Content Type");
    let user = [("msgType", msg_type), ("encoding", encoding)].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(publish.user_properties(), user);
    let others = publish.properties.iter().map(|(id, _)| *id).filter(|id| ![0x01, 0x02, 0x03, 0x26].contains(id));
    assert_eq!(others.count(), 0, "no Response Topic, no Correlation Data, no other");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_published_as_the_standard_has_it() {
    // MQTT-001, MQTT-008 to MQTT-011, MQTT-022 to MQTT-026, MQTT-032, MQTT-033, MQTT-039, MQTT-072 to MQTT-079, MQTT-081, MQTT-086
    let Some(broker) = Mosquitto::start() else { return };
    let (of_consumer, of_producer) = (Tap::to(broker.port()), Tap::to(broker.port()));
    let consumer = Consumer::start(options(of_consumer.port()), settings("zulu"), Doer::new("zulu"));
    let _ = of_consumer.wait_for(ToClient, Kind::SubAck, 1);
    let device = transfer(options(of_producer.port()), "zulu");
    let topics = [
        (device.clone(), "oc2/cmd/device/zulu"),
        (device.to(Destination::Profile(Nsid::SLPF)), "oc2/cmd/ap/slpf"),
        (device.to(Destination::All), "oc2/cmd/all"),
    ];
    for (number, (transfer, topic)) in topics.iter().enumerate() {
        let id = number.to_string();
        let answer = ask(transfer, &id).await.unwrap();
        assert_eq!(answer.content_type.as_deref(), Some(JSON));
        let request = published(&of_producer, number);
        assert_eq!((request.topic.as_str(), request.text()), (*topic, command(&id).as_str()));
        check_properties(&request, 1, "req", "json");
        // DECISIONS Q10: as long as the Producer waits, and a second for the part that is less than one.
        assert_eq!(request.property(0x02), Some(&61_u32.to_be_bytes()[..]), "Message Expiry Interval");
        let response = published(&of_consumer, number);
        assert_eq!((response.topic.as_str(), &response.payload[..]), ("oc2/rsp", &answer.body[..]));
        check_properties(&response, 1, "rsp", "json");
    }
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cbor_is_named_and_is_no_text() {
    // MQTT-023, MQTT-026, MQTT-076, MQTT-082
    let Some(broker) = Mosquitto::start() else { return };
    let (of_consumer, of_producer) = (Tap::to(broker.port()), Tap::to(broker.port()));
    let doer = Doer::mute("zulu");
    let consumer = Consumer::start(options(of_consumer.port()), settings("zulu"), doer.clone());
    let _ = of_consumer.wait_for(ToClient, Kind::SubAck, 1);
    let transfer = transfer(options(of_producer.port()), "zulu");
    // [{1: "a", 3: "p"}, {1: {1: {}}}]
    let message = [0x82, 0xa2, 1, 0x61, b'a', 3, 0x61, b'p', 0xa1, 1, 0xa1, 1, 0xa0];
    let cbor = Outgoing { request_id: Some("a".to_owned()), ..Outgoing::new(message.to_vec(), CBOR) };
    transfer.exchange(cbor).await.unwrap();
    check_properties(&published(&of_producer, 0), 0, "req", "cbor");
    doer.wait_begun(1);
    consumer.stop().await;
    assert_eq!(doer.requests()[0].content_type.as_deref(), Some(CBOR));
    assert_eq!(doer.requests()[0].body, message[..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn qos_2_is_used_where_it_is_chosen() {
    // MQTT-040, MQTT-103
    let Some(broker) = Mosquitto::start() else { return };
    let (of_consumer, of_producer) = (Tap::to(broker.port()), Tap::to(broker.port()));
    let mut exactly = options(of_consumer.port());
    exactly.qos = Qos::ExactlyOnce;
    let consumer = Consumer::start(exactly, settings("zulu"), Doer::new("zulu"));
    let _ = of_consumer.wait_for(ToClient, Kind::SubAck, 1);
    let mut exactly = options(of_producer.port());
    exactly.qos = Qos::ExactlyOnce;
    let transfer = transfer(exactly, "zulu");
    for id in 0..100 {
        ask(&transfer, &id.to_string()).await.unwrap();
    }
    assert_eq!(published(&of_producer, 99).qos, 2);
    assert_eq!(published(&of_consumer, 99).qos, 2);
    let _ = of_producer.wait_for(ToBroker, Kind::PubRel, 100);
    let _ = of_consumer.wait_for(ToBroker, Kind::PubComp, 100);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_takes_qos_1_at_most_gets_qos_1() {
    // MQTT-045, DECISIONS Q8
    let Some(broker) = Mosquitto::with().line("max_qos 1").start() else { return };
    let of_producer = Tap::to(broker.port());
    let session = Session::ephemeral();
    let client_id = session.client_id().as_str().to_owned();
    let consumer = Consumer::start(options_with(broker.port(), session), settings("zulu"), Doer::new("zulu"));
    broker.wait_subscribed(&client_id);
    let mut exactly = options(of_producer.port());
    exactly.qos = Qos::ExactlyOnce;
    ask(&transfer(exactly, "zulu"), "a").await.unwrap();
    assert_eq!(published(&of_producer, 0).qos, 1);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn responses_go_to_one_producer_where_it_is_chosen() {
    // MQTT-011, MQTT-087, DECISIONS Q1
    let Some(broker) = Mosquitto::start() else { return };
    let tap = Tap::to(broker.port());
    let mut individual = settings("zulu");
    individual.respond_to = RespondTo::Individual;
    let consumer = Consumer::start(options(tap.port()), individual, Doer::new("zulu"));
    let _ = tap.wait_for(ToClient, Kind::SubAck, 1);
    ask(&transfer(options(broker.port()), "zulu"), "a").await.unwrap();
    assert_eq!(published(&tap, 0).topic, "oc2/rsp/omega");
    // What cannot be a level of a topic does not become one.
    let mut client = RawClient::connect(broker.port());
    for (number, hostile) in ["a/b", "#", "+", "oc2/cmd/all", ""].iter().enumerate() {
        let request = command("b").replace("omega", hostile);
        client.publish(&oc2_tests_broker::Draft::openc2("oc2/cmd/device/zulu", "req", request));
        assert_eq!(published(&tap, number + 1).topic, "oc2/rsp", "{hostile:?}");
    }
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_topic_and_correlation_data_change_nothing() {
    // MQTT-037, MQTT-087, MQTT-088, DECISIONS Q9
    let Some(broker) = Mosquitto::start() else { return };
    let tap = Tap::to(broker.port());
    let consumer = Consumer::start(options(tap.port()), settings("zulu"), Doer::new("zulu"));
    let _ = tap.wait_for(ToClient, Kind::SubAck, 1);
    let draft = oc2_tests_broker::Draft::openc2("oc2/cmd/device/zulu", "req", command("a"))
        .text(0x08, "somewhere/else")
        .text(0x09, "correlation")
        .property(0x02, &9_u32.to_be_bytes());
    RawClient::connect(broker.port()).publish(&draft);
    let response = published(&tap, 0);
    assert_eq!(response.topic, "oc2/rsp");
    assert_eq!(response.property(0x09), None);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_connection_is_kept_alive() {
    // MQTT-054, MQTT-056, MQTT-101
    let Some(broker) = Mosquitto::start() else { return };
    let tap = Tap::to(broker.port());
    let mut options = options(tap.port());
    options.keep_alive = KeepAlive::from_secs(1).unwrap();
    let consumer = Consumer::start(options, settings("zulu"), Doer::new("zulu"));
    let _ = tap.wait_for(ToBroker, Kind::PingReq, 3);
    let sent = tap.packets().into_iter().filter(|seen| seen.direction == ToBroker).collect::<Vec<_>>();
    for pair in sent.windows(2).filter(|pair| pair[1].packet.kind == Kind::PingReq) {
        let silence = pair[1].at - pair[0].at;
        // The wire in between is not as exact as the client.
        assert!(silence >= Duration::from_millis(930), "PINGREQ after {silence:?}");
    }
    assert_eq!(tap.of_kind(ToBroker, Kind::Connect).len(), 1, "the broker kept the connection");
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keep_alive_of_the_broker_replaces_ours_for_one_connection() {
    // MQTT-055, MQTT-052
    let broker = Impostor::start(|connection, packet| match (connection, packet.kind) {
        // Server Keep Alive 1, then 600, which we do not take over into CONNECT.
        (0, Kind::Connect) => vec![0x20, 6, 0, 0, 3, 0x13, 0, 1],
        // It goes away.
        (0, Kind::PingReq) => vec![0xe0, 0],
        (_, Kind::Connect) => vec![0x20, 6, 0, 0, 3, 0x13, 2, 88],
        _ => Impostor::usual(packet),
    });
    let consumer = Consumer::start(options(broker.port()), settings("zulu"), Doer::new("zulu"));
    let pings = broker.wait_for(Kind::PingReq, 1);
    assert_eq!(pings[0].0, 0);
    for (_, connect) in broker.wait_for(Kind::Connect, 2) {
        assert_eq!(connect.connect().keep_alive, 300);
    }
    let _ = broker.wait_for(Kind::Subscribe, 2);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_neither_reads_nor_changes_a_message() {
    // MQTT-005, MQTT-007
    let Some(broker) = Mosquitto::start() else { return };
    let mut ear = RawClient::connect(broker.port());
    ear.subscribe("oc2/#");
    let of_producer = Tap::to(broker.port());
    let transfer = transfer(options(of_producer.port()), "zulu");
    transfer.exchange(outgoing("a")).await.unwrap();
    let (sent, heard) = (published(&of_producer, 0), ear.receive());
    assert_eq!((sent.topic, sent.payload), (heard.topic.clone(), heard.payload.clone()));
    for id in [0x01, 0x03] {
        assert_eq!(
            sent.properties.iter().find(|(own, _)| *own == id),
            heard.properties.iter().find(|(own, _)| *own == id)
        );
    }
    let user = |publish: &[(u8, Vec<u8>)]| publish.iter().filter(|(id, _)| *id == 0x26).cloned().collect::<Vec<_>>();
    assert_eq!(user(&sent.properties), user(&heard.properties));
}
