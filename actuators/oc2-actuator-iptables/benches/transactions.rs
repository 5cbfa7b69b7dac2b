//! Microseconds for one transaction, by flavor and by the number of rules: `cargo bench -p oc2-actuator-iptables`.
//!
//! Runs in a network namespace of its own. Medians; use the ratios.

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use oc2_actuator_iptables::backend::{Backend, BackendConfig, Flavor, Restore};
use oc2_actuator_iptables::{Change, Family, Hook, KernelRule, Matching, Network, Ports, Protocol, Ruleset, Verdict};

fn main() {
    if !env::args().any(|arg| arg == "--bench") {
        return;
    }
    if env::var_os(IN_NAMESPACE).is_none() {
        let program = env::current_exe().expect("a running program has a path");
        let lock = env::temp_dir().join("oc2-bench.lock");
        let mut unshare = Command::new("unshare");
        unshare.arg("--net").arg(program).arg("--bench").env(IN_NAMESPACE, "1").env("XTABLES_LOCKFILE", &lock);
        let is_done = unshare.status().is_ok_and(|status| status.success());
        let _ = std::fs::remove_file(lock);
        assert!(is_done, "the bench needs root");
        return;
    }
    println!("{:<8}{:>8}  {:<44}{:>10}{:>10}", "flavor", "rules", "what", "median us", "worst us");
    for flavor in [Flavor::Nft, Flavor::Legacy] {
        for n in [0, 1_000, 10_000] {
            Bench::new(flavor, n).run();
        }
    }
}

struct Bench {
    flavor: Flavor,
    n: usize,
    backend: Restore,
    held: Ruleset,
}

impl Bench {
    fn new(flavor: Flavor, n: usize) -> Self {
        let config = BackendConfig { flavor, timeout: Duration::from_secs(60), ..BackendConfig::default() };
        let mut backend = Restore::open(&config).expect("iptables is installed");
        let held = (0..n).map(numbered).collect();
        backend.load(&held).expect("the kernel takes the rules");
        Self { flavor, n, backend, held }
    }

    fn run(&mut self) {
        let middle = self.n / 2;
        self.inserts("insert at the top", |_| 0);
        self.deletes("delete at the top", |_| 0);
        self.inserts("insert at the end", |len| len);
        self.deletes("delete at the end", |len| len - 1);
        self.inserts("insert in the middle", |_| middle);
        self.deletes("delete in the middle", |_| middle);
        self.measure("insert two at the top", |_, i| {
            vec![insert(0, numbered(NEW + 2 * i)), insert(1, numbered(NEW + 2 * i + 1))]
        });
        self.measure("delete two at the top", |held, _| (0..2).map(|i| delete(0, nth(held, i))).collect());
        let held = self.held.clone();
        self.time("load all again", |bench| bench.backend.load(&held).expect("the kernel takes the rules"));
        self.time("ask the kernel whether it holds all", |bench| {
            assert!(bench.backend.holds(&held).expect("the kernel answers"));
        });
        let others: Ruleset = (0..self.n.max(1)).map(|i| numbered(NEW + i)).collect();
        self.time("load as many others, then all", |bench| {
            for rules in [&others, &held] {
                bench.backend.load(rules).expect("the kernel takes the rules");
            }
        });
    }

    fn inserts(&mut self, what: &str, position: impl Fn(usize) -> usize) {
        self.measure(what, |held, i| vec![insert(position(held.len()), numbered(NEW + i))]);
    }

    fn deletes(&mut self, what: &str, position: impl Fn(usize) -> usize) {
        self.measure(what, |held, _| {
            let position = position(held.len());
            vec![delete(position, nth(held, position))]
        });
    }

    fn measure(&mut self, what: &str, changes: impl Fn(&Ruleset, usize) -> Vec<Change>) {
        let mut times = Vec::new();
        for i in 0..N_TIMES {
            let changes = changes(&self.held, i);
            let started = Instant::now();
            self.backend.apply(&changes).expect("the kernel takes the change");
            times.push(started.elapsed());
            self.held.apply(&changes).expect("the change fits");
        }
        self.print(what, times);
    }

    fn time(&mut self, what: &str, call: impl Fn(&mut Self)) {
        let mut times = Vec::new();
        for _ in 0..N_LONG_TIMES {
            let started = Instant::now();
            call(self);
            times.push(started.elapsed());
        }
        self.print(what, times);
    }

    fn print(&self, what: &str, mut times: Vec<Duration>) {
        times.sort();
        let (median, worst) = (times[times.len() / 2].as_micros(), times[times.len() - 1].as_micros());
        let flavor = format!("{:?}", self.flavor);
        println!("{flavor:<8}{:>8}  {what:<44}{median:>10}{worst:>10}", self.n);
    }
}

fn numbered(i: usize) -> KernelRule {
    let source = std::net::Ipv4Addr::from_bits(0x0a00_0000 + i as u32);
    let protocol = Protocol::Tcp(Ports { src_port: None, dst_port: Some((i % 60_000) as u16) });
    let matching = Matching {
        source: Some(Network::from(std::net::IpAddr::from(source))),
        protocol: Some(protocol),
        ..Matching::default()
    };
    KernelRule::new(Family::V4, Hook::Input, matching, Verdict::Drop).expect("the rule is of one family")
}

fn nth(held: &Ruleset, position: usize) -> KernelRule {
    held.chain(Family::V4, Hook::Input).nth(position).expect("the rule is there").clone()
}

fn insert(position: usize, rule: KernelRule) -> Change {
    Change::Insert { position, rule }
}

fn delete(position: usize, rule: KernelRule) -> Change {
    Change::Delete { position, rule }
}

const IN_NAMESPACE: &str = "OC2_BENCH_IN_NAMESPACE";
const NEW: usize = 1_000_000;
const N_TIMES: usize = 40;
const N_LONG_TIMES: usize = 5;
