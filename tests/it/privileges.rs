//! The daemon as a user of its own, with one capability.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use oc2_actuator_iptables::testing::{in_namespace, note};

use crate::harness::{Config, Reach, binary, reach, run, serve};

/// A user who owns nothing here.
const NOBODY: u32 = 65534;

/// A command that becomes this user, with these capabilities and no way to others, and then the daemon.
fn as_nobody(config: &Config, capabilities: &str) -> Command {
    let daemon = daemon_within_reach(config.folder());
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")]);
    command.args(["--clear-groups", "--no-new-privs"]);
    for set in ["--inh-caps", "--ambient-caps", "--bounding-set"] {
        command.args([set, &format!("-all{capabilities}")]);
    }
    command.arg(daemon);
    command
}

/// The program where everybody can get at it.
fn daemon_within_reach(folder: &Path) -> PathBuf {
    fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    let place = folder.join("oc2-consumer");
    if !place.exists() && fs::hard_link(binary("oc2-consumer"), &place).is_err() {
        fs::copy(binary("oc2-consumer"), &place).unwrap();
    }
    place
}

/// Folders that are this user's and closed for others, as systemd makes them.
fn of_nobody(config: &Config, names: &[&str]) {
    for name in names {
        let folder = config.folder().join(name);
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
        chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

/// Whether there are other users: not where only one is mapped into a user namespace.
fn there_are_users() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap();
    let n_users = map.split_whitespace().nth(2).and_then(|number| number.parse::<u32>().ok());
    let there_are = n_users.is_some_and(|n_users| n_users > NOBODY);
    if !there_are {
        note("this user cannot become another");
    }
    there_are
}

/// A number in hexadecimal of `/proc/PID/status`.
fn capabilities(pid: i32, set: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(set)).unwrap();
    u64::from_str_radix(line.split_whitespace().last().unwrap(), 16).unwrap()
}

const CAP_NET_ADMIN: u64 = 1 << 12;

#[test]
fn one_capability_is_enough_to_deny_and_nothing_else_is_written() {
    in_namespace("privileges::one_capability_is_enough_to_deny_and_nothing_else_is_written", || {
        if !there_are_users() {
            return;
        }
        let config = Config::new().slpf("iptables", "flavor = \"nft\"");
        of_nobody(&config, &["state", "log"]);
        let records = config.folder().join("log/audit.jsonl").display().to_string();
        let config = config.table(&format!("[audit]\nfile = {records:?}\nrequired = true"));
        run("ip link set lo up");
        run("ip addr add 2001:db8::2/128 dev lo nodad");
        let daemon = config.start_by(as_nobody(&config, ",+net_admin"));
        for process in std::iter::once(daemon.pid()).chain(daemon.children()) {
            let pid = process.as_raw_nonzero().get();
            for set in ["CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                assert_eq!(capabilities(pid, set), CAP_NET_ADMIN, "{set} of {pid}");
            }
            assert_eq!(fs::metadata(format!("/proc/{pid}")).unwrap().uid(), NOBODY);
        }
        let _server = serve(7000);
        for (target, address) in [("ipv4_net", "127.0.0.2"), ("ipv6_net", "2001:db8::2")] {
            assert_eq!(reach(address, 7000), Reach::Passes);
            let rule = daemon.command(&["deny", target, address]).expect(200).rule();
            assert_eq!(reach(address, 7000), Reach::Dropped);
            daemon.command(&["delete", "slpf:rule_number", &rule]).expect(200);
            assert_eq!(reach(address, 7000), Reach::Passes);
        }
        let deny = daemon.command(&["deny", "ipv4_net", "127.0.0.2"]).expect(200).rule();
        daemon.kill();
        // It finds its rules again.
        let daemon = config.start_by(as_nobody(&config, ",+net_admin"));
        assert_eq!(reach("127.0.0.2", 7000), Reach::Dropped);
        daemon.command(&["delete", "slpf:rule_number", &deny]).expect(200);
        let (status, log) = daemon.terminate();
        assert!(status.success(), "{log}");
        only_nobodys_folders_hold_what_is_nobodys(config.folder());
    });
}

/// What the daemon wrote lies in its two folders, and only it can read that.
fn only_nobodys_folders_hold_what_is_nobodys(folder: &Path) {
    let entries = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    for path in entries(folder) {
        let data = fs::metadata(&path).unwrap();
        let is_its_own = path.ends_with("state") || path.ends_with("log");
        assert_eq!(data.uid() == NOBODY, is_its_own, "{}", path.display());
        if !is_its_own {
            continue;
        }
        let written = entries(&path);
        assert!(!written.is_empty(), "{} holds something", path.display());
        for path in written {
            let data = fs::metadata(&path).unwrap();
            assert_eq!((data.uid(), data.mode() & 0o077), (NOBODY, 0), "{}", path.display());
        }
    }
}

