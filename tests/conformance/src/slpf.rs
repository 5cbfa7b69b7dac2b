//! Checks of the profile for stateless packet filtering, arranged as it is.
//!
//! What a rule does to packets is seen by whoever stands behind the filter, not by whoever commands it; so these checks look at
//! what is answered, at numbers, and at what is listed. Nets are those for documentation, which nobody has.

mod packets;
mod section_2_1;
mod section_2_3;
mod section_2_3_4;
mod section_3_2;

use serde_json::{Value, json};

use crate::check::Check;
use crate::session::Session;

/// All of them.
pub(crate) fn checks() -> Vec<Check> {
    [section_2_1::checks(), section_2_3::checks(), section_2_3_4::checks(), section_3_2::checks(), packets::checks()]
        .concat()
}

/// The four targets of allow and deny, each with a value that nobody has, made from a number.
const TARGETS: [&str; 4] = ["ipv4_connection", "ipv6_connection", "ipv4_net", "ipv6_net"];

fn value(target: &str, n: u16) -> Value {
    match target {
        "ipv4_net" => json!(format!("192.0.2.{}/32", n % 256)),
        "ipv6_net" => json!(format!("2001:db8::{n:x}/128")),
        "ipv4_connection" => json!({"protocol": "tcp", "src_addr": format!("192.0.2.{}", n % 256), "dst_port": 9}),
        _ => json!({"protocol": "udp", "dst_addr": format!("2001:db8::{n:x}"), "dst_port": 9}),
    }
}

fn rule(action: &str, target: &str, n: u16, args: Value) -> Value {
    let mut command = json!({"action": action, "target": {target: value(target, n)}});
    if !args.is_null() {
        command["args"] = args;
    }
    command
}

/// A pair of allow or deny that the subject lists.
fn listed(session: &Session<'_>) -> Option<(&'static str, &'static str)> {
    let pairs = ["deny", "allow"].into_iter().flat_map(|action| TARGETS.map(|target| (action, target)));
    pairs.into_iter().find(|(action, target)| session.lists(action, target))
}

/// A number for `insert_rule` that was not used before, not even by a run before: numbers are not given twice.
fn fresh_number(n: u64) -> i64 {
    i64::try_from(crate::session::now() % 1_000_000_000 * 1_000 + n).unwrap_or_default()
}

const NO_RULES: &str = "The subject lists no pair of allow or deny.";
