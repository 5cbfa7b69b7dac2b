//! Disks and kernels that fail under the real daemon: a refusal in clear words, nothing half done, and all is well once the cause is
//! gone, without a restart.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use oc2_packet_filter::testing::in_namespace_with;
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::harness::{Config, Daemon, Disk, Strace, binary, exchange, post, run, wait_until};

/// A daemon's world.
struct Trial {
    config: Config,
    metrics: SocketAddr,
    is_iptables: bool,
    listing: &'static [&'static str],
    /// Whether, while it fails, nobody can ask the kernel, so that the daemon cannot put right what it began before that is over.
    is_kernel_closed: bool,
}

impl Trial {
    fn of(backend: &str, lines: &str) -> Self {
        run("ip link set lo up");
        let metrics = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = Config::new().slpf(backend, lines).table(&format!("[metrics]\nlisten = \"{metrics}\""));
        let is_iptables = backend == "iptables";
        let listing = match is_iptables {
            true => &["iptables -S", "ipset save"][..],
            false => &["nft list table inet openc2"],
        };
        Self { config, metrics, is_iptables, listing, is_kernel_closed: false }
    }

    /// Whether rules about these addresses are in the kernel.
    fn in_kernel<const N: usize>(&self, addresses: [&str; N]) -> [bool; N] {
        let listing: String = self.listing.iter().map(|line| run(line)).collect();
        let words: Vec<_> = listing.split([' ', ',', '\n', '/', '\t']).collect();
        addresses.map(|address| words.contains(&address))
    }

    /// A new command, whatever became of others before; its Response. With iptables it is about a connection: a net is a
    /// member of a set, for which no tool is needed and no lock.
    fn deny(&self, daemon: &Daemon, address: &str) -> Value {
        let connection = json!({"dst_addr": address, "dst_port": 4444, "protocol": "udp"});
        let target = match self.is_iptables {
            true => json!({"ipv4_connection": connection}),
            false => json!({"ipv4_net": address}),
        };
        command(daemon, json!({"action": "deny", "target": target}))
    }

