//! A Command and its effects on the disk in one step (DECISIONS M12): what a kill or a fault leaves, wherever it comes.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oc2_clock::{Clock, Hand};
use oc2_consumer::{Consumer, RequestStore, Store};
use oc2_core::types::time::DateTime;
use oc2_packet_filter::backend::{Alarm, Backend, BackendError, DryRun, Fault, Faults, Faulty};
use oc2_packet_filter::{Change, Config, PacketFilter, Rules};
use oc2_store::Batch;
use oc2_store::testing::{Disk, copy_as_killed};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Answer, Doors, builder, deny, deny_with, eventually, message, send_message, with_a_start_ahead};

#[tokio::test]
async fn a_command_costs_one_commit() {
    let world = World::new();
    send_message(&world.consumer, &message(&deny())).await.expect(200, "");
    for args in [json!({}), json!({"slpf": {"persistent": false}})] {
        let n_syncs = world.disk.n_syncs();
        send_message(&world.consumer, &message(&deny_with(args))).await.expect(200, "");
        assert_eq!(world.disk.n_syncs() - n_syncs, syncs_of_a_commit());
    }
}

#[tokio::test]
async fn what_was_answered_is_in_force_and_answered_alike_after_a_kill() {
    let world = World::new();
    let asked = [json!({}), json!({"slpf": {"insert_rule": 5}}), json!({"slpf": {"persistent": false}})]
        .map(|args| message(&deny_with(args)));
    let mut answers = Vec::new();
    for message in &asked {
        answers.push(send_message(&world.consumer, message).await);
    }
    let restarted = World::open(world.left_by_a_kill());
    assert_eq!(restarted.numbers().await, [5, 999_990]);
    for (message, answer) in asked.iter().zip(answers) {
        answer.expect(200, "");
        assert_eq!(send_message(&restarted.consumer, message).await.response(), answer.response());
    }
    assert_eq!(restarted.numbers().await, [5, 999_990], "nothing was performed again");
}

/// The kill comes when the disk has it and the kernel does not.
#[tokio::test]
async fn killed_before_the_kernel_has_it_the_start_puts_it_in_force_and_a_repetition_is_answered_so() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let dir = TempDir::new().unwrap();
    let witness = Witness { kernel: DryRun::new(), dir: dir.path().to_owned(), seen: Arc::clone(&seen) };
    let consumer = consumer(&Disk::sound(), dir.path(), Box::new(witness)).0;
    let wants_ack = message(&deny_with(json!({"response_requested": "ack"})));
    let message = message(&deny());
    let answer = send_message(&consumer, &message).await;
    assert_eq!(send_message(&consumer, &wants_ack).await.status(), 102);
    eventually(|| seen.lock().unwrap().len() == 2).await;
    let mut left = std::mem::take(&mut *seen.lock().unwrap());
    let (second, first) = (left.pop().unwrap(), left.pop().unwrap());

    let restarted = World::open(first);
    assert_eq!(restarted.numbers().await, [999_990]);
    assert_eq!(send_message(&restarted.consumer, &message).await.response(), answer.response());
    assert_eq!(restarted.numbers().await, [999_990]);

    let restarted = World::open(second);
    assert_eq!(restarted.numbers().await, [999_980, 999_990]);
    assert_eq!(send_message(&restarted.consumer, &wants_ack).await.status(), 102);
    assert_eq!(restarted.numbers().await, [999_980, 999_990]);
}

/// A process that ends with the disk at any of its writes: a repetition finds the Command performed, or performs it; never both,
/// and never neither.
#[tokio::test]
async fn wherever_the_disk_fails_a_repetition_leads_to_one_rule() {
    for args in [json!({}), json!({"response_requested": "ack"})] {
        for n in 0.. {
            let world = World::new();
            let message = message(&deny_with(args.clone()));
            world.disk.fail_after(n);
            let answer = send_message(&world.consumer, &message).await;
            let has_failed = world.disk.has_failed();
            let is_promised = answer.status() == 102;
            let restarted = World::open(world.left_by_a_kill());
            let again = send_message(&restarted.consumer, &message).await;
            let n_rules = restarted.settled_numbers().await.len();
            match (answer.status(), again.status()) {
                (200, 200) => assert_eq!((answer.response(), n_rules), (again.response(), 1)),
                // It was on the disk, or is performed now.
                (500 | 503, 200) => assert_eq!(n_rules, 1, "{n}"),
                (102 | 503, 102) => assert!(n_rules <= 1, "{n}"),
                // It was admitted, and nobody knows what the kill interrupted.
                (102 | 503, 500) => assert!(args != json!({}) && again.text().starts_with("the Consumer stopped")),
                other => panic!("{n}: {other:?}"),
            }
            if !has_failed && !is_promised {
                assert_eq!(answer.status(), 200);
                break;
            }
            if n > 30 {
                break;
            }
        }
    }
}

