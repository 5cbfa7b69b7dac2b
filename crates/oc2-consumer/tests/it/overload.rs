//! 503: not now (LS-145).

use serde_json::json;

use crate::harness::{Recorder, builder, deny, deny_with, eventually, message, send, send_message};

#[tokio::test]
async fn more_commands_than_the_rate_limit_are_refused_for_now() {
    // LS-145, L12
    let recorder = Recorder::new();
    let settings = oc2_consumer::Settings::default().with_rate_limit(3).unwrap();
    let consumer = builder().actuator(recorder.clone()).settings(settings).build();
    for _ in 0..3 {
        send(&consumer, deny()).await.expect(200, "");
    }
    let refused = message(&deny());
    send_message(&consumer, &refused).await.expect(503, "more than 3 commands a minute");
    assert_eq!(recorder.n_performed(), 3);
    // A refusal for now is not remembered: tried again, the command is performed.
    consumer.reload(oc2_consumer::Settings::default());
    send_message(&consumer, &refused).await.expect(200, "");
    assert_eq!(recorder.n_performed(), 4);
}

#[tokio::test]
async fn more_commands_at_once_than_allowed_are_refused_for_now() {
    let recorder = Recorder::slow();
    let mut settings = oc2_consumer::Settings::default();
    settings.max_commands = 2;
    let consumer = builder().actuator(recorder.clone()).settings(settings).build();
    for _ in 0..2 {
        send(&consumer, deny_with(json!({"response_requested": "ack"}))).await.expect(102, "");
    }
    send(&consumer, deny()).await.expect(503, "2 commands are under way");
    recorder.go_on();
    recorder.go_on();
    eventually(|| recorder.n_performed() == 2).await;
    recorder.go_on();
    let last = message(&deny());
    let answer = async {
        loop {
            let answer = send_message(&consumer, &last).await;
            if answer.status() != 503 {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    answer.await.expect(200, "");
}

#[tokio::test]
async fn a_consumer_that_stops_takes_nothing_new() {
    let consumer = builder().actuator(Recorder::new()).build();
    consumer.stop().await;
    send(&consumer, deny()).await.expect(503, "the Consumer is stopping");
}
