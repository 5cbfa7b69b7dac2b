//! `response_requested` (LS 3.3.1.4), failures and panics.

use std::time::Duration;

use serde_json::json;

use crate::harness::{
    AuditLog, Bomb, Fault, Recorder, builder, deny, deny_with, eventually, message, patient, recording, send,
    send_message, send_raw,
};

#[tokio::test]
async fn complete_is_answered_with_the_results_and_so_is_nothing() {
    // ARCH-006
    // LS-130, LS-131, SLPF-213
    let (consumer, _) = recording();
    for command in [deny(), deny_with(json!({"response_requested": "complete"}))] {
        let answer = send(&consumer, command).await;
        assert_eq!(answer.response(), &json!({"status": 200, "results": {"slpf": {"rule_number": 1234}}}));
    }
}

#[tokio::test]
async fn ack_is_answered_with_102_before_the_command_is_done() {
    // LS-128, LS-137, L5
    let recorder = Recorder::slow();
    let consumer = builder().actuator(recorder.clone()).build();
    let answer = send(&consumer, deny_with(json!({"response_requested": "ack"}))).await;
    assert_eq!(answer.response(), &json!({"status": 102}));
    assert_eq!(recorder.n_performed(), 0);
    recorder.go_on();
    eventually(|| recorder.n_performed() == 1).await;
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_instead_of_acknowledged() {
    // L5
    let (consumer, _) = recording();
    let ack = json!({"response_requested": "ack", "x-none": {}});
    send(&consumer, deny_with(ack)).await.expect(501, "Option not supported");
}

#[tokio::test]
async fn status_tells_the_state_at_that_moment() {
    // LS-129, L6
    let recorder = Recorder::slow();
    let slow = builder().actuator(recorder.clone()).build();
    let status = || deny_with(json!({"response_requested": "status"}));
    send(&slow, status()).await.expect(102, "");
    recorder.go_on();
    let (fast, _) = recording();
    send(&fast, status()).await.expect(200, "");
}

#[tokio::test]
async fn none_is_never_answered_and_performed_all_the_same() {
    // LS-127, SLPF-211, SLPF-212, H3
    let (consumer, recorder) = recording();
    send(&consumer, deny_with(json!({"response_requested": "none"}))).await.expect_silence(200);
    eventually(|| recorder.n_performed() == 1).await;
}

#[tokio::test]
async fn none_is_done_with_as_soon_as_the_command_is_accepted() {
    // SLPF-212, H3
    let recorder = Recorder::slow();
    let consumer = builder().actuator(recorder.clone()).build();
    send(&consumer, deny_with(json!({"response_requested": "none"}))).await.expect_silence(200);
    assert_eq!(recorder.n_performed(), 0);
    recorder.go_on();
    eventually(|| recorder.n_performed() == 1).await;
    let consumer = builder().actuator(Recorder::faulty(Fault::Fails)).build();
    send(&consumer, deny_with(json!({"response_requested": "none"}))).await.expect_silence(200);
}

#[tokio::test]
async fn none_is_not_answered_even_when_the_command_is_wrong() {
    // SLPF-212, L3, L4
    let (consumer, recorder) = recording();
    let none = json!({"response_requested": "none"});
    let unsupported = json!({"action": "scan", "target": {"ipv4_net": "10.0.0.0/8"}, "args": none});
    send(&consumer, unsupported).await.expect_silence(501);
    send(&consumer, json!({"action": "query", "target": {"features": []}, "args": none})).await.expect_silence(400);
    let malformed = message(&json!({"action": "deny", "target": {"ipv4_net": "x"}, "args": none}));
    send_message(&consumer, &malformed).await.expect_silence(400);
    send_raw(&consumer, r#"{"args":{"response_requested":"none"},"action":"deny","target":{}}"#)
        .await
        .expect_silence(400);
    assert_eq!(recorder.n_started(), 0);
}

#[tokio::test]
async fn a_command_that_takes_long_is_answered_with_102() {
    // L7
    let recorder = Recorder::slow();
    let consumer = builder().actuator(recorder.clone()).settings(patient(Duration::from_millis(50))).build();
    send(&consumer, deny()).await.expect(102, "processing");
    recorder.go_on();
    eventually(|| recorder.n_performed() == 1).await;
}

#[tokio::test]
async fn a_failure_is_never_200() {
    // LS-138, LS-143
    let consumer = builder().actuator(Recorder::faulty(Fault::Fails)).build();
    send(&consumer, deny()).await.expect(500, "Rule not updated: on purpose");
}

#[tokio::test]
async fn a_panic_becomes_500_and_the_consumer_goes_on() {
    for fault in [Fault::Panics, Fault::PanicsWhenAsked] {
        let consumer = builder().actuator(Recorder::faulty(fault)).build();
        send(&consumer, deny()).await.expect(500, "internal error");
        send(&consumer, json!({"action": "query", "target": {"features": []}})).await.expect(200, "");
    }
}

#[tokio::test]
async fn a_lost_producer_does_not_undo_the_work() {
    let recorder = Recorder::slow();
    let consumer = builder().actuator(recorder.clone()).build();
    let lost = tokio::spawn({
        let consumer = consumer.clone();
        async move { send(&consumer, deny()).await }
    });
    eventually(|| recorder.n_started() == 1).await;
    lost.abort();
    let _ = lost.await;
    recorder.go_on();
    eventually(|| recorder.n_performed() == 1).await;
}

#[tokio::test]
async fn stopping_waits_for_what_is_being_performed() {
    let recorder = Recorder::slow();
    let consumer = builder().actuator(recorder.clone()).build();
    send(&consumer, deny_with(json!({"response_requested": "ack"}))).await.expect(102, "");
    eventually(|| recorder.n_started() == 1).await;
    let stopping = tokio::spawn({
        let consumer = consumer.clone();
        async move { consumer.stop().await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!stopping.is_finished());
    recorder.go_on();
    stopping.await.unwrap();
    assert_eq!(recorder.n_performed(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_command_about_which_nothing_is_decided_is_refused_for_now() {
    // A stuck actuator holds neither the Producer nor the connection.
    let recorder = Recorder::faulty(Fault::NeverDecides);
    let consumer = builder().actuator(recorder.clone()).build();
    for wanted in ["complete", "ack", "status"] {
        send(&consumer, deny_with(json!({"response_requested": wanted}))).await.expect(503, "not decided in time");
    }
    send(&consumer, deny_with(json!({"response_requested": "none"}))).await.expect_silence(503);
    assert_eq!(recorder.n_started(), 0);
    consumer.stop().await;
}

#[tokio::test]
async fn results_that_cannot_be_written_are_an_internal_error() {
    let log = AuditLog::start();
    let consumer = builder().actuator(Bomb).build();
    let message = message(&json!({"action": "deny", "target": {"ipv4_net": "10.0.0.0/8"}}));
    send_message(&consumer, &message).await.expect(500, "internal error");
    send_message(&consumer, &message).await.expect(500, "internal error");
    assert_eq!(log.len(), 1);
}
