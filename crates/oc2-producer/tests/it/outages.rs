//! The program and a broker that is away, comes back, or is lost meanwhile.

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use oc2_tests_broker::{Direction, Kind, Mosquitto, RawClient, Tap};

use crate::broker::{Fleet, Producer, THREE, lines, says, url};
use crate::program::{check_exit, stdout};

#[test]
fn a_broker_that_is_away_is_tried_until_the_time_is_over() {
    let Some(mut broker) = Mosquitto::start() else { return };
    broker.stop();
    let started = Instant::now();
    let output = Producer::of(&broker).run("--all --wait 2s query features");
    assert!(started.elapsed() >= Duration::from_secs(1));
    says(&output, 3, "trying again until 2 s are over\n");
    says(&output, 3, "cannot be reached: Connection refused (os error 111)\nDoes the broker run, and is --to right?\n");
    assert_eq!(stdout(&output), "");
}

#[test]
fn a_broker_that_appears_while_we_wait_is_used() {
    let Some(mut broker) = Mosquitto::start() else { return };
    let _fleet = Fleet::start(&broker, &THREE[..1]);
    broker.stop();
    let producer = Producer::of(&broker);
    let mut child = producer.spawn("--all --expect 1 --wait 60s --json query features");
    let mut warning = String::new();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    told.read_line(&mut warning).unwrap();
    assert!(warning.contains("trying again"), "{warning}");
    // It forgot everybody: that nobody subscribes yet is not the end.
    broker.start_again();
    let output = child.wait_with_output().unwrap();
    check_exit(&output, 0);
    assert_eq!(lines(&output)[0]["from"], "fw1");
}

#[test]
fn a_broker_that_is_lost_with_the_command_is_told_at_the_end() {
    let Some(mut broker) = Mosquitto::start() else { return };
    for words in ["--all --expect 2 --wait 4s query features", "--device fw1 --wait 4s query features"] {
        let mut consumer = RawClient::connect(broker.port());
        consumer.subscribe("oc2/cmd/#");
        let tap = Tap::to(broker.port());
        let producer = Producer::to(url(tap.port()));
        let child = producer.spawn(words);
        // The broker has told that it has the Command.
        let _ = tap.wait_for(Direction::ToClient, Kind::PubAck, 1);
        broker.stop();
        let output = child.wait_with_output().unwrap();
        let nobody = if words.contains("--all") { "none of 2 answered" } else { "no answer" };
        says(&output, 3, &format!("error: {nobody} within 4 s; {} had taken the Command, and then the", producer.url));
        says(&output, 3, "connection was lost: ");
        says(
            &output,
            3,
            "\nThe Command may have been performed all the same. --wait waits longer; sent again, it is a new",
        );
        assert_eq!(stdout(&output), "");
        broker.start_again();
    }
}

#[test]
fn a_broker_with_sessions_that_appears_while_we_wait_reaches_all() {
    let Some(mut broker) = Mosquitto::with().keeping_sessions().start() else { return };
    let _fleet = Fleet::start(&broker, &THREE);
    broker.stop();
    let producer = Producer::of(&broker);
    let mut child = producer.spawn("--all --expect 3 --wait 60s --json query features");
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut String::new()).unwrap();
    broker.start_again();
    let output = child.wait_with_output().unwrap();
    check_exit(&output, 0);
    assert_eq!(lines(&output).len(), 3);
}
