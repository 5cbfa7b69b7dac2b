//! What the standards print, and the vectors that all forms have in common.

use serde_json::Value;

use crate::support::{accepted, becomes, commands, in_request, in_response, messages, refused, responses, tolerated};

// LS 1.5.2, 3.1.4
#[test]
fn the_examples_of_the_introduction_and_of_extensions_are_read() {
    let upper = r#"{"action":"deny","target":{"file":{"hashes":{"sha256":"22FE72A34F006EA67D26BB7004E2B6941B5C3953D43AE7EC24D41B1A928A6973"}}}}"#;
    commands(&[
        (
            // L16: LS 3.1.5 forbids the lower case that LS 1.5.2, SLPF 1.5.2 and HTTPS 1.1 3.3.2 print.
            r#"{"action":"deny","target":{"file":{"hashes":{"sha256":"22fe72a34f006ea67d26bb7004e2b6941b5c3953d43ae7ec24d41b1a928a6973"}}}}"#,
            tolerated("target.file.hashes.sha256: Base16 has no lower-case letters (RFC 4648 section 8)")
                .written(upper),
        ),
        (r#"{"action":"delete","target":{"slpf:rule_number":1234}}"#, accepted()),
        (
            r#"{"action":"deny","target":{"ipv6_net":"2001:db8::/32"},"args":{"slpf":{"direction":"ingress"}}}"#,
            accepted(),
        ),
        (
            r#"{"action":"deny","target":{"ipv4_connection":{"dst_port":80}},"actuator":{"slpf":{"asset_id":"30"}}}"#,
            accepted(),
        ),
    ]);
    responses(&[
        (r#"{"status":200,"results":{"slpf":{"rule_number":1234}}}"#, accepted()),
        (r#"{"status":200,"results":{"versions":["1.0"]}}"#, accepted()),
    ]);
}

// LS 4.2, annexes A and C; LS-149, LS-161, LS-204
#[test]
fn the_examples_of_the_language_are_read() {
    commands(&[
        (r#"{"action":"query","target":{"features":[]}}"#, accepted()),
        (r#"{"action":"query","target":{"features":["versions","profiles","rate_limit"]}}"#, accepted()),
        (r#"{"action":"contain","target":{"device":{"device_id":"9BCE8431AC106FAA3861C7E771D20E53"}}}"#, accepted()),
        (
            r#"{"action":"deny",
                "target":{"ipv4_connection":{
                    "protocol":"tcp","src_addr":"1.2.3.4","src_port":10996,"dst_addr":"198.2.3.4","dst_port":80}},
                "args":{"start_time":1534775460000,"duration":500,"response_requested":"ack","slpf":{"drop_process":"none"}},
                "actuator":{"slpf":{"asset_id":"30"}}}"#,
            accepted(),
        ),
        (
            r#"{"action":"query","target":{"properties":["battery"]},"actuator":{"x-esm":{"asset_id":"TGEadsasd"}}}"#,
            accepted(),
        ),
    ]);
    responses(&[
        (r#"{"status":200}"#, accepted()),
        (r#"{"status":102}"#, accepted()),
        (r#"{"status":200,"results":{"versions":["1.0"],"profiles":["slpf","x-lock"],"rate_limit":30}}"#, accepted()),
        (
            r#"{"status":200,"results":{"x-esm":{
                "battery":{"capacity":0.577216,"charged_at":1547506988,"status":12,
                    "mode":{"output":"high","supported":["high","trickle"]},"visible_on_display":true},
                "asset_id":"TGEadsasd"}}}"#,
            accepted(),
        ),
        (
            r#"{"status":200,"results":{"pairs":{
                "allow":["ipv6_net","ipv6_connection"],"deny":["ipv6_net","ipv6_connection"],"query":["features"],
                "delete":["slpf:rule_number"],"update":["file"]}}}"#,
            accepted(),
        ),
    ]);
}

// SLPF annex A; SLPF-204
#[test]
fn the_examples_of_packet_filtering_are_read() {
    commands(&[
        (
            r#"{"action":"deny","target":{"ipv4_connection":{"protocol":"tcp","src_port":21}},
                "args":{"slpf":{"drop_process":"false_ack","direction":"egress"}},"actuator":{"slpf":{}}}"#,
            accepted(),
        ),
        (
            r#"{"action":"deny","target":{"ipv6_net":"3ffe:1900:4545:3:200:f8ff:fe21:67cf"},
                "args":{"response_requested":"none","slpf":{"direction":"ingress"}},
                "actuator":{"slpf":{"named_group":"perimeter"}}}"#,
            accepted(),
        ),
        (
            r#"{"action":"allow","target":{"ipv6_connection":{
                "protocol":"tcp","dst_addr":"3ffe:1900:4545:3::f8ff:fe21:67cf","src_port":21}},"actuator":{"slpf":{}}}"#,
            // L18: RFC 5952 4.2.2 does not shorten a single zero, as SLPF A.1.4 does.
            becomes(
                r#"{"action":"allow","target":{"ipv6_connection":{
                    "protocol":"tcp","dst_addr":"3ffe:1900:4545:3:0:f8ff:fe21:67cf","src_port":21}},"actuator":{"slpf":{}}}"#,
            ),
        ),
        (
            r#"{"action":"delete","target":{"slpf:rule_number":1234},"args":{"response_requested":"complete"},
                "actuator":{"slpf":{}}}"#,
            accepted(),
        ),
        (
            r#"{"action":"update","target":{"file":{
                "path":"\\\\someshared-drive\\somedirectory\\configurations","name":"firewallconfiguration.txt"}},
                "actuator":{"slpf":{"named_group":"network"}}}"#,
            accepted(),
        ),
        (r#"{"action":"query","target":{"features":["versions"]}}"#, accepted()),
        (r#"{"action":"query","target":{"features":["versions","profiles"]}}"#, accepted()),
        (r#"{"action":"query","target":{"features":["pairs"]}}"#, accepted()),
    ]);
    let nsid = "body.openc2.response.results.profiles[1]: \"iot-front-door-lock\" is not a namespace identifier \
                (1 to 16 letters, digits, - and _)";
    responses(&[
        (r#"{"status":400,"status_text":"Validation Error: Target: ip_conection"}"#, accepted()),
        (r#"{"status":501}"#, accepted()),
        (r#"{"status":200,"results":{"slpf":{"rule_number":1234}}}"#, accepted()),
        (r#"{"status":501,"status_text":"Update-File Not Implemented"}"#, accepted()),
        (r#"{"status":500,"status_text":"Server error, Cannot access file"}"#, accepted()),
        (r#"{"status":200,"results":{"versions":["1.0"]}}"#, accepted()),
        // A.4.2 is printed with a comma too many.
        (
            r#"{"status":200,"results":{"versions":["1.0"],}}"#,
            refused("body.openc2.response.results: not JSON: trailing comma at line 1 column 75"),
        ),
        // A.4.3 has a profile of 19 characters (L30).
        (r#"{"status":200,"results":{"versions":["1.3"],"profiles":["slpf","iot-front-door-lock"]}}"#, refused(nsid)),
    ]);
}

// HTTPS 1.1 3.3.2, MQTT 1.0 appendix E; M4: the times of MQTT are in seconds and are taken as they are.
#[test]
fn the_examples_of_the_transfers_are_read() {
    messages(&[
        (
            r#"{"headers":{"request_id":"d1ac0489-ed51-4345-9175-f3078f30afe5","created":1545257700000,
                "from":"oc2producer.company.net","to":["oc2consumer.company.net"]},
                "body":{"openc2":{"request":{"action":"query","target":{"features":["versions"]}}}}}"#,
            accepted(),
        ),
        (
            r#"{"headers":{"request_id":"0e3d8fa8-0bae-4055-a341-9c97b4f328f7","created":1545257700000,"from":"...",
                "to":["..."]},"body":{"openc2":{"response":{"status":200,"status_text":"..."}}}}"#,
            accepted(),
        ),
        (
            r#"{"headers":{"request_id":"uuid_1","created":1610483630,"from":"Producer1@example.com"},
                "body":{"openc2":{"request":{"action":"query","target":{"features":["profiles"]}}}}}"#,
            accepted(),
        ),
        (
            r#"{"headers":{"request_id":"uuid_1","created":1610483633,"from":"Consumer1@example.com"},
                "body":{"openc2":{"response":{"status":200,"results":{"profiles":["slpf"]}}}}}"#,
            accepted(),
        ),
        (
            r#"{"headers":{"request_id":"uuid_1","created":1610483632,"from":"Consumer3@example.com"},
                "body":{"openc2":{"response":{"status":200,"results":{"profiles":["edr","sbom"]}}}}}"#,
            accepted(),
        ),
        (
            r#"{"headers":{"request_id":"uuid_2","created":1610483633,"from":"Consumer1@example.com"},
                "body":{"openc2":{"response":{"status":102}}}}"#,
            accepted(),
        ),
        // What the OIF sends (M5, M8).
        (
            r#"{"headers":{"request_id":"a","created":1545257700000,"from":null,"to":[]},
                "body":{"openc2":{"request":{"action":"query","target":{"features":[]}}}}}"#,
            tolerated("headers.from: null where the member is to be left out")
                .noted("headers.to: an empty list is to be left out")
                .written(
                    r#"{"headers":{"request_id":"a","created":1545257700000},
                        "body":{"openc2":{"request":{"action":"query","target":{"features":[]}}}}}"#,
                ),
        ),
    ]);
}

// LS-008, SLPF-184, SLPF-205
#[test]
fn the_json_of_every_vector_is_read_and_written_back() {
    let vectors: Value = serde_json::from_str(include_str!("../data/cbor-vectors.json")).expect("JSON");
    let vectors = vectors["vectors"].as_array().expect("a list");
    assert_eq!(vectors.len(), 23);
    for vector in vectors {
        let json = vector["json"].to_string();
        let message = match vector["type"].as_str() {
            Some("OpenC2-Command") => in_request(&json),
            Some("OpenC2-Response") => in_response(&json),
            Some("Message") => json.clone(),
            other => panic!("{other:?}"),
        };
        let written = message.replace("3ffe:1900:4545:3::f8ff:fe21:67cf", "3ffe:1900:4545:3:0:f8ff:fe21:67cf");
        messages(&[(&message, becomes(&written))]);
        // The vectors count the bytes of the shortest spelling.
        assert_eq!(Some(json.len() as u64), vector["json_len"].as_u64(), "{json}");
    }
}
