//! What the whole daemon says on the wire, byte for byte. Every rule of HTTP is tested in `oc2-transfer-http`.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::harness::{Config, Site, exchange, post};

/// The same in Testing mode and in Operations mode (HTTPS 4.2.2-1).
fn in_both_modes(configure: impl Fn(Config) -> Config, check: impl Fn(SocketAddr)) {
    let config = configure(Config::new());
    let daemon = config.start();
    check(daemon.address());
    drop(daemon);

    let site = Site::new();
    let site = Site { config: configure(site.config), ..site };
    let daemon = site.start();
    let producer = site.producer("soc-1");
    check(SocketAddr::from(([127, 0, 0, 1], site.way(&daemon, Some(&producer)))));
}

#[test]
fn a_command_is_answered_as_the_transfer_specification_has_it() {
    // HTTPS-015, HTTPS-029, HTTPS-038, HTTPS-045 to HTTPS-047, HTTPS-052, HTTPS-053, HTTPS-059, HTTPS-060, HTTPS-065, HTTPS-068,
    // HTTPS-069, HTTPS-070, SLPF-207
    in_both_modes(
        |config| config,
        |address| {
            let query = json!({"body": {"openc2": {"request": {"action": "query", "target": {"features": []}}}}});
            let (head, body) = post(address, "/.well-known/openc2", &query.to_string());
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
        },
    );
}

#[test]
fn a_body_holds_one_message_and_nothing_else() {
    // HTTPS-010, HTTPS-064, HTTPS-070
    in_both_modes(
        |config| config,
        |address| {
            let query = json!({"body": {"openc2": {"request": {"action": "query", "target": {"features": []}}}}});
            for body in
                [format!("[{query},{query}]"), format!("{query}{query}"), format!("{query}x"), format!("{query}]")]
            {
                let (head, answer) = post(address, "/.well-known/openc2", &body);
                assert!(head.starts_with("http/1.1 400 "), "{body}: {head}");
                // An array may be a message in compact JSON, and is answered so.
                assert!(answer.to_string().contains("\"status\":400"), "{body}: {answer}");
            }
            assert!(post(address, "/.well-known/openc2", &format!(" {query}\n")).0.starts_with("http/1.1 200 "));
        },
    );
}

#[test]
fn what_the_transfer_refuses_is_worded_as_a_response() {
    // HTTPS-016, HTTPS-062, HTTPS-066, HTTPS-070, H2
    in_both_modes(
        |config| config,
        |address| {
            let (head, body) = post(address, "/openc2", "{}");
            assert!(head.starts_with("http/1.1 404 "), "{head}");
            assert_eq!(body["body"]["openc2"]["response"]["status"], 404, "{body}");
            assert_eq!(body["headers"]["request_id"], "beside");
            let get = b"GET /.well-known/openc2 HTTP/1.1\r\nHost: fw1\r\nConnection: close\r\n\r\n";
            let answer = exchange(address, get);
            let is_refused =
                answer.starts_with("HTTP/1.1 501 ") && answer.to_lowercase().contains("\r\nallow: post\r\n");
            assert!(is_refused, "{answer}");
        },
    );
}

#[test]
fn none_is_an_empty_200_and_an_empty_400_where_it_is_wrong() {
    // HTTPS-070, HTTPS-080, H3, L4
    in_both_modes(
        |config| config.slpf("dry-run", ""),
        |address| {
            let none = json!({"response_requested": "none"});
            let deny = json!({"action": "deny", "target": {"ipv4_net": "10.0.0.0/8"}, "args": none});
            let (head, body) = post(address, "/.well-known/openc2", &deny.to_string());
            assert!(
                head.starts_with("http/1.1 200 ")
                    && head.contains("content-length: 0")
                    && !head.contains("content-type"),
                "{head}"
            );
            assert_eq!(body, Value::Null);
            let query = json!({"action": "query", "target": {"features": []}, "args": none});
            let (head, body) = post(address, "/.well-known/openc2", &query.to_string());
            assert!(head.starts_with("http/1.1 400 ") && head.contains("content-length: 0"), "{head}");
            assert_eq!(body, Value::Null);
        },
    );
}

#[test]
fn commands_and_answers_travel_in_every_form_that_is_switched_on() {
    // M2, E1, E8
    let config = Config::new().http("cbor = true").slpf("dry-run", "");
    let daemon = config.start();
    for encoding in ["json", "json-ascii", "json-compact", "json-concise", "cbor", "cbor-verbose", "cbor-id"] {
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
