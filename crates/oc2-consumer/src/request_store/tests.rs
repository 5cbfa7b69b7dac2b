use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use oc2_actuator::{Actuator, Context};
use oc2_core::Rejection;
use oc2_profile_slpf::{Results, RuleNumber, Slpf};
use oc2_store::testing::{Disk, copy_as_killed};
use oc2_transfer::{Handler, Peer, Request, Scope};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::*;
use crate::Consumer;
use crate::key::Fingerprint;

#[test]
fn a_new_store_is_empty() {
    let dir = TempDir::new().unwrap();
    let store = RequestStore::open(dir.path()).unwrap();
    assert_eq!((store.0.rows.len(), store.0.last_row), (0, 0));
}

#[tokio::test]
async fn what_was_written_is_there_when_it_is_opened_again() {
    let dir = TempDir::new().unwrap();
    let written = [row(1, None), row(2, Some("done")), row(3, Some(""))];
    let Remembered { journal, .. } = RequestStore::open(dir.path()).unwrap().0;
    for (number, row) in (5..).zip(written.clone()) {
        journal.conclude(number, &row, true, None).done().await.unwrap();
    }
    drop(journal);
    let Remembered { rows, last_row, .. } = RequestStore::open(dir.path()).unwrap().0;
    assert_eq!((rows, last_row), ((5..).zip(written).collect(), 7));
}

#[tokio::test]
async fn what_is_too_old_is_deleted_when_it_is_opened() {
    let dir = TempDir::new().unwrap();
    let Remembered { journal, .. } = RequestStore::open(dir.path()).unwrap().0;
    let now = DateTime::now().as_millis();
    for (number, age) in (1..).zip([7_200_000, 3_601_000, 60_000]) {
        let row = Row { admitted: now - age, ..row(number, Some("done")) };
        journal.admit(number, &row, None).done().await.unwrap();
    }
    drop(journal);
    for _ in 0..2 {
        let Remembered { rows, last_row, .. } = RequestStore::open(dir.path()).unwrap().0;
        assert_eq!((rows.len(), rows[0].0, last_row), (1, 3, 3));
    }
    assert_eq!(on_the_disk(&dir).len(), 1, "on the disk too");
}

#[test]
fn a_row_that_makes_no_sense_is_refused_and_left_as_it_is() {
    for (key, value) in [(&key::of_u64(7)[..], &b"nonsense"[..]), (b"seven", b"")] {
        let dir = TempDir::new().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let mut batch = Batch::new();
        batch.put(&store.area("requests").unwrap().table("rows"), key, value);
        store.commit(batch).unwrap();
        drop(store);
        let bytes = fs::read(dir.path().join("state.redb")).unwrap();
        let error = RequestStore::open(dir.path()).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        assert_eq!(fs::read(dir.path().join("state.redb")).unwrap(), bytes);
    }
}

#[test]
fn one_store_is_for_one_consumer() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let requests = RequestStore::open_in(&store, LIFETIME).unwrap();
    assert!(matches!(RequestStore::open_in(&store, LIFETIME), Err(StoreError::AreaInUse { .. })));
    drop(requests);
    RequestStore::open_in(&store, LIFETIME).unwrap();
}

/// A disk that fails at each of the steps of a commit in turn: what is said to be written is there, what is refused is not,
/// and outcomes and deletions are there in the end.
#[tokio::test]
async fn a_failing_disk_tells_the_truth_at_every_step() {
    for n in 0.. {
        let (dir, disk) = (TempDir::new().unwrap(), Disk::sound());
        let Remembered { journal, .. } = open_on(&disk, &dir).0;
        journal.admit(1, &row(1, None), None).done().await.unwrap();
        journal.admit(4, &row(4, None), None).done().await.unwrap();
        disk.fail_after(n);
        let is_written = journal.admit(5, &row(5, None), None).done().await.is_ok();
        let has_failed = disk.has_failed();
        let _ = journal.conclude(1, &row(1, Some("done")), false, None).done().await;
        let _ = journal.forget(&[4], &[]).done().await;
        disk.repair();
        journal.admit(6, &row(6, None), None).done().await.unwrap();
        drop(journal);
        let Remembered { rows, .. } = RequestStore::open(dir.path()).unwrap().0;
        let mut expected = vec![(1, row(1, Some("done"))), (5, row(5, None)), (6, row(6, None))];
        expected.retain(|(number, _)| is_written || *number != 5);
        assert_eq!(rows, expected, "after {n} steps");
        if !has_failed {
            assert!(is_written && n > 1, "{n}");
            return;
        }
    }
}

