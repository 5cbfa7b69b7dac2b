//! Rules as people read them.

use std::fmt::Write;

use jiff::Timestamp;
use serde_json::Value;

use super::report::{Actuator, Report, Rule, Source};

/// All of it as text.
pub(super) fn of(report: &Report) -> String {
    let mut text = match report.source {
        Source::Daemon => String::new(),
        Source::Store => "No daemon runs. This is what it puts in force when it starts:\n".to_owned(),
    };
    if report.actuators.is_empty() {
        text += "The configuration has no actuator that filters packets.\n";
    }
    report.actuators.iter().for_each(|actuator| add(&mut text, actuator));
    text
}

fn add(text: &mut String, actuator: &Actuator) {
    let n_rules = actuator.rules.len();
    let rules = if n_rules == 1 { "1 rule".to_owned() } else { format!("{n_rules} rules") };
    let kernel = match actuator.kernel_agrees {
        Some(true) => "; the kernel holds exactly this",
        Some(false) => "; THE KERNEL HOLDS SOMETHING ELSE",
        None => "; the kernel was not asked",
    };
    let Actuator { backend, chain_prefix, .. } = actuator;
    // Writing into a string does not fail.
    let _ = writeln!(text, "slpf by {backend}, prefix {chain_prefix}: {rules}{kernel}");
    if n_rules == 0 {
        return;
    }
    let rows: Vec<_> = [HEADER.map(ToOwned::to_owned)].into_iter().chain(actuator.rules.iter().map(row)).collect();
    let widths: Vec<_> =
        (0..HEADER.len()).map(|i| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0)).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let _ = writeln!(text, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

fn row(rule: &Rule) -> [String; 8] {
    let action = match rule.drop_process.as_deref() {
        Some("reject") => format!("{} (reject)", rule.action),
        _ => rule.action.clone(),
    };
    let mut remarks = Vec::new();
    if let Some(until) = rule.suspended_until {
        remarks.push(format!("out of force until {}", time(until)));
    }
    if !rule.persistent {
        remarks.push("until a restart".to_owned());
    }
    [
        rule.rule_number.to_string(),
        action,
        rule.direction.clone(),
        target(&rule.target),
        printable(&rule.producer),
        time(rule.created),
        rule.stop_time.map_or("-".to_owned(), time),
        remarks.join(", "),
    ]
}

/// `198.51.100.0/24`, or `tcp any -> 198.51.100.7/32:443`.
fn target(target: &Value) -> String {
    let Some((name, value)) = target.as_object().and_then(|target| target.iter().next()) else { return "?".to_owned() };
    if let Some(net) = value.as_str() {
        return net.to_owned();
    }
    let part = |name: &str| match &value[name] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let family = if name == "ipv6_connection" { "ipv6" } else { "ipv4" };
    let protocol = part("protocol").map_or(family.to_owned(), |protocol| format!("{family} {protocol}"));
    let end = |addr: &str, port: &str| {
        let addr = part(addr).unwrap_or_else(|| "any".to_owned());
        part(port).map_or(addr.clone(), |port| format!("{addr} port {port}"))
    };
    format!("{protocol} {} -> {}", end("src_addr", "src_port"), end("dst_addr", "dst_port"))
}

fn time(milliseconds: u64) -> String {
    let time = i64::try_from(milliseconds).ok().and_then(|time| Timestamp::from_millisecond(time).ok());
    // A peer may name a time beyond the calendar.
    time.map_or_else(|| format!("{milliseconds} ms"), |time| format!("{time:.0}"))
}

/// A name as it came from outside, without what a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

const HEADER: [&str; 8] = ["NUMBER", "ACTION", "DIRECTION", "TARGET", "PRODUCER", "SINCE", "UNTIL", "REMARK"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn targets_are_short_and_whole() {
        for (value, expected) in [
            (json!({"ipv4_net": "198.51.100.0/24"}), "198.51.100.0/24"),
            (
                json!({"ipv4_connection": {"dst_addr": "198.51.100.7/32", "dst_port": 443, "protocol": "tcp"}}),
                "ipv4 tcp any -> 198.51.100.7/32 port 443",
            ),
            (json!({"ipv6_connection": {"src_addr": "2001:db8::/32"}}), "ipv6 2001:db8::/32 -> any"),
        ] {
            assert_eq!(target(&value), expected);
        }
    }

    #[test]
    fn a_name_cannot_speak_to_the_terminal() {
        assert_eq!(printable("soc\u{1b}[2J\n-1"), "soc\\u{1b}[2J\\n-1");
    }

    #[test]
    fn times_are_dates_where_there_is_one() {
        assert_eq!(time(1_534_775_460_000), "2018-08-20T14:31:00Z");
        assert_eq!(time(9_007_199_254_740_991), "9007199254740991 ms");
    }
}
