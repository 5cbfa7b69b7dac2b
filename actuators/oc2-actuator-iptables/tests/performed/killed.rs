use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::Duration;
use std::{env, thread};

use oc2_actuator::{AnyActuator, testing};
use oc2_packet_filter::{Config, Flavor};
use oc2_profile_slpf::{Results, RuleNumber, Slpf};
use tempfile::TempDir;

use crate::support::{Firewall, command, test_name};

on_every_flavor! {
    /// The driver is killed at any moment. What it was told is true afterwards; of what it was doing, all or nothing.
    fn kernel_and_store_agree_after_a_kill(flavor) {
        if let Some(dir) = env::var_os(DRIVER) {
            return drive(flavor, Path::new(&dir));
        }
        let dir = TempDir::new().unwrap();
        let mut told = Told::default();
        for round in 0..N_ROUNDS {
            let driver = Process::new(env::current_exe().unwrap())
                .args(["--exact", this_test(flavor), "--nocapture"])
                .env(DRIVER, dir.path())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            told.hear(driver, Duration::from_millis(20 + round * 13 % 60));
            let actuator = oc2_actuator_iptables::open(Config { flavor, ..Config::default() }, dir.path()).unwrap();
            let firewall = Firewall::dry();
            let rules = firewall.block_on(actuator.rules()).unwrap();
            told.compare(rules.iter().map(|record| record.number.as_i64()).collect());
            assert!(firewall.block_on(actuator.kernel_agrees()).unwrap(), "round {round}");
        }
        assert!(told.n_heard > N_ROUNDS, "{}", told.n_heard);
        println!("{} changes were told in {N_ROUNDS} lives", told.n_heard);
    }
}

/// Adds and removes rules for ever, and tells of each after it was answered.
fn drive(flavor: Flavor, dir: &Path) {
    let actuator = oc2_actuator_iptables::open(Config { flavor, ..Config::default() }, dir).unwrap();
    let any = AnyActuator::new(actuator);
    let deny = |net| command(&format!(r#"{{"action":"deny","target":{{{net}}}}}"#));
    let nets = [r#""ipv4_net":"192.0.2.1""#, r#""ipv6_net":"2001:db8::1""#];
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        for n in 0.. {
            let results = testing::perform(&any, &deny(nets[n % 2])).await.unwrap().unwrap().of::<Results>().unwrap();
            let number = results.rule_number.unwrap();
            println!("\n+{number}");
            if n % 3 == 0 {
                testing::perform(&any, &Slpf::delete(number).build().unwrap()).await.unwrap();
                println!("\n-{number}");
            }
            if n % 5 == 0 {
                let placed = RuleNumber::new(number.as_i64() - 5).unwrap();
                let command = Slpf::deny(oc2_core::target::Ipv4Net::from(std::net::Ipv4Addr::new(192, 0, 2, 2)));
                testing::perform(&any, &command.insert_rule(placed).build().unwrap()).await.unwrap();
                println!("\n+{placed}");
            }
        }
    });
}

/// What the drivers told.
#[derive(Default)]
struct Told {
    rules: BTreeSet<i64>,
    ever: BTreeSet<i64>,
    n_heard: u64,
}

impl Told {
    /// Listens to a driver, and kills it some time after its first word.
    fn hear(&mut self, mut driver: std::process::Child, life: Duration) {
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let mut n_heard = 0;
        let killer = loop {
            let line = lines.next().expect("the driver tells something").unwrap();
            if self.note(&line) {
                n_heard += 1;
                break thread::spawn(move || {
                    thread::sleep(life);
                    driver.kill().unwrap();
                    driver.wait().unwrap()
                });
            }
        };
        n_heard += lines.map_while(Result::ok).filter(|line| self.note(line)).count() as u64;
        assert_eq!(killer.join().unwrap().code(), None, "it was killed and did not end by itself");
        self.n_heard += n_heard;
    }

    fn note(&mut self, line: &str) -> bool {
        match (line.get(..1), line.get(1..).and_then(|number| number.parse().ok())) {
            (Some("+"), Some(number)) => {
                assert!(self.ever.insert(number), "{number} came twice");
                self.rules.insert(number)
            }
            (Some("-"), Some(number)) => self.rules.remove(&number),
            _ => false,
        }
    }

    /// At most the one change that nobody was told about is there too.
    fn compare(&mut self, rules: BTreeSet<i64>) {
        let differences: Vec<i64> = rules.symmetric_difference(&self.rules).copied().collect();
        assert!(differences.len() <= 1, "{differences:?}");
        self.ever.extend(&rules);
        self.rules = rules;
    }
}

fn this_test(flavor: Flavor) -> &'static str {
    match flavor {
        Flavor::Nft => test_name(concat!(module_path!(), "::kernel_and_store_agree_after_a_kill::nft")),
        _ => test_name(concat!(module_path!(), "::kernel_and_store_agree_after_a_kill::legacy")),
    }
}

const DRIVER: &str = "OC2_TEST_DRIVER";
const N_ROUNDS: u64 = 15;