#[tokio::test]
async fn what_the_disk_did_not_take_need_not_be_forgotten_on_it() {
    let (dir, disk) = (TempDir::new().unwrap(), Disk::sound());
    let replay = crate::replay::Replay::new(Some(open_on(&disk, &dir).0));
    let key = row(1, None).key;
    let execution = crate::execution::Execution::new(oc2_core::ResponseType::Complete);
    for is_failing in [true, false] {
        replay.admit(key, b"", &execution, || Ok(())).unwrap();
        if is_failing {
            disk.fail_after(0);
            replay.write(key, None).unwrap().done().await.unwrap_err();
            replay.not_written(key);
            assert!(replay.forget(key).is_none());
            disk.repair();
        } else {
            replay.write(key, None).unwrap().done().await.unwrap();
            replay.forget(key).unwrap().done().await.unwrap();
        }
    }
    drop(replay);
    assert_eq!(on_the_disk(&dir), []);
}

#[tokio::test]
async fn a_command_that_cannot_be_written_down_is_not_performed() {
    let (world, message) = (World::new(), request("1"));
    world.disk.fail_after(0);
    for _ in 0..3 {
        world.send(&message).await.expect(503, "the Command was not performed: the Consumer cannot write down");
    }
    let ack = world.send(&request_wanting("2", "ack")).await;
    ack.expect(503, "the Command was not performed");
    assert_eq!(world.n_performed(), 0);
    world.disk.repair();
    for _ in 0..2 {
        world.send(&message).await.expect(200, "");
    }
    assert_eq!(world.n_performed(), 1);
    let world = world.restarted();
    world.send(&message).await.expect(200, "");
    assert_eq!(world.n_performed(), 0);
}

#[tokio::test]
async fn queries_are_answered_whatever_the_disk_does() {
    let world = World::new();
    world.disk.fail_after(0);
    let query =
        r#"{"headers":{"request_id":"q"},"body":{"openc2":{"request":{"action":"query","target":{"features":[]}}}}}"#;
    world.send(query).await.expect(200, "");
}

#[tokio::test]
async fn an_outcome_that_cannot_be_written_down_is_told_and_written_later() {
    let (world, message) = (World::waiting(), request("1"));
    let asked = world.begin(&message);
    world.has_begun().await;
    world.disk.fail_after(0);
    world.gate.add_permits(1);
    asked.await.unwrap().expect(200, "");
    world.send(&message).await.expect(200, "");
    let left = world.left_by_a_kill();
    World::in_dir(left, Semaphore::new(9)).send(&message).await.expect(500, "the Consumer stopped while it performed");
    world.disk.repair();
    let world = world.restarted();
    world.send(&message).await.expect(200, "");
    assert_eq!(world.n_performed(), 0);
}

