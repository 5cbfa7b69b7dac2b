//! Producers as the subject: what they send is heard and judged, and answered as a Consumer would.

mod commands;
mod http;
mod mqtt;
mod ours;

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use serde_json::{Value, json};

pub(crate) use self::ours::against_ours;
use crate::clause::ids;
use crate::exchange::Exchange;
use crate::session::now;
use crate::verdict::{Fault, Notes};

/// The rows that it may tell about.
#[cfg_attr(not(test), expect(dead_code, reason = "the test that no row is forgotten looks here"))]
pub(crate) fn rows() -> BTreeSet<&'static str> {
    [commands::ROWS, http::ROWS, mqtt::ROWS].into_iter().flat_map(ids).collect()
}

/// What a Producer was heard to say.
#[derive(Debug, Default)]
pub(crate) struct Hearing {
    pub(crate) notes: Notes,
    request_ids: BTreeSet<String>,
    /// Action and target of what was sent.
    pairs: BTreeSet<(String, String)>,
    n_messages: usize,
}

impl Hearing {
    fn note(&mut self, rows: &str, is_met: bool, point: &str, expected: &str, told: &str, exchange: &Exchange) {
        self.notes.note(ids(rows), is_met, || {
            let [point, expected, told] = [point, expected, told].map(ToOwned::to_owned);
            Fault { point, expected, told, exchange: exchange.clone() }
        });
    }
}

/// Listens for a Producer over HTTP until it has been silent for so long.
pub(crate) fn listen(address: &str, silence: Duration, say: impl FnOnce(u16)) -> io::Result<Notes> {
    let mut hearing = Hearing::default();
    http::listen(address, silence, say, &mut hearing)?;
    commands::sum_up(&mut hearing);
    Ok(hearing.notes)
}

/// A Response as a Consumer with all of SLPF gives it.
fn response(message: &Value, n: usize) -> Value {
    let command = &message["body"]["openc2"]["request"];
    let mut response = json!({"status": 200});
    if command["args"]["response_requested"] == "ack" {
        response = json!({"status": 102});
    } else if command["action"] == "allow" || command["action"] == "deny" {
        let number = command.pointer("/args/slpf/insert_rule").cloned().unwrap_or(json!(1000 + n));
        response["results"] = json!({"slpf": {"rule_number": number}});
    } else if let Some(features) = command["target"]["features"].as_array() {
        let pairs = json!({
            "query": ["features"], "delete": ["slpf:rule_number"], "update": ["file"],
            "allow": ["ipv4_net", "ipv6_net", "ipv4_connection", "ipv6_connection"],
            "deny": ["ipv4_net", "ipv6_net", "ipv4_connection", "ipv6_connection"]
        });
        let all = json!({"versions": ["1.0"], "profiles": ["slpf"], "pairs": pairs, "rate_limit": 60});
        for name in features.iter().filter_map(Value::as_str) {
            response["results"][name] = all[name].clone();
        }
    }
    let mut headers = json!({"created": now(), "from": "conformance"});
    if let Some(id) = message.pointer("/headers/request_id") {
        headers["request_id"] = id.clone();
    }
    json!({"headers": headers, "body": {"openc2": {"response": response}}})
}
