//! SLPF 2.1: actions, targets, arguments, specifiers.

use std::io;

use serde_json::{Value, json};

use super::{NO_RULES, TARGETS, fresh_number, listed, rule};
use crate::check::Check;
use crate::session::Session;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "SLPF-002 SLPF-006 SLPF-007 SLPF-051 SLPF-054..SLPF-056 SLPF-144 SLPF-161",
            "Only pairs of the profile are offered",
            pairs,
        ),
        Check::new(
            "SLPF-016..SLPF-022 SLPF-026 SLPF-028 SLPF-049 SLPF-110",
            "Arguments of the profile are read as it defines them",
            malformed,
        )
        .changing(),
        Check::new("SLPF-005 SLPF-037..SLPF-043", "Specifiers say who is meant", specifiers).changing(),
        Check::new("SLPF-008..SLPF-013 SLPF-083 SLPF-090", "Connections are read as tuples", connections).changing(),
    ]
}

/// The pairs of table 2.3-1.
const PAIRS: [(&str, &[&str]); 5] = [
    ("allow", &TARGETS),
    ("deny", &TARGETS),
    ("query", &["features"]),
    ("delete", &["slpf:rule_number"]),
    ("update", &["file"]),
];

fn pairs(session: &mut Session<'_>) -> io::Result<()> {
    let is_only_slpf = session.facts.profiles == ["slpf"];
    let got = session.ask(json!({"action": "query", "target": {"features": ["pairs"]}}))?;
    if is_only_slpf {
        let own = session.facts.pairs.clone();
        for (action, targets) in &own {
            let allowed = PAIRS.iter().find(|(name, _)| name == action).map(|(_, targets)| *targets);
            session.note(
                "SLPF-002 SLPF-006",
                allowed.is_some(),
                &format!("the action {action} is listed"),
                "one of query, deny, allow, update, delete",
                &got,
            );
            for target in targets {
                let is_met = allowed.is_some_and(|allowed| allowed.contains(&target.as_str()));
                let rows = if target.contains(':') { "SLPF-006" } else { "SLPF-006 SLPF-007" };
                session.note(rows, is_met, &format!("{action} {target} is listed"), "a pair of table 2.3-1", &got);
            }
        }
    } else {
        session.lacks(
            "SLPF-002 SLPF-006 SLPF-007",
            "The subject has other profiles beside slpf, whose pairs are listed together.",
        );
    }
    let file = json!({"name": "a"});
    for (rows, action, target, value) in [
        ("SLPF-006 SLPF-051", "scan", "ipv4_net", json!("192.0.2.1")),
        ("SLPF-006 SLPF-051", "contain", "ipv4_net", json!("192.0.2.1")),
        ("SLPF-007 SLPF-051", "deny", "domain_name", json!("a.example")),
        ("SLPF-054 SLPF-051", "query", "ipv4_net", json!("192.0.2.1")),
        ("SLPF-055 SLPF-144 SLPF-051", "delete", "file", file.clone()),
        ("SLPF-055 SLPF-144 SLPF-051", "delete", "ipv4_net", json!("192.0.2.1")),
        ("SLPF-056 SLPF-161 SLPF-051", "update", "ipv4_net", json!("192.0.2.1")),
        ("SLPF-056 SLPF-161 SLPF-051", "update", "device", json!({"device_id": "a"})),
        ("SLPF-051", "allow", "file", file),
        ("SLPF-051", "deny", "features", json!([])),
    ] {
        let command = json!({"action": action, "target": {target: value}, "actuator": {"slpf": {}}});
        if session.lists(action, target) {
            session.lacks(rows, &format!("The subject lists `{action} {target}`, of another profile perhaps."));
            continue;
        }
        let got = session.ask(command)?;
        session.note(rows, got.status() == Some(501), &format!("{action} {target} to slpf"), "501", &got);
    }
    Ok(())
}