#[tokio::test]
async fn a_command_whose_time_comes_while_the_disk_fails_is_not_performed() {
    // A start that the machine is fast enough for: still ahead when the disk fails.
    let mut ahead = 200;
    let (world, message) = loop {
        let (world, start) = (World::new(), DateTime::now().as_millis() + ahead);
        let message = request("1").replace("\"args\":{", &format!("\"args\":{{\"start_time\":{start},"));
        let answer = world.send(&message).await;
        world.disk.fail_after(0);
        if DateTime::now().as_millis() < start {
            answer.expect(102, "scheduled");
            break (world, message);
        }
        ahead *= 4;
    };
    while !world.disk.has_failed() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    world.disk.repair();
    let again = loop {
        let answer = world.send(&message).await;
        match answer.0 {
            102 => {}
            503 => answer.expect(503, "the Command was not performed"),
            _ => break answer,
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    again.expect(200, "");
    assert_eq!(world.n_performed(), 1);
}

#[tokio::test]
async fn no_more_requests_are_on_the_disk_than_are_remembered() {
    let dir = TempDir::new().unwrap();
    let replay = crate::replay::Replay::new(Some(RequestStore::open(dir.path()).unwrap().0));
    let n = crate::replay::CAPACITY as u64 + 500;
    let mut last = None;
    for key in 0..n {
        let key = row(key, None).key;
        let execution = crate::execution::Execution::new(oc2_core::ResponseType::Complete);
        replay.admit(key, b"", &execution, || Ok(())).unwrap();
        drop(replay.write(key, None));
        last = replay.write(key, Some(b"done".to_vec()));
        execution.finish(oc2_core::Response::new(oc2_core::StatusCode::Ok));
    }
    last.unwrap().done().await.unwrap();
    drop(replay);
    let rows = on_the_disk(&dir);
    assert_eq!((rows.len(), rows.last().unwrap().0), (crate::replay::CAPACITY, n));
}

/// Rows are compared, so they are all of one time.
static STARTED: LazyLock<u64> = LazyLock::new(|| DateTime::now().as_millis());

fn row(key: u64, outcome: Option<&str>) -> Row {
    let mut print = [7; 32];
    print[..8].copy_from_slice(&key.to_le_bytes());
    Row {
        admitted: *STARTED,
        key: Fingerprint(print),
        content: Fingerprint([9; 32]),
        outcome: outcome.map(|text| text.as_bytes().to_vec()),
    }
}

fn open_on(disk: &Disk, dir: &TempDir) -> RequestStore {
    RequestStore::open_in(&disk.open(dir.path()).unwrap(), LIFETIME).unwrap()
}

fn on_the_disk(dir: &TempDir) -> Vec<(u64, Row)> {
    let area = Store::open(dir.path()).unwrap().area("requests").unwrap();
    Rows { table: area.table("rows"), appointments: area.table("appointments"), area }.read().unwrap()
}

/// A Consumer with one actuator over a disk that fails on demand.
struct World {
    dir: TempDir,
    disk: Disk,
    consumer: Consumer,
    n_begun: Arc<AtomicUsize>,
    n_performed: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

/// A status and its text.
#[derive(Debug)]
struct Answer(u16, String);

impl World {
    fn new() -> Self {
        Self::in_dir(TempDir::new().unwrap(), Semaphore::new(99))
    }

    /// Its actuator performs when the gate gives a permit.
    fn waiting() -> Self {
        Self::in_dir(TempDir::new().unwrap(), Semaphore::new(0))
    }

    fn in_dir(dir: TempDir, gate: Semaphore) -> Self {
        let (disk, gate) = (Disk::sound(), Arc::new(gate));
        let (n_begun, n_performed): (Arc<AtomicUsize>, Arc<AtomicUsize>) = Default::default();
        let store = open_on(&disk, &dir);
        let gated = Gated { n_begun: n_begun.clone(), n_performed: n_performed.clone(), gate: gate.clone() };
        let consumer = Consumer::builder("fw1").dangerous().without_policy().actuator(gated).remember_in(store).build();
        Self { dir, disk, consumer, n_begun, n_performed, gate }
    }

    fn restarted(self) -> Self {
        let Self { dir, consumer, .. } = self;
        drop(consumer);
        Self::in_dir(dir, Semaphore::new(99))
    }

    fn left_by_a_kill(&self) -> TempDir {
        let copy = TempDir::new().unwrap();
        copy_as_killed(self.dir.path(), copy.path()).unwrap();
        copy
    }

    fn begin(&self, body: &str) -> tokio::task::JoinHandle<Answer> {
        let (consumer, body) = (self.consumer.clone(), body.to_owned());
        tokio::spawn(async move { send(&consumer, &body).await })
    }

    async fn has_begun(&self) {
        while self.n_begun.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    async fn send(&self, body: &str) -> Answer {
        send(&self.consumer, body).await
    }

    fn n_performed(&self) -> usize {
        self.n_performed.load(Ordering::SeqCst)
    }
}

impl Answer {
    #[track_caller]
    fn expect(&self, status: u16, text: &str) {
        assert!(self.0 == status && self.1.starts_with(text), "{self:?} is not {status} {text}");
    }
}

async fn send(consumer: &Consumer, body: &str) -> Answer {
    let reply = consumer
        .handle(Request {
            peer: Peer::Unauthenticated("192.0.2.7".into()),
            scope: Scope::Direct,
            content_type: Some("application/openc2+json;version=1.0".into()),
            request_id: None,
            body: body.to_owned().into(),
            needs_answer: true,
        })
        .await;
    let message: serde_json::Value = serde_json::from_slice(&reply.body.expect("an answer").bytes).unwrap();
    let text = message.pointer("/body/openc2/response/status_text").and_then(serde_json::Value::as_str);
    Answer(reply.status.as_u16(), text.unwrap_or_default().to_owned())
}

fn request(id: &str) -> String {
    request_wanting(id, "complete")
}

fn request_wanting(id: &str, wanted: &str) -> String {
    format!(
        r#"{{"headers":{{"request_id":"{id}"}},"body":{{"openc2":{{"request":{{"action":"deny","target":{{"ipv4_net":"192.0.2.1"}},"args":{{"response_requested":"{wanted}"}}}}}}}}}}"#
    )
}

struct Gated {
    n_begun: Arc<AtomicUsize>,
    n_performed: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

impl Actuator for Gated {
    type Profile = Slpf;

    async fn perform(&self, _: oc2_profile_slpf::Command, _: Context) -> Result<Option<Results>, Rejection> {
        self.n_begun.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.expect("never closed").forget();
        self.n_performed.fetch_add(1, Ordering::SeqCst);
        Ok(Some(Results::rule(RuleNumber::new(1234).unwrap())))
    }
}
