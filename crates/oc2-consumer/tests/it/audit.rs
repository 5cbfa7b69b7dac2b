//! One event per command, whatever its end (ARCH-015).

use oc2_core::types::time::DateTime;
use oc2_core::{Nsid, Rejection};
use oc2_transfer::{Handler, Peer, Refusal, Scope};
use serde_json::{Value, json};
use tracing::Level;

use crate::harness::{
    AuditLog, Fault, Recorder, broadcast, builder, deny, deny_with, eventually, message, recording, request, send,
    send_message, send_raw, send_request,
};

/// The one event there is: its level and its status.
#[track_caller]
fn only(log: &AuditLog) -> (Level, String) {
    let events = log.take();
    assert_eq!(events.len(), 1, "{events:?}");
    (events[0].level, events[0].field("status").to_owned())
}

#[tokio::test]
async fn each_end_leaves_one_event() {
    // ARCH-015
    let log = AuditLog::start();
    let (consumer, _) = recording();
    let cases = [
        (deny(), Level::INFO, "200"),
        (deny_with(json!({"response_requested": "none"})), Level::INFO, "200"),
        (json!({"action": "query", "target": {"features": []}}), Level::INFO, "200"),
        (json!({"action": "scan", "target": {"ipv4_net": "10.0.0.0/8"}}), Level::WARN, "501"),
        (json!({"action": "up", "target": {"ipv4_net": "10.0.0.0/8"}}), Level::WARN, "400"),
        (json!({"action": "cancel", "target": {"command": "unknown"}}), Level::WARN, "404"),
        (deny_with(json!({"response_requested": "none", "x-none": {}})), Level::WARN, "501"),
    ];
    for (command, level, status) in cases {
        send(&consumer, command.clone()).await;
        // Where no answer is wanted, none waits for the end.
        eventually(|| log.len() > 0).await;
        assert_eq!(only(&log), (level, status.to_owned()), "{command}");
    }
    send_raw(&consumer, "{").await.expect(400, "");
    assert_eq!(only(&log).1, "400");
    send_message(&consumer, &json!({"body": {"openc2": {"notification": {"a": 1}}}})).await.expect(501, "");
    assert_eq!(only(&log).1, "501");
    let peer = Peer::Unauthenticated("192.0.2.7".into());
    consumer.refuse(Refusal { peer, request_id: None, rejection: Rejection::not_found("wrong path") });
    assert_eq!(only(&log).1, "404");
}

#[tokio::test]
async fn an_acknowledged_command_leaves_its_event_when_it_is_done() {
    let log = AuditLog::start();
    let (consumer, _) = recording();
    send(&consumer, deny_with(json!({"response_requested": "ack"}))).await.expect(102, "");
    eventually(|| log.len() == 1).await;
    assert_eq!(only(&log), (Level::INFO, "200".into()));
}

#[tokio::test]
async fn a_repeated_request_leaves_no_second_event() {
    let log = AuditLog::start();
    let (consumer, _) = recording();
    let message = message(&deny());
    send_message(&consumer, &message).await.expect(200, "");
    send_message(&consumer, &message).await.expect(200, "");
    assert_eq!(only(&log).1, "200");
}

#[tokio::test]
async fn faults_leave_one_event() {
    let log = AuditLog::start();
    for fault in [Fault::Fails, Fault::Panics, Fault::PanicsWhenAsked] {
        let consumer = builder().actuator(Recorder::faulty(fault)).build();
        send(&consumer, deny()).await.expect(500, "");
        assert_eq!(only(&log), (Level::ERROR, "500".into()));
    }
}

#[tokio::test]
async fn a_command_for_others_leaves_an_event_that_troubles_nobody() {
    let log = AuditLog::start();
    let (consumer, _) = recording();
    let mut command = deny();
    command["actuator"] = json!({"slpf": {"asset_id": "31"}});
    for scope in [Scope::Broadcast, Scope::Profile(Nsid::SLPF)] {
        assert!(broadcast(&consumer, scope, command.clone()).await.message.is_none());
        assert_eq!(only(&log), (Level::INFO, "404".into()));
    }
}

#[tokio::test]
async fn a_cancelled_command_leaves_an_event_that_troubles_nobody() {
    let log = AuditLog::start();
    let (consumer, _) = recording();
    let mut command = deny_with(json!({"start_time": DateTime::now().as_millis() + 60_000}));
    command["command_id"] = json!("mine");
    send(&consumer, command).await.expect(102, "scheduled");
    assert_eq!(log.len(), 0);
    send(&consumer, json!({"action": "cancel", "target": {"command": "mine"}})).await.expect(200, "");
    eventually(|| log.len() == 2).await;
    assert!(log.take().iter().all(|event| event.level == Level::INFO));
}

#[test]
fn a_command_that_is_cut_off_leaves_an_event() {
    let log = AuditLog::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let recorder = Recorder::slow();
        let consumer = builder().actuator(recorder.clone()).build();
        send(&consumer, deny_with(json!({"response_requested": "ack"}))).await.expect(102, "");
        eventually(|| recorder.n_started() == 1).await;
    });
    assert_eq!(log.len(), 0);
    drop(runtime);
    assert_eq!(only(&log).0, Level::ERROR);
}

#[tokio::test]
async fn a_change_of_the_settings_leaves_an_event() {
    let log = AuditLog::start();
    let (consumer, _) = recording();
    consumer.reload(oc2_consumer::Settings::default().with_rate_limit(60).unwrap());
    let events = log.take();
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0].field("rate_limit").contains("60"), "{events:?}");
}

#[tokio::test]
async fn an_event_says_who_asked_for_what_under_which_id() {
    let log = AuditLog::start();
    let (consumer, _) = recording();
    let mut command = deny();
    command["command_id"] = json!("mine");
    let mut message: Value = message(&command);
    message["headers"]["request_id"] = json!("q");
    send_request(&consumer, request(message.to_string())).await.expect(200, "");
    let event = log.take().remove(0);
    let told = ["peer", "from", "request_id", "command_id", "command"].map(|name| event.field(name).to_owned());
    assert_eq!(told, ["192.0.2.7", "soc-1", "q", "mine", "deny ipv4_net"]);
}
