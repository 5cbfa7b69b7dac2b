//! Commands that were sent ahead of their time, over the end of the process (DECISIONS M12).

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use oc2_clock::{Clock, Hand};
use oc2_consumer::{Consumer, Objection, Permit, Policy, Question, RequestStore, Settings};
use oc2_core::types::time::DateTime;
use oc2_core::{Action, Mode};
use oc2_encoding::{Cbor, Encoding, Encodings, Json};
use oc2_store::testing::{Disk, copy_as_killed};
use oc2_transfer::{Handler, Peer, Request};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{
    Answer, Recorder, builder, deny_with, eventually, message, request, send, send_message, send_request,
};

const NOON: u64 = 1_700_000_000_000;
const HOUR: u64 = 3_600_000;

/// A folder and a clock, which outlive processes.
struct World {
    dir: TempDir,
    hand: Hand,
    clock: Clock,
}

impl World {
    fn new() -> Self {
        let (hand, clock) = Hand::at(at(NOON));
        Self { dir: TempDir::new().unwrap(), hand, clock }
    }

    /// A process with one actuator.
    fn open(&self, recorder: &Recorder) -> Consumer {
        let store = RequestStore::open(self.dir.path()).expect("a store");
        let builder = builder().actuator(recorder.clone()).encodings(Encodings::default().and(Cbor));
        let consumer = builder.clock(self.clock.clone()).remember_in(store).build();
        consumer.take_up();
        consumer
    }

    /// What a kill would leave on the disk at this moment. For those who are not really killed time stands still.
    fn killed(&self) -> Self {
        let dir = TempDir::new().unwrap();
        copy_as_killed(self.dir.path(), dir.path()).unwrap();
        let (hand, clock) = Hand::at(self.clock.now());
        Self { dir, hand, clock }
    }
}

fn at(milliseconds: u64) -> DateTime {
    DateTime::from_millis(milliseconds).unwrap()
}

/// A deny of a host, so many hours after noon.
fn deny_at(hour: u64) -> Value {
    let args = json!({"start_time": NOON + hour * HOUR});
    json!({"action": "deny", "target": {"ipv4_net": format!("198.51.100.{hour}")}, "args": args})
}

fn with_id(command: &Value, id: &str) -> Value {
    let mut message = message(command);
    message["headers"]["request_id"] = json!(id);
    message
}

async fn tell(consumer: &Consumer, action: &str, name: &str) -> Answer {
    send(consumer, json!({"action": action, "target": {"command": name}})).await
}

#[tokio::test]
async fn what_waits_is_performed_by_the_next_process_however_this_one_ends() {
    for is_killed in [false, true] {
        let (mut world, recorder) = (World::new(), Recorder::new());
        let mine = with_id(&deny_at(1), "mine");
        let consumer = world.open(&recorder);
        send_message(&consumer, &mine).await.expect(102, "scheduled");
        if is_killed {
            world = world.killed();
        } else {
            consumer.stop().await;
            send_message(&consumer, &mine).await.expect(102, "scheduled");
            drop(consumer);
        }
        for _ in 0..2 {
            let consumer = world.open(&recorder);
            send_message(&consumer, &mine).await.expect(102, "scheduled");
            tell(&consumer, "query", "mine").await.expect(200, "scheduled for 1700003600000");
            world.hand.set(at(NOON + HOUR - 1));
            consumer.stop().await;
        }
        assert_eq!(recorder.n_started(), 0);
        let consumer = world.open(&recorder);
        world.hand.pass(1);
        eventually(|| recorder.n_performed() == 1).await;
        consumer.stop().await;
        drop(consumer);
        for _ in 0..2 {
            let consumer = world.open(&recorder);
            send_message(&consumer, &mine).await.expect(200, "");
            tell(&consumer, "query", "mine").await.expect(200, "done with 200");
        }
        assert_eq!(recorder.n_performed(), 1);
    }
}

#[tokio::test]
async fn what_is_late_is_performed_at_once_in_the_order_of_the_times() {
    let (world, recorder) = (World::new(), Recorder::new());
    let consumer = world.open(&recorder);
    for hour in [3, 1, 9, 2] {
        send(&consumer, deny_at(hour)).await.expect(102, "scheduled");
    }
    consumer.stop().await;
    drop(consumer);
    world.hand.set(at(NOON + 4 * HOUR));
    let consumer = world.open(&recorder);
    eventually(|| recorder.n_performed() == 3).await;
    assert_eq!(recorder.nets(), ["198.51.100.1", "198.51.100.2", "198.51.100.3"]);
    consumer.stop().await;
    drop(consumer);
    // A clock that was set back has nothing done twice.
    world.hand.set(at(NOON));
    let consumer = world.open(&recorder);
    world.hand.set(at(NOON + 10 * HOUR));
    eventually(|| recorder.n_performed() == 4).await;
    consumer.stop().await;
    assert_eq!(recorder.n_started(), 4);
}