#[test]
fn without_the_capability_it_does_not_start() {
    in_namespace("privileges::without_the_capability_it_does_not_start", || {
        if !there_are_users() {
            return;
        }
        let config = Config::new().without_http().slpf("iptables", "flavor = \"nft\"").broker(1);
        of_nobody(&config, &["state"]);
        run("ip link set lo up");
        let (status, log) = config.start_by(as_nobody(&config, "")).wait();
        assert!(!status.success(), "{log}");
        assert!(log.contains("Permission denied") || log.contains("not permitted"), "{log}");
    });
}

#[test]
fn the_legacy_flavor_takes_one_capability_more() {
    in_namespace("privileges::the_legacy_flavor_takes_one_capability_more", || {
        let legacy = Command::new("iptables-legacy").arg("-S").output();
        if !legacy.is_ok_and(|output| output.status.success()) {
            return note("there is no legacy flavor here");
        }
        if !there_are_users() {
            return;
        }
        let config = Config::new().slpf("iptables", "flavor = \"legacy\"");
        of_nobody(&config, &["state"]);
        run("ip link set lo up");
        let lock = config.folder().join("state/xtables.lock");
        let mut command = as_nobody(&config, ",+net_admin,+net_raw");
        command.env("XTABLES_LOCKFILE", lock);
        let daemon = config.start_by(command);
        daemon.command(&["deny", "ipv4_net", "198.51.100.7"]).expect(200);
        // With that capability it can speak of sets, too.
        assert!(run("iptables-legacy -S").contains("--match-set OC2-4I1 src -j DROP"));
        daemon.command(&["deny", "ipv4_connection", "--src-addr", "198.51.100.7", "--protocol", "tcp"]).expect(200);
        assert!(run("iptables-legacy -S").contains("-s 198.51.100.7/32 -p tcp -j DROP"));
    });
}

#[test]
fn a_state_directory_is_closed_for_others() {
    let config = Config::new();
    let state = config.folder().join("state");
    let mode = || fs::metadata(&state).unwrap().mode() & 0o777;
    drop(config.start());
    assert_eq!(mode(), 0o700, "made by the daemon");
    fs::set_permissions(&state, Permissions::from_mode(0o755)).unwrap();
    let (_, log) = config.start().terminate();
    assert_eq!(mode(), 0o700, "{log}");
    assert!(log.contains("(mode 755)"), "{log}");
}

#[test]
fn a_state_directory_that_cannot_be_closed_for_others_is_refused() {
    in_namespace("privileges::a_state_directory_that_cannot_be_closed_for_others_is_refused", || {
        if !there_are_users() {
            return;
        }
        let config = Config::new().without_http().broker(1);
        let state = config.folder().join("state");
        fs::create_dir(&state).unwrap();
        fs::set_permissions(&state, Permissions::from_mode(0o777)).unwrap();
        let (status, log) = config.start_by(as_nobody(&config, "")).wait();
        assert!(!status.success() && log.contains("others may not be kept out of it"), "{log}");
        assert_eq!(fs::read_dir(&state).unwrap().count(), 0, "nothing was written");
    });
}

#[test]
fn whoever_waits_for_rules_is_told_when_they_are_in_force() {
    in_namespace("privileges::whoever_waits_for_rules_is_told_when_they_are_in_force", || {
        run("ip link set lo up");
        let config = Config::new().slpf("iptables", "");
        config.start().command(&["deny", "ipv4_net", "198.51.100.7"]).expect(200);
        run("iptables -F INPUT");
        run("iptables -F OUTPUT");
        let path = config.folder().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut command = Command::new(binary("oc2-consumer"));
        command.env("NOTIFY_SOCKET", &path);
        let heard = || {
            let mut told = [0; 64];
            let length = manager.recv(&mut told).expect("it tells");
            String::from_utf8_lossy(&told[..length]).into_owned()
        };
        let daemon = std::thread::scope(|scope| {
            let starting = scope.spawn(|| config.start_by(command));
            assert_eq!(heard(), "READY=1");
            let rules = run("iptables -S");
            assert!(
                rules.contains("--match-set OC2-4I1 src -j DROP") && rules.contains("-A INPUT -j OC2-INPUT"),
                "{rules}"
            );
            starting.join().unwrap()
        });
        let (status, log) = daemon.terminate();
        assert!(status.success(), "{log}");
        assert_eq!(heard(), "STOPPING=1");
    });
}
