//! Commands about Commands: `query command` and `cancel command` (DECISIONS L27).

use std::fs;

use oc2_clock::Hand;
use oc2_consumer::{Consumer, RequestStore};
use oc2_core::types::time::DateTime;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{
    Answer, Fault, Recorder, builder, deny, deny_with, eventually, message, patient, send, send_message,
};

fn named(mut command: Value, name: &str) -> Value {
    command["command_id"] = json!(name);
    command
}

async fn query(consumer: &Consumer, name: &str) -> Answer {
    send(consumer, json!({"action": "query", "target": {"command": name}})).await
}

async fn cancel(consumer: &Consumer, name: &str) -> Answer {
    send(consumer, json!({"action": "cancel", "target": {"command": name}})).await
}

#[tokio::test]
async fn a_query_of_a_command_tells_how_far_it_has_come() {
    let (hand, clock) = Hand::at(DateTime::from_millis(1_700_000_000_000).unwrap());
    let recorder = Recorder::slow();
    let consumer =
        builder().actuator(recorder.clone()).clock(clock).settings(patient(std::time::Duration::ZERO)).build();
    query(&consumer, "mine").await.expect(404, "no command");
    let command = named(deny_with(json!({"start_time": 1_700_000_001_000_u64})), "mine");
    send(&consumer, command).await.expect(102, "scheduled");
    query(&consumer, "mine").await.expect(200, "scheduled for 1700000001000");
    hand.pass(1000);
    eventually(|| recorder.n_started() == 1).await;
    let answer = query(&consumer, "mine").await;
    answer.expect(200, "running");
    assert_eq!(answer.response().get("results"), None, "the standard has none for it");
    recorder.go_on();
    while query(&consumer, "mine").await.text() != "done with 200" {}
    let later = deny_with(json!({"start_time": 1_800_000_000_000_u64}));
    send(&consumer, named(later, "mine")).await.expect(102, "scheduled");
    query(&consumer, "mine").await.expect(200, "scheduled for 1800000000000");
    cancel(&consumer, "mine").await.expect(200, "");
    query(&consumer, "mine").await.expect(200, "cancelled");
}

#[tokio::test]
async fn a_command_is_known_to_its_producer_only() {
    // M11
    let consumer = builder().actuator(Recorder::new().undoing()).build();
    send(&consumer, named(deny(), "mine")).await.expect(200, "");
    for action in ["query", "cancel"] {
        let mut other = message(&json!({"action": action, "target": {"command": "mine"}}));
        other["headers"]["from"] = json!("soc-2");
        send_message(&consumer, &other).await.expect(404, "no command");
    }
    query(&consumer, "mine").await.expect(200, "done with 200");
}

#[tokio::test]
async fn a_command_that_was_performed_is_undone_if_its_actuator_can() {
    let recorder = Recorder::new().undoing();
    let consumer = builder().actuator(Recorder::named("29")).actuator(recorder.clone()).build();
    let mut mine = named(deny(), "mine");
    mine["actuator"] = json!({"slpf": {"asset_id": "30"}});
    let mine = message(&mine);
    send_message(&consumer, &mine).await.expect(200, "");
    cancel(&consumer, "mine").await.expect(200, "");
    assert_eq!(recorder.undone(), ["30-0"]);
    query(&consumer, "mine").await.expect(200, "cancelled");
    send_message(&consumer, &mine).await.expect(500, "cancelled after it was performed");
    cancel(&consumer, "mine").await.expect(500, "too late: the command was cancelled before");
    assert_eq!((recorder.undone().len(), recorder.n_performed()), (1, 1));
}

#[tokio::test]
async fn what_failed_or_cannot_be_undone_is_too_late() {
    for recorder in [Recorder::new(), Recorder::faulty(Fault::Fails).undoing()] {
        let consumer = builder().actuator(recorder.clone()).build();
        send(&consumer, named(deny(), "mine")).await;
        cancel(&consumer, "mine").await.expect(500, "too late: the command is done");
        assert_eq!(recorder.undone().len(), 0);
    }
}

