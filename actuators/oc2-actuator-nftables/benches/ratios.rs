//! What rules cost, by their number: `cargo bench -p oc2-actuator-nftables`, as root.
//!
//! Runs in a network namespace of its own. Each figure is a median, with its ratio to a floor measured in the same run: the
//! same with one rule, and for a load one `nft -f` of as many ranges. Use the ratios, machines are noisy.

use std::env;
use std::fmt::Write;
use std::net::{IpAddr, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

use oc2_actuator_nftables::Nftables;
use oc2_packet_filter::backend::Backend;
use oc2_packet_filter::{
    Change, Config, Family, Hook, InForce, KernelRule, Matching, Network, Ports, Protocol, Ruleset, Verdict,
};
use oc2_profile_slpf::RuleNumber;

fn main() {
    if !env::args().any(|arg| arg == "--bench") {
        return;
    }
    if env::var_os(IN_NAMESPACE).is_none() {
        let program = env::current_exe().expect("a running program has a path");
        let mut unshare = Command::new("unshare");
        let status = unshare.arg("--net").arg(program).arg("--bench").env(IN_NAMESPACE, "1").status();
        assert!(status.is_ok_and(|status| status.success()), "the bench needs root");
        return;
    }
    let is_up = Command::new("ip").args(["link", "set", "lo", "up"]).status();
    assert!(is_up.is_ok_and(|status| status.success()), "iproute2 is installed");
    println!("{:<44}{:>8}{:>12}{:>8}", "what", "rules", "median us", "ratio");
    for (kind, rule) in [
        ("addresses", address_of as fn(u32) -> InForce),
        ("nets /24", block),
        ("nets /31", net),
        ("connections", connection),
    ] {
        let mut floors = None;
        for n in [1, 1_000, 10_000, 100_000] {
            let mut firewall = Firewall::with(n, rule);
            let figures = [firewall.command(), firewall.delete_within(), firewall.packet()];
            let floors = floors.get_or_insert(figures);
            for ((what, figure), floor) in WHAT.iter().zip(figures).zip(*floors) {
                print(&format!("{what}, {kind}"), n, figure, floor);
            }
            if n > 1 {
                let floor = nft(n);
                print(&format!("load all, {kind}; floor: one nft -f"), n, firewall.load(), floor);
            }
        }
    }
}

struct Firewall {
    backend: Nftables,
    rules: Ruleset,
    rule: fn(u32) -> InForce,
    n: u32,
}

impl Firewall {
    fn with(n: u32, rule: fn(u32) -> InForce) -> Self {
        let mut backend = Nftables::open(&Config::default()).expect("the kernel has nf_tables");
        backend.remove().expect("we may");
        let rules: Ruleset = (0..n).map(rule).collect();
        backend.load(&rules).expect("the kernel takes the rules");
        Self { backend, rules, rule, n }
    }

    /// A new rule above all others comes, and goes.
    fn command(&mut self) -> Duration {
        self.change(self.n)
    }

    /// A rule in the middle of all others goes, and comes.
    fn delete_within(&mut self) -> Duration {
        if self.n == 1 { self.command() } else { self.change(self.n / 2) }
    }

    fn change(&mut self, which: u32) -> Duration {
        let is_new = which == self.n;
        let inserts = [Change::Insert((self.rule)(which))];
        let deletes = [inserts[0].inverse()];
        let mut apply = |changes: &[Change]| self.backend.apply(changes).expect("the kernel takes the change");
        median(|| {
            if is_new {
                apply(&inserts)
            } else {
                apply(&deletes)
            }
            if is_new { apply(&deletes) } else { apply(&inserts) }
        }) / 2
    }

    /// A datagram over the loopback, out and in.
    fn packet(&mut self) -> Duration {
        let open = || UdpSocket::bind((IpAddr::from([127, 0, 0, 1]), 0)).expect("a socket");
        let (from, to) = (open(), open());
        from.connect(to.local_addr().expect("an address")).expect("a way");
        median(|| {
            for _ in 0..100 {
                from.send(b"?").expect("no rule is about it");
                to.recv(&mut [0]).expect("no rule is about it");
            }
        }) / 100
    }

    /// What a start comes to.
    fn load(&mut self) -> Duration {
        self.backend.remove().expect("we may");
        let start = Instant::now();
        self.backend.load(&self.rules).expect("the kernel takes the rules");
        start.elapsed()
    }
}

/// As many ranges in four sets, as our table has for nets: from and to, in and out.
fn nft(n: u32) -> Duration {
    let ranges: Vec<_> = (0..n).map(|i| IpAddr::from(address(i)).to_string()).collect();
    let ranges = ranges.join(",");
    let mut text = String::from("table inet floor {\n");
    for set in ["a", "b", "c", "d"] {
        writeln!(text, "set {set} {{ type ipv4_addr; flags interval; elements = {{ {ranges} }}; }}").expect("a String");
    }
    text.push('}');
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("room");
    let start = Instant::now();
    let status = Command::new("nft").arg("-f").arg(file.path()).status();
    let elapsed = start.elapsed();
    assert!(status.is_ok_and(|status| status.success()), "nftables is installed");
    let status = Command::new("nft").args(["delete", "table", "inet", "floor"]).status();
    assert!(status.is_ok_and(|status| status.success()));
    elapsed
}

fn address(i: u32) -> [u8; 4] {
    (0x0a00_0000 + 2 * i).to_be_bytes()
}

/// `deny` of an address.
fn address_of(i: u32) -> InForce {
    either_end(i, Network::from(IpAddr::from(address(i))))
}

/// `deny` of a net of two.
fn net(i: u32) -> InForce {
    either_end(i, Network::new(IpAddr::from(address(2 * i)), 31).expect("a prefix of IPv4"))
}

/// `deny` of a net of 256; a hundred thousand of them are from 10.0.0.0 to 34.26.0.0.
fn block(i: u32) -> InForce {
    let first = (0x0a00_0000 + 256 * i).to_be_bytes();
    either_end(i, Network::new(IpAddr::from(first), 24).expect("a prefix of IPv4"))
}

fn either_end(i: u32, net: Network) -> InForce {
    let net = Some(net);
    let from = Matching { source: net, ..Matching::default() };
    let to = Matching { destination: net, ..Matching::default() };
    rules(i, &[from, to])
}

/// `deny` of a port of an address.
fn connection(i: u32) -> InForce {
    let destination = Some(Network::from(IpAddr::from(address(i))));
    let protocol = Some(Protocol::Tcp(Ports { src_port: None, dst_port: Some(80) }));
    rules(i, &[Matching { destination, protocol, ..Matching::default() }])
}

/// In and out, as rule number `i` from the bottom.
fn rules(i: u32, matchings: &[Matching]) -> InForce {
    let number = RuleNumber::new(999_990 - 10 * i64::from(i)).expect("it is far from 2^53");
    let rule = |hook, matching: &Matching| {
        KernelRule::new(Family::V4, hook, matching.clone(), Verdict::Drop).expect("a rule of IPv4")
    };
    let hooks = [Hook::Input, Hook::Output].into_iter();
    InForce::new(number, hooks.flat_map(|hook| matchings.iter().map(move |m| rule(hook, m))).collect::<Vec<_>>())
}

fn median(mut what: impl FnMut()) -> Duration {
    let mut times: Vec<_> = (0..N_RUNS)
        .map(|_| {
            let start = Instant::now();
            what();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[N_RUNS / 2]
}

fn print(what: &str, n: u32, figure: Duration, floor: Duration) {
    let ratio = figure.as_secs_f64() / floor.as_secs_f64();
    println!("{what:<44}{n:>8}{:>12.1}{ratio:>8.2}", figure.as_secs_f64() * 1e6);
}

const WHAT: [&str; 3] =
    ["a rule above all comes or goes", "a rule within goes or comes", "a datagram over the loopback"];
const N_RUNS: usize = 101;
const IN_NAMESPACE: &str = "OC2_BENCH_IN_NAMESPACE";