fn malformed(session: &mut Session<'_>) -> io::Result<()> {
    let Some((action, target)) = listed(session) else {
        session.lacks("SLPF-016..SLPF-022 SLPF-026 SLPF-028 SLPF-049 SLPF-110", NO_RULES);
        return Ok(());
    };
    for (rows, args) in [
        ("SLPF-016", json!({"start_time": "now"})),
        ("SLPF-016", json!({"duration": -1})),
        ("SLPF-018", json!({"slpf": {"persistent": "true"}})),
        ("SLPF-019 SLPF-026", json!({"slpf": {"direction": "up"}})),
        ("SLPF-019 SLPF-026", json!({"slpf": {"direction": 1}})),
        ("SLPF-020 SLPF-028", json!({"slpf": {"insert_rule": "5"}})),
        ("SLPF-020 SLPF-028", json!({"slpf": {"insert_rule": 5.5}})),
        ("SLPF-021", json!({"slpf": 5})),
    ] {
        let got = session.ask(rule(action, target, 1, args.clone()))?;
        if got.text().starts_with("Option not supported") {
            session.lacks(rows, &format!("The subject does not support what is wrong in {args}, and says so."));
            continue;
        }
        let rows = format!("{rows} SLPF-049 SLPF-110");
        session.note(&rows, got.status() == Some(400), &format!("{action} {target} with {args}"), "400", &got);
    }
    if session.lists("deny", target) {
        for value in [json!("drop"), json!(1)] {
            let got = session.ask(rule("deny", target, 1, json!({"slpf": {"drop_process": value}})))?;
            let point = format!("deny {target} with drop_process {value}");
            session.note("SLPF-017 SLPF-022", got.status() == Some(400), &point, "400", &got);
        }
    } else {
        session.lacks("SLPF-017 SLPF-022", "The subject does not list deny for this target.");
    }
    // Outside the object of the profile it is no argument at all.
    let got = session.ask(rule(action, target, 1, json!({"direction": "ingress"})))?;
    session.note("SLPF-021", !got.is_ok(), "direction outside args.slpf", "any status but 200", &got);
    let got = session.ask(rule(action, target, 2, json!({"response_requested": "complete"})))?;
    session.note("SLPF-016", got.is_ok(), &format!("{action} {target} with response_requested"), "200", &got);
    let number = fresh_number(1);
    let got = session.ask(rule(
        action,
        target,
        3,
        json!({"response_requested": "complete", "slpf": {"insert_rule": number}}),
    ))?;
    let is_read = got.status() != Some(400);
    session.note("SLPF-020 SLPF-028", is_read, &format!("insert_rule {number}"), "it is understood", &got);
    Ok(())
}

fn specifiers(session: &mut Session<'_>) -> io::Result<()> {
    let Some((action, target)) = listed(session) else {
        session.lacks("SLPF-005 SLPF-037..SLPF-043", NO_RULES);
        return Ok(());
    };
    let with = |n: u16, actuator: Value| {
        let mut command = rule(action, target, n, json!({"response_requested": "complete"}));
        command["actuator"] = actuator;
        command
    };
    let eleven: Vec<_> = (0..11).map(|n| n.to_string()).collect();
    for (rows, actuator) in [
        ("SLPF-005", json!({"slpf": {}, "x-none": {}})),
        ("SLPF-037", json!({"asset_id": "30"})),
        ("SLPF-038", json!({"slpf": {"hostname": 5}})),
        ("SLPF-039", json!({"slpf": {"named_group": 5}})),
        ("SLPF-040", json!({"slpf": {"asset_id": 30}})),
        ("SLPF-041", json!({"slpf": {"asset_tuple": []}})),
        ("SLPF-041", json!({"slpf": {"asset_tuple": eleven}})),
    ] {
        let got = session.ask(with(1, actuator.clone()))?;
        session.note(rows, got.status() == Some(400), &format!("the actuator {actuator}"), "400", &got);
    }
    let nobody = format!("nobody-{}", session.fresh_id());
    for (rows, actuator) in [
        ("SLPF-043 SLPF-038", json!({"slpf": {"hostname": "nobody.invalid"}})),
        ("SLPF-043 SLPF-038", json!({"slpf": {"hostname": "198.51.100.254"}})),
        ("SLPF-043 SLPF-039", json!({"slpf": {"named_group": nobody}})),
        ("SLPF-043 SLPF-040", json!({"slpf": {"asset_id": nobody}})),
        ("SLPF-043 SLPF-041", json!({"slpf": {"asset_tuple": [nobody]}})),
    ] {
        let got = session.ask(with(2, actuator.clone()))?;
        let is_met = !matches!(got.status(), Some(200 | 102 | 400)) && got.rule_number().is_none();
        session.note(rows, is_met, &format!("the actuator {actuator}, whom nobody is"), "it is not performed", &got);
    }
    let got = session.ask(with(3, json!({"slpf": {}})))?;
    session.note("SLPF-037 SLPF-042", got.is_ok(), "the actuator {\"slpf\": {}}", "200: every slpf is meant", &got);
    Ok(())
}

