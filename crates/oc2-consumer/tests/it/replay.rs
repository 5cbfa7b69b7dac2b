//! A repeated request is answered again, not performed again (DECISIONS M12).

use oc2_consumer::{Consumer, Objection, Permit, Question};
use oc2_core::{Class, Rejection};
use oc2_transfer::{Peer, Request};
use serde_json::json;

use crate::harness::{
    Fault, Recorder, builder, deny, deny_with, eventually, message, recording, request, send, send_message,
    send_request,
};

#[tokio::test]
async fn a_repeated_request_is_performed_once_and_answered_twice() {
    // ARCH-017
    let (consumer, recorder) = recording();
    let message = message(&deny());
    for _ in 0..3 {
        let answer = send_message(&consumer, &message).await;
        assert_eq!(answer.response()["results"], json!({"slpf": {"rule_number": 1234}}));
    }
    assert_eq!(recorder.n_performed(), 1);
}

#[tokio::test]
async fn a_request_repeated_while_it_runs_joins_it() {
    let recorder = Recorder::slow();
    let consumer = builder().actuator(recorder.clone()).build();
    let message = message(&deny());
    let sent: Vec<_> = (0..3)
        .map(|_| {
            let (consumer, message) = (consumer.clone(), message.clone());
            tokio::spawn(async move { send_message(&consumer, &message).await })
        })
        .collect();
    eventually(|| recorder.n_started() == 1).await;
    recorder.go_on();
    for answer in sent {
        answer.await.unwrap().expect(200, "");
    }
    assert_eq!(recorder.n_started(), 1);
}

#[tokio::test]
async fn an_id_used_for_something_else_is_refused() {
    let (consumer, recorder) = recording();
    let mut message = message(&deny());
    send_message(&consumer, &message).await.expect(200, "");
    message["body"]["openc2"]["request"] = json!({"action": "allow", "target": {"ipv4_net": "198.51.100.0/24"}});
    send_message(&consumer, &message).await.expect(400, "headers.request_id: request_id reused");
    assert_eq!(recorder.n_performed(), 1);
}

#[tokio::test]
async fn two_producers_may_use_the_same_id() {
    let (consumer, recorder) = recording();
    let mut message = message(&deny());
    send_message(&consumer, &message).await.expect(200, "");
    message["headers"]["from"] = json!("soc-2");
    send_message(&consumer, &message).await.expect(200, "");
    assert_eq!(recorder.n_performed(), 2);
}

#[tokio::test]
async fn a_refusal_is_remembered_too() {
    let (consumer, _) = recording();
    let message = message(&json!({"action": "scan", "target": {"ipv4_net": "10.0.0.0/8"}}));
    for _ in 0..2 {
        send_message(&consumer, &message).await.expect(501, "Command not supported");
    }
}

#[tokio::test]
async fn none_and_ack_stay_what_they_are_when_repeated() {
    let (consumer, recorder) = recording();
    let none = message(&deny_with(json!({"response_requested": "none"})));
    let ack = message(&deny_with(json!({"response_requested": "ack"})));
    for _ in 0..2 {
        send_message(&consumer, &none).await.expect_silence(200);
        assert_eq!(send_message(&consumer, &ack).await.response(), &json!({"status": 102}));
    }
    eventually(|| recorder.n_performed() == 2).await;
}

#[tokio::test]
async fn what_is_refused_for_now_or_forbidden_displaces_nothing() {
    // ARCH-017: else a flood of refused commands would open the way for a replay.
    let recorder = Recorder::new();
    let settings = oc2_consumer::Settings::default().with_rate_limit(1).unwrap();
    let consumer = Consumer::builder("fw1").policy(DenyOnly).actuator(recorder.clone()).settings(settings).build();
    let first = message(&deny());
    send_message(&consumer, &first).await.expect(200, "");
    let forbidden = json!({"action": "allow", "target": {"ipv4_net": "198.51.100.0/24"}});
    for _ in 0..5_001 {
        send(&consumer, deny()).await.expect(503, "");
        send(&consumer, forbidden.clone()).await.expect(403, "");
    }
    send_message(&consumer, &first).await.expect(200, "");
    assert_eq!(recorder.n_performed(), 1);
}

#[tokio::test]
async fn what_is_forbidden_does_not_use_up_the_rate() {
    let settings = oc2_consumer::Settings::default().with_rate_limit(1).unwrap();
    let consumer = Consumer::builder("fw1").policy(DenyOnly).actuator(Recorder::new()).settings(settings).build();
    let forbidden = json!({"action": "allow", "target": {"ipv4_net": "198.51.100.0/24"}});
    send(&consumer, forbidden).await.expect(403, "");
    send(&consumer, deny()).await.expect(200, "");
}

#[tokio::test]
async fn a_command_that_an_actuator_was_too_busy_for_may_be_tried_again() {
    let recorder = Recorder::faulty(Fault::IsBusyOnce);
    let consumer = builder().actuator(recorder.clone()).build();
    let message = message(&deny());
    send_message(&consumer, &message).await.expect(503, "busy");
    send_message(&consumer, &message).await.expect(200, "");
    assert_eq!(recorder.n_performed(), 1);
}

#[tokio::test]
async fn a_name_that_is_claimed_is_none_that_was_proved() {
    let (consumer, recorder) = recording();
    let mut command = deny_with(json!({"start_time": oc2_core::types::time::DateTime::now().as_millis() + 60_000}));
    command["command_id"] = json!("mine");
    let proved = Request { peer: Peer::Authenticated("soc-1".into()), ..request(message(&command).to_string()) };
    send_request(&consumer, proved.clone()).await.expect(102, "scheduled");
    let cancel = message(&json!({"action": "cancel", "target": {"command": "mine"}})).to_string();
    send_request(&consumer, request(cancel.clone())).await.expect(404, "no command");
    let of_address = Request { peer: Peer::Unauthenticated("soc-1".into()), ..request(cancel.clone()) };
    send_request(&consumer, of_address).await.expect(404, "no command");
    let owner = Request { peer: Peer::Authenticated("soc-1".into()), ..request(cancel.replace("test-", "again-")) };
    send_request(&consumer, owner).await.expect(200, "");
    assert_eq!(recorder.n_started(), 0);
}

/// Forbids everything but `deny`.
struct DenyOnly;

impl oc2_consumer::Policy for DenyOnly {
    async fn decide(&self, question: &Question<'_>) -> Result<Permit, Objection> {
        if question.command.action == oc2_core::Action::Deny {
            return Ok(Permit::default());
        }
        Err(Rejection::new(Class::Forbidden, "not authorized").into())
    }
}
