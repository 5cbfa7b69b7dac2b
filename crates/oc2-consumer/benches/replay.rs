//! Commands a second with and without requests remembered on disk: `cargo bench -p oc2-consumer --bench replay`.
//!
//! The actuator does nothing, so what is measured is the Consumer. The floor is bare redb in the same run, on the same disk: a
//! Command that is on the disk before it is performed and again before it is answered needs two commits, which as many
//! commands share as are in flight. Medians of rounds that take turns, and of their ratios; use these, machines are noisy.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use oc2_actuator::{Actuator, Context};
use oc2_consumer::{Consumer, RequestStore};
use oc2_core::{Rejection, StatusCode};
use oc2_profile_slpf::{Command, Results, RuleNumber, Slpf};
use oc2_transfer::{Handler, Peer, Request, Scope};
use redb::{Database, TableDefinition};
use tokio::runtime::Runtime;

fn main() {
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    // Not in /tmp, which may be memory.
    let dir = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let runtime = Runtime::new().expect("a runtime");
    println!("{:<32}{:>12}{:>12}{:>16}", "commands a second", "median", "of redb", "of in memory");
    for n_in_flight in [1, 64] {
        let bare = BareStore::new(&dir.path().join(format!("bare-{n_in_flight}.redb")));
        let state = dir.path().join(format!("state-{n_in_flight}"));
        std::fs::create_dir(&state).expect("the folder is ours");
        let without = consumer(None);
        let with = consumer(Some(&state));
        let mut rates: [Vec<f64>; 3] = Default::default();
        for _ in 0..N_ROUNDS {
            rates[0].push(bare.rate(n_in_flight));
            rates[1].push(rate(&runtime, &without, n_in_flight));
            rates[2].push(rate(&runtime, &with, n_in_flight));
        }
        for (what, measured) in ["bare redb", "in memory", "on disk"].into_iter().zip(&rates) {
            let what = format!("{n_in_flight} in flight, {what}");
            let of = |others: &[f64]| median(measured.iter().zip(others).map(|(rate, other)| rate / other).collect());
            println!("{what:<32}{:>12.0}{:>12.2}{:>16.2}", median(measured.clone()), of(&rates[0]), of(&rates[1]));
        }
    }
}

/// What redb takes for two commits with a row for each command in flight, and one that is forgotten.
struct BareStore {
    database: Database,
    n_rows: std::cell::Cell<u64>,
}

impl BareStore {
    fn new(path: &Path) -> Self {
        Self { database: Database::create(path).expect("a database"), n_rows: 0.into() }
    }

    fn rate(&self, n_in_flight: usize) -> f64 {
        let (started, mut n) = (Instant::now(), 0);
        while started.elapsed() < ROUND {
            let first = self.n_rows.get();
            self.commit(first, n_in_flight, None);
            self.commit(first, n_in_flight, Some(OUTCOME));
            self.n_rows.set(first + n_in_flight as u64);
            n += n_in_flight;
        }
        n as f64 / started.elapsed().as_secs_f64()
    }

    fn commit(&self, first: u64, n: usize, outcome: Option<&[u8]>) {
        let transaction = self.database.begin_write().expect("a transaction");
        let mut table = transaction.open_table(ROWS).expect("a table");
        for number in (first..).take(n) {
            table.insert(number, (number, &[7; 32], &[9; 32], outcome)).expect("a row");
            if let Some(forgotten) = number.checked_sub(10_000) {
                table.remove(forgotten).expect("a table");
            }
        }
        drop(table);
        transaction.commit().expect("a disk");
    }
}

fn consumer(state_dir: Option<&Path>) -> Consumer {
    let builder = Consumer::builder("fw1").dangerous().without_policy().actuator(Idle);
    match state_dir {
        Some(dir) => builder.remember_in(RequestStore::open(dir).expect("a store")).build(),
        None => builder.build(),
    }
}

fn rate(runtime: &Runtime, consumer: &Consumer, n_in_flight: usize) -> f64 {
    let (started, n) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    runtime.block_on(async {
        let senders: Vec<_> = (0..n_in_flight)
            .map(|_| {
                let (consumer, n) = (consumer.clone(), Arc::clone(&n));
                tokio::spawn(async move {
                    while started.elapsed() < ROUND {
                        let reply = consumer.handle(request()).await;
                        assert_eq!(reply.status, StatusCode::Ok);
                        black_box(reply);
                        n.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for sender in senders {
            sender.await.expect("no panic");
        }
    });
    n.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
}

fn request() -> Request {
    static N: AtomicUsize = AtomicUsize::new(0);
    let id = N.fetch_add(1, Ordering::Relaxed);
    let body = format!(
        r#"{{"headers":{{"request_id":"bench-{id}","from":"soc-1"}},"body":{{"openc2":{{"request":{{"action":"deny","target":{{"ipv4_net":"198.51.100.0/24"}}}}}}}}}}"#
    );
    Request {
        peer: Peer::Unauthenticated("192.0.2.7".into()),
        scope: Scope::Direct,
        content_type: Some("application/openc2+json;version=1.0".into()),
        request_id: None,
        body: body.into(),
        needs_answer: true,
    }
}

struct Idle;

impl Actuator for Idle {
    type Profile = Slpf;

    async fn perform(&self, _: Command, _: Context) -> Result<Option<Results>, Rejection> {
        Ok(RuleNumber::new(999_990).ok().map(Results::rule))
    }
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

type Columns = (u64, &'static [u8; 32], &'static [u8; 32], Option<&'static [u8]>);

const ROWS: TableDefinition<'_, u64, Columns> = TableDefinition::new("rows");
const OUTCOME: &[u8] = br#"{"body":{"openc2":{"response":{"status":200,"results":{"slpf":{"rule_number":999990}}}}}}"#;
const N_ROUNDS: usize = 31;
const ROUND: Duration = Duration::from_millis(200);
