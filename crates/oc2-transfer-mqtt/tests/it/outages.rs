//! Brokers that go and come back, with and without what they knew, and wires that are cut or go dead.

use std::time::Duration;

use oc2_tests_broker::{Direction, Draft, Impostor, Kind, Mosquitto, RawClient, Tap, wait_until};
use oc2_transfer::{Outgoing, Transfer, TransferError};
use oc2_transfer_mqtt::{Destination, KeepAlive, MqttTransfer, Options};
use tokio::task::JoinSet;

use crate::harness::{Consumer, Doer, ask, command, options, outgoing, response, settings, transfer};

use Direction::{ToBroker, ToClient};

/// A Consumer and a Producer with a wire each, both ready.
async fn pair(broker: &Mosquitto, doer: &Doer) -> (Consumer, Tap, MqttTransfer, Tap) {
    pair_with(broker, doer, |_| {}).await
}

async fn pair_with(
    broker: &Mosquitto,
    doer: &Doer,
    change: impl Fn(&mut Options),
) -> (Consumer, Tap, MqttTransfer, Tap) {
    let taps = [Tap::to(broker.port()), Tap::to(broker.port())];
    let [of_consumer, of_producer] = [&taps[0], &taps[1]].map(|tap| {
        let mut options = options(tap.port());
        change(&mut options);
        options
    });
    let consumer = Consumer::start(of_consumer, settings("zulu"), doer.clone());
    let [of_consumer, producer_tap] = taps;
    let _ = of_consumer.wait_for(ToClient, Kind::SubAck, 1);
    let transfer = transfer(of_producer, "zulu");
    doer.release(1);
    ask(&transfer, "first").await.unwrap();
    (consumer, of_consumer, transfer, producer_tap)
}

/// Commands that were sent before something happens, and are answered after it.
fn send(transfer: &MqttTransfer, ids: impl Iterator<Item = u32>) -> JoinSet<()> {
    let mut exchanges = JoinSet::new();
    for id in ids.map(|id| id.to_string()) {
        let transfer = transfer.clone();
        exchanges.spawn(async move {
            assert_eq!(ask(&transfer, &id).await.unwrap().body, response(&id, "zulu", 200));
        });
    }
    exchanges
}

