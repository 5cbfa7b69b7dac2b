//! Producers as the subject.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use oc2_tests_broker::{Draft, Mosquitto, RawClient};
use serde_json::Value;

use crate::ours::beside;
use crate::suite::run;

#[test]
fn ours_breaks_nothing() {
    let run = run(&["--subject", "ours-producer"]);
    let empty: [String; 0] = [];
    assert_eq!(run.with("not met"), empty, "{}", run.stderr);
    assert_eq!(run.exit, Some(0), "{}", run.stderr);
    for row in ["HTTPS-028", "HTTPS-050", "LS-219", "MQTT-111", "SLPF-191", "SLPF-196", "SLPF-200"] {
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
    let (suite, place) = listening(&["--producer", "127.0.0.1:0", "--silence", "1"]);
    let port = port_in(&place);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    for id in ["1", "1"] {
        stream.write_all(request(id).as_bytes()).expect("it listens");
        assert!(stream.read(&mut [0; 4096]).expect("it answers") > 0);
    }
    let report = report(suite, 1);
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
        assert_eq!(verdict(&report, row), "not met", "{row}");
    }
}

#[test]
fn a_producer_that_takes_any_certificate_is_found() {
    let (suite, place) = listening(&["--producer", "https://127.0.0.1:0", "--impostor", "--silence", "20"]);
    let url = format!("https://127.0.0.1:{}/.well-known/openc2", port_in(&place));
    let curl = Command::new("curl").args(["--silent", "--insecure", "--max-time", "10", "--data", "{}", &url]).output();
    if curl.is_err() {
        println!("skipped: curl is not installed");
        return;
    }
    assert_eq!(verdict(&report(suite, 1), "HTTPS-028"), "not met");
}

#[test]
fn a_producer_over_tls_is_heard_by_the_certificate_that_is_told() {
    let (suite, said) = listening(&["--producer", "https://127.0.0.1:0", "--silence", "2"]);
    let ca = said.split_whitespace().find(|word| word.ends_with("ca.pem.")).map(|word| word.trim_end_matches('.'));
    let (ca, port) = (ca.unwrap_or_else(|| panic!("no authority in {said}")), port_in(&said));
    let producer = beside("oc2-producer");
    let to = format!("https://localhost:{port}");
    let output = Command::new(producer).args(["--to", &to, "--ca", ca, "heartbeat"]).output().expect("it is built");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let report = report(suite, 0);
    for row in ["HTTPS-018", "HTTPS-019", "HTTPS-020", "HTTPS-021", "HTTPS-023", "HTTPS-025", "HTTPS-026", "HTTPS-050"]
    {
        assert_eq!(verdict(&report, row), "met", "{row}");
    }
}

#[test]
fn what_a_producer_sends_wrong_through_a_broker_is_found() {
    let Some(broker) = Mosquitto::start() else { return };
    let at = format!("mqtt://127.0.0.1:{}", broker.port());
    let (suite, _) = listening(&["--producer", &at, "--silence", "3"]);
    broker.wait_for_log("oc2/cmd/# (QoS 2)", 1);
    let mut client = RawClient::connect(broker.port());
    let body =
        r#"{"headers":{"request_id":"1"},"body":{"openc2":{"request":{"action":"query","target":{"features":[]}}}}}"#;
    // No `from`, retained, and called a Response.
    client.publish(&Draft::openc2("oc2/cmd/device/fw1", "rsp", body).retained());
    let report = report(suite, 1);
    for row in ["MQTT-032", "MQTT-075", "MQTT-078"] {
        assert_eq!(verdict(&report, row), "not met", "{row}");
    }
    for row in ["MQTT-010", "MQTT-023", "MQTT-026", "LS-087"] {
        assert_eq!(verdict(&report, row), "met", "{row}");
    }
}

/// The suite as it listens, and what it says of where.
fn listening(arguments: &[&str]) -> (Child, String) {
    let mut suite = Command::new(env!("CARGO_BIN_EXE_oc2-conformance"))
        .args(arguments)
        .arg("--json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the suite is built with its tests");
    let mut said = String::new();
    let mut stderr = BufReader::new(suite.stderr.take().expect("it is piped"));
    while !said.contains("Let the Producer") {
        let n_read = stderr.read_line(&mut said).expect("it says where it listens");
        assert!(n_read > 0, "it ended: {said}");
    }
    (suite, said)
}

fn port_in(said: &str) -> u16 {
    let mut words = said.split_whitespace().skip_while(|word| *word != "port").skip(1);
    let port = words.next().and_then(|word| word.trim_end_matches(',').parse().ok());
    port.unwrap_or_else(|| panic!("no port in {said}"))
}

fn report(suite: Child, exit: i32) -> Value {
    let output = suite.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(exit));
    serde_json::from_slice(&output.stdout).expect("it is JSON")
}

fn verdict(report: &Value, id: &str) -> Value {
    let mut rows = report["rows"].as_array().into_iter().flatten();
    rows.find(|row| row["id"] == id).map(|row| row["verdict"].clone()).unwrap_or_default()
}
