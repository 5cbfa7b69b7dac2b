//! What rules do to packets, in namespaces of their own.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::suite::run;

#[test]
fn packets_show_what_answers_cannot() {
    let arguments: Vec<_> = ROWS.iter().flat_map(|row| ["--id", row]).collect();
    let run = run(&arguments);
    if has_no_namespaces(&run.stderr) {
        return;
    }
    for row in ROWS {
        assert_eq!(run.verdict(row), "met", "{} {}", run.row(row), run.stderr);
        assert_eq!(run.row(row)["reasons"].as_array().map(Vec::len), Some(0), "{}", run.row(row));
    }
}

#[test]
fn a_filter_that_answers_and_does_nothing_is_found() {
    let is_root = rustix::process::geteuid().is_root();
    let flags: &[&str] = if is_root { &[] } else { &["--user", "--map-root-user"] };
    // Its standard input stays open as long as it runs.
    let child = Command::new("unshare")
        .args(flags)
        .args(["--net", "--mount", "--pid", "--fork", "--kill-child=KILL", "--", env!("CARGO_BIN_EXE_oc2-conformance")])
        .args(["--enclosed", "dry-run"])
        .args(ROWS[..4].iter().flat_map(|row| ["--id", row]))
        .env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        assert!(has_no_namespaces("No packet was looked at"));
        return;
    };
    let leash = child.stdin.take();
    let output = child.wait_with_output().expect("it is our child");
    drop(leash);
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(has_no_namespaces(&format!("No packet was looked at: {stderr}")));
        return;
    }
    let notes: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    for row in &ROWS[..4] {
        assert!(notes[*row]["n_faults"].as_u64().is_some_and(|n| n > 0), "{row}: {}", notes[*row]);
    }
}

/// Where CI is set that is a failure.
fn has_no_namespaces(stderr: &str) -> bool {
    let has_none = stderr.contains("No packet was looked at");
    assert!(!has_none || std::env::var_os("CI").is_none(), "{stderr}");
    if has_none {
        println!("skipped: {stderr}");
    }
    has_none
}

/// One of each kind of evidence; the first four are of no filter that does nothing.
const ROWS: [&str; 8] =
    ["SLPF-023", "SLPF-024", "SLPF-027", "SLPF-136", "SLPF-084", "SLPF-105", "SLPF-164", "SLPF-033"];