fn connections(session: &mut Session<'_>) -> io::Result<()> {
    for (target, rows, address) in
        [("ipv4_connection", "SLPF-009 SLPF-083", "192.0.2.1"), ("ipv6_connection", "SLPF-012 SLPF-090", "2001:db8::1")]
    {
        let Some(action) = ["deny", "allow"].into_iter().find(|action| session.lists(action, target)) else {
            let all =
                if target == "ipv4_connection" { "SLPF-008..SLPF-010 SLPF-083" } else { "SLPF-011..SLPF-013 SLPF-090" };
            session.lacks(all, &format!("The subject lists neither deny nor allow of {target}."));
            continue;
        };
        let ask = |session: &mut Session<'_>, value: &Value| {
            session
                .ask(json!({"action": action, "target": {target: value}, "args": {"response_requested": "complete"}}))
        };
        // Each combination of the five parts, as bits; none of them is malformed.
        for subset in 1..32_u8 {
            let parts = [
                ("src_addr", json!(address)),
                ("src_port", json!(9)),
                ("dst_addr", json!(address)),
                ("dst_port", json!(9)),
                ("protocol", json!("udp")),
            ];
            let parts = parts.into_iter().enumerate().filter(|(n, _)| subset & (1 << n) != 0);
            let value: Value =
                parts.map(|(_, (name, value))| (name.to_owned(), value)).collect::<serde_json::Map<_, _>>().into();
            // What would stop the traffic of others is not for a subject that somebody uses.
            if !session.asked.is_ours && value.get("src_addr").is_none() && value.get("dst_addr").is_none() {
                continue;
            }
            let got = ask(session, &value)?;
            session.note(
                rows,
                got.status() != Some(400),
                &format!("{action} {target} {value}"),
                "any status but 400",
                &got,
            );
        }
        for protocol in ["tcp", "udp", "sctp"] {
            let got = ask(session, &json!({"protocol": protocol, "src_addr": address, "src_port": 9, "dst_port": 9}))?;
            let is_met = got.is_ok() || got.status() == Some(501);
            session.note(rows, is_met, &format!("{action} {target} of {protocol}"), "200, or 501", &got);
        }
        let (icmp, other) =
            if target == "ipv4_connection" { ("SLPF-008", "SLPF-010") } else { ("SLPF-011", "SLPF-013") };
        let got = ask(session, &json!({"protocol": "icmp", "src_addr": address, "src_port": 8, "dst_port": 0}))?;
        session.note(
            icmp,
            got.status() != Some(400),
            "icmp with type 8 and code 0 in the places of the ports",
            "any status but 400",
            &got,
        );
        let got = ask(session, &json!({"protocol": "icmp", "src_addr": address, "src_port": 256}))?;
        session.note(icmp, !got.is_ok(), "icmp with type 256", "any status but 200: types are octets", &got);
        let got = ask(session, &json!({"protocol": "gre", "src_addr": address, "dst_port": 9}))?;
        session.note(other, !got.is_ok(), "another protocol with a port", "any status but 200", &got);
    }
    Ok(())
}