#[tokio::test]
async fn what_the_kernel_refuses_leaves_nothing_on_the_disk() {
    let (world, message) = (World::new(), message(&deny()));
    for fault in [Fault::Refuse, Fault::Refuse] {
        world.faults.on_call(0, fault);
        world.faults.on_call(1, fault);
        send_message(&world.consumer, &message).await.expect(501, "Rule not updated");
    }
    let (disk, left) = (Disk::sound(), world.left_by_a_kill());
    assert_eq!(n_requests(&disk, left.path()), 0);
    let restarted = World::open(left);
    send_message(&restarted.consumer, &message).await.expect(200, "");
    assert_eq!(restarted.numbers().await.len(), 1);
}

#[tokio::test]
async fn a_failure_is_remembered() {
    let (world, message) = (World::new(), message(&deny()));
    (0..3).for_each(|call| world.faults.on_call(call, Fault::Refuse));
    send_message(&world.consumer, &message).await.expect(500, "Rule not updated");
    let restarted = World::open(world.left_by_a_kill());
    send_message(&restarted.consumer, &message).await.expect(500, "Rule not updated");
    assert_eq!(restarted.numbers().await.len(), 0);
}

/// The kernel refuses a group: of each is on the disk what it was answered.
#[tokio::test]
async fn of_commands_at_once_each_has_its_own_receipt() {
    let world = World::new();
    world.faults.on_call(0, Fault::Refuse);
    world.faults.on_call(2, Fault::LoseAnswer);
    let messages: Vec<_> = (0..100).map(|_| message(&deny())).collect();
    let sent: Vec<_> = messages
        .iter()
        .map(|message| {
            let (consumer, message) = (world.consumer.clone(), message.clone());
            tokio::spawn(async move { send_message(&consumer, &message).await })
        })
        .collect();
    let mut answers = Vec::new();
    for sent in sent {
        answers.push(sent.await.unwrap());
    }
    let restarted = World::open(world.left_by_a_kill());
    let n_rules = restarted.numbers().await.len();
    for (message, answer) in messages.iter().zip(&answers) {
        answer.expect(200, "");
        assert_eq!(send_message(&restarted.consumer, message).await.response(), answer.response());
    }
    assert_eq!((n_rules, restarted.numbers().await.len()), (100, 100));
}

#[tokio::test]
async fn a_command_whose_time_has_come_costs_one_commit_too() {
    with_a_start_ahead(async |start| {
        let world = World::new();
        let message = message(&deny_with(json!({"start_time": start})));
        let n_syncs = world.disk.n_syncs();
        if send_message(&world.consumer, &message).await.status() == 200 {
            return false;
        }
        eventually(|| world.disk.n_syncs() > n_syncs).await;
        let answer = loop {
            match send_message(&world.consumer, &message).await {
                answer if answer.status() == 102 => tokio::time::sleep(Duration::from_millis(5)).await,
                answer => break answer,
            }
        };
        answer.expect(200, "");
        let restarted = World::open(world.left_by_a_kill());
        assert_eq!(send_message(&restarted.consumer, &message).await.response(), answer.response());
        assert_eq!(restarted.numbers().await, [999_990]);
        true
    })
    .await;
}

