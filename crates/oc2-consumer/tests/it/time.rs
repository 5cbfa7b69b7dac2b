//! start_time, stop_time, duration (LS 3.3.1.4), and cancelling what waits.

use oc2_clock::Hand;
use oc2_core::types::time::DateTime;
use serde_json::{Value, json};

use crate::harness::{
    Recorder, builder, deny_with, eventually, message, recording, send, send_message, with_a_start_ahead,
};

fn in_millis(milliseconds: u64) -> Value {
    json!(DateTime::now().as_millis() + milliseconds)
}

#[tokio::test]
async fn contradicting_times_are_malformed() {
    // LS-122, L14
    let (consumer, recorder) = recording();
    let cases = [
        json!({"start_time": 1, "stop_time": 2, "duration": 1}),
        json!({"start_time": 2, "stop_time": 1}),
        json!({"duration": 9007199254740991_u64}),
        json!({"start_time": 9007199254740991_u64, "duration": 1}),
        json!({"stop_time": 1, "duration": 2}),
        json!({"start_time": -1}),
        json!({"duration": 1.5}),
    ];
    for args in cases {
        send(&consumer, deny_with(args)).await.expect(400, "args");
    }
    assert_eq!(recorder.n_started(), 0);
}

#[tokio::test]
async fn a_start_in_the_past_means_now() {
    // L13
    let (consumer, recorder) = recording();
    send(&consumer, deny_with(json!({"start_time": 1534775460000_u64, "duration": 500}))).await.expect(200, "");
    assert_eq!(recorder.n_performed(), 1);
}

#[tokio::test]
async fn a_start_in_the_future_is_waited_for() {
    // L7, SLPF-224
    with_a_start_ahead(async |start| {
        let (consumer, recorder) = recording();
        let answer = send(&consumer, deny_with(json!({"start_time": start}))).await;
        if answer.status() == 200 {
            return false;
        }
        answer.expect(102, "scheduled");
        // In this order: what has not started now had not started before its time.
        let is_started = recorder.n_started() > 0;
        assert!(!is_started || DateTime::now().as_millis() >= start.as_u64().unwrap(), "it started before its time");
        eventually(|| recorder.n_performed() == 1).await;
        assert!(DateTime::now().as_millis() >= start.as_u64().unwrap(), "it was performed before its time");
        true
    })
    .await;
}

#[tokio::test]
async fn a_command_that_waits_can_be_cancelled_by_its_name_or_its_request_id() {
    // L27, LS-092, LS-142
    let (consumer, recorder) = recording();
    let mut named = deny_with(json!({"start_time": in_millis(60_000)}));
    named["command_id"] = json!("mine");
    send(&consumer, named).await.expect(102, "scheduled");
    let mut unnamed = message(&deny_with(json!({"start_time": in_millis(60_000)})));
    unnamed["headers"]["request_id"] = json!("by-request");
    send_message(&consumer, &unnamed).await.expect(102, "scheduled");
    for id in ["mine", "by-request"] {
        let cancel = || json!({"action": "cancel", "target": {"command": id}});
        send(&consumer, cancel()).await.expect(200, "");
        send(&consumer, cancel()).await.expect(500, "too late");
    }
    assert_eq!(recorder.n_started(), 0);
}

#[tokio::test]
async fn a_command_that_is_done_cannot_be_cancelled() {
    // L27
    let (consumer, _) = recording();
    let mut command = deny_with(json!({"response_requested": "complete"}));
    command["command_id"] = json!("done");
    send(&consumer, command).await.expect(200, "");
    send(&consumer, json!({"action": "cancel", "target": {"command": "done"}})).await.expect(500, "too late");
}

#[tokio::test]
async fn stopping_gives_up_what_waits() {
    let (consumer, recorder) = recording();
    let waiting = message(&deny_with(json!({"start_time": in_millis(60_000)})));
    send_message(&consumer, &waiting).await.expect(102, "scheduled");
    consumer.stop().await;
    send_message(&consumer, &waiting).await.expect(503, "given up before its time");
    assert_eq!(recorder.n_started(), 0);
}

#[tokio::test]
async fn commands_that_wait_take_no_place_from_those_that_need_not() {
    let recorder = Recorder::new();
    let mut settings = oc2_consumer::Settings::default();
    settings.max_scheduled = 2;
    let consumer = builder().actuator(recorder.clone()).settings(settings).build();
    let far = || deny_with(json!({"start_time": 9007199254740991_u64}));
    for _ in 0..2 {
        send(&consumer, far()).await.expect(102, "scheduled");
    }
    send(&consumer, far()).await.expect(503, "2 commands wait for their time");
    send(&consumer, deny_with(json!({}))).await.expect(200, "");
    consumer.stop().await;
    assert_eq!(recorder.n_performed(), 1);
}

#[tokio::test]
async fn cancelling_a_name_that_was_used_twice_makes_both_void() {
    let (consumer, recorder) = recording();
    for start in [json!(in_millis(60_000)), json!(in_millis(60_000)), json!(0)] {
        let mut command = deny_with(json!({"start_time": start}));
        command["command_id"] = json!("mine");
        send(&consumer, command).await;
    }
    assert_eq!(recorder.n_performed(), 1);
    let cancel = || json!({"action": "cancel", "target": {"command": "mine"}});
    send(&consumer, cancel()).await.expect(200, "");
    send(&consumer, cancel()).await.expect(500, "too late");
}

#[tokio::test]
async fn cancelling_takes_no_argument_that_would_be_ignored() {
    // L2
    let (consumer, _) = recording();
    for args in [json!({"start_time": in_millis(60_000)}), json!({"duration": 1}), json!({"slpf": {}})] {
        let cancel = json!({"action": "cancel", "target": {"command": "mine"}, "args": args});
        send(&consumer, cancel).await.expect(501, "Option not supported");
    }
}

#[tokio::test]
async fn a_clock_that_is_set_forward_has_what_it_passed_performed_in_the_order_of_their_times() {
    let start = DateTime::from_millis(1_700_000_000_000).unwrap();
    let (hand, clock) = Hand::at(start);
    let recorder = Recorder::new();
    let consumer = builder().actuator(recorder.clone()).clock(clock).build();
    for hour in [3, 1, 4, 2] {
        let target = json!({"ipv4_net": format!("198.51.100.{hour}")});
        let args = json!({"start_time": start.as_millis() + hour * 3_600_000});
        send(&consumer, json!({"action": "deny", "target": target, "args": args})).await.expect(102, "scheduled");
    }
    // Back: nothing is performed before its time, nor twice.
    hand.set(DateTime::from_millis(1_600_000_000_000).unwrap());
    assert_eq!(recorder.n_started(), 0);
    hand.set(DateTime::from_millis(start.as_millis() + 3 * 3_600_000).unwrap());
    eventually(|| recorder.n_performed() == 3).await;
    hand.set(start);
    hand.pass(3_600_000);
    assert_eq!(recorder.nets(), ["198.51.100.1", "198.51.100.2", "198.51.100.3"]);
    hand.pass(3 * 3_600_000);
    eventually(|| recorder.n_performed() == 4).await;
}
