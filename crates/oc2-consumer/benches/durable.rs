//! Commands a second that are on the disk and in force: `cargo bench -p oc2-consumer --bench durable`, as root.
//!
//! Over the library: messages in JSON to a Consumer that remembers requests, whose packet filter keeps rules in the same store.
//! Against floors of the same run, on the same disk and in the same network namespace: for each group of as many commands as are
//! in flight one append with `fdatasync`, or one commit of the store, and one change of the kernel. Medians of rounds that take
//! turns, and of their ratios; use these, machines are noisy.

use std::env;
use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use oc2_actuator_nftables::Nftables;
use oc2_consumer::{Consumer, RequestStore, Store};
use oc2_core::StatusCode;
use oc2_packet_filter::backend::{Backend, DryRun};
use oc2_packet_filter::{
    Change, Config, Family, Hook, InForce, KernelRule, Matching, Network, PacketFilter, Ruleset, Verdict,
};
use oc2_profile_slpf::RuleNumber;
use oc2_store::{Batch, Table, key};
use oc2_transfer::{Handler, Peer, Request, Scope};
use tokio::runtime::Runtime;

fn main() {
    if !env::args().any(|arg| arg == "--bench") {
        return;
    }
    if env::var_os(IN_NAMESPACE).is_none() {
        let program = env::current_exe().expect("a running program has a path");
        let status = Command::new("unshare").arg("--net").arg(program).arg("--bench").env(IN_NAMESPACE, "1").status();
        assert!(status.is_ok_and(|status| status.success()), "the bench needs root");
        return;
    }
    let runtime = Runtime::new().expect("a runtime");
    if let Some(n) = env::var("OC2_PROFILE").ok().and_then(|n| n.parse().ok()) {
        return profile(&runtime, n);
    }
    println!("{:<40}{:>12}{:>14}{:>14}", "commands a second", "median", "of append", "of store");
    for kernel in [Kernel::DryRun, Kernel::Nftables] {
        for n_in_flight in [1, 64] {
            compare(&runtime, kernel, n_in_flight);
        }
    }
}

fn compare(runtime: &Runtime, kernel: Kernel, n_in_flight: usize) {
    let dirs = [(); 3].map(|()| folder());
    let mut append = Floor::new(kernel, "FLOOR1", Disk::Append(append_to(&dirs[0].path().join("log"))));
    let mut store = Floor::new(kernel, "FLOOR2", Disk::store(dirs[1].path()));
    let consumer = consumer(kernel, dirs[2].path());
    let mut rates: [Vec<f64>; 3] = Default::default();
    for _ in 0..N_ROUNDS {
        rates[0].push(append.rate(n_in_flight));
        rates[1].push(store.rate(n_in_flight));
        rates[2].push(rate(runtime, &consumer, n_in_flight, |started, _| started.elapsed() < ROUND));
    }
    for (what, measured) in ["append and kernel", "store and kernel", "commands"].into_iter().zip(&rates) {
        let what = format!("{kernel:?}, {n_in_flight} in flight, {what}");
        let of = |others: &[f64]| median(measured.iter().zip(others).map(|(rate, other)| rate / other).collect());
        println!("{what:<40}{:>12.0}{:>14.2}{:>14.2}", median(measured.clone()), of(&rates[0]), of(&rates[1]));
    }
}

/// So many commands and nothing else, for whoever looks where the time goes.
fn profile(runtime: &Runtime, n: usize) {
    let dir = folder();
    let consumer = consumer(Kernel::Nftables, dir.path());
    println!("{:.0} a second", rate(runtime, &consumer, 64, move |_, n_done| n_done < n));
}

#[derive(Clone, Copy, Debug)]
enum Kernel {
    DryRun,
    Nftables,
}

impl Kernel {
    fn backend(self, prefix: &str) -> (Config, Box<dyn Backend>) {
        let config = Config { chain_prefix: prefix.parse().expect("a prefix"), ..Config::default() };
        let backend: Box<dyn Backend> = match self {
            Self::DryRun => Box::new(DryRun::new()),
            Self::Nftables => Box::new(Nftables::open(&config).expect("the kernel has nf_tables")),
        };
        (config, backend)
    }
}

/// What the disk and the kernel take.
struct Floor {
    backend: Box<dyn Backend>,
    disk: Disk,
    n: u32,
}

enum Disk {
    Append(File),
    Store(Store, Table),
}

