//! The audit file of a Consumer: one record of each Command, whatever its end (ARCH-015).

use std::fs;
use std::path::{Path, PathBuf};

use oc2_consumer::{AuditFile, Consumer, verify_audit};
use oc2_core::types::time::DateTime;
use oc2_core::{Nsid, Rejection};
use oc2_transfer::{Handler, Peer, Refusal, Request, Scope};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{
    Fault, Recorder, broadcast, builder, deny, deny_with, eventually, message, request, send, send_message, send_raw,
    send_request,
};

struct Trail(PathBuf, #[allow(dead_code, reason = "removed when dropped")] TempDir);

impl Trail {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        Self(dir.path().join("audit.jsonl"), dir)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    /// A Consumer with this actuator, whose answers wait for their records.
    fn of(&self, recorder: Recorder) -> Consumer {
        let audit = AuditFile::options(self.path()).required(true).open().unwrap();
        builder().actuator(recorder).observer(audit).build()
    }

    /// The records of Commands.
    fn commands(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path()).unwrap();
        let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        records.filter(|record| record["event"] == "command").collect()
    }

    /// The last of so many.
    #[track_caller]
    fn last(&self, n: usize) -> Value {
        let mut records = self.commands();
        assert_eq!(records.len(), n, "{records:?}");
        records.remove(n - 1)
    }
}

#[tokio::test]
async fn each_end_leaves_one_record() {
    let trail = Trail::new();
    let consumer = trail.of(Recorder::new());
    let mut n = 0;
    let cases = [
        (deny(), "performed", 200),
        (deny_with(json!({"response_requested": "none"})), "performed", 200),
        (json!({"action": "query", "target": {"features": []}}), "performed", 200),
        (json!({"action": "scan", "target": {"ipv4_net": "10.0.0.0/8"}}), "refused", 501),
        (json!({"action": "up", "target": {"ipv4_net": "10.0.0.0/8"}}), "refused", 400),
        (json!({"action": "cancel", "target": {"command": "unknown"}}), "refused", 404),
    ];
    for (command, end, status) in cases {
        send(&consumer, command.clone()).await;
        // Where no answer is wanted, the Command may still be under way.
        eventually(|| trail.commands().len() > n).await;
        n += 1;
        let record = trail.last(n);
        assert_eq!((&record["end"], &record["status"]), (&end.into(), &status.into()), "{command}");
    }
    let mut last = || {
        n += 1;
        trail.last(n)
    };
    send_raw(&consumer, "{").await.expect(400, "");
    assert_eq!(last()["status"], 400);
    send_message(&consumer, &json!({"body": {"openc2": {"notification": {"a": 1}}}})).await.expect(501, "");
    assert_eq!(last()["status"], 501);
    let message = message(&deny());
    send_message(&consumer, &message).await.expect(200, "");
    assert_eq!(last()["end"], "performed");
    send_message(&consumer, &message).await.expect(200, "");
    assert_eq!(last()["end"], "repeated");
    let mut command = deny();
    command["actuator"] = json!({"slpf": {"asset_id": "31"}});
    broadcast(&consumer, Scope::Profile(Nsid::SLPF), command).await;
    assert_eq!(last()["end"], "not_meant");
    let peer = Peer::Unauthenticated("192.0.2.7".into());
    consumer.refuse(Refusal { peer, request_id: None, rejection: Rejection::not_found("wrong path") });
    eventually(|| trail.commands().len() == 12).await;
    assert_eq!(last()["text"], "wrong path");
    drop(consumer);
    let report = verify_audit(&[trail.path().to_owned()]).unwrap();
    assert_eq!((report.n_records, report.remarks), (14, vec![]));
}

#[tokio::test]
async fn a_record_says_who_asked_for_what_and_what_came_of_it() {
    let trail = Trail::new();
    let consumer = trail.of(Recorder::new());
    let mut message: Value = message(&deny());
    message["body"]["openc2"]["request"]["command_id"] = json!("mine");
    message["headers"]["request_id"] = json!("q");
    let peer = Peer::Authenticated("soc-1.example.net".into());
    send_request(&consumer, Request { peer, ..request(message.to_string()) }).await.expect(200, "");
    let record = trail.commands().remove(0);
    let expected = json!({
        "event": "command", "end": "performed", "peer": "soc-1.example.net", "authenticated": true, "from": "soc-1",
        "request_id": "q", "command_id": "mine", "command": "deny ipv4_net", "target": "{\"ipv4_net\":\"198.51.100.0/24\"}",
        "status": 200, "results": {"slpf": {"rule_number": 1234}}, "seq": 2
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&record[name], value, "{name}");
    }
    let age = DateTime::now().as_millis() - record["time"].as_u64().unwrap();
    assert!(age < 60_000 && record["elapsed_us"].is_u64(), "{record}");
}

#[tokio::test]
async fn faults_and_what_was_cancelled_leave_their_records() {
    for fault in [Fault::Fails, Fault::Panics, Fault::PanicsWhenAsked] {
        let trail = Trail::new();
        send(&trail.of(Recorder::faulty(fault)), deny()).await.expect(500, "");
        assert_eq!(trail.commands()[0]["end"], "failed");
    }
    let trail = Trail::new();
    let consumer = trail.of(Recorder::new());
    let mut command = deny_with(json!({"start_time": DateTime::now().as_millis() + 60_000}));
    command["command_id"] = json!("mine");
    send(&consumer, command).await.expect(102, "scheduled");
    send(&consumer, json!({"action": "cancel", "target": {"command": "mine"}})).await.expect(200, "");
    eventually(|| trail.commands().len() == 2).await;
    assert!(trail.commands().iter().any(|record| record["end"] == "cancelled"));
}

#[test]
fn a_command_that_is_cut_off_leaves_a_record() {
    let trail = Trail::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let recorder = Recorder::slow();
        let consumer = trail.of(recorder.clone());
        send(&consumer, deny_with(json!({"response_requested": "ack"}))).await.expect(102, "");
        eventually(|| recorder.n_started() == 1).await;
    });
    drop(runtime);
    let records = trail.commands();
    assert_eq!((records.len(), &records[0]["end"]), (1, &"cut_off".into()));
}

#[tokio::test]
async fn a_change_of_the_settings_leaves_a_record() {
    let trail = Trail::new();
    let consumer = trail.of(Recorder::new());
    consumer.reload(oc2_consumer::Settings::default().with_rate_limit(60).unwrap());
    drop(consumer);
    let text = fs::read_to_string(trail.path()).unwrap();
    assert!(text.contains(r#""event":"settings""#) && text.contains("rate_limit: Some(60)"), "{text}");
}

/// A place for records that is full.
struct Full;

impl oc2_consumer::Observer for Full {
    fn admit(&self) -> Result<(), Rejection> {
        Err(Rejection::unavailable("full"))
    }

    fn ended(&self, _: &oc2_consumer::Ended<'_>) {}
}

#[tokio::test]
async fn what_could_not_be_recorded_is_not_performed_and_may_be_tried_again() {
    let recorder = Recorder::new();
    let consumer = builder().actuator(recorder.clone()).observer(Full).build();
    let message = message(&deny());
    for _ in 0..2 {
        send_message(&consumer, &message).await.expect(503, "full");
    }
    send(&consumer, json!({"action": "query", "target": {"features": []}})).await.expect(503, "full");
    assert_eq!(recorder.n_performed(), 0);
}
