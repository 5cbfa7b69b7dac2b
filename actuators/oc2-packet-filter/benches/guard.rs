//! Microseconds that the guard takes, by the number of rules: `cargo bench -p oc2-packet-filter --bench guard`.
//!
//! Each line is what it takes to check a command, from the call of the actuator to its answer, with a guard and without; the
//! kernel and the disk are not asked. Medians; use the ratios, machines are noisy.

use std::fmt::Write;
use std::time::{Duration, Instant};

use oc2_actuator::{AnyActuator, Context};
use oc2_core::Command;
use oc2_core::target::Ipv4Net;
use oc2_core::types::time::DateTime;
use oc2_packet_filter::backend::DryRun;
use oc2_packet_filter::{Config, PacketFilter};
use oc2_profile_slpf::{RuleNumber, Slpf};

fn main() {
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    println!("{:<52}{:>8}{:>12}{:>12}", "what", "rules", "guarded us", "plain us");
    for n in [0, 1_000, 10_000, 100_000] {
        for (kind, rules) in [("of others", 0x0a00_0000), ("in the guarded net", 0xc000_0200)] {
            let rules = Rules { n, first: rules };
            let (guarded, plain) = (rules.firewall(GUARD), rules.firewall(""));
            let print = |what: &str, command: &Command| {
                let times = [&guarded, &plain].map(|firewall| firewall.median(command).as_nanos() / 100);
                let [guarded, plain] = times.map(|tenths| format!("{}.{}", tenths / 10, tenths % 10));
                println!("{:<52}{n:>8}{guarded:>12}{plain:>12}", format!("{what}, allows {kind}"));
            };
            let net = |text: &str| text.parse::<Ipv4Net>().expect("a net");
            let last = RuleNumber::new(2_000_000).expect("a number");
            print("deny of a stranger", &Slpf::deny(net("203.0.113.0/24")).build().expect("a command"));
            let bottom = Slpf::deny(net("192.0.2.0/24")).insert_rule(last).build().expect("a command");
            print("deny of the guarded net below all", &bottom);
            if n > 0 {
                let number = RuleNumber::new(999_990).expect("a number");
                print("delete of the allow below all", &Slpf::delete(number).build().expect("a command"));
            }
        }
    }
}

/// Allows of single addresses, or of their ports where there are more rules than addresses.
struct Rules {
    n: u32,
    first: u32,
}

impl Rules {
    fn firewall(&self, guard: &str) -> Firewall {
        let dir = tempfile::tempdir().expect("a folder can be made");
        let mut rules = String::from("[");
        for i in 0..self.n {
            let comma = if i == 0 { "" } else { "," };
            let address =
                std::net::Ipv4Addr::from_bits(self.first + i % 256 + if self.first >> 24 == 10 { i } else { 0 });
            let port = 22 + i / 256;
            write!(
                rules,
                r#"{comma}{{"action":"allow","target":{{"ipv4_connection":{{"src_addr":"{address}","protocol":"tcp","dst_port":{port}}}}},"args":{{"slpf":{{"direction":"ingress"}}}}}}"#
            )
            .expect("a string takes anything");
        }
        rules.push(']');
        std::fs::write(dir.path().join("rules.json"), rules).expect("the folder is ours");
        let text = format!("backend = \"dry-run\"\nupdate_dir = {:?}\n{guard}", dir.path().display().to_string());
        let config: Config = toml::from_str(&text).expect("a configuration");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let actuator =
            AnyActuator::new(PacketFilter::open(config, dir.path(), Box::new(DryRun::new())).expect("a store"));
        let update = Slpf::update("rules.json").build().expect("a command");
        runtime.block_on(oc2_actuator::testing::perform(&actuator, &update)).expect("the file is in order");
        Firewall { actuator, runtime, _dir: dir }
    }
}

struct Firewall {
    actuator: AnyActuator,
    runtime: tokio::runtime::Runtime,
    _dir: tempfile::TempDir,
}

impl Firewall {
    fn median(&self, command: &Command) -> Duration {
        let window = command.args.window(DateTime::now()).expect("a window");
        let mut times: Vec<_> = (0..N_TIMES)
            .map(|_| {
                let started = Instant::now();
                // Refused or not: it was checked.
                let _ = self.runtime.block_on(self.actuator.prepare(command, Context::new("bench", window)));
                started.elapsed()
            })
            .collect();
        times.sort();
        times[times.len() / 2]
    }
}

const GUARD: &str = r#"
[guard]
here = "198.51.100.1"
[[guard.keep]]
name = "management"
nets = "192.0.2.0/24"
protocol = "tcp"
port_here = 22
"#;
const N_TIMES: usize = 101;
