//! Allocations for reading one message, counted: `cargo bench -p oc2-encoding --bench allocations`.
//!
//! A program of its own, because counting slows every allocation down.

use allocation_counter::measure;
use oc2_core::shape::read::{Context, Mode};
use oc2_core::{Command, Notation};
use oc2_encoding::{Encoding, Json, read_json};

fn main() {
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    println!("{:<60}{:>8}{:>10}{:>12}", "", "read", "to Value", "to openc2");
    for (name, json) in COMMANDS {
        let ours = measure(|| {
            let mut context = Context::new(Mode::Strict).in_notation(Notation::Verbose);
            let command: Command = read_json(json.as_bytes(), &mut context).expect("a command");
            std::hint::black_box(command);
        });
        let value = measure(|| {
            std::hint::black_box(serde_json::from_str::<serde_json::Value>(json).expect("JSON"));
        });
        let peer = measure(|| {
            let _ = std::hint::black_box(serde_json::from_str::<openc2::json::Command>(json));
        });
        println!("{name:<60}{:>8}{:>10}{:>12}", ours.count_total, value.count_total, peer.count_total);
    }
    let message = measure(|| {
        std::hint::black_box(Json.decode(MESSAGE.as_bytes(), Mode::Strict).expect("a message"));
    });
    let value = measure(|| {
        std::hint::black_box(serde_json::from_str::<serde_json::Value>(MESSAGE).expect("JSON"));
    });
    println!(
        "{:<60}{:>8}{:>10}{:>12}",
        "the last one in a message with four headers", message.count_total, value.count_total, "-"
    );
}

const COMMANDS: [(&str, &str); 6] = [
    ("query features, none", r#"{"action":"query","target":{"features":[]}}"#),
    ("query features, all", r#"{"action":"query","target":{"features":["versions","profiles","pairs","rate_limit"]}}"#),
    ("deny ipv4_net", r#"{"action":"deny","target":{"ipv4_net":"198.51.100.0/24"},"args":{"duration":500}}"#),
    (
        "deny ipv4_connection",
        r#"{"action":"deny","target":{"ipv4_connection":{"protocol":"tcp","src_addr":"1.2.3.4","src_port":10996,"dst_addr":"198.2.3.4","dst_port":80}},"args":{"start_time":1534775460000,"duration":500,"response_requested":"ack"}}"#,
    ),
    ("stop process, by number", r#"{"action":"stop","target":{"process":{"pid":4711,"parent":{"pid":1}}}}"#),
    (
        "deny ipv4_connection, arguments and specifiers of slpf",
        r#"{"action":"deny","target":{"ipv4_connection":{"protocol":"tcp","dst_port":21}},"args":{"duration":500,"slpf":{"drop_process":"false_ack","direction":"egress"}},"actuator":{"slpf":{"asset_id":"30"}}}"#,
    ),
];

const MESSAGE: &str = r#"{"headers":{"request_id":"95ad511c-3339-4111-9c47-9156c47d37d3","created":1595268027000,"from":"Producer1@example.com","to":["consumer1@example.com"]},"body":{"openc2":{"request":{"action":"deny","target":{"ipv4_connection":{"protocol":"tcp","dst_port":21}},"args":{"duration":500,"slpf":{"drop_process":"false_ack","direction":"egress"}},"actuator":{"slpf":{"asset_id":"30"}}}}}}"#;
