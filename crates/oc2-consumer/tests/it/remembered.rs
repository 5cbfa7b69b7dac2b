//! A request is performed once, whatever becomes of the process (DECISIONS M12).

use std::fs;

use oc2_consumer::{Consumer, RequestStore, StoreError};
use oc2_core::types::time::DateTime;
use oc2_core::{Mode, Notation};
use oc2_encoding::{Cbor, CborByName, Encoding, Encodings, Json, JsonIn};
use oc2_store::testing::copy_as_killed;
use oc2_transfer::{Handler, Peer, Request};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{
    Bomb, Fault, JSON, Recorder, builder, deny, deny_with, eventually, message, request, send, send_message,
    send_request, with_a_start_ahead,
};

/// A Consumer with one actuator, and its store in a folder.
fn remembering(dir: &TempDir, recorder: &Recorder) -> Consumer {
    let store = RequestStore::open(dir.path()).expect("a store");
    builder().actuator(recorder.clone()).encodings(Encodings::default().and(Cbor)).remember_in(store).build()
}

/// What a kill would leave on the disk at this moment.
fn left_by_a_kill(dir: &TempDir) -> TempDir {
    let copy = TempDir::new().expect("a folder");
    copy_as_killed(dir.path(), copy.path()).expect("a store");
    copy
}

fn in_an_hour() -> Value {
    json!({"start_time": DateTime::now().as_millis() + 3_600_000})
}

const INTERRUPTED: &str = "the Consumer stopped while it performed this Command";

