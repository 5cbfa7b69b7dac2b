//! One Command to many Consumers (DECISIONS Q11).

use std::time::{Duration, Instant};

use oc2_core::Nsid;
use oc2_tests_broker::Mosquitto;
use oc2_transfer::{Outgoing, Transfer};
use oc2_transfer_mqtt::{Destination, Session, Settings};

use crate::harness::{Consumer, Doer, all, options, options_with, outgoing, response, transfer};

/// Consumers with a profile each.
fn fleet(broker: &Mosquitto, members: &[(&str, &str)]) -> (Vec<Consumer>, Vec<Doer>) {
    let doers = members.iter().map(|(name, _)| Doer::new(name)).collect::<Vec<_>>();
    let consumers = members.iter().zip(&doers).map(|((name, profile), doer)| {
        let session = Session::ephemeral();
        let client_id = session.client_id().as_str().to_owned();
        let settings = Settings::new(name.parse().unwrap(), [profile.parse::<Nsid>().unwrap()]);
        let consumer = Consumer::start(options_with(broker.port(), session), settings, doer.clone());
        broker.wait_subscribed(&client_id);
        consumer
    });
    (consumers.collect(), doers)
}

const MEMBERS: [(&str, &str); 4] = [("alpha", "slpf"), ("bravo", "slpf"), ("charlie", "slpf"), ("delta", "er")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_answers_come_as_are_expected() {
    // MQTT-008, MQTT-009, MQTT-038
    let Some(broker) = Mosquitto::start() else { return };
    let (consumers, doers) = fleet(&broker, &MEMBERS);
    let one = transfer(options(broker.port()), "alpha");
    let slpf = one.to(Destination::Profile(Nsid::SLPF));
    for (id, transfer, expected) in [("a", one.to(Destination::All), 4), ("p", slpf, 3), ("d", one.clone(), 1)] {
        let begun = Instant::now();
        let outgoing = Outgoing { expected: (expected > 1).then_some(expected), ..outgoing(id) };
        let mut answers = all(transfer.exchange(outgoing).await.unwrap()).await;
        answers.sort_unstable();
        let names = MEMBERS.iter().take(expected).map(|(name, _)| response(id, name, 200));
        assert_eq!(answers, names.collect::<Vec<_>>());
        assert!(begun.elapsed() < oc2_tests_broker::PATIENCE / 2, "nobody waited for more");
    }
    assert_eq!(doers.iter().map(Doer::n_begun).collect::<Vec<_>>(), [3, 2, 2, 1]);
    for consumer in consumers {
        consumer.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_number_answers_come_until_the_time_is_over() {
    let Some(broker) = Mosquitto::start() else { return };
    let (consumers, _) = fleet(&broker, &MEMBERS[..2]);
    let everybody = transfer(options(broker.port()), "alpha").to(Destination::All);
    let begun = Instant::now();
    let outgoing = Outgoing { timeout: Duration::from_secs(2), ..outgoing("a") };
    let answers = all(everybody.exchange(outgoing).await.unwrap()).await;
    assert_eq!(answers.len(), 2);
    assert!(begun.elapsed() >= Duration::from_secs(2));
    for consumer in consumers {
        consumer.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_consumers_answer_one_command() {
    let Some(broker) = Mosquitto::start() else { return };
    let names = (0..100).map(|number| format!("device{number}")).collect::<Vec<_>>();
    let members = names.iter().map(|name| (name.as_str(), "slpf")).collect::<Vec<_>>();
    let (consumers, _) = fleet(&broker, &members);
    let everybody = transfer(options(broker.port()), "alpha").to(Destination::All);
    let outgoing = Outgoing { expected: Some(100), ..outgoing("a") };
    let mut answers = all(everybody.exchange(outgoing).await.unwrap()).await;
    answers.sort_unstable();
    answers.dedup();
    assert_eq!(answers.len(), 100);
    for consumer in consumers {
        consumer.stop().await;
    }
}