    fn health(&self) -> String {
        exchange(self.metrics, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    }

    fn n_rules(&self) -> String {
        let metrics = exchange(self.metrics, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        metrics.lines().find(|line| line.starts_with("oc2_rules{")).unwrap_or_default().to_owned()
    }
}

/// A new command, whatever became of others before; its Response.
fn command(daemon: &Daemon, command: Value) -> Value {
    let message = json!({"headers": {"request_id": uuid()}, "body": {"openc2": {"request": command}}});
    // What takes longer than `max_wait` is asked again for its last word (DECISIONS L7).
    let ask =
        || post(daemon.address(), "/.well-known/openc2", &message.to_string()).1["body"]["openc2"]["response"].clone();
    (0..4).map(|_| ask()).find(|response| response["status"] != 102).expect("a last word")
}

/// An id that was not used before in this process.
fn uuid() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static N_REQUESTS: AtomicU32 = AtomicU32::new(0);
    format!("faults-{}", N_REQUESTS.fetch_add(1, Ordering::Relaxed))
}

/// It says 500 or 503 and why, and nothing of this host's files.
#[track_caller]
fn assert_refused(response: &Value) {
    let text = response["status_text"].as_str().unwrap_or_default();
    assert!(matches!(response["status"].as_u64(), Some(500 | 503)), "{response}");
    assert!(text.len() > 10 && !text.contains("redb") && !text.contains("/tmp"), "{response}");
}

/// A rule before, refusals as long as the fault lasts, and all in order after it and after a kill.
fn bear<G>(trial: &Trial, daemon: Daemon, start: impl Fn() -> Daemon, fault: impl FnOnce(&Daemon) -> G) {
    let [before, refused, after] = ["198.51.100.1", "198.51.100.2", "198.51.100.3"];
    let kept = trial.deny(&daemon, before);
    assert_eq!(kept["status"], 200, "{kept}");
    let guard = fault(&daemon);
    let n_rules = trial.n_rules();
    // Where the kernel is closed each takes as long as is waited for it.
    for _ in 0..if trial.is_kernel_closed { 1 } else { 2 } {
        assert_refused(&trial.deny(&daemon, refused));
    }
    assert_eq!(command(&daemon, json!({"action": "query", "target": {"features": []}}))["status"], 200);
    if !trial.is_kernel_closed {
        assert_eq!(trial.in_kernel([before, refused]), [true, false]);
    }
    assert_eq!(trial.n_rules(), n_rules);
    drop(guard);

    wait_until("recovery", || trial.deny(&daemon, after)["status"] == 200);
    wait_until("health", || trial.health().starts_with("HTTP/1.1 200 "));
    daemon.wait_for_log(" ERROR ", 1);
    assert_eq!(trial.in_kernel([before, refused, after]), [true, false, true]);
    daemon.kill();
    let daemon = start();
    assert_eq!(trial.in_kernel([before, refused, after]), [true, false, true]);
    let number = kept["results"]["slpf"]["rule_number"].clone();
    let deleted = command(&daemon, json!({"action": "delete", "target": {"slpf:rule_number": number}}));
    assert_eq!(deleted["status"], 200, "{deleted}");
    assert_eq!(trial.in_kernel([before, after]), [false, true]);
}

#[test]
fn a_disk_that_fails_is_told_and_leaves_nothing_half_done() {
    in_namespace_with(&["strace", "nft"], "faults::a_disk_that_fails_is_told_and_leaves_nothing_half_done", || {
        for fault in ["fdatasync,fsync:error=EIO", "pwrite64,ftruncate:error=ENOSPC", "pwrite64,ftruncate:error=EROFS"]
        {
            let trial = Trial::of("nftables", "");
            bear(
                &trial,
                trial.config.start(),
                || trial.config.start(),
                |daemon| {
                    let strace = Strace::all_of(daemon, fault);
                    assert_refused(&trial.deny(daemon, "198.51.100.2"));
                    let health = trial.health();
                    assert!(health.starts_with("HTTP/1.1 503 "), "{fault}: {health}");
                    strace
                },
            );
        }
    });
}

#[test]
fn one_call_that_fails_anywhere_in_a_command_leaves_it_done_or_not_done() {
    let name = "faults::one_call_that_fails_anywhere_in_a_command_leaves_it_done_or_not_done";
    in_namespace_with(&["strace", "nft"], name, || {
        let trial = Trial::of("nftables", "");
        let daemon = trial.config.start();
        let mut done = Vec::new();
        let faults = [("fdatasync", "EIO", 6), ("pwrite64", "ENOSPC", 12)];
        let faults = faults.into_iter().flat_map(|(call, error, n)| (1..=n).map(move |n| (call, error, n)));
        for (i, (call, error, n)) in faults.enumerate() {
            let strace = Strace::all_of(&daemon, &format!("{call}:error={error}:when={n}"));
            let address = format!("198.51.100.{}", i + 1);
            let response = trial.deny(&daemon, &address);
            drop(strace);
            let is_done = response["status"] == 200;
            if !is_done {
                assert_refused(&response);
            }
            assert_eq!(trial.in_kernel([&address]), [is_done], "{call} {n}: {response}");
            done.push((address, is_done));
            wait_until("recovery", || {
                trial.deny(&daemon, "203.0.113.1")["status"] == 200 && trial.health().starts_with("HTTP/1.1 200 ")
            });
        }
        assert!(done.iter().any(|(_, is_done)| !is_done), "no call failed");
        daemon.kill();
        let _daemon = trial.config.start();
        for (address, is_done) in &done {
            assert_eq!(trial.in_kernel([address]), [*is_done], "{address}");
        }
    });
}

#[test]
fn a_full_disk_is_told_and_room_is_all_it_takes() {
    in_namespace_with(&["nft"], "faults::a_full_disk_is_told_and_room_is_all_it_takes", || {
        let trial = Trial::of("nftables", "");
        let disk = Disk::of(6 << 10, &trial.config.folder().join("state"));
        let start = || trial.config.start_by(disk.daemon());
        bear(&trial, start(), start, |daemon| {
            disk.fill();
            // What the files have already may do for some commands.
            let mut n_done = 0;
            while trial.deny(daemon, "203.0.113.1")["status"] == 200 {
                n_done += 1;
                assert!(n_done < 2000, "the disk is not full");
            }
            Full(&disk)
        });
    });
}

/// A full disk, until it is dropped.
struct Full<'a>(&'a Disk);

impl Drop for Full<'_> {
    fn drop(&mut self) {
        self.0.free();
    }
}

#[test]
fn a_disk_that_is_read_only_at_a_start_is_named_and_the_rules_stay() {
    in_namespace_with(&["nft"], "faults::a_disk_that_is_read_only_at_a_start_is_named_and_the_rules_stay", || {
        let trial = Trial::of("nftables", "");
        let state = trial.config.folder().join("state");
        let disk = Disk::of(6 << 10, &state);
        let daemon = trial.config.start_by(disk.daemon());
        assert_eq!(trial.deny(&daemon, "198.51.100.1")["status"], 200);
        daemon.kill();
        disk.set_read_only(true);
        let (status, log) = trial.config.launch_by(disk.daemon()).ends();
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(log.contains(&state.display().to_string()) && log.contains("Read-only file system"), "{log}");
        assert_eq!(trial.in_kernel(["198.51.100.1"]), [true], "rules stay while the daemon is away");
        disk.set_read_only(false);
        let daemon = trial.config.start_by(disk.daemon());
        assert_eq!(trial.deny(&daemon, "198.51.100.2")["status"], 200);
        assert_eq!(trial.in_kernel(["198.51.100.1", "198.51.100.2"]), [true, true]);
    });
}