#[tokio::test]
async fn a_command_that_is_being_performed_is_undone_when_it_is() {
    let recorder = Recorder::slow().undoing();
    let consumer = builder().actuator(recorder.clone()).build();
    let performing = tokio::spawn({
        let consumer = consumer.clone();
        async move { send(&consumer, named(deny(), "mine")).await }
    });
    eventually(|| recorder.n_started() == 1).await;
    let cancelling = tokio::spawn({
        let consumer = consumer.clone();
        async move { cancel(&consumer, "mine").await }
    });
    recorder.go_on();
    performing.await.unwrap().expect(200, "");
    cancelling.await.unwrap().expect(200, "");
    assert_eq!(recorder.undone(), ["30-0"]);
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_too_late_to_be_cancelled() {
    let recorder = Recorder::slow().undoing();
    let settings = patient(std::time::Duration::from_millis(1));
    let consumer = builder().actuator(recorder.clone()).settings(settings).build();
    send(&consumer, named(deny(), "mine")).await.expect(102, "processing");
    cancel(&consumer, "mine").await.expect(500, "too late: the command is being performed");
    recorder.go_on();
}

#[tokio::test]
async fn what_a_former_process_performed_is_known_and_undone() {
    let (dir, recorder) = (TempDir::new().unwrap(), Recorder::new().undoing());
    let open = || builder().actuator(recorder.clone()).remember_in(RequestStore::open(dir.path()).unwrap()).build();
    let mine = message(&named(deny(), "mine"));
    let mut by_request = message(&deny());
    by_request["headers"]["request_id"] = json!("by-request");
    let consumer = open();
    send_message(&consumer, &mine).await.expect(200, "");
    send_message(&consumer, &by_request).await.expect(200, "");
    drop(consumer);
    let consumer = open();
    for (name, n_undone) in [("mine", 1), ("by-request", 2)] {
        query(&consumer, name).await.expect(200, "done with 200");
        cancel(&consumer, name).await.expect(200, "");
        assert_eq!(recorder.undone().len(), n_undone);
    }
    assert_eq!(recorder.undone(), ["30-0", "30-1"]);
    drop(consumer);
    for _ in 0..2 {
        let consumer = open();
        for (name, message) in [("mine", &mine), ("by-request", &by_request)] {
            query(&consumer, name).await.expect(200, "cancelled");
            cancel(&consumer, name).await.expect(500, "too late: the command was cancelled before");
            send_message(&consumer, message).await.expect(500, "cancelled after it was performed");
        }
    }
    assert_eq!((recorder.n_performed(), recorder.undone().len()), (2, 2));
}

#[tokio::test]
async fn what_a_kill_interrupted_is_too_late_to_be_cancelled() {
    let (dir, slow) = (TempDir::new().unwrap(), Recorder::slow());
    let open = |dir: &TempDir, recorder: &Recorder| {
        builder().actuator(recorder.clone()).remember_in(RequestStore::open(dir.path()).unwrap()).build()
    };
    let consumer = open(&dir, &slow);
    let mut mine = message(&deny_with(json!({"response_requested": "ack"})));
    mine["headers"]["request_id"] = json!("mine");
    send_message(&consumer, &mine).await.expect(102, "");
    eventually(|| slow.n_started() == 1).await;
    let left = TempDir::new().unwrap();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), left.path().join(entry.file_name())).unwrap();
    }
    let restarted = open(&left, &Recorder::new());
    query(&restarted, "mine").await.expect(200, "interrupted");
    cancel(&restarted, "mine").await.expect(500, "too late: the Consumer stopped");
}

#[tokio::test]
async fn a_query_of_a_command_takes_no_argument_that_would_be_ignored() {
    // L2
    let (consumer, _) = crate::harness::recording();
    for args in [json!({"start_time": 1}), json!({"duration": 1}), json!({"slpf": {}})] {
        let query = json!({"action": "query", "target": {"command": "mine"}, "args": args});
        send(&consumer, query).await.expect(501, "Option not supported: query command");
    }
}