/// Wherever the disk fails when the time of a Command has come, after a kill there is one rule, and its request is answered so.
#[tokio::test]
async fn wherever_the_disk_fails_when_a_time_has_come_the_next_process_has_one_rule() {
    let at = |milliseconds: u64| DateTime::from_millis(1_700_000_000_000 + milliseconds).unwrap();
    let message = message(&deny_with(json!({"start_time": at(1000).as_millis()})));
    for n in 0.. {
        let (hand, clock) = Hand::at(at(0));
        let world = World::open_by(clock, TempDir::new().unwrap());
        send_message(&world.consumer, &message).await.expect(102, "scheduled");
        world.disk.fail_after(n);
        hand.pass(1000);
        let told = until_it_is_over(&world.consumer, &message).await;
        let has_failed = world.disk.has_failed();
        let (_, later) = Hand::at(at(1000));
        let restarted = World::open_by(later, world.left_by_a_kill());
        restarted.consumer.take_up();
        until_it_is_over(&restarted.consumer, &message).await.expect(200, "");
        assert_eq!(restarted.numbers().await.len(), 1, "after {n} steps");
        if !has_failed {
            told.expect(200, "");
            assert!(n > 1, "{n}");
            return;
        }
    }
}

async fn until_it_is_over(consumer: &Consumer, message: &Value) -> Answer {
    loop {
        match send_message(consumer, message).await {
            answer if answer.status() == 102 => tokio::time::sleep(Duration::from_millis(1)).await,
            answer => return answer,
        }
    }
}

/// That a Command was undone and that its rule is gone is one step: nobody is told of a rule that is not there.
#[tokio::test]
async fn killed_while_it_is_undone_a_command_is_undone_or_as_it_was() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let dir = TempDir::new().unwrap();
    let witness = Witness { kernel: DryRun::new(), dir: dir.path().to_owned(), seen: Arc::clone(&seen) };
    let disk = Disk::sound();
    let consumer = consumer(&disk, dir.path(), Box::new(witness)).0;
    let message = called("mine");
    let answer = send_message(&consumer, &message).await;
    let before = copy(dir.path());
    let n_syncs = disk.n_syncs();
    cancel(&consumer, "mine").await.expect(200, "");
    // The second is for the answer to the cancel.
    assert_eq!(disk.n_syncs() - n_syncs, 2 * syncs_of_a_commit());
    // The disk has it, and the kernel does not yet.
    let amid = seen.lock().unwrap().pop().unwrap();

    let restarted = World::open(amid);
    assert!(restarted.numbers().await.is_empty());
    send_message(&restarted.consumer, &message).await.expect(500, "cancelled after it was performed");
    cancel(&restarted.consumer, "mine").await.expect(500, "too late");
    assert!(restarted.numbers().await.is_empty());

    let restarted = World::open(before);
    assert_eq!(restarted.numbers().await, [999_990]);
    assert_eq!(send_message(&restarted.consumer, &message).await.response(), answer.response());
    cancel(&restarted.consumer, "mine").await.expect(200, "");
    let restarted = World::open(restarted.left_by_a_kill());
    send_message(&restarted.consumer, &message).await.expect(500, "cancelled after it was performed");
}

#[tokio::test]
async fn what_the_kernel_does_not_undo_is_remembered_as_it_was() {
    let (world, message) = (World::new(), called("mine"));
    let answer = send_message(&world.consumer, &message).await;
    world.faults.clear();
    (0..3).for_each(|call| world.faults.on_call(call, Fault::Refuse));
    cancel(&world.consumer, "mine").await.expect(500, "");
    assert_eq!(send_message(&world.consumer, &message).await.response(), answer.response());
    let restarted = World::open(world.left_by_a_kill());
    assert_eq!(restarted.numbers().await, [999_990]);
    assert_eq!(send_message(&restarted.consumer, &message).await.response(), answer.response());
}

fn called(name: &str) -> Value {
    let mut command = deny();
    command["command_id"] = json!(name);
    message(&command)
}

async fn cancel(consumer: &Consumer, name: &str) -> Answer {
    send_message(consumer, &message(&json!({"action": "cancel", "target": {"command": name}}))).await
}

/// What is kept in another store, or performed by several, is written before and after.
#[tokio::test]
async fn where_there_can_be_no_receipt_the_consumer_writes_by_itself() {
    for has_two in [true, false] {
        let (dir, other, disk) = (TempDir::new().unwrap(), TempDir::new().unwrap(), Disk::sound());
        let store = disk.open(dir.path()).unwrap();
        let other = if has_two { store.clone() } else { Store::open(other.path()).unwrap() };
        let filter = PacketFilter::open_in(&other, Config::default(), Box::new(DryRun::new())).unwrap();
        let requests = RequestStore::open_in(&store, Duration::ZERO).unwrap();
        let builder = builder().actuator(filter).remember_in(requests);
        let consumer = if has_two { builder.actuator(Doors::default()).build() } else { builder.build() };
        drop((store, other));
        let n_syncs = disk.n_syncs();
        send_message(&consumer, &message(&deny())).await.expect(200, "");
        let n_commits = if has_two { 3 } else { 2 };
        // The first of a store costs more.
        assert!(disk.n_syncs() - n_syncs >= n_commits * syncs_of_a_commit());
        drop(consumer);
        assert_eq!(n_requests(&disk, dir.path()), 1);
    }
}

