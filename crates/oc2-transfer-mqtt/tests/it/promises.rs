//! What is promised: a request is acknowledged when its outcome is decided and its Response lies with the broker; until then it
//! comes again.

use oc2_tests_broker::{Direction, Draft, Impostor, Kind, Mosquitto, RawClient, Tap, wait_until};
use oc2_transfer::{Outgoing, Transfer};
use oc2_transfer_mqtt::{Qos, Session};

use crate::harness::{
    Consumer, Doer, all, ask, command, options, options_with, outgoing, response, settings, transfer,
};

use Direction::{ToBroker, ToClient};

fn request(request_id: &str) -> Draft {
    Draft::openc2("oc2/cmd/device/zulu", "req", command(request_id))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_acknowledged_after_its_response() {
    // MQTT-042
    let Some(broker) = Mosquitto::start() else { return };
    let (tap, doer) = (Tap::to(broker.port()), Doer::held("zulu"));
    let consumer = Consumer::start(options(tap.port()), settings("zulu"), doer.clone());
    let _ = tap.wait_for(ToClient, Kind::SubAck, 1);
    let mut client = RawClient::connect(broker.port());
    client.publish(&request("a"));
    client.publish(&request("b").qos(2));
    doer.wait_begun(2);
    assert!(tap.of_kind(ToBroker, Kind::PubAck).is_empty() && tap.of_kind(ToBroker, Kind::PubRec).is_empty());
    doer.release(2);
    let _ = tap.wait_for(ToBroker, Kind::PubAck, 1);
    let _ = tap.wait_for(ToBroker, Kind::PubComp, 1);
    let seen = tap.packets();
    let position =
        |direction, kind| seen.iter().position(|seen| seen.direction == direction && seen.packet.kind == kind).unwrap();
    // The broker acknowledged the Response before we acknowledged the request.
    assert!(position(ToBroker, Kind::Publish) < position(ToClient, Kind::PubAck));
    assert!(position(ToClient, Kind::PubAck) < position(ToBroker, Kind::PubAck));
    assert!(position(ToClient, Kind::PubAck) < position(ToBroker, Kind::PubRec));
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_response_a_request_is_acknowledged_when_it_is_done() {
    // MQTT-123
    let Some(broker) = Mosquitto::start() else { return };
    let tap = Tap::to(broker.port());
    let consumer = Consumer::start(options(tap.port()), settings("zulu"), Doer::mute("zulu"));
    let _ = tap.wait_for(ToClient, Kind::SubAck, 1);
    RawClient::connect(broker.port()).publish(&request("a"));
    let _ = tap.wait_for(ToBroker, Kind::PubAck, 1);
    assert!(tap.of_kind(ToBroker, Kind::Publish).is_empty(), "silence was wanted");
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledgements_go_out_in_the_order_of_the_requests() {
    // MQTT-103: MQTT 5 4.6
    let Some(broker) = Mosquitto::start() else { return };
    let (tap, doer) = (Tap::to(broker.port()), Doer::held("zulu"));
    let consumer = Consumer::start(options(tap.port()), settings("zulu"), doer.clone());
    let _ = tap.wait_for(ToClient, Kind::SubAck, 1);
    let mut client = RawClient::connect(broker.port());
    client.publish(&request("a"));
    doer.wait_begun(1);
    // These need no handler, and are done before the first.
    for _ in 0..3 {
        client.publish(&Draft::openc2("oc2/cmd/device/zulu", "rsp", response("x", "y", 200)));
    }
    let requests = tap.wait_for(ToClient, Kind::Publish, 4);
    assert!(tap.of_kind(ToBroker, Kind::PubAck).is_empty());
    doer.release(1);
    let acknowledged = tap.wait_for(ToBroker, Kind::PubAck, 4);
    let ids = requests.iter().map(|seen| seen.packet.publish().id.unwrap()).collect::<Vec<_>>();
    assert_eq!(acknowledged.iter().map(|seen| seen.packet.id()).collect::<Vec<_>>(), ids);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_is_killed_gets_its_requests_again() {
    // MQTT-061
    let Some(broker) = Mosquitto::start() else { return };
    let (tap, doer) = (Tap::to(broker.port()), Doer::held("zulu"));
    let session = Session::ephemeral();
    let first = Consumer::start(options_with(tap.port(), session.clone()), settings("zulu"), doer.clone());
    let _ = tap.wait_for(ToClient, Kind::SubAck, 1);
    let mut client = RawClient::connect(broker.port());
    client.subscribe("oc2/rsp");
    for id in ["a", "b", "c"] {
        client.publish(&request(id));
    }
    doer.wait_begun(3);
    first.kill().await;
    assert!(tap.of_kind(ToBroker, Kind::Disconnect).is_empty());
    let doer = Doer::new("zulu");
    let second = Consumer::start(options_with(tap.port(), session), settings("zulu"), doer.clone());
    // They are performed at once, and so in any order.
    let mut answers = [(); 3].map(|()| client.receive().text().to_owned());
    answers.sort_unstable();
    assert_eq!(answers, ["a", "b", "c"].map(|id| response(id, "zulu", 200)));
    let again = tap.of_kind(ToClient, Kind::Publish).split_off(3);
    assert!(again.iter().all(|seen| seen.packet.publish().is_dup));
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_wait_for_a_consumer_that_is_away() {
    // MQTT-061
    let Some(broker) = Mosquitto::start() else { return };
    let session = Session::ephemeral();
    let doer = Doer::new("zulu");
    let first = Consumer::start(options_with(broker.port(), session.clone()), settings("zulu"), doer.clone());
    broker.wait_subscribed(session.client_id().as_str());
    first.stop().await;
    let transfer = transfer(options(broker.port()), "zulu");
    let mut answers = transfer.exchange(outgoing("a")).await.unwrap();
    let second = Consumer::start(options_with(broker.port(), session), settings("zulu"), doer.clone());
    assert_eq!(answers.next().await.unwrap().unwrap().body, response("a", "zulu", 200));
    assert_eq!(doer.ids(), ["a"]);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_keeps_what_is_more_than_a_consumer_takes_on() {
    // Without a limit of its own this broker sends more than the Receive Maximum later on, which is suffered.
    let Some(broker) = Mosquitto::with().line("max_inflight_messages 0").start() else { return };
    let (tap, doer) = (Tap::to(broker.port()), Doer::held("zulu"));
    let mut narrow = options(tap.port());
    narrow.receive_maximum = 5;
    let mut settings = settings("zulu");
    settings.max_commands = 2;
    let consumer = Consumer::start(narrow, settings, doer.clone());
    let _ = tap.wait_for(ToClient, Kind::SubAck, 1);
    let mut client = RawClient::connect(broker.port());
    let ids = (0..20).map(|id| id.to_string()).collect::<Vec<_>>();
    for id in &ids {
        client.publish(&request(id));
    }
    let _ = tap.wait_for(ToClient, Kind::Publish, 5);
    doer.wait_begun(2);
    assert_eq!(tap.of_kind(ToClient, Kind::Publish).len(), 5, "the Receive Maximum");
    assert_eq!(doer.n_begun(), 2, "the limit on Commands");
    doer.release(20);
    let _ = tap.wait_for(ToBroker, Kind::PubAck, 20);
    let mut handled = doer.ids();
    handled.sort_unstable_by_key(|id| id.parse::<u32>().unwrap());
    assert_eq!(handled, ids);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_shutdown_has_no_time_for_is_left_to_the_next_process() {
    let Some(broker) = Mosquitto::start() else { return };
    let (tap, doer) = (Tap::to(broker.port()), Doer::held("zulu"));
    let session = Session::ephemeral();
    let mut hasty = settings("zulu");
    (hasty.grace, hasty.max_commands) = (std::time::Duration::from_millis(50), 1);
    let first = Consumer::start(options_with(tap.port(), session.clone()), hasty, doer.clone());
    let _ = tap.wait_for(ToClient, Kind::SubAck, 1);
    let mut client = RawClient::connect(broker.port());
    client.publish(&request("a"));
    client.publish(&request("b"));
    doer.wait_begun(1);
    first.stop().await;
    assert!(tap.of_kind(ToBroker, Kind::PubAck).is_empty());
    let doer = Doer::new("zulu");
    let second = Consumer::start(options_with(tap.port(), session), settings("zulu"), doer.clone());
    let _ = tap.wait_for(ToBroker, Kind::PubAck, 2);
    let mut ids = doer.ids();
    ids.sort_unstable();
    assert_eq!(ids, ["a", "b"]);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_given_once() {
    // MQTT-017, MQTT-038, MQTT-044, MQTT-098
    let Some(broker) = Mosquitto::start() else { return };
    let mut consumer = RawClient::connect(broker.port());
    consumer.subscribe("oc2/cmd/device/zulu");
    let transfer = transfer(options(broker.port()), "zulu");
    let expected = Outgoing { expected: Some(2), ..outgoing("a") };
    let answers = transfer.exchange(expected).await.unwrap();
    consumer.receive();
    let answered =
        [("a", "zulu", 102), ("a", "zulu", 102), ("other", "zulu", 200), ("a", "zulu", 200), ("a", "zulu", 200)];
    for (id, from, status) in answered {
        consumer.publish(&Draft::openc2("oc2/rsp", "rsp", response(id, from, status)));
    }
    consumer.publish(&Draft::openc2("oc2/rsp/omega", "rsp", response("a", "yankee", 404)));
    let expected = [("zulu", 102), ("zulu", 200), ("yankee", 404)];
    assert_eq!(all(answers).await, expected.map(|(from, status)| response("a", from, status)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_producers_hear_their_own_answers_only() {
    // MQTT-017
    let Some(broker) = Mosquitto::start() else { return };
    let session = Session::ephemeral();
    let client_id = session.client_id().as_str().to_owned();
    let consumer = Consumer::start(options_with(broker.port(), session), settings("zulu"), Doer::new("zulu"));
    broker.wait_subscribed(&client_id);
    let (one, other) = (transfer(options(broker.port()), "zulu"), transfer(options(broker.port()), "zulu"));
    for number in 0..20 {
        let ids = [format!("one{number}"), format!("other{number}")];
        let (one, other) = tokio::join!(ask(&one, &ids[0]), ask(&other, &ids[1]));
        assert_eq!(one.unwrap().body, response(&ids[0], "zulu", 200));
        assert_eq!(other.unwrap().body, response(&ids[1], "zulu", 200));
    }
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_to_hear_a_command_is_told_at_once() {
    let Some(broker) = Mosquitto::start() else { return };
    let error = ask(&transfer(options(broker.port()), "nobody"), "a").await.unwrap_err();
    assert!(error.to_string().contains("nobody subscribes to oc2/cmd/device/nobody"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_to_hear_a_command_is_told_at_qos_2_as_well() {
    // The reason stands in PUBREC, where mosquitto never puts it.
    let impostor = Impostor::start(|_, packet| match packet.kind {
        Kind::Publish => [&[0x50, 3][..], &packet.publish().id.unwrap().to_be_bytes(), &[0x10]].concat(),
        Kind::PubRel => [&[0x70, 2][..], &packet.id().to_be_bytes()].concat(),
        _ => Impostor::usual(packet),
    });
    let mut options = options(impostor.port());
    options.qos = Qos::ExactlyOnce;
    let error = ask(&transfer(options, "nobody"), "a").await.unwrap_err();
    assert!(error.to_string().contains("nobody subscribes to oc2/cmd/device/nobody"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_exchanges_under_one_id_would_be_one() {
    let Some(broker) = Mosquitto::start() else { return };
    let mut consumer = RawClient::connect(broker.port());
    consumer.subscribe("oc2/cmd/device/zulu");
    let transfer = transfer(options(broker.port()), "zulu");
    let first = transfer.exchange(outgoing("a")).await.unwrap();
    assert!(transfer.exchange(outgoing("a")).await.is_err());
    drop(first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_process_ends_what_an_old_one_left_half_done_at_qos_2() {
    // MQTT-103: else the broker takes a new message for the old one that had its id.
    let broker = Impostor::start(|_, packet| match packet.kind {
        Kind::Connect => vec![0x20, 3, 1, 0, 0],
        Kind::PubRel => [&[0x70, 2][..], &packet.id().to_be_bytes()].concat(),
        Kind::Publish => [&[0x50, 2][..], &packet.publish().id.unwrap().to_be_bytes()].concat(),
        _ => Impostor::usual(packet),
    });
    let mut exactly = options(broker.port());
    (exactly.qos, exactly.max_in_flight) = (Qos::ExactlyOnce, 3);
    let transfer = transfer(exactly, "zulu");
    for id in ["a", "b", "c", "d", "e"] {
        transfer.exchange(outgoing(id)).await.unwrap();
    }
    let released = broker.wait_for(Kind::PubRel, 8);
    assert_eq!(released.iter().take(3).map(|(_, packet)| packet.id()).collect::<Vec<_>>(), [1, 2, 3]);
    wait_until("all is complete", || {
        broker.heard().iter().filter(|(_, packet)| packet.kind == Kind::Publish).count() == 5
    });
}
