//! What follows a 102 (DECISIONS L7).

use std::time::Duration;

use oc2_core::types::time::DateTime;
use oc2_transfer::{Handler, Reply, Request};
use serde_json::{Value, json};

use crate::harness::{
    Answer, Recorder, builder, deny, deny_with, eventually, message, patient, recording, request, with_a_start_ahead,
};

fn impatient() -> (oc2_consumer::Consumer, Recorder) {
    let recorder = Recorder::slow();
    (builder().settings(patient(Duration::from_millis(1))).actuator(recorder.clone()).build(), recorder)
}

fn asked(command: &Value) -> Request {
    request(message(command).to_string())
}

fn in_millis(milliseconds: u64) -> Value {
    json!(DateTime::now().as_millis() + milliseconds)
}

/// The reply, taken apart, and the one that follows it.
async fn then(mut reply: Reply) -> (Answer, Answer) {
    let later = reply.later.take().expect("something follows");
    let last = later.await;
    assert!(last.later.is_none(), "it is the last");
    (Answer::of(reply), Answer::of(last))
}

#[tokio::test]
async fn the_outcome_follows_a_102_under_the_same_id() {
    let (consumer, recorder) = impatient();
    let reply = consumer.handle(asked(&deny())).await;
    recorder.go_on();
    let (first, last) = then(reply).await;
    first.expect(102, "processing");
    last.expect(200, "");
    assert_eq!(first.header("request_id"), last.header("request_id"));
    assert_eq!(last.response()["results"]["slpf"]["rule_number"], 1234);
}

#[tokio::test]
async fn where_no_answer_is_due_a_command_that_takes_long_has_its_outcome_only() {
    let (consumer, recorder) = impatient();
    let reply = consumer.handle(Request { needs_answer: false, ..asked(&deny()) }).await;
    recorder.go_on();
    let (first, last) = then(reply).await;
    first.expect_silence(102);
    last.expect(200, "");
}

#[tokio::test]
async fn a_command_ahead_of_its_time_is_told_so_and_its_outcome_follows() {
    with_a_start_ahead(async |start| {
        let (consumer, _) = recording();
        let command = deny_with(json!({"start_time": start}));
        let reply = consumer.handle(Request { needs_answer: false, ..asked(&command) }).await;
        if reply.later.is_none() {
            Answer::of(reply).expect(200, "");
            return false;
        }
        let (first, last) = then(reply).await;
        first.expect(102, "scheduled");
        last.expect(200, "");
        true
    })
    .await;
}

#[tokio::test]
async fn what_is_cancelled_or_given_up_is_told_too() {
    // L27
    let (consumer, recorder) = recording();
    let mut command = deny_with(json!({"start_time": in_millis(600_000)}));
    command["command_id"] = json!("mine");
    let cancelled = consumer.handle(asked(&command)).await;
    let given_up = consumer.handle(asked(&deny_with(json!({"start_time": in_millis(600_000)})))).await;
    let cancel = json!({"action": "cancel", "target": {"command": "mine"}});
    Answer::of(consumer.handle(asked(&cancel)).await).expect(200, "");
    then(cancelled).await.1.expect(500, "cancelled before its time");
    consumer.give_up_scheduled();
    then(given_up).await.1.expect(503, "given up before its time");
    let too_late = consumer.handle(asked(&deny_with(json!({"start_time": in_millis(600_000)})))).await;
    then(too_late).await.1.expect(503, "given up before its time");
    assert_eq!(recorder.n_started(), 0);
    Answer::of(consumer.handle(asked(&deny())).await).expect(200, "");
}

#[tokio::test]
async fn nothing_follows_where_one_answer_is_wanted() {
    // L5, L6, LS-132
    let (consumer, recorder) = impatient();
    for wanted in ["ack", "status", "none"] {
        for args in [json!({}), json!({"start_time": in_millis(600_000)})] {
            let mut args = args;
            args["response_requested"] = json!(wanted);
            let reply = consumer.handle(Request { needs_answer: false, ..asked(&deny_with(args)) }).await;
            assert!(reply.later.is_none(), "{wanted}: {reply:?}");
        }
    }
    recorder.go_on();
}

#[tokio::test]
async fn of_those_who_repeat_a_request_one_is_told_the_outcome_later() {
    // M12
    let (consumer, recorder) = impatient();
    let request = asked(&deny());
    let first = consumer.handle(request.clone()).await;
    let again = consumer.handle(request.clone()).await;
    assert!(again.later.is_none());
    Answer::of(again).expect(102, "processing");
    drop(first);
    let taken_over = consumer.handle(request.clone()).await;
    recorder.go_on();
    then(taken_over).await.1.expect(200, "");
    eventually(|| recorder.n_performed() == 1).await;
    let afterwards = consumer.handle(request).await;
    assert!(afterwards.later.is_none());
    Answer::of(afterwards).expect(200, "");
}

#[cfg(feature = "durable")]
#[tokio::test]
async fn of_what_is_kept_for_the_next_process_nothing_is_told_meanwhile() {
    // L7, M12
    let dir = tempfile::TempDir::new().unwrap();
    let store = oc2_consumer::RequestStore::open(dir.path()).unwrap();
    let recorder = Recorder::new();
    let consumer = builder().actuator(recorder.clone()).remember_in(store).build();
    let request = asked(&deny_with(json!({"start_time": in_millis(600_000)})));
    let kept = consumer.handle(request.clone()).await;
    consumer.give_up_scheduled();
    let (first, last) = then(kept).await;
    first.expect(102, "scheduled");
    last.expect_silence(102);
    Answer::of(consumer.handle(request).await).expect(102, "scheduled");
    let cancel = |id: &serde_json::Value| json!({"action": "cancel", "target": {"command": id}});
    let too_late = cancel(first.header("request_id"));
    Answer::of(consumer.handle(asked(&too_late)).await).expect(503, "the Consumer is stopping");
    consumer.stop().await;
    assert_eq!(recorder.n_started(), 0);
}