/// A Consumer that filters packets between a disk that may fail and a kernel that may fail.
struct World {
    consumer: Consumer,
    filter: PacketFilter,
    disk: Disk,
    faults: Faults,
    dir: TempDir,
}

impl World {
    fn new() -> Self {
        Self::open(TempDir::new().unwrap())
    }

    fn open(dir: TempDir) -> Self {
        Self::open_by(Clock::of_host(), dir)
    }

    fn open_by(clock: Clock, dir: TempDir) -> Self {
        let disk = Disk::sound();
        let (backend, faults) = Faulty::new(DryRun::new());
        let (consumer, filter) = consumer_by(clock, &disk, dir.path(), Box::new(backend));
        // The load at the start is a call, too.
        faults.clear();
        Self { consumer, filter, disk, faults, dir }
    }

    fn left_by_a_kill(&self) -> TempDir {
        copy(self.dir.path())
    }

    async fn numbers(&self) -> Vec<i64> {
        assert!(self.filter.kernel_agrees().await.unwrap());
        self.filter.rules().await.unwrap().iter().map(|record| record.number.as_i64()).collect()
    }

    /// Once what is under way is performed.
    async fn settled_numbers(&self) -> Vec<i64> {
        self.consumer.stop().await;
        self.numbers().await
    }
}

fn consumer(disk: &Disk, dir: &Path, backend: Box<dyn Backend>) -> (Consumer, PacketFilter) {
    consumer_by(Clock::of_host(), disk, dir, backend)
}

fn consumer_by(clock: Clock, disk: &Disk, dir: &Path, backend: Box<dyn Backend>) -> (Consumer, PacketFilter) {
    let store = disk.open(dir).unwrap();
    let config = Config { clock: clock.clone(), ..Config::default() };
    let filter = PacketFilter::open_in(&store, config, backend).unwrap();
    let requests = RequestStore::open_in(&store, Duration::ZERO).unwrap();
    (builder().actuator(filter.clone()).clock(clock).remember_in(requests).build(), filter)
}

fn copy(dir: &Path) -> TempDir {
    let copy = TempDir::new().unwrap();
    copy_as_killed(dir, copy.path()).unwrap();
    copy
}

fn n_requests(disk: &Disk, dir: &Path) -> usize {
    let store = disk.open(dir).unwrap();
    let (table, mut n) = (store.area("requests").unwrap().table("rows"), 0);
    store
        .read(&table, |_, _| {
            n += 1;
            Ok(())
        })
        .unwrap();
    n
}

fn syncs_of_a_commit() -> usize {
    let (dir, disk) = (TempDir::new().unwrap(), Disk::sound());
    let store = disk.open(dir.path()).unwrap();
    let table = store.area("test").unwrap().table("rows");
    let commit = || {
        let mut batch = Batch::new();
        batch.put(&table, b"key", b"value");
        store.commit(batch).unwrap();
        disk.n_syncs()
    };
    let first = commit();
    commit() - first
}

/// A kernel that looks at the disk whenever it is changed.
#[derive(Debug)]
struct Witness {
    kernel: DryRun,
    dir: std::path::PathBuf,
    seen: Arc<Mutex<Vec<TempDir>>>,
}

impl Backend for Witness {
    fn load(&mut self, rules: &dyn Rules) -> Result<(), BackendError> {
        self.kernel.load(rules)
    }

    fn apply(&mut self, changes: &[Change]) -> Result<(), BackendError> {
        self.seen.lock().unwrap().push(copy(&self.dir));
        self.kernel.apply(changes)
    }

    fn remove(&mut self) -> Result<(), BackendError> {
        self.kernel.remove()
    }

    fn watch(&mut self, alarm: Alarm) {
        self.kernel.watch(alarm);
    }

    fn holds(&mut self, rules: &dyn Rules) -> Result<bool, BackendError> {
        self.kernel.holds(rules)
    }
}