async fn all_answered(exchanges: JoinSet<()>) {
    tokio::time::timeout(oc2_tests_broker::PATIENCE, exchanges.join_all()).await.expect("all are answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_restarts_with_its_sessions_is_found_again() {
    // MQTT-058, MQTT-060, MQTT-064
    let Some(mut broker) = Mosquitto::with().keeping_sessions().start() else { return };
    let doer = Doer::held("zulu");
    let (consumer, of_consumer, transfer, of_producer) = pair(&broker, &doer).await;
    let exchanges = send(&transfer, 0..15);
    doer.wait_begun(16);
    broker.stop();
    doer.release(1000);
    broker.start_again();
    all_answered(exchanges).await;
    for tap in [&of_consumer, &of_producer] {
        let connects = tap.wait_for(ToBroker, Kind::Connect, 2);
        assert!(connects.iter().all(|seen| seen.packet.connect().flags & 0b10 == 0), "Clean Start");
        let connacks = tap.of_kind(ToClient, Kind::ConnAck);
        assert_eq!(connacks.last().unwrap().packet.body[0], 1, "Session Present");
    }
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_are_kept_with_a_session_that_is_known_to_have_them() {
    // MQTT-060
    let broker = Impostor::start(|connection, packet| match (connection, packet.kind) {
        // A new session; it goes away as soon as it has our subscriptions, and comes back with them.
        (0, Kind::Subscribe) => [Impostor::usual(packet), vec![0xe0, 0]].concat(),
        (1, Kind::Connect) => vec![0x20, 3, 1, 0, 0, 0xe0, 0],
        // It goes away before it says what it knows: the session it has then may be a new one of our CONNECT.
        (2, Kind::Connect) => vec![0xe0, 0],
        (3.., Kind::Connect) => vec![0x20, 3, 1, 0, 0],
        _ => Impostor::usual(packet),
    });
    let consumer = Consumer::start(options(broker.port()), settings("zulu"), Doer::new("zulu"));
    let subscribed = broker.wait_for(Kind::Subscribe, 2);
    assert_eq!(subscribed.iter().map(|(connection, _)| *connection).collect::<Vec<_>>(), [0, 3]);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_comes_back_with_less_room_gets_everything_all_the_same() {
    // MQTT-042, MQTT-103: Receive Maximum
    let broker = Impostor::start(|connection, packet| match (connection, packet.kind) {
        (0, Kind::Publish) if packet.publish().text().contains("\"2\"") => vec![0xe0, 0],
        (0, Kind::Publish) => Vec::new(),
        (1.., Kind::Connect) => vec![0x20, 6, 1, 0, 3, 0x21, 0, 2],
        _ => Impostor::usual(packet),
    });
    let transfer = transfer(options(broker.port()), "zulu");
    for id in 0..3 {
        let transfer = transfer.clone();
        let begun = tokio::spawn(async move { transfer.exchange(outgoing(&id.to_string())).await.map(drop) });
        if id < 2 {
            let _ = broker.wait_for(Kind::Publish, id + 1);
        } else {
            begun.await.unwrap().unwrap();
        }
    }
    let published = broker.wait_for(Kind::Publish, 6).split_off(3);
    let published = published.iter().map(|(_, packet)| packet.publish()).collect::<Vec<_>>();
    // SUBSCRIBE had id 1. The first message goes out again under its id, the others as new.
    assert_eq!((published[0].id, published[0].is_dup), (Some(2), true));
    assert!(published[1..].iter().all(|publish| publish.id <= Some(2) && !publish.is_dup));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_restarts_without_its_sessions_is_told_again() {
    // MQTT-060: subscriptions return, and what was not answered is asked again under its id.
    let Some(mut broker) = Mosquitto::start() else { return };
    let doer = Doer::held("zulu");
    let (consumer, of_consumer, transfer, of_producer) = pair(&broker, &doer).await;
    let exchanges = send(&transfer, 0..15);
    doer.wait_begun(16);
    broker.stop();
    doer.release(1000);
    broker.start_again();
    all_answered(exchanges).await;
    for tap in [&of_consumer, &of_producer] {
        let subscribes = tap.wait_for(ToBroker, Kind::Subscribe, 2);
        assert_eq!(subscribes[0].packet.subscribe(), subscribes[1].packet.subscribe());
    }
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_that_come_back_late_are_asked_again() {
    let Some(mut broker) = Mosquitto::start() else { return };
    let doer = Doer::held("zulu");
    let (consumer, of_consumer, transfer, _) = pair(&broker, &doer).await;
    let exchanges = send(&transfer, 0..1);
    doer.wait_begun(2);
    // The Consumer loses the Command as well as the connection.
    consumer.kill().await;
    broker.stop();
    broker.start_again();
    of_consumer.cut();
    broker.wait_for_log("oc2/rsp/omega", 2);
    of_consumer.mend();
    let consumer = Consumer::start(options(of_consumer.port()), settings("zulu"), Doer::new("zulu"));
    all_answered(exchanges).await;
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_not_there_yet_is_waited_for() {
    let Some(mut broker) = Mosquitto::start() else { return };
    broker.stop();
    let doer = Doer::new("zulu");
    let consumer = Consumer::start(options(broker.port()), settings("zulu"), doer.clone());
    // A Producer that never had a connection learns at once that there is none.
    let transfer = transfer(options(broker.port()), "zulu");
    let error = ask(&transfer, "a").await.unwrap_err();
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    assert!(!consumer.has_ended());
    broker.start_again();
    wait_until("the consumer has its subscriptions", || broker.log().contains("oc2/cmd/device/zulu"));
    while ask(&transfer, "b").await.is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_wire_loses_nothing_and_repeats_nothing_new() {
    // MQTT-042, MQTT-058, MQTT-060
    let Some(broker) = Mosquitto::start() else { return };
    let doer = Doer::new("zulu");
    let (consumer, of_consumer, transfer, of_producer) = pair(&broker, &doer).await;
    for round in 0..10 {
        let exchanges = send(&transfer, (round * 20)..(round * 20 + 20));
        if round % 2 == 0 {
            of_consumer.cut()
        } else {
            of_producer.cut()
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        of_consumer.mend();
        of_producer.mend();
        all_answered(exchanges).await;
    }
    let mut ids = doer.ids();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 201, "each Command arrived");
    // What goes out again on a session that was kept is marked as such.
    for tap in [&of_consumer, &of_producer] {
        let mut seen = std::collections::HashMap::<(u16, Vec<u8>), usize>::new();
        for publish in tap.of_kind(ToBroker, Kind::Publish).iter().map(|seen| seen.packet.publish()) {
            let n_before = seen.entry((publish.id.unwrap(), publish.payload)).or_default();
            assert!(
                *n_before == 0 || publish.is_dup || publish.topic.starts_with("oc2/rsp"),
                "a repetition without DUP"
            );
            *n_before += 1;
        }
    }
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_wire_is_noticed_by_who_listens() {
    // MQTT-054: PINGREQ, and no answer.
    let Some(broker) = Mosquitto::start() else { return };
    let doer = Doer::new("zulu");
    let quick = |options: &mut Options| {
        options.keep_alive = KeepAlive::from_secs(1).unwrap();
        options.answer_timeout = Duration::from_millis(500);
    };
    let (consumer, of_consumer, transfer, _) = pair_with(&broker, &doer, quick).await;
    of_consumer.deaden();
    let _ = of_consumer.wait_for(ToBroker, Kind::Connect, 2);
    ask(&transfer, "after").await.unwrap();
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_wire_is_noticed_by_who_sends_long_before_the_keep_alive() {
    let Some(broker) = Mosquitto::start() else { return };
    let doer = Doer::new("zulu");
    let quick = |options: &mut Options| options.answer_timeout = Duration::from_millis(300);
    let (consumer, _, transfer, of_producer) = pair_with(&broker, &doer, quick).await;
    of_producer.deaden();
    // It is sent over the dead wire, not acknowledged, asked after, and sent again over the next one.
    ask(&transfer, "after").await.unwrap();
    assert_eq!(of_producer.of_kind(ToBroker, Kind::Connect).len(), 2);
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn responses_wait_for_a_broker_that_is_away() {
    let Some(broker) = Mosquitto::start() else { return };
    let doer = Doer::held("zulu");
    let (consumer, of_consumer, transfer, _) = pair(&broker, &doer).await;
    let exchanges = send(&transfer, 0..10);
    doer.wait_begun(11);
    of_consumer.cut();
    doer.release(1000);
    wait_until("all is done", || doer.requests().len() == 11);
    of_consumer.mend();
    all_answered(exchanges).await;
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_without_a_connection_ends_in_time() {
    let Some(broker) = Mosquitto::start() else { return };
    let doer = Doer::new("zulu");
    let impatient = |options: &mut Options| options.connect_timeout = Duration::from_millis(300);
    let (consumer, _, transfer, of_producer) = pair_with(&broker, &doer, impatient).await;
    of_producer.cut();
    let error = ask(&transfer, "a").await.unwrap_err();
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    of_producer.mend();
    while ask(&transfer, "b").await.is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_that_is_closed_says_goodbye() {
    let Some(broker) = Mosquitto::start() else { return };
    let doer = Doer::new("zulu");
    let (consumer, _, transfer, of_producer) = pair(&broker, &doer).await;
    let all = transfer.to(Destination::All);
    transfer.close().await;
    let _ = of_producer.wait_for(ToBroker, Kind::Disconnect, 1);
    assert!(all.exchange(outgoing("a")).await.is_err());
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_clients_under_one_client_id_do_not_fight_without_end() {
    let Some(broker) = Mosquitto::start() else { return };
    let doer = Doer::new("zulu");
    let (consumer, of_consumer, _, _) = pair(&broker, &doer).await;
    let client_id = of_consumer.of_kind(ToBroker, Kind::Connect)[0].packet.connect().client_id;
    let tap = Tap::to(broker.port());
    let session = crate::harness::session_of(&client_id);
    let rival =
        Consumer::start(crate::harness::options_with(tap.port(), session), settings("yankee"), Doer::new("yankee"));
    let _ = tap.wait_for(ToBroker, Kind::Connect, 3);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let n_connects = tap.of_kind(ToBroker, Kind::Connect).len();
    assert!(n_connects < 30, "{n_connects} connections");
    rival.kill().await;
    // What is left of the two still serves.
    let mut client = RawClient::connect(broker.port());
    client.subscribe("oc2/rsp");
    client.publish(&Draft::openc2("oc2/cmd/device/zulu", "req", command("a")));
    assert_eq!(client.receive().text(), response("a", "zulu", 200));
    consumer.stop().await;
}

#[tokio::test]
async fn an_error_that_is_deferred_comes_in_the_place_of_an_answer() {
    // Nobody is there.
    let transfer = transfer(options(1), "zulu");
    let mut answers = transfer.exchange(Outgoing { defers_errors: true, ..outgoing("a") }).await.unwrap();
    let answer = answers.next().await;
    assert!(matches!(answer, Some(Err(TransferError::Unreachable { .. }))), "{answer:?}");
    assert!(answers.next().await.is_none());
}
