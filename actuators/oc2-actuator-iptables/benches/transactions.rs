//! Microseconds for one transaction, by flavor and by the number of rules: `cargo bench -p oc2-actuator-iptables`.
//!
//! Runs in a network namespace of its own. Medians, and the ratio to the peer measured in the same run: what a process for
//! each rule takes (`iptables -I`, `-D`), as most firewall scripts work. Above 1 we are faster; use the ratios, machines are noisy.

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use oc2_actuator_iptables::backend::{BackendConfig, Restore};
use oc2_packet_filter::backend::Backend;
use oc2_packet_filter::{
    Change, Family, Flavor, Hook, KernelRule, Matching, Network, Ports, Protocol, Ruleset, Verdict,
};

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
    println!("{:<8}{:>8}  {:<44}{:>10}{:>10}{:>8}", "flavor", "rules", "what", "median us", "worst us", "ratio");
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
    /// What a process takes that inserts or deletes one rule.
    peers: [Duration; 2],
}

impl Bench {
    fn new(flavor: Flavor, n: usize) -> Self {
        let config = BackendConfig { flavor, timeout: Duration::from_secs(60), ..BackendConfig::default() };
        let mut backend = Restore::open(&config).expect("iptables is installed");
        let held = (0..n).map(numbered).collect();
        backend.load(&held).expect("the kernel takes the rules");
        Self { flavor, n, backend, held, peers: [Duration::ZERO; 2] }
    }

    fn run(&mut self) {
        self.measure_peers();
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

    /// Inserts at the top and deletes again, with a process for each; what we hold is as before.
    fn measure_peers(&mut self) {
        let tool = match self.flavor {
            Flavor::Legacy => "iptables-legacy",
            Flavor::Auto | Flavor::Nft => "iptables-nft",
        };
        let timed = |args| {
            let started = Instant::now();
            process(tool, args);
            started.elapsed()
        };
        let (inserts, deletes): (Vec<_>, Vec<_>) =
            (0..N_TIMES).map(|_| (timed("-I OC2-INPUT -p tcp --dport 9 -j DROP"), timed("-D OC2-INPUT 1"))).unzip();
        self.peers = [median(&inserts), median(&deletes)];
        self.print("insert at the top, a process (the peer)", inserts);
        self.print("delete at the top, a process (the peer)", deletes);
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

    /// A line, with the ratio to the peer that does the same if there is one.
    fn print(&self, what: &str, times: Vec<Duration>) {
        let (median, worst) = (median(&times), times.iter().max().copied().unwrap_or_default());
        let ratio = ["insert", "delete"].iter().zip(self.peers).find(|(verb, _)| what.starts_with(*verb));
        let ratio = ratio.map(|(_, peer)| format!("{:.2}", peer.as_secs_f64() / median.as_secs_f64()));
        let (flavor, ratio) = (format!("{:?}", self.flavor), ratio.unwrap_or_default());
        let (median, worst) = (median.as_micros(), worst.as_micros());
        println!("{flavor:<8}{:>8}  {what:<44}{median:>10}{worst:>10}{ratio:>8}", self.n);
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2]
}

fn process(tool: &str, args: &str) {
    let path = "/usr/sbin:/sbin:/usr/bin:/bin";
    let status = Command::new(tool).args(args.split(' ')).env("PATH", path).status().expect("iptables is installed");
    assert!(status.success(), "{tool} {args}");
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
