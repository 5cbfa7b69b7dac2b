//! Requests that are repeated after the daemon was killed: none is performed twice (DECISIONS M12).

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use oc2_actuator_iptables::testing::in_namespace;
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::harness::{Config, post, run, try_post};

fn deny(id: &str) -> String {
    // A member of a set would not need the tools that some tests put to sleep.
    let target = json!({"ipv4_connection": {"dst_addr": "127.0.0.2", "protocol": "tcp"}});
    let command = json!({"action": "deny", "target": target});
    json!({"headers": {"request_id": id, "from": "soc-1"}, "body": {"openc2": {"request": command}}}).to_string()
}

fn response(message: &Value) -> &Value {
    message.pointer("/body/openc2/response").unwrap_or(&Value::Null)
}

/// Asks for a rule; the Response.
fn ask(daemon: SocketAddr, id: &str) -> Value {
    response(&post(daemon, PATH, &deny(id)).1).clone()
}

fn rule(response: &Value) -> Option<i64> {
    response.pointer("/results/slpf/rule_number").and_then(Value::as_i64)
}

fn is_interrupted(response: &Value) -> bool {
    let text = response["status_text"].as_str().unwrap_or_default();
    response["status"] == 500 && text.starts_with("the Consumer stopped while it performed this Command")
}

const PATH: &str = "/.well-known/openc2";

#[test]
fn a_request_repeated_after_a_kill_is_answered_alike() {
    // ARCH-017
    let config = Config::new().slpf("dry-run", "");
    let daemon = config.start();
    let first = ask(daemon.address(), "once");
    assert_eq!(rule(&first), Some(999_990), "{first}");
    daemon.kill();
    let daemon = config.start();
    assert_eq!(ask(daemon.address(), "once"), first);
    assert_eq!(rule(&ask(daemon.address(), "another")), Some(999_980), "one number is used, not two");
    let (status, _) = daemon.terminate();
    assert!(status.success(), "{status}");
    let daemon = config.start();
    assert_eq!(ask(daemon.address(), "once"), first);
}

#[test]
fn a_request_whose_command_a_kill_interrupted_is_performed_once() {
    // M12
    in_namespace("repeat::a_request_whose_command_a_kill_interrupted_is_performed_once", || {
        run("ip link set lo up");
        let config = Config::new().slpf("iptables", "").consumer("max_wait = 1");
        let daemon = config.start();
        let kept = ask(daemon.address(), "kept");
        assert!(rule(&kept).is_some(), "{kept}");
        // The tool that changes the kernel for the daemon falls asleep.
        let tools = daemon.children();
        assert!(!tools.is_empty(), "the daemon has no tools");
        tools.iter().for_each(|tool| kill_process(*tool, Signal::STOP).expect("it is there"));
        let processing = json!({"status": 102, "status_text": "processing"});
        assert_eq!(ask(daemon.address(), "interrupted"), processing, "it is on the disk and being performed");
        daemon.kill();
        for tool in tools {
            let _ = kill_process(tool, Signal::KILL);
        }

        // The rule was on the disk with its outcome: the start has put it in force.
        let daemon = config.start();
        let again = ask(daemon.address(), "interrupted");
        assert_eq!(rule(&again), Some(999_980), "{again}");
        assert_eq!(ask(daemon.address(), "interrupted"), again);
        assert_eq!(ask(daemon.address(), "kept"), kept);
        let anew = ask(daemon.address(), "anew");
        assert_eq!(rule(&anew), Some(999_970), "{anew}");
    });
}

#[test]
fn under_load_no_kill_makes_a_request_count_twice() {
    let config = Config::new().slpf("dry-run", "");
    let (mut n_requests, mut numbers) = (0, BTreeSet::new());
    for round in 0..8_u64 {
        let daemon = config.start();
        let (address, stop) = (daemon.address(), AtomicBool::new(false));
        let before: BTreeMap<String, Option<Value>> = thread::scope(|scope| {
            let senders: Vec<_> = (0..8)
                .map(|sender| {
                    let stop = &stop;
                    scope.spawn(move || {
                        let mut asked = Vec::new();
                        while !stop.load(Ordering::Relaxed) {
                            let id = format!("{round}-{sender}-{}", asked.len());
                            let answer = try_post(address, PATH, &deny(&id));
                            let is_gone = answer.is_none();
                            asked.push((id, answer.map(|(_, message)| response(&message).clone())));
                            if is_gone {
                                break;
                            }
                        }
                        asked
                    })
                })
                .collect();
            thread::sleep(Duration::from_millis(60 + 17 * round));
            daemon.kill();
            stop.store(true, Ordering::Relaxed);
            senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect()
        });
        let daemon = config.start();
        n_requests += before.len();
        for (id, before) in before {
            let after = ask(daemon.address(), &id);
            match before {
                Some(before) => assert_eq!(after, before, "{id}"),
                None => assert!(is_interrupted(&after) || rule(&after).is_some(), "{id}: {after}"),
            }
            if let Some(number) = rule(&after) {
                assert!(numbers.insert(number), "{id}: a number was given twice");
            }
        }
    }
    let daemon = config.start();
    let last = rule(&ask(daemon.address(), "last")).expect("a rule");
    let n_performed = usize::try_from((999_990 - last) / 10).expect("numbers count down");
    assert!(n_performed <= n_requests, "{n_performed} of {n_requests} requests were performed");
    assert!(n_performed >= numbers.len() && numbers.len() > 50, "{n_performed}, {}", numbers.len());
}
