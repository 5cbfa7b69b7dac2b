//! Microseconds that a command takes by the number of rules in force: `cargo bench -p oc2-packet-filter --bench commands`.
//!
//! From the call of the actuator to its answer, with a store on the disk of the temporary files and a kernel that holds rules in
//! memory. Medians, and the ratio to the same with ten rules in the same run; use the ratios, machines are noisy.

use std::fmt::Write;
use std::time::{Duration, Instant};

use oc2_actuator::AnyActuator;
use oc2_actuator::testing::perform;
use oc2_core::Command;
use oc2_core::target::Ipv4Net;
use oc2_packet_filter::backend::DryRun;
use oc2_packet_filter::{Config, PacketFilter};
use oc2_profile_slpf::{RuleNumber, Slpf};

fn main() {
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    println!("{:<28}{:>8}{:>12}{:>8}", "what", "rules", "median us", "ratio");
    let mut floors = None;
    for n in [10, 1_000, 10_000, 100_000] {
        let medians = Firewall::with(n).measure(n);
        let floors = *floors.get_or_insert(medians);
        for ((what, median), floor) in WHAT.into_iter().zip(medians).zip(floors) {
            let ratio = median.as_secs_f64() / floor.as_secs_f64();
            println!("{what:<28}{n:>8}{:>12.1}{ratio:>8.2}", median.as_secs_f64() * 1e6);
        }
    }
}

struct Firewall {
    _dir: tempfile::TempDir,
    actuator: AnyActuator,
    runtime: tokio::runtime::Runtime,
}

impl Firewall {
    /// With so many ordered rules, 1,000 apart.
    fn with(n: i64) -> Self {
        let dir = tempfile::tempdir().expect("a folder can be made");
        let mut rules = String::from("[");
        for i in 0..n {
            let comma = if i == 0 { "" } else { "," };
            let connection = format!(r#"{{"protocol":"tcp","dst_port":{}}}"#, i % 60_000);
            let args = format!(r#"{{"response_requested":"complete","slpf":{{"insert_rule":{}}}}}"#, 1_000 * (i + 1));
            let target = format!(r#"{{"ipv4_connection":{connection}}}"#);
            write!(rules, r#"{comma}{{"action":"deny","target":{target},"args":{args}}}"#).expect("memory");
        }
        rules.push(']');
        std::fs::write(dir.path().join("rules.json"), rules).expect("the folder is ours");
        let config = Config { update_dir: Some(dir.path().to_owned()), ..Config::default() };
        let filter = PacketFilter::open(config, dir.path(), Box::new(DryRun::new())).expect("the folder is ours");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let firewall = Self { _dir: dir, actuator: AnyActuator::new(filter), runtime };
        firewall.perform(&Slpf::update("rules.json").build().expect("a command"));
        firewall
    }

    /// A rule comes above all, one comes within, and one within goes.
    fn measure(&self, n: i64) -> [Duration; 3] {
        let net: Ipv4Net = "192.0.2.0/24".parse().expect("a net");
        let middle = 1_000 * (n / 2);
        let mut times: [Vec<Duration>; 3] = Default::default();
        for i in 0..N_TIMES {
            let number = RuleNumber::new(middle + 1 + i).expect("a number");
            let commands =
                [Slpf::deny(net).build(), Slpf::deny(net).insert_rule(number).build(), Slpf::delete(number).build()];
            for (times, command) in times.iter_mut().zip(commands) {
                let command = command.expect("a command");
                let start = Instant::now();
                self.perform(&command);
                times.push(start.elapsed());
            }
        }
        times.map(|mut times| {
            times.sort();
            times[times.len() / 2]
        })
    }

    fn perform(&self, command: &Command) {
        self.runtime.block_on(perform(&self.actuator, command)).expect("it is performed");
    }
}

const WHAT: [&str; 3] = ["deny above all", "deny within", "delete within"];
const N_TIMES: i64 = 201;