#[tokio::test]
async fn nothing_is_answered_before_it_is_on_the_disk() {
    for wanted in ["none", "ack", "status", "complete"] {
        let (world, recorder) = (World::new(), Recorder::new());
        let mut command = deny_at(1);
        command["args"]["response_requested"] = json!(wanted);
        let consumer = world.open(&recorder);
        let answer = send_message(&consumer, &with_id(&command, "mine")).await;
        let left = world.killed();
        assert_eq!(answer.message.is_none(), wanted == "none");
        let restarted = left.open(&recorder);
        tell(&restarted, "query", "mine").await.expect(200, "scheduled for 1700003600000");
        left.hand.pass(HOUR);
        eventually(|| recorder.n_performed() == 1).await;
    }
}

#[tokio::test]
async fn what_waits_is_cancelled_after_a_restart_and_stays_so() {
    // L27
    let (world, recorder) = (World::new(), Recorder::new());
    let mut named = deny_at(1);
    named["command_id"] = json!("named");
    let messages = [with_id(&named, "another"), with_id(&deny_at(2), "by-request")];
    let consumer = world.open(&recorder);
    for message in &messages {
        send_message(&consumer, message).await.expect(102, "scheduled");
    }
    let world = world.killed();
    let consumer = world.open(&recorder);
    for name in ["named", "by-request"] {
        tell(&consumer, "cancel", name).await.expect(200, "");
    }
    let world = world.killed();
    world.hand.set(at(NOON + 3 * HOUR));
    let consumer = world.open(&recorder);
    for (name, message) in ["named", "by-request"].iter().zip(&messages) {
        tell(&consumer, "query", name).await.expect(200, "cancelled");
        tell(&consumer, "cancel", name).await.expect(500, "too late: the command was cancelled before");
        send_message(&consumer, message).await.expect(500, "cancelled before its time");
    }
    consumer.stop().await;
    assert_eq!(recorder.n_started(), 0);
}

#[tokio::test]
async fn what_a_kill_interrupts_when_its_time_has_come_is_performed_by_nobody() {
    let (world, slow) = (World::new(), Recorder::slow());
    let consumer = world.open(&slow);
    let mine = with_id(&deny_at(1), "mine");
    send_message(&consumer, &mine).await.expect(102, "scheduled");
    world.hand.pass(HOUR);
    eventually(|| slow.n_started() == 1).await;
    let (world, recorder) = (world.killed(), Recorder::new());
    let restarted = world.open(&recorder);
    send_message(&restarted, &mine).await.expect(500, "the Consumer stopped while it performed this Command");
    restarted.stop().await;
    assert_eq!(recorder.n_started(), 0);
}

#[tokio::test]
async fn a_command_without_a_request_id_waits_too() {
    let (world, recorder) = (World::new(), Recorder::new());
    let mut named = deny_at(1);
    named["command_id"] = json!("mine");
    let headers = json!({"from": "soc-1"});
    let consumer = world.open(&recorder);
    for command in [&named, &named, &deny_at(2)] {
        let nameless = json!({"headers": headers, "body": {"openc2": {"request": command}}});
        send_message(&consumer, &nameless).await.expect(102, "scheduled");
    }
    consumer.stop().await;
    drop(consumer);
    let consumer = world.open(&recorder);
    world.hand.pass(2 * HOUR);
    eventually(|| recorder.n_performed() == 3).await;
    consumer.stop().await;
    drop(consumer);
    let consumer = world.open(&recorder);
    tell(&consumer, "query", "mine").await.expect(200, "done with 200");
    assert_eq!(recorder.n_performed(), 3);
}

#[tokio::test]
async fn as_many_wait_after_a_restart_as_may() {
    let (world, recorder) = (World::new(), Recorder::new());
    let open = || {
        let mut settings = Settings::default();
        settings.max_scheduled = 2;
        let store = RequestStore::open(world.dir.path()).unwrap();
        let builder = builder().actuator(recorder.clone()).clock(world.clock.clone()).settings(settings);
        builder.remember_in(store).build()
    };
    let consumer = open();
    for _ in 0..2 {
        send(&consumer, deny_at(1)).await.expect(102, "scheduled");
    }
    consumer.stop().await;
    drop(consumer);
    // The first Command takes up what waits.
    let consumer = open();
    send(&consumer, deny_at(1)).await.expect(503, "2 commands wait for their time");
    world.hand.pass(HOUR);
    eventually(|| recorder.n_performed() == 2).await;
    while send(&consumer, deny_at(2)).await.status() != 102 {}
}

/// Allows to deny, until it does not.
struct Switch(Arc<AtomicBool>);

impl Policy for Switch {
    async fn decide(&self, question: &Question<'_>) -> Result<Permit, Objection> {
        match question.command.action == Action::Deny && !self.0.load(Ordering::SeqCst) {
            false => Ok(Permit::default()),
            true => Err(Objection::forbidden("it was switched off")),
        }
    }
}

