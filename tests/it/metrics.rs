//! What Prometheus and a supervisor see of the real daemon.

use std::net::{SocketAddr, TcpListener};

use oc2_tests_broker::{Mosquitto, wait_until};
use serde_json::json;

use crate::harness::{Center, Config, DEVICE, Site, exchange, post, query, request};

fn get(address: SocketAddr, path: &str) -> String {
    exchange(address, format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn commands_rules_and_requests_are_counted_on_a_listener_of_their_own() {
    let address = free();
    let config = Config::new().slpf("dry-run", "").table(&format!("[metrics]\nlisten = \"{address}\""));
    let daemon = config.start();
    daemon.command(&["deny", "ipv4_net", "198.51.100.0/24"]).expect(200);
    daemon.command(&["deny", "ipv4_net", "203.0.113.7"]).expect(200);
    daemon.command(&["query", "features"]).expect(200);
    post(daemon.address(), "/.well-known/openc2", "{");
    for i in 0..50 {
        let hostile = format!(
            r#"{{"headers": {{"from": "from-{i}"}}, "body": {{"openc2": {{"request": {{"action": "deny", "target": {{"x-{i}:y-{i}": 1}}}}}}}}}}"#
        );
        post(daemon.address(), "/.well-known/openc2", &hostile);
    }
    let answer = get(address, "/metrics");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("application/openmetrics-text"), "{answer}");
    for line in [
        r#"oc2_commands_total{action="deny",target="ipv4_net",status="200"} 2"#,
        r#"oc2_commands_total{action="query",target="features",status="200"} 1"#,
        r#"oc2_commands_total{action="none",target="none",status="400"} 1"#,
        r#"oc2_commands_total{action="deny",target="other",status="501"} 50"#,
        r#"oc2_commands_by_peer_total{peer="unauthenticated",status="501"} 50"#,
        r#"oc2_command_seconds_count{action="query"} 1"#,
        r#"oc2_rules{chain="OC2"} 2"#,
        "oc2_commands_running 0",
        "oc2_commands_scheduled 0",
        "oc2_request_store_failing 0",
    ] {
        assert!(answer.lines().any(|found| found == line), "{line} is not in\n{answer}");
    }
    assert!(answer.contains("oc2_requests_remembered "), "{answer}");
    assert!(!answer.contains("from-") && !answer.contains("y-"), "{answer}");
    assert!(get(address, "/healthz").starts_with("HTTP/1.1 200 "));
    assert!(get(address, "/").starts_with("HTTP/1.1 404 "));
    let refused = exchange(address, b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    assert!(refused.starts_with("HTTP/1.1 405 "), "{refused}");
    // A silent connection is cut off and keeps nobody out.
    let silent: Vec<_> = (0..3).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
    assert!(get(address, "/healthz").ends_with("ok\n"));
    drop(silent);
    let (status, log) = daemon.terminate();
    assert!(status.success(), "{log}");
}

#[test]
fn metrics_are_for_this_host_unless_forced() {
    let config = Config::new().slpf("dry-run", "").table("[metrics]\nlisten = \"0.0.0.0:9464\"");
    let output = config.check();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("force = true"), "{output:?}");
    let forced = Config::new().slpf("dry-run", "").table("[metrics]\nlisten = \"0.0.0.0:9464\"\nforce = true");
    assert!(forced.check().status.success());
}

#[test]
fn who_was_authenticated_is_counted_by_name() {
    let address = free();
    let site = Site::new();
    let site = Site { config: site.config.table(&format!("[metrics]\nlisten = \"{address}\"")), ..site };
    let daemon = site.start();
    site.ask_as(&daemon, &site.producer("soc-1"), &["query", "features"]).expect(200);
    let nameless = site.producers.client("soc-2");
    site.ask_as(&daemon, &nameless, &["query", "features"]).expect(401);
    let answer = get(address, "/metrics");
    for (peer, status) in [("soc-1", 200), ("unauthenticated", 401)] {
        let line = format!(r#"oc2_commands_by_peer_total{{peer="{peer}",status="{status}"}} 1"#);
        assert!(answer.lines().any(|found| found == line), "{line} is not in\n{answer}");
    }
}

#[test]
fn a_broker_that_is_gone_is_told_and_so_is_that_it_is_back() {
    let Some(mut broker) = Mosquitto::start() else { return };
    let (address, label) = (free(), format!("broker=\"mqtt://127.0.0.1:{}\"", broker.port()));
    let config = Config::new().slpf("dry-run", "").broker(broker.port());
    let config = config.table(&format!("[metrics]\nlisten = \"{address}\""));
    let daemon = config.start_connected();
    let shows = |figure: &str, value: u64| {
        let line = format!("oc2_broker_{figure}{{{label}}} {value}");
        wait_until(&line, || get(address, "/metrics").lines().any(|found| found == line));
    };
    let mut center = Center::connect(broker.port());
    assert_eq!(center.ask(DEVICE, &query())["status"], 200);
    shows("connected", 1);
    shows("connections_total", 1);
    shows("requests", 0);
    assert!(get(address, "/healthz").starts_with("HTTP/1.1 200 "));
    // What is ahead of its time is not settled.
    let ahead = json!({"action": "deny", "target": {"ipv4_net": "10.0.0.0/8"}, "args": {"start_time": 9_000_000_000_000_000_u64}});
    assert_eq!(center.ask(DEVICE, &request("ahead", ahead))["status"], 102);
    shows("requests", 1);

    broker.stop();
    shows("connected", 0);
    shows("connections_total", 1);
    let health = get(address, "/healthz");
    assert!(health.starts_with("HTTP/1.1 503 ") && health.ends_with("no connection to the broker\n"), "{health}");
    // What comes over HTTP is performed all the same.
    daemon.command(&["query", "features"]).expect(200);

    broker.start_again();
    shows("connected", 1);
    shows("connections_total", 2);
    assert!(get(address, "/healthz").ends_with("ok\n"));
    let (status, log) = daemon.terminate();
    assert!(status.success(), "{log}");
}
