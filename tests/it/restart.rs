//! The daemon ends, in good order or not, and comes back: the kernel and the store agree.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use oc2_actuator_iptables::testing::in_namespace;
use rustix::process::Signal;

use crate::harness::{Config, Reach, command, reach, run, serve};

fn our_rules() -> Vec<String> {
    ["iptables -S", "ip6tables -S"]
        .map(run)
        .join("")
        .lines()
        .filter(|line| line.starts_with("-A OC2-"))
        .map(ToOwned::to_owned)
        .collect()
}

/// To the kernel it is a rule, and not a member of a set.
const CONNECTION: [&str; 8] =
    ["deny", "ipv4_connection", "--dst-addr", "127.0.0.2", "--protocol", "tcp", "--direction", "egress"];

#[test]
fn rules_survive_a_restart_unless_they_are_not_persistent() {
    // SLPF-035, SLPF-036, S12
    in_namespace("restart::rules_survive_a_restart_unless_they_are_not_persistent", || {
        run("ip link set lo up");
        let config = Config::new().slpf("iptables", "");
        let daemon = config.start();
        let _server = serve(7000);
        daemon.command(&["deny", "ipv4_net", "127.0.0.2"]).expect(200);
        let kept = our_rules().len();
        let lost = daemon.command(&["deny", "ipv4_net", "127.0.0.3", "--persistent", "false"]).expect(200).rule();
        let (status, _) = daemon.terminate();
        assert!(status.success(), "{status}");
        assert_eq!(reach("127.0.0.2", 7000), Reach::Dropped, "rules stay in force while the daemon is away");
        let daemon = config.start();
        assert_eq!((reach("127.0.0.2", 7000), reach("127.0.0.3", 7000)), (Reach::Dropped, Reach::Passes));
        assert_eq!(our_rules().len(), kept);
        daemon.command(&["delete", "slpf:rule_number", &lost]).expect(500);
        let next = daemon.command(&["deny", "ipv4_net", "127.0.0.4"]).expect(200).rule();
        assert_ne!(next, lost, "a number is never used twice");
    });
}

#[test]
fn what_was_promised_before_a_kill_is_in_force_after_it() {
    in_namespace("restart::what_was_promised_before_a_kill_is_in_force_after_it", || {
        run("ip link set lo up");
        let config = Config::new().slpf("iptables", "");
        let mut promised = BTreeSet::new();
        for round in 0..12_u64 {
            let daemon = config.start();
            let (url, stop) = (daemon.url(), AtomicBool::new(false));
            thread::scope(|scope| {
                let sender = scope.spawn(|| {
                    let mut numbers = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let answer = command(&url, &CONNECTION);
                        if answer.response["status"] == 200 {
                            numbers.push(answer.rule());
                        }
                    }
                    numbers
                });
                thread::sleep(Duration::from_millis(40 + 13 * round));
                daemon.kill();
                stop.store(true, Ordering::Relaxed);
                for number in sender.join().unwrap() {
                    assert!(promised.insert(number), "a number was used twice");
                }
            });
        }
        assert!(!promised.is_empty(), "nothing was promised in twelve rounds");
        let daemon = config.start();
        let n_in_kernel = our_rules().iter().filter(|rule| rule.starts_with("-A OC2-4O")).count();
        assert!(n_in_kernel >= promised.len(), "{n_in_kernel} in force, {} promised", promised.len());
        for number in promised {
            daemon.command(&["delete", "slpf:rule_number", &number]).expect(200);
        }
    });
}

#[test]
fn a_daemon_that_is_told_to_stop_while_it_works_ends_in_good_order() {
    let config = Config::new().slpf("dry-run", "");
    let daemon = config.start();
    daemon.command(&["deny", "ipv4_net", "127.0.0.2", "--start-time", "+1h"]).expect(102).expect_text("scheduled");
    daemon.signal(Signal::TERM);
    let mut daemon = daemon;
    let (status, log) = daemon.wait();
    assert!(status.success(), "{status}");
    assert!(log.contains("Command kept for the next start."), "{log}");
}