impl Disk {
    fn store(dir: &Path) -> Self {
        let store = Store::open(dir).expect("a store");
        let table = store.area("floor").expect("it is ours").table("rows");
        Self::Store(store, table)
    }

    fn write(&mut self, first: u32, n: usize) {
        match self {
            Self::Append(file) => {
                let rows: Vec<u8> = (0..n).flat_map(|_| [7; ROW]).collect();
                file.write_all(&rows).expect("a disk");
                file.sync_data().expect("a disk");
            }
            Self::Store(store, table) => {
                let mut batch = Batch::new();
                (first..).take(n).for_each(|number| batch.put(table, key::of_u64(number.into()), [7; ROW]));
                store.commit(batch).expect("a disk");
            }
        }
    }
}

impl Floor {
    fn new(kernel: Kernel, prefix: &str, disk: Disk) -> Self {
        let (_, mut backend) = kernel.backend(prefix);
        backend.load(&Ruleset::new()).expect("the kernel takes it");
        Self { backend, disk, n: 0 }
    }

    fn rate(&mut self, n_in_flight: usize) -> f64 {
        let (started, mut n_done) = (Instant::now(), 0);
        while started.elapsed() < ROUND {
            let first = self.n;
            self.n += n_in_flight as u32;
            self.disk.write(first, n_in_flight);
            let changes: Vec<_> = (first..self.n).map(change).collect();
            self.backend.apply(&changes).expect("the kernel takes it");
            n_done += n_in_flight;
        }
        n_done as f64 / started.elapsed().as_secs_f64()
    }
}

/// What one deny of an address is to the kernel.
fn change(n: u32) -> Change {
    let net: Network = address(n).to_string().parse().expect("an address");
    let ends = [(Some(net), None), (None, Some(net))];
    let rules = [Hook::Input, Hook::Output].into_iter().flat_map(|hook| {
        ends.map(|(source, destination)| {
            let matching = Matching { source, destination, ..Matching::default() };
            KernelRule::new(Family::V4, hook, matching, Verdict::Drop).expect("a rule")
        })
    });
    let number = RuleNumber::new(i64::from(n) + 1).expect("a number");
    Change::Insert(InForce::new(number, rules.collect::<Vec<_>>()))
}

fn consumer(kernel: Kernel, dir: &Path) -> Consumer {
    let store = Store::open(dir).expect("a store");
    let (config, backend) = kernel.backend("OC2");
    let filter = PacketFilter::open_in(&store, config, backend).expect("the kernel takes it");
    let requests = RequestStore::open_in(&store, Duration::ZERO).expect("it is ours");
    Consumer::builder("fw1").dangerous().without_policy().actuator(filter).remember_in(requests).build()
}

fn rate(
    runtime: &Runtime,
    consumer: &Consumer,
    n_in_flight: usize,
    goes_on: impl Fn(Instant, usize) -> bool + Copy + Send + 'static,
) -> f64 {
    let (started, n) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    runtime.block_on(async {
        let send = |_| {
            let (consumer, n) = (consumer.clone(), Arc::clone(&n));
            tokio::spawn(async move {
                while goes_on(started, n.load(Ordering::Relaxed)) {
                    let reply = consumer.handle(request()).await;
                    assert_eq!(reply.status, StatusCode::Ok);
                    black_box(reply);
                    n.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let senders: Vec<_> = (0..n_in_flight).map(send).collect();
        for sender in senders {
            sender.await.expect("no panic");
        }
    });
    n.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
}

fn request() -> Request {
    static N: AtomicU32 = AtomicU32::new(0);
    let n = N.fetch_add(1, Ordering::Relaxed);
    let body = format!(
        r#"{{"headers":{{"request_id":"d1ac0489-ed51-4345-9175-{n:012}","created":1784980000000,"from":"soc-1"}},"body":{{"openc2":{{"request":{{"action":"deny","target":{{"ipv4_net":"{}"}},"args":{{"response_requested":"complete"}}}}}}}}}}"#,
        address(n)
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

/// Each has an address of its own, which stands for nobody here.
fn address(n: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits((10 << 24) | (n & 0x00ff_ffff))
}

fn append_to(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).expect("the folder is ours")
}

/// Not in /tmp, which may be memory.
fn folder() -> tempfile::TempDir {
    tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

const IN_NAMESPACE: &str = "OC2_IN_NAMESPACE";
const N_ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(300);
/// About what a rule and its receipt take.
const ROW: usize = 200;
