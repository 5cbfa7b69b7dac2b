//! Who may do what: passwords, ACLs, and brokers that refuse.

use oc2_tests_broker::{Draft, Impostor, Kind, Mosquitto, RawClient, wait_until};
use oc2_transfer::{Outgoing, Transfer};
use oc2_transfer_mqtt::{Credentials, Options, Session};

use crate::harness::{Consumer, Doer, ask, command, options, options_with, outgoing, response, settings, transfer};

fn as_user(port: u16, username: &str, password: &str) -> Options {
    let mut options = options_with(port, Session::ephemeral());
    options.credentials =
        Some(Credentials { username: username.to_owned(), password: Some(password.as_bytes().to_vec()) });
    options
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_lets_in_and_a_wrong_one_is_an_error_at_once() {
    // MQTT-120
    let Some(broker) = Mosquitto::with().user("consumer", "one").user("producer", "two").start() else { return };
    for wrong in [options(broker.port()), as_user(broker.port(), "consumer", "two")] {
        let consumer = Consumer::start(wrong.clone(), settings("zulu"), Doer::new("zulu"));
        let error = consumer.ends().await.unwrap_err().to_string();
        assert!(error.contains("refused the connection: NotAuthorized"), "{error}");
        let error = ask(&transfer(wrong, "zulu"), "a").await.unwrap_err().to_string();
        assert!(error.contains("refused the connection: NotAuthorized"), "{error}");
    }
    let options = as_user(broker.port(), "consumer", "one");
    let client_id = options.session.client_id().as_str().to_owned();
    let consumer = Consumer::start(options, settings("zulu"), Doer::new("zulu"));
    broker.wait_subscribed(&client_id);
    ask(&transfer(as_user(broker.port(), "producer", "two"), "zulu"), "a").await.unwrap();
    consumer.stop().await;
}

/// What MQTT-016 asks for: Producers command and hear answers, Consumers hear commands and answer.
const ACL: &str = "\
user producer
topic write oc2/cmd/#
topic read oc2/rsp
topic read oc2/rsp/omega

user consumer
topic read oc2/cmd/all
topic read oc2/cmd/ap/+
topic read oc2/cmd/device/zulu
topic write oc2/rsp/#
topic write oc2/rsp

user spy
topic read oc2/rsp/spy
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_command_cannot() {
    // MQTT-016, DECISIONS Q13
    let users = [("producer", "one"), ("consumer", "two"), ("spy", "three")];
    let broker = users.iter().fold(Mosquitto::with().acl(ACL), |broker, (user, password)| broker.user(user, password));
    let Some(broker) = broker.start() else { return };
    let options = as_user(broker.port(), "consumer", "two");
    let client_id = options.session.client_id().as_str().to_owned();
    let doer = Doer::new("zulu");
    let consumer = Consumer::start(options, settings("zulu"), doer.clone());
    broker.wait_subscribed(&client_id);
    for (user, password) in &users[1..] {
        let error = ask(&transfer(as_user(broker.port(), user, password), "zulu"), "a").await.unwrap_err().to_string();
        assert!(error.contains("NotAuthorized"), "{error}");
    }
    ask(&transfer(as_user(broker.port(), "producer", "one"), "zulu"), "b").await.unwrap();
    consumer.stop().await;
    assert_eq!(doer.ids(), ["b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_that_may_not_be_published_is_not_tried_forever() {
    let acl = "topic readwrite oc2/cmd/#\n";
    let Some(broker) = Mosquitto::with().acl(acl).start() else { return };
    let tap = oc2_tests_broker::Tap::to(broker.port());
    let consumer = Consumer::start(options(tap.port()), settings("zulu"), Doer::new("zulu"));
    let _ = tap.wait_for(oc2_tests_broker::Direction::ToClient, Kind::SubAck, 1);
    RawClient::connect(broker.port()).publish(&Draft::openc2("oc2/cmd/all", "req", command("a")));
    let _ = tap.wait_for(oc2_tests_broker::Direction::ToBroker, Kind::PubAck, 1);
    assert_eq!(tap.of_kind(oc2_tests_broker::Direction::ToBroker, Kind::Publish).len(), 1);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_is_not_granted_is_an_error() {
    // MQTT-096, DECISIONS Q8
    for (granted, expected) in [(0, "QoS 0 was granted"), (0x87, "NotAuthorized")] {
        let broker = Impostor::start(move |_, packet| match packet.kind {
            Kind::Subscribe => [&[0x90, 6][..], &packet.id().to_be_bytes(), &[0, 1, granted, 1]].concat(),
            _ => Impostor::usual(packet),
        });
        let consumer = Consumer::start(options(broker.port()), settings("zulu"), Doer::new("zulu"));
        let error = consumer.ends().await.unwrap_err().to_string();
        assert!(error.contains("the subscription to oc2/cmd/ap/slpf") && error.contains(expected), "{error}");
        let error = ask(&transfer(options(broker.port()), "zulu"), "a").await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_takes_qos_0_only_is_none_for_us() {
    // MQTT-041, MQTT-045
    let Some(broker) = Mosquitto::with().line("max_qos 0").start() else { return };
    let consumer = Consumer::start(options(broker.port()), settings("zulu"), Doer::new("zulu"));
    let error = consumer.ends().await.unwrap_err().to_string();
    assert!(error.contains("QoS 0 only"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_was_let_in_once_comes_back_whatever_happens() {
    let broker = Impostor::start(|connection, packet| match (connection, packet.kind) {
        (0, Kind::Subscribe) => [Impostor::usual(packet), vec![0xe0, 0]].concat(),
        // Not authorized, twice.
        (1..3, Kind::Connect) => vec![0x20, 3, 0, 0x87, 0],
        _ => Impostor::usual(packet),
    });
    let consumer = Consumer::start(options(broker.port()), settings("zulu"), Doer::new("zulu"));
    let _ = broker.wait_for(Kind::Subscribe, 2);
    assert_eq!(broker.wait_for(Kind::Connect, 4).len(), 4);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_that_break_the_protocol_end_a_connection_and_nothing_else() {
    // MQTT-103
    let broken: [&[u8]; 6] = [
        // A second CONNACK, an unknown type, a request for something only brokers do, a topic alias we did not ask for, a length
        // without end, AUTH that nobody asked for.
        &[0x20, 3, 0, 0, 0],
        &[0x00, 0],
        &[0xc0, 0],
        b"\x32\x15\x00\x0boc2/cmd/all\x00\x07\x03\x23\x00\x01{}",
        &[0x30, 0xff, 0xff, 0xff, 0xff, 0x7f],
        &[0xf0, 2, 0x18, 0],
    ];
    let n_broken = broken.len();
    let broker = Impostor::start(move |connection, packet| match packet.kind {
        Kind::Subscribe => {
            let poison = broken.get(connection).copied().unwrap_or_default();
            [Impostor::usual(packet), poison.to_vec()].concat()
        }
        _ => Impostor::usual(packet),
    });
    let consumer = Consumer::start(options(broker.port()), settings("zulu"), Doer::new("zulu"));
    let connects = broker.wait_for(Kind::Connect, n_broken + 1);
    assert_eq!(connects.last().unwrap().0, n_broken);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_brokers_are_two_connections() {
    // MQTT-101
    let brokers = [Mosquitto::start(), Mosquitto::start()];
    let [Some(one), Some(other)] = brokers else { return };
    let doer = Doer::new("zulu");
    let consumers =
        [&one, &other].map(|broker| Consumer::start(options(broker.port()), settings("zulu"), doer.clone()));
    for broker in [&one, &other] {
        wait_until("it has its subscriptions", || broker.log().contains("Sending SUBACK"));
        let transfer = transfer(options(broker.port()), "zulu");
        let mut answers = transfer.exchange(Outgoing { ..outgoing("a") }).await.unwrap();
        assert_eq!(answers.next().await.unwrap().unwrap().body, response("a", "zulu", 200));
    }
    for consumer in consumers {
        consumer.stop().await;
    }
}