#[tokio::test]
async fn a_request_repeated_after_a_restart_is_answered_alike_and_not_performed() {
    // ARCH-017
    let (dir, recorder) = (TempDir::new().unwrap(), Recorder::new());
    let message = message(&deny());
    for _ in 0..3 {
        let consumer = remembering(&dir, &recorder);
        for _ in 0..2 {
            let answer = send_message(&consumer, &message).await;
            answer.expect(200, "");
            assert_eq!(answer.response()["results"], json!({"slpf": {"rule_number": 1234}}));
            assert_eq!(answer.header("request_id"), &message["headers"]["request_id"]);
        }
    }
    assert_eq!(recorder.n_performed(), 1);
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_kill() {
    let (dir, recorder) = (TempDir::new().unwrap(), Recorder::new());
    let consumer = remembering(&dir, &recorder);
    let messages: Vec<_> = (0..5).map(|_| message(&deny())).collect();
    for message in &messages {
        send_message(&consumer, message).await.expect(200, "");
    }
    let restarted = remembering(&left_by_a_kill(&dir), &recorder);
    for message in &messages {
        send_message(&restarted, message).await.expect(200, "");
    }
    assert_eq!(recorder.n_performed(), 5);
}

#[tokio::test]
async fn an_answer_from_disk_has_the_form_of_its_request() {
    let forms: [&dyn Encoding; 5] = [&Json, &JsonIn(Notation::Compact), &JsonIn(Notation::Concise), &Cbor, &CborByName];
    let (dir, recorder) = (TempDir::new().unwrap(), Recorder::new());
    for encoding in forms {
        let message = message(&deny()).to_string();
        let message = Json.decode(message.as_bytes(), Mode::Strict).unwrap().message;
        let bytes = encoding.encode(&message, encoding.default_form()).unwrap();
        let asked = Request { content_type: Some(encoding.media_type().to_owned()), ..request(bytes) };
        let mut answers = Vec::new();
        for _ in 0..2 {
            let reply = remembering(&dir, &recorder).handle(asked.clone()).await;
            let decoded = encoding.decode(&reply.body.expect("an answer").bytes, Mode::Strict).expect("the same form");
            answers.push(format!("{:?} {:?}", decoded.form, decoded.message.content()));
        }
        let [first, second] = &answers[..] else { panic!("two answers") };
        assert_eq!(first, second, "{encoding:?}");
        assert!(first.contains("slpf"), "{first}");
    }
    assert_eq!(recorder.n_performed(), 5);
}

#[tokio::test]
async fn a_bare_command_is_answered_bare_from_disk() {
    // M1
    let (dir, recorder) = (TempDir::new().unwrap(), Recorder::new());
    for _ in 0..2 {
        let asked = Request { request_id: Some("beside".into()), ..request(deny().to_string()) };
        let answer = send_request(&remembering(&dir, &recorder), asked).await;
        let expected = json!({"status": 200, "results": {"slpf": {"rule_number": 1234}}});
        assert_eq!(answer.message, Some(expected));
    }
    assert_eq!(recorder.n_performed(), 1);
}

#[tokio::test]
async fn an_id_used_for_something_else_is_refused_after_a_restart_too() {
    let (dir, recorder) = (TempDir::new().unwrap(), Recorder::new());
    let mut message = message(&deny());
    send_message(&remembering(&dir, &recorder), &message).await.expect(200, "");
    message["body"]["openc2"]["request"]["action"] = json!("allow");
    let consumer = remembering(&dir, &recorder);
    send_message(&consumer, &message).await.expect(400, "headers.request_id: request_id reused");
    message["headers"]["from"] = json!("soc-2");
    send_message(&consumer, &message).await.expect(200, "");
    assert_eq!(recorder.n_performed(), 2);
}

#[tokio::test]
async fn a_name_that_is_claimed_is_none_that_was_proved_after_a_restart_either() {
    let (dir, recorder) = (TempDir::new().unwrap(), Recorder::new());
    let body = message(&deny()).to_string();
    let proved = Request { peer: Peer::Authenticated("soc-1".into()), ..request(body.clone()) };
    for _ in 0..2 {
        let consumer = remembering(&dir, &recorder);
        send_request(&consumer, proved.clone()).await.expect(200, "");
        send_request(&consumer, request(body.clone())).await.expect(200, "");
    }
    assert_eq!(recorder.n_performed(), 2);
}

#[tokio::test]
async fn a_command_that_a_kill_interrupted_is_performed_by_nobody() {
    let (dir, slow) = (TempDir::new().unwrap(), Recorder::slow());
    let consumer = remembering(&dir, &slow);
    let asked = [json!({}), json!({"response_requested": "ack"}), json!({"response_requested": "status"})]
        .map(|args| message(&deny_with(args)));
    let tasks = asked.clone().map(|message| {
        let consumer = consumer.clone();
        tokio::spawn(async move { send_message(&consumer, &message).await })
    });
    eventually(|| slow.n_started() == 3).await;
    let left = left_by_a_kill(&dir);
    tasks.iter().for_each(tokio::task::JoinHandle::abort);

    let recorder = Recorder::new();
    let restarted = remembering(&left, &recorder);
    for message in &asked {
        for _ in 0..2 {
            send_message(&restarted, message).await.expect(500, INTERRUPTED);
        }
        let mut other = message.clone();
        other["body"]["openc2"]["request"]["action"] = json!("allow");
        send_message(&restarted, &other).await.expect(400, "headers.request_id: request_id reused");
    }
    assert_eq!(recorder.n_started(), 0);
    let mut anew = asked[0].clone();
    anew["headers"]["request_id"] = json!("anew");
    send_message(&restarted, &anew).await.expect(200, "");
    drop(restarted);
    // Interrupted it stays.
    send_message(&remembering(&left, &recorder), &asked[0]).await.expect(500, INTERRUPTED);
    assert_eq!(recorder.n_performed(), 1);
}

#[tokio::test]
async fn none_and_ack_stay_what_they_are_when_repeated_after_a_restart() {
    let (dir, recorder) = (TempDir::new().unwrap(), Recorder::new());
    let none = message(&deny_with(json!({"response_requested": "none"})));
    let ack = message(&deny_with(json!({"response_requested": "ack"})));
    for _ in 0..2 {
        let consumer = remembering(&dir, &recorder);
        send_message(&consumer, &none).await.expect_silence(200);
        assert_eq!(send_message(&consumer, &ack).await.response(), &json!({"status": 102}));
        consumer.stop().await;
    }
    assert_eq!(recorder.n_performed(), 2);
}

#[tokio::test]
async fn a_failure_is_remembered_and_what_an_actuator_was_too_busy_for_is_not() {
    let (dir, message) = (TempDir::new().unwrap(), message(&deny()));
    let failing = Recorder::faulty(Fault::Fails);
    for _ in 0..2 {
        let answer = send_message(&remembering(&dir, &failing), &message).await;
        assert_eq!((answer.status(), answer.text().ends_with("on purpose")), (500, true), "{answer:?}");
    }
    assert_eq!(failing.n_started(), 1);

    let (dir, busy) = (TempDir::new().unwrap(), Recorder::faulty(Fault::IsBusyOnce));
    send_message(&remembering(&dir, &busy), &message).await.expect(503, "busy");
    for _ in 0..2 {
        send_message(&remembering(&dir, &busy), &message).await.expect(200, "");
    }
    assert_eq!(busy.n_performed(), 1);
}

#[tokio::test]
async fn a_panic_of_an_actuator_is_an_outcome() {
    let (dir, message) = (TempDir::new().unwrap(), message(&deny()));
    let panicking = Recorder::faulty(Fault::Panics);
    for _ in 0..2 {
        send_message(&remembering(&dir, &panicking), &message).await.expect(500, "internal error");
    }
    assert_eq!(panicking.n_started(), 1);
}

#[tokio::test]
async fn an_outcome_that_cannot_be_written_is_remembered_as_it_was_told() {
    let (dir, message) = (TempDir::new().unwrap(), message(&deny()));
    let open = || builder().actuator(Bomb).remember_in(RequestStore::open(dir.path()).unwrap()).build();
    for _ in 0..2 {
        send_message(&open(), &message).await.expect(500, "internal error");
    }
}

#[tokio::test]
async fn a_refusal_is_decided_anew_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let message = message(&deny());
    let partial = Recorder::all_but("deny ipv4_net");
    send_message(&remembering(&dir, &partial), &message).await.expect(501, "");
    send_message(&remembering(&dir, &Recorder::new()), &message).await.expect(200, "");
}

