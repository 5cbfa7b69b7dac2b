//! How long things take, where it shows that something is set up wrong.

use std::time::{Duration, Instant};

use oc2_tests_broker::Mosquitto;
use oc2_transfer_mqtt::Session;

use crate::harness::{Consumer, Doer, ask, options, options_with, settings, transfer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_trip_has_no_steps_of_40_ms() {
    // A broker at its defaults waits for acknowledgements, and the kernel waits before it gives them, unless we see to it. On a
    // busy machine some round trips are slow; the fastest of many are not.
    let Some(broker) = Mosquitto::start() else { return };
    let session = Session::ephemeral();
    let client_id = session.client_id().as_str().to_owned();
    let consumer = Consumer::start(options_with(broker.port(), session), settings("zulu"), Doer::new("zulu"));
    broker.wait_subscribed(&client_id);
    let transfer = transfer(options(broker.port()), "zulu");
    let mut times = Vec::new();
    for id in 0..200 {
        let begun = Instant::now();
        ask(&transfer, &id.to_string()).await.unwrap();
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    println!("median {:?}, fastest {:?}, slowest {:?}", times[100], times[0], times[199]);
    assert!(times[100] < Duration::from_millis(20), "the median is {:?}", times[100]);
    consumer.stop().await;
}
