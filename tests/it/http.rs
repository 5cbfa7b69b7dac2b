//! What the whole daemon says on the wire, byte for byte. Every rule of HTTP is tested in `oc2-transfer-http`.

use serde_json::{Value, json};

use crate::harness::{Config, exchange, post};

#[test]
fn a_command_is_answered_as_the_transfer_specification_has_it() {
    // HTTPS-015, HTTPS-038, HTTPS-045 to HTTPS-047, HTTPS-052, HTTPS-053, SLPF-207
    let config = Config::new();
    let daemon = config.start();
    let query = json!({"body": {"openc2": {"request": {"action": "query", "target": {"features": []}}}}});
    let (head, body) = post(daemon.address(), "/.well-known/openc2", &query.to_string());
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    for line in [
        "content-type: application/openc2+json;version=1.0",
        "x-request-id: beside",
        "cache-control: no-cache",
        "date: ",
    ] {
        assert!(head.contains(line), "{line}: {head}");
    }
    assert_eq!(body["body"]["openc2"]["response"], json!({"status": 200}));
    assert_eq!(
        (&body["headers"]["request_id"], &body["headers"]["from"]),
        (&json!("beside"), &json!("fw1.example.net"))
    );
}

#[test]
fn what_the_transfer_refuses_is_worded_as_a_response() {
    // HTTPS-016, HTTPS-066, H2
    let config = Config::new();
    let daemon = config.start();
    let (head, body) = post(daemon.address(), "/openc2", "{}");
    assert!(head.starts_with("http/1.1 404 "), "{head}");
    assert_eq!(body["body"]["openc2"]["response"]["status"], 404, "{body}");
    assert_eq!(body["headers"]["request_id"], "beside");
    let answer =
        exchange(daemon.address(), b"GET /.well-known/openc2 HTTP/1.1\r\nHost: fw1\r\nConnection: close\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 501 ") && answer.to_lowercase().contains("\r\nallow: post\r\n"), "{answer}");
}

#[test]
fn none_is_an_empty_200_and_an_empty_400_where_it_is_wrong() {
    // HTTPS-080, H3, L4
    let config = Config::new().slpf("dry-run", "");
    let daemon = config.start();
    let none = json!({"response_requested": "none"});
    let deny = json!({"action": "deny", "target": {"ipv4_net": "10.0.0.0/8"}, "args": none});
    let (head, body) = post(daemon.address(), "/.well-known/openc2", &deny.to_string());
    assert!(
        head.starts_with("http/1.1 200 ") && head.contains("content-length: 0") && !head.contains("content-type"),
        "{head}"
    );
    assert_eq!(body, Value::Null);
    let query = json!({"action": "query", "target": {"features": []}, "args": none});
    let (head, body) = post(daemon.address(), "/.well-known/openc2", &query.to_string());
    assert!(head.starts_with("http/1.1 400 ") && head.contains("content-length: 0"), "{head}");
    assert_eq!(body, Value::Null);
}

#[test]
fn commands_and_answers_travel_in_every_form_that_is_switched_on() {
    // M2, E1, E8
    let config = Config::new().http("cbor = true").slpf("dry-run", "");
    let daemon = config.start();
    for encoding in ["json", "json-compact", "json-concise", "cbor", "cbor-verbose", "cbor-id"] {
        let deny = ["--encoding", encoding, "deny", "ipv4_net", "198.51.100.0/24", "--direction", "ingress"];
        let rule = daemon.command(&deny).expect(200).rule();
        daemon.command(&["--encoding", encoding, "delete", "slpf:rule_number", &rule]).expect(200);
        daemon.command(&["--encoding", encoding, "delete", "slpf:rule_number", &rule]).expect(500);
    }
    drop(daemon);

    let config = Config::new().slpf("dry-run", "");
    let daemon = config.start();
    daemon.command(&["--encoding", "cbor", "query", "features"]).expect(400).expect_text("the content type");
    daemon.command(&["--encoding", "json-compact", "query", "features"]).expect(200);
}