#[tokio::test]
async fn what_is_not_allowed_any_more_when_its_time_has_come_is_not_performed() {
    // P5
    for is_restarted in [false, true] {
        let (world, recorder, is_allowed) = (World::new(), Recorder::new(), Arc::new(AtomicBool::new(true)));
        let open = || {
            let store = RequestStore::open(world.dir.path()).unwrap();
            let builder = Consumer::builder("fw1").policy(Switch(Arc::clone(&is_allowed)));
            builder.actuator(recorder.clone()).clock(world.clock.clone()).remember_in(store).build()
        };
        let mine = with_id(&deny_at(1), "mine");
        let mut consumer = open();
        send_message(&consumer, &mine).await.expect(102, "scheduled");
        if is_restarted {
            consumer.stop().await;
            drop(consumer);
            consumer = open();
            consumer.take_up();
        }
        is_allowed.store(false, Ordering::SeqCst);
        world.hand.pass(HOUR);
        while tell(&consumer, "query", "mine").await.text() != "done with 403" {}
        is_allowed.store(true, Ordering::SeqCst);
        send_message(&consumer, &mine).await.expect(403, "");
        assert_eq!(recorder.n_started(), 0);
    }
}

#[tokio::test]
async fn a_message_waits_in_the_form_in_which_it_came() {
    let (world, recorder) = (World::new(), Recorder::new());
    let message = with_id(&deny_at(1), "mine").to_string();
    let message = Json.decode(message.as_bytes(), Mode::Strict).unwrap().message;
    let bytes = Cbor.encode(&message, Cbor.default_form()).unwrap();
    let peer = Peer::Authenticated("soc-1".into());
    let asked = Request { peer, content_type: Some(Cbor.media_type().to_owned()), ..request(bytes) };
    let consumer = world.open(&recorder);
    assert_eq!(consumer.handle(asked.clone()).await.status.as_u16(), 102);
    consumer.stop().await;
    drop(consumer);
    // CBOR is not offered any more; what was taken on is performed all the same.
    let store = RequestStore::open(world.dir.path()).unwrap();
    let consumer = builder().actuator(recorder.clone()).clock(world.clock.clone()).remember_in(store).build();
    consumer.take_up();
    world.hand.pass(HOUR);
    eventually(|| recorder.n_performed() == 1).await;
    consumer.stop().await;
    drop(consumer);
    assert_eq!(world.open(&recorder).handle(asked).await.status.as_u16(), 200);
    assert_eq!(recorder.n_performed(), 1);
}

#[tokio::test]
async fn a_message_that_is_too_large_to_be_kept_is_refused() {
    let (world, recorder) = (World::new(), Recorder::new());
    let mut large = with_id(&deny_at(1), "mine");
    large["headers"]["note"] = json!("x".repeat(65_536));
    send_message(&world.open(&recorder), &large).await.expect(501, "Option not supported: args.start_time");
    send(&world.open(&recorder), deny_at(2)).await.expect(102, "scheduled");
}

/// Wherever the disk fails, what is answered 102 waits over a restart, and what is answered 503 does not.
#[tokio::test]
async fn a_disk_that_fails_leaves_what_was_answered() {
    for n in 0.. {
        let (world, disk, recorder) = (World::new(), Disk::sound(), Recorder::new());
        let store = RequestStore::open_in(&disk.open(world.dir.path()).unwrap(), Duration::ZERO).unwrap();
        let consumer = builder().actuator(recorder.clone()).clock(world.clock.clone()).remember_in(store).build();
        disk.fail_after(n);
        let answer = send_message(&consumer, &with_id(&deny_at(1), "mine")).await;
        let nameless = json!({"body": {"openc2": {"request": deny_at(2)}}});
        let other = send_message(&consumer, &nameless).await;
        let has_failed = disk.has_failed();
        disk.repair();
        consumer.stop().await;
        drop(consumer);
        let consumer = world.open(&recorder);
        let n_waiting = [&answer, &other].iter().filter(|answer| answer.status() == 102).count();
        [&answer, &other].iter().for_each(|answer| assert!([102, 503].contains(&answer.status()), "{answer:?}"));
        tell(&consumer, "query", "mine").await.expect(if answer.status() == 102 { 200 } else { 404 }, "");
        world.hand.pass(3 * HOUR);
        eventually(|| recorder.n_performed() == n_waiting).await;
        consumer.stop().await;
        assert_eq!(recorder.n_started(), n_waiting, "after {n} steps");
        if !has_failed {
            assert!(n > 1 && n_waiting == 2, "{n}");
            return;
        }
    }
}

#[tokio::test]
async fn queries_do_not_wait_over_a_restart() {
    let (world, recorder) = (World::new(), Recorder::new());
    let consumer = world.open(&recorder);
    let before = fs::read(world.dir.path().join("state.redb")).unwrap();
    let ahead = json!({"action": "query", "target": {"command": "mine"}, "args": {"start_time": NOON + HOUR}});
    send(&consumer, ahead).await.expect(501, "Option not supported");
    assert_eq!(fs::read(world.dir.path().join("state.redb")).unwrap(), before);
    let reply =
        send_request(&consumer, request(message(&deny_with(json!({"start_time": NOON + HOUR}))).to_string())).await;
    reply.expect(102, "scheduled");
    assert_ne!(fs::read(world.dir.path().join("state.redb")).unwrap(), before);
}