#[test]
fn a_second_daemon_on_the_same_state_is_told_and_the_first_goes_on() {
    in_namespace_with(&["nft"], "faults::a_second_daemon_on_the_same_state_is_told_and_the_first_goes_on", || {
        let trial = Trial::of("nftables", "");
        let daemon = trial.config.start();
        assert_eq!(trial.deny(&daemon, "198.51.100.1")["status"], 200);
        let (status, log) = trial.config.launch_beside().ends();
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(log.contains("is held by another process"), "{log}");
        assert_eq!(trial.deny(&daemon, "198.51.100.2")["status"], 200);
        assert_eq!(trial.in_kernel(["198.51.100.1", "198.51.100.2"]), [true, true]);
    });
}

#[test]
fn a_kernel_that_refuses_is_told_and_leaves_nothing_half_done() {
    in_namespace_with(&["strace", "nft"], "faults::a_kernel_that_refuses_is_told_and_leaves_nothing_half_done", || {
        for fault in ["sendto:error=EPERM", "sendto:error=ENOBUFS", "recvfrom:error=ENOBUFS"] {
            let is_kernel_closed = fault.starts_with("recvfrom");
            let trial = Trial { is_kernel_closed, ..Trial::of("nftables", "") };
            let interfere = |daemon: &Daemon| {
                let strace = Strace::engine_of(daemon, fault);
                if is_kernel_closed {
                    assert_refused(&trial.deny(daemon, "198.51.100.2"));
                    let health = trial.health();
                    assert!(
                        health.starts_with("HTTP/1.1 503 ") && health.contains("may not hold the rules"),
                        "{health}"
                    );
                }
                strace
            };
            // Where there is one worker the engine's thread performs whatever comes.
            let mut command = Command::new(binary("oc2-consumer"));
            command.env("TOKIO_WORKER_THREADS", "1");
            bear(&trial, trial.config.start_by(command), || trial.config.start(), interfere);
        }
    });
}

#[test]
fn tools_that_die_are_started_again_within_the_command() {
    in_namespace_with(
        &["iptables-restore", "ipset"],
        "faults::tools_that_die_are_started_again_within_the_command",
        || {
            let trial = Trial::of("iptables", "");
            let daemon = trial.config.start();
            assert_eq!(trial.deny(&daemon, "198.51.100.1")["status"], 200);
            for tool in daemon.children() {
                kill_process(tool, Signal::KILL).unwrap();
            }
            let response = trial.deny(&daemon, "198.51.100.2");
            assert_eq!(response["status"], 200, "{response}");
            assert_eq!(trial.in_kernel(["198.51.100.1", "198.51.100.2"]), [true, true]);
            daemon.kill();
            let _daemon = trial.config.start();
            assert_eq!(trial.in_kernel(["198.51.100.1", "198.51.100.2"]), [true, true]);
        },
    );
}

#[test]
fn tools_that_hang_are_given_up_and_replaced() {
    in_namespace_with(&["iptables-restore", "ipset"], "faults::tools_that_hang_are_given_up_and_replaced", || {
        let trial = Trial::of("iptables", "");
        let daemon = trial.config.start();
        assert_eq!(trial.deny(&daemon, "198.51.100.1")["status"], 200);
        let tools = daemon.children();
        assert!(!tools.is_empty(), "the daemon has no tools");
        tools.iter().for_each(|tool| kill_process(*tool, Signal::STOP).unwrap());
        assert_refused(&trial.deny(&daemon, "198.51.100.2"));
        wait_until("recovery", || trial.deny(&daemon, "198.51.100.3")["status"] == 200);
        assert_eq!(trial.in_kernel(["198.51.100.1", "198.51.100.2", "198.51.100.3"]), [true, false, true]);
        daemon.wait_for_log(" ERROR ", 1);
        daemon.kill();
        let _daemon = trial.config.start();
        assert_eq!(trial.in_kernel(["198.51.100.1", "198.51.100.2", "198.51.100.3"]), [true, false, true]);
    });
}

#[test]
fn the_lock_of_the_tables_is_waited_for_and_then_told() {
    in_namespace_with(
        &["iptables-legacy-restore", "ipset"],
        "faults::the_lock_of_the_tables_is_waited_for_and_then_told",
        || {
            let legacy = Trial::of("iptables", "flavor = \"legacy\"");
            let trial = Trial { listing: &["iptables-legacy -S", "ipset save"], is_kernel_closed: true, ..legacy };
            bear(
                &trial,
                trial.config.start(),
                || trial.config.start(),
                |_| {
                    let lock = File::open(std::env::var_os("XTABLES_LOCKFILE").expect("there is one")).unwrap();
                    lock.lock().unwrap();
                    lock
                },
            );
        },
    );
}
