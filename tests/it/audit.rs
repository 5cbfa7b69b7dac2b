//! The audit file of the real daemon: over kills, restarts, rotation and hands that have no business in it (ARCH-015).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use oc2_actuator_iptables::testing::skip;
use serde_json::{Value, json};

use crate::harness::{Config, binary, exchange, post, run, try_post, wait_until};

const PATH: &str = "/.well-known/openc2";

fn audited(more: &str) -> (Config, PathBuf) {
    let config = Config::new().slpf("dry-run", "");
    let file = config.folder().join("audit.jsonl");
    let table = format!("[audit]\nfile = {:?}\n{more}", file.display().to_string());
    (config.table(&table), file)
}

fn verify(config: &Config) -> Output {
    Command::new(binary("oc2-consumer")).args(["audit", "verify", "--config"]).arg(config.path()).output().unwrap()
}

#[track_caller]
fn holds(config: &Config) -> String {
    let output = verify(config);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn records(file: &Path) -> Vec<Value> {
    let bytes = fs::read(file).unwrap();
    bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

fn deny(id: &str) -> String {
    let command = json!({"action": "deny", "target": {"ipv4_net": "127.0.0.2"}});
    json!({"headers": {"request_id": id, "from": "soc-1"}, "body": {"openc2": {"request": command}}}).to_string()
}

#[test]
fn each_message_leaves_a_record_and_the_chain_outlives_a_kill() {
    // ARCH-015
    let (config, file) = audited("required = true");
    let daemon = config.start();
    post(daemon.address(), PATH, &deny("a"));
    post(daemon.address(), PATH, "{");
    post(daemon.address(), "/elsewhere", &deny("b"));
    exchange(daemon.address(), b"GET / HTTP/1.1\r\nHost: fw1\r\nConnection: close\r\n\r\n");
    wait_until("all records", || records(&file).len() == 5);
    daemon.kill();
    let told = records(&file);
    let statuses: Vec<_> = told.iter().skip(1).map(|record| record["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 400, 404, 501]);
    assert_eq!(told[1]["results"]["slpf"]["rule_number"], 999_990);
    assert_eq!(told[1]["peer"], "127.0.0.1");
    assert!(holds(&config).contains("ok: records 1 to 5 in a file"));

    // The kill came while a record was written.
    let torn = fs::read(&file).unwrap();
    fs::write(&file, &torn[..torn.len() - 20]).unwrap();
    assert!(holds(&config).contains("the last line is torn"));
    let daemon = config.start();
    post(daemon.address(), PATH, &deny("a"));
    let (status, log) = daemon.terminate();
    assert!(status.success(), "{log}");
    assert!(log.contains("torn by the end of the process"), "{log}");
    let told = holds(&config);
    assert!(told.contains("a record was torn") && told.contains("did not end in order"), "{told}");
    assert_eq!(records(&file).iter().filter(|record| record["end"] == "repeated").count(), 1);

    let noted = told.lines().last().unwrap().to_owned();
    let kept = |noted: &str| {
        let words = ["audit", "verify", "--kept", noted, "--config"];
        Command::new(binary("oc2-consumer")).args(words).arg(config.path()).output().unwrap().status.code()
    };
    assert_eq!(kept(&noted), Some(0), "{noted}");
    assert_eq!(kept(&noted.replacen(':', "0:", 1)), Some(1));
    assert_eq!(kept("7"), Some(2));

    // Somebody makes a deny look like an allow.
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("deny ipv4_net", "allow ipv4_net", 1)).unwrap();
    let output = verify(&config);
    assert_eq!(output.status.code(), Some(1));
    let reason = String::from_utf8(output.stderr).unwrap();
    assert!(reason.contains("audit.jsonl:3: record 3 does not follow record 2"), "{reason}");
}

#[test]
fn kills_under_load_never_break_the_chain() {
    let (config, file) = audited("required = true\nmax_size = 8192");
    let answered = Arc::new(AtomicUsize::new(0));
    for round in 0..4 {
        let daemon = config.start();
        let address = daemon.address();
        let load: Vec<_> = (0..3)
            .map(|worker| {
                let answered = Arc::clone(&answered);
                thread::spawn(move || {
                    for i in 0.. {
                        match try_post(address, PATH, &deny(&format!("{round}-{worker}-{i}"))) {
                            Some((head, _)) if head.starts_with("http/1.1 200") => {
                                _ = answered.fetch_add(1, Ordering::SeqCst)
                            }
                            _ => return,
                        }
                    }
                })
            })
            .collect();
        // Enough for a file of records in each round, however slow the disk is.
        wait_until("answers", || answered.load(Ordering::SeqCst) >= (round + 1) * PER_ROUND);
        daemon.kill();
        load.into_iter().for_each(|worker| worker.join().unwrap());
    }
    assert!(holds(&config).contains("ok: records 1 to "));
    let files = fs::read_dir(config.folder()).unwrap().map(|entry| entry.unwrap().path());
    let audit_files: Vec<_> =
        files.filter(|path| path.display().to_string().contains("audit.jsonl") && *path != lock(&file)).collect();
    assert!(audit_files.len() > 2, "it was rotated");
    let n_performed =
        audit_files.iter().flat_map(|path| records(path)).filter(|record| record["end"] == "performed").count();
    // What was answered was recorded; what was recorded last may not have been answered.
    assert!(n_performed >= answered.load(Ordering::SeqCst) && n_performed > 0, "{n_performed}");
}

/// More records than a file of the test above holds.
const PER_ROUND: usize = 30;

fn lock(file: &Path) -> PathBuf {
    PathBuf::from(format!("{}.lock", file.display()))
}

#[test]
fn a_full_disk_stops_commands_that_must_be_recorded_until_there_is_room() {
    with_own_mounts("audit::a_full_disk_stops_commands_that_must_be_recorded_until_there_is_room", || {
        let dir = tempfile::TempDir::new().unwrap();
        let disk = dir.path().display().to_string();
        run(&format!("mount -t tmpfs -o size=4m tmpfs {disk}"));
        let file = dir.path().join("audit.jsonl");
        let table = format!("[audit]\nfile = {:?}\nrequired = true", file.display().to_string());
        // It is asked again and again until there is room, and each refusal is a record.
        let config = Config::new().slpf("dry-run", "").consumer("rate_limit = 60000").table(&table);
        let daemon = config.start();
        let ballast = dir.path().join("ballast");
        assert!(fs::write(&ballast, vec![0; 8 << 20]).is_err(), "more than there is room for");
        let status =
            |id: &str| post(daemon.address(), PATH, &deny(id)).1["body"]["openc2"]["response"]["status"].clone();
        let mut performed = Vec::new();
        let mut is_refused = false;
        for i in 0..200 {
            let id = format!("full-{i}");
            match status(&id).as_u64() {
                Some(200) => performed.push(id),
                Some(503) => {
                    is_refused = true;
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(is_refused, "{} were performed", performed.len());
        fs::remove_file(&ballast).unwrap();
        wait_until("room", || status("after") == 200);
        let (ended, log) = daemon.terminate();
        assert!(ended.success(), "{log}");
        assert!(log.contains("Audit records cannot be written."), "{log}");
        holds(&config);
        let told = records(&file);
        for id in performed {
            let n = told.iter().filter(|record| record["request_id"] == *id && record["end"] == "performed").count();
            assert_eq!(n, 1, "{id}");
        }
        run(&format!("umount {disk}"));
    });
}

/// Runs the body of a test where it may mount what it likes, by starting the test program once more for this test alone.
fn with_own_mounts(test: &str, body: impl FnOnce()) {
    if std::env::var_os(WITH_OWN_MOUNTS).is_some() {
        return body();
    }
    let ways = [&["--mount"][..], &["--user", "--map-root-user", "--mount"]];
    let works = |way: &&&[&str]| {
        Command::new("unshare").args(**way).arg("true").output().is_ok_and(|output| output.status.success())
    };
    let Some(way) = ways.iter().find(works) else { return skip("a mount namespace") };
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new("unshare");
    command.args(*way).arg(program).args(["--exact", test, "--nocapture"]).env(WITH_OWN_MOUNTS, "1");
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
}

const WITH_OWN_MOUNTS: &str = "OC2_WITH_OWN_MOUNTS";

#[test]
fn a_file_of_something_else_is_left_alone() {
    let (config, file) = audited("");
    config.write();
    fs::write(&file, "precious\n").unwrap();
    let output = Command::new(binary("oc2-consumer")).args(["run", "--config"]).arg(config.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("it is left alone"), "{output:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious\n");
    let output = verify(&config);
    assert_eq!(output.status.code(), Some(1));
}