#[tokio::test]
async fn a_command_whose_time_has_come_is_performed_once() {
    with_a_start_ahead(async |start| {
        let (dir, recorder) = (TempDir::new().unwrap(), Recorder::new());
        let consumer = remembering(&dir, &recorder);
        let message = message(&deny_with(json!({"start_time": start})));
        let answer = send_message(&consumer, &message).await;
        if answer.status() == 200 {
            return false;
        }
        answer.expect(102, "scheduled");
        eventually(|| recorder.n_performed() == 1).await;
        consumer.stop().await;
        drop(consumer);
        send_message(&remembering(&dir, &recorder), &message).await.expect(200, "");
        assert_eq!(recorder.n_performed(), 1);
        true
    })
    .await;
}

#[tokio::test]
async fn a_command_that_was_cancelled_stays_cancelled() {
    // L27
    let (dir, recorder) = (TempDir::new().unwrap(), Recorder::new());
    let mut waiting = message(&deny_with(in_an_hour()));
    waiting["headers"]["request_id"] = json!("waiting");
    let cancel = message(&json!({"action": "cancel", "target": {"command": "waiting"}}));
    let consumer = remembering(&dir, &recorder);
    send_message(&consumer, &waiting).await.expect(102, "scheduled");
    send_message(&consumer, &cancel).await.expect(200, "");
    let restarted = remembering(&left_by_a_kill(&dir), &recorder);
    send_message(&restarted, &waiting).await.expect(500, "cancelled before its time");
    send_message(&restarted, &cancel).await.expect(200, "");
    let other = message(&json!({"action": "cancel", "target": {"command": "waiting"}}));
    send_message(&restarted, &other).await.expect(500, "too late: the command was cancelled before");
}

#[tokio::test]
async fn queries_and_requests_without_an_id_leave_nothing_on_the_disk() {
    let (dir, recorder) = (TempDir::new().unwrap(), Recorder::new());
    let consumer = remembering(&dir, &recorder);
    let before = fs::read(dir.path().join("state.redb")).unwrap();
    send(&consumer, json!({"action": "query", "target": {"features": ["pairs"]}})).await.expect(200, "");
    let nameless = json!({"body": {"openc2": {"request": deny()}}});
    send_message(&consumer, &nameless).await.expect(200, "");
    assert_eq!(fs::read(dir.path().join("state.redb")).unwrap(), before);
    send(&consumer, deny()).await.expect(200, "");
    assert_ne!(fs::read(dir.path().join("state.redb")).unwrap(), before);
}

#[tokio::test]
async fn a_store_says_nothing_about_who_asked_for_what() {
    let (dir, recorder) = (TempDir::new().unwrap(), Recorder::new());
    let mut message = message(&deny());
    message["headers"]["request_id"] = json!("a-name-to-be-found");
    send_message(&remembering(&dir, &recorder), &message).await.expect(200, "");
    let bytes = fs::read(dir.path().join("state.redb")).unwrap();
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("rule_number") && !has("soc-1") && !has("a-name-to-be-found") && !has("198.51.100"));
}

#[tokio::test]
async fn one_store_is_for_one_consumer() {
    let (dir, recorder) = (TempDir::new().unwrap(), Recorder::new());
    let consumer = remembering(&dir, &recorder);
    let refused = RequestStore::open(dir.path());
    assert!(matches!(refused, Err(StoreError::InUse { .. })), "{refused:?}");
    drop(consumer);
    RequestStore::open(dir.path()).unwrap();
}

#[tokio::test]
async fn many_at_once_are_each_performed_once() {
    let (dir, recorder) = (TempDir::new().unwrap(), Recorder::new());
    let messages: Vec<_> = (0..300).map(|_| message(&deny()).to_string()).collect();
    for _ in 0..2 {
        let consumer = remembering(&dir, &recorder);
        let sent: Vec<_> = messages
            .iter()
            .map(|message| {
                let (consumer, message) = (consumer.clone(), message.clone());
                tokio::spawn(async move { consumer.handle(request(message)).await })
            })
            .collect();
        for reply in sent {
            let reply = reply.await.unwrap();
            assert_eq!((reply.status.as_u16(), reply.body.unwrap().media_type), (200, JSON));
        }
    }
    assert_eq!(recorder.n_performed(), 300);
}
