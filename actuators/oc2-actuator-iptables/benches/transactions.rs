//! Microseconds for one transaction, by flavor, kind of rule and number of rules: `cargo bench -p oc2-actuator-iptables`.
//!
//! Runs in a network namespace of its own. Medians, and the ratio to the floor measured in the same run: for ordered rules a warm
//! `iptables-restore` that inserts one line into a chain of a hundred and deletes it again, beside as many rules as we have; for
//! addresses a member of a set that is added by netlink and deleted again. Use the ratios, machines are noisy.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use oc2_actuator_iptables::backend::{BackendConfig, Restore};
use oc2_netlink::{Header, Socket, Writer};
use oc2_packet_filter::backend::Backend;
use oc2_packet_filter::{
    Change, Family, Flavor, Hook, InForce, KernelRule, Matching, Network, Ports, Protocol, Ruleset, Verdict,
};
use oc2_profile_slpf::RuleNumber;

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
    println!(
        "{:<8}{:<12}{:>8}  {:<36}{:>10}{:>10}{:>8}",
        "flavor", "rules", "number", "what", "median us", "worst us", "ratio"
    );
    for flavor in [Flavor::Nft, Flavor::Legacy] {
        for n in [0, 1_000, 10_000, 100_000] {
            Bench::new(flavor, "addresses", n, address).run();
        }
        for n in [10, 1_000, 10_000] {
            Bench::new(flavor, "ordered", n, ordered).run();
        }
    }
}

struct Bench {
    flavor: Flavor,
    kind: &'static str,
    n: u32,
    rule: fn(u32) -> InForce,
    backend: Restore,
    floor: Duration,
}

impl Bench {
    fn new(flavor: Flavor, kind: &'static str, n: u32, rule: fn(u32) -> InForce) -> Self {
        let config = BackendConfig { flavor, timeout: Duration::from_secs(60), ..BackendConfig::default() };
        let mut backend = Restore::open(&config).expect("iptables is installed");
        backend.load(&Ruleset::new()).expect("the kernel takes no rules");
        Self { flavor, kind, n, rule, backend, floor: Duration::ZERO }
    }

    fn run(&mut self) {
        let rules: Ruleset = (0..self.n).map(self.rule).collect();
        self.time("load all", N_LONG_TIMES, |bench| bench.backend.load(&rules).expect("the kernel takes the rules"));
        self.floor = if self.kind == "addresses" { floor_of_members() } else { Tool::new(self.flavor).floor() };
        self.print("the floor", &[self.floor]);
        // Newest first, as rules come without a place.
        self.pair("above all comes and goes", (self.rule)(self.n));
        if self.n > 1 {
            self.pair("within goes and comes", (self.rule)(self.n / 2));
        }
        self.time("ask the kernel whether it holds all", N_LONG_TIMES, |bench| {
            assert!(bench.backend.holds(&rules).expect("the kernel answers"));
        });
        self.backend.remove().expect("the kernel lets go of the rules");
    }

    /// Half the time of two transactions that lead back to where they began.
    fn pair(&mut self, what: &str, rule: InForce) {
        let is_new = what.starts_with("above");
        let change = if is_new { Change::Insert(rule) } else { Change::Delete(rule) };
        let changes = [change.clone(), change.inverse()];
        let mut times = Vec::new();
        for _ in 0..N_TIMES {
            let started = Instant::now();
            for change in &changes {
                self.backend.apply(std::slice::from_ref(change)).expect("the kernel takes the change");
            }
            times.push(started.elapsed() / 2);
        }
        self.print(what, &times);
    }

    fn time(&mut self, what: &str, n_times: usize, call: impl Fn(&mut Self)) {
        let mut times = Vec::new();
        for _ in 0..n_times {
            let started = Instant::now();
            call(self);
            times.push(started.elapsed());
        }
        self.print(what, &times);
    }

    fn print(&self, what: &str, times: &[Duration]) {
        let (median, worst) = (median(times), times.iter().max().copied().unwrap_or_default());
        let is_command = what.ends_with("goes") || what.ends_with("comes");
        let ratio = is_command.then(|| format!("{:.2}", median.as_secs_f64() / self.floor.as_secs_f64()));
        let (median, worst) = (median.as_secs_f64() * 1e6, worst.as_secs_f64() * 1e6);
        println!(
            "{:<8}{:<12}{:>8}  {what:<36}{median:>10.1}{worst:>10.1}{:>8}",
            format!("{:?}", self.flavor),
            self.kind,
            self.n,
            ratio.unwrap_or_default()
        );
    }
}

