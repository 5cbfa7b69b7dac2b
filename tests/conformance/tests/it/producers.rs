//! Producers as the subject.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::suite::run;

#[test]
fn ours_breaks_nothing() {
    let run = run(&["--subject", "ours-producer"]);
    let empty: [String; 0] = [];
    assert_eq!(run.with("not met"), empty, "{}", run.stderr);
    assert_eq!(run.exit, Some(0), "{}", run.stderr);
    for row in ["HTTPS-050", "LS-219", "SLPF-191", "SLPF-196", "SLPF-200"] {
        assert_eq!(run.verdict(row), "met", "{}", run.row(row));
    }
}

#[test]
fn what_a_producer_sends_wrong_is_found() {
    let body = r#"{"headers":{"request_id":"1","created":1610483630},"body":{"openc2":{"request":{"action":"delete",
        "target":{"slpf:rule_number":"5"},"args":{"duration":5,"duration":6},"x":1}}}}"#;
    let request = |request_id: &str| {
        format!(
            "PUT /openc2 HTTP/1.1\r\nHost: fw\r\nContent-Type: application/json\r\nX-Request-ID: {request_id}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let mut suite = Command::new(env!("CARGO_BIN_EXE_oc2-conformance"))
        .args(["--producer", "127.0.0.1:0", "--silence", "1", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the suite is built with its tests");
    let mut line = String::new();
    BufReader::new(suite.stderr.take().expect("it is piped")).read_line(&mut line).expect("it says where it listens");
    let port = line.split_whitespace().filter_map(|word| word.trim_end_matches(',').parse().ok()).next();
    let port: u16 = port.unwrap_or_else(|| panic!("no port in {line}"));
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    for id in ["1", "1"] {
        stream.write_all(request(id).as_bytes()).expect("it listens");
        assert!(stream.read(&mut [0; 4096]).expect("it answers") > 0);
    }
    let output = suite.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let verdict = |id: &str| {
        let mut rows = report["rows"].as_array().into_iter().flatten();
        rows.find(|row| row["id"] == id).map(|row| row["verdict"].clone()).unwrap_or_default()
    };
    for row in [
        "HTTPS-008",
        "HTTPS-014",
        "HTTPS-041",
        "HTTPS-042",
        "HTTPS-049",
        "HTTPS-050",
        "HTTPS-051",
        "HTTPS-053",
        "LS-079",
        "LS-083",
        "LS-219",
        "LS-227",
        "SLPF-148",
        "SLPF-149",
        "SLPF-183",
    ] {
        assert_eq!(verdict(row), "not met", "{row}");
    }
}
