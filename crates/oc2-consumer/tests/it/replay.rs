//! A repeated request is answered again, not performed again (DECISIONS M12).

use serde_json::json;

use crate::harness::{Recorder, builder, deny, deny_with, eventually, message, recording, send_message};

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