/// A warm `iptables-restore`, spoken to as directly as can be.
struct Tool {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Tool {
    fn new(flavor: Flavor) -> Self {
        let name = if flavor == Flavor::Legacy { "iptables-legacy-restore" } else { "iptables-nft-restore" };
        let path = "/usr/sbin:/sbin:/usr/bin:/bin";
        let mut child = Command::new(name)
            .args(["--noflush", "-w", "5", "-v"])
            .env("PATH", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("iptables is installed");
        let (stdin, stdout) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        Self { child, stdin, stdout: BufReader::new(stdout) }
    }

    fn commit(&mut self, lines: &str) {
        self.stdin.write_all(format!("*filter\n{lines}COMMIT\n# done\n").as_bytes()).expect("the tool listens");
        assert_ne!(self.stdout.read_line(&mut String::new()).expect("the tool answers"), 0);
    }

    fn floor(mut self) -> Duration {
        let lines: String = (1..100).map(|port| format!("-A FLOOR -p tcp -m tcp --dport {port} -j DROP\n")).collect();
        self.commit(&format!(":FLOOR - [0:0]\n{lines}"));
        let mut times = Vec::new();
        for _ in 0..N_TIMES {
            let started = Instant::now();
            self.commit("-I FLOOR 1 -p tcp -m tcp --dport 1000 -j DROP\n");
            self.commit("-D FLOOR -p tcp -m tcp --dport 1000 -j DROP\n");
            times.push(started.elapsed() / 2);
        }
        self.commit(":FLOOR - [0:0]\n-X FLOOR\n");
        let Self { mut child, stdin, .. } = self;
        drop(stdin);
        child.wait().expect("the tool ends");
        median(&times)
    }
}

/// A member of a set comes and goes: half the time of both.
fn floor_of_members() -> Duration {
    const IPSET: u16 = 6 << 8;
    let mut socket = Socket::open(0).expect("the kernel has netlink");
    let mut ask = |kind: u16, write: &dyn Fn(&mut Writer)| {
        let header = |sequence| Header { kind: IPSET | kind, flags: 0x605, sequence, family: 2, resource: 0 };
        let asked = socket.ask(header, |w| {
            w.put(1, &[6]);
            w.put_text(2, "floor");
            write(w);
        });
        asked.expect("the kernel has sets");
    };
    ask(2, &|w| {
        w.put_text(3, "hash:net");
        w.put(4, &[0]);
        w.put(5, &[2]);
        w.nest(7, |_| {});
    });
    let member = |w: &mut Writer| {
        w.nest(7, |w| {
            w.nest(1, |w| w.put_net_order(1, &[192, 0, 2, 1]));
            w.put(3, &[32]);
        });
    };
    let mut times = Vec::new();
    for _ in 0..N_TIMES {
        let started = Instant::now();
        ask(9, &member);
        ask(10, &member);
        times.push(started.elapsed() / 2);
    }
    ask(3, &|_| {});
    median(&times)
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2]
}

/// `deny` of an address, in and out.
fn address(i: u32) -> InForce {
    let net = Some(Network::from(IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + i))));
    let ends = [Matching { source: net, ..Matching::default() }, Matching { destination: net, ..Matching::default() }];
    let rule = |hook, matching: &Matching| KernelRule::new(Family::V4, hook, matching.clone(), Verdict::Drop);
    let rules = [Hook::Input, Hook::Output].into_iter().flat_map(|hook| ends.iter().map(move |end| rule(hook, end)));
    numbered(i, rules.map(|rule| rule.expect("the rule is of one family")).collect())
}

/// `deny` of a port of an address.
fn ordered(i: u32) -> InForce {
    let matching = Matching {
        source: Some(Network::from(IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + i)))),
        protocol: Some(Protocol::Tcp(Ports { src_port: None, dst_port: Some((i % 60_000) as u16) })),
        ..Matching::default()
    };
    numbered(
        i,
        vec![KernelRule::new(Family::V4, Hook::Input, matching, Verdict::Drop).expect("the rule is of one family")],
    )
}

/// The newest has the lowest number.
fn numbered(i: u32, rules: Vec<KernelRule>) -> InForce {
    InForce::new(RuleNumber::new(999_990 - 10 * i64::from(i)).expect("it is small"), rules)
}

const IN_NAMESPACE: &str = "OC2_BENCH_IN_NAMESPACE";
const N_TIMES: usize = 101;
const N_LONG_TIMES: usize = 3;
