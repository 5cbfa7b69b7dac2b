//! SLPF 2.3.1 and 2.3.2: allow and deny.

use std::io;

use serde_json::{Value, json};

use super::{NO_RULES, TARGETS, fresh_number, listed, rule};
use crate::check::Check;
use crate::session::Session;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "SLPF-015 SLPF-045 SLPF-047 SLPF-048 SLPF-052 SLPF-053 SLPF-075 SLPF-076 SLPF-083 SLPF-090 SLPF-097 SLPF-104 SLPF-110 \
             SLPF-119 SLPF-120 SLPF-136 SLPF-140 LS-042 LS-043 LS-138",
            "Rules are made, and get a number",
            rules,
        )
        .changing(),
        Check::new("SLPF-057..SLPF-059 SLPF-111..SLPF-113 SLPF-063..SLPF-065 SLPF-031 SLPF-032", "Arguments are taken as table 2.3-2 has it", arguments)
            .changing(),
        Check::new(
            "SLPF-029 SLPF-030 SLPF-077..SLPF-080 SLPF-121..SLPF-124",
            "A rule number is that of one rule",
            numbers,
        )
        .changing(),
        Check::new(
            "SLPF-085..SLPF-087 SLPF-092..SLPF-094 SLPF-099..SLPF-101 SLPF-106..SLPF-108 SLPF-129 SLPF-130 SLPF-133 SLPF-134 \
             SLPF-137 SLPF-138 SLPF-141 SLPF-142",
            "What is not implemented is refused",
            not_implemented,
        ),
        Check::new("SLPF-071..SLPF-073 SLPF-126", "What cannot be implemented is refused", impossible).changing(),
    ]
}

fn is_pair_of(action: &str, allow: &'static str, deny: &'static str) -> &'static str {
    if action == "allow" { allow } else { deny }
}

fn rules(session: &mut Session<'_>) -> io::Result<()> {
    let deletes = session.lists("delete", "slpf:rule_number");
    let mut numbers: Vec<i64> = Vec::new();
    let got = session.ask(json!({"action": "query", "target": {"features": ["pairs"]}}))?;
    for action in ["allow", "deny"] {
        let mut n_listed = 0;
        for (n, target) in (20..).zip(TARGETS) {
            if !session.lists(action, target) {
                session.lacks(
                    is_pair_of(action, "SLPF-052", "SLPF-053"),
                    &format!("The subject does not list `{action} {target}`."),
                );
                continue;
            }
            n_listed += 1;
            let got = session.ask(rule(action, target, n, json!({"response_requested": "complete"})))?;
            let point = format!("{action} {target}");
            let parts = match target {
                "ipv4_net" => is_pair_of(action, "SLPF-097", "SLPF-136"),
                "ipv6_net" => is_pair_of(action, "SLPF-104", "SLPF-140"),
                "ipv4_connection" => "SLPF-083",
                _ => "SLPF-090",
            };
            let rows = format!("{} {parts} SLPF-045 SLPF-048", is_pair_of(action, "SLPF-052", "SLPF-053 SLPF-110"));
            session.note(&rows, got.is_ok(), &point, "200", &got);
            if deletes {
                let number = got.rule_number();
                let rows = is_pair_of(action, "SLPF-076 SLPF-047 LS-042", "SLPF-120 SLPF-047 LS-042");
                session.note(
                    rows,
                    number.is_some(),
                    &point,
                    "results.slpf.rule_number, since delete is supported",
                    &got,
                );
                if let Some(number) = number {
                    let is_new = !numbers.contains(&number);
                    session.note("SLPF-015 SLPF-030", is_new, &point, "a number of its own", &got);
                    numbers.push(number);
                }
            } else {
                session.lacks(
                    is_pair_of(action, "SLPF-076 SLPF-047", "SLPF-120 SLPF-047"),
                    "The subject does not support delete.",
                );
            }
        }
        if n_listed == 0 {
            session.lacks("SLPF-048 SLPF-045", NO_RULES);
        } else if deletes {
            let rows = is_pair_of(action, "SLPF-075", "SLPF-119");
            session.note(rows, true, "delete slpf:rule_number is listed", "", &got);
        } else {
            session.lacks(is_pair_of(action, "SLPF-075", "SLPF-119"), "The subject does not support delete.");
        }
    }
    Ok(())
}

fn arguments(session: &mut Session<'_>) -> io::Result<()> {
    let hour = 3_600_000_u64;
    let (now, mut n) = (crate::session::now(), 40);
    for action in ["allow", "deny"] {
        let Some(target) = TARGETS.into_iter().find(|target| session.lists(action, target)) else {
            session.lacks(
                is_pair_of(action, "SLPF-057 SLPF-058 SLPF-063..SLPF-065", "SLPF-059 SLPF-111..SLPF-113"),
                NO_RULES,
            );
            continue;
        };
        let mut table = vec![
            json!({"response_requested": "complete"}),
            json!({"stop_time": now + hour}),
            json!({"duration": hour}),
            json!({"slpf": {"persistent": false}}),
            json!({"slpf": {"persistent": true}}),
            json!({"slpf": {"direction": "ingress"}}),
            json!({"slpf": {"direction": "egress"}}),
            json!({"slpf": {"direction": "both"}}),
            json!({"response_requested": "complete", "slpf": {"insert_rule": fresh_number(n.into())}}),
        ];
        if action == "deny" {
            table.push(json!({"slpf": {"drop_process": "none"}}));
            table.push(json!({"slpf": {"drop_process": "reject"}}));
            table.push(json!({"slpf": {"drop_process": "false_ack"}}));
        }
        for args in table {
            n += 1;
            let got = session.ask(rule(action, target, n, args.clone()))?;
            optional(session, action, &args, &got);
        }
        n += 1;
        let got = session.ask(rule(action, target, n, json!({"x-none": {"a": 1}})))?;
        unsupported(session, action, "an argument of a profile that nobody has", &got);
        if action == "allow" {
            n += 1;
            let got = session.ask(rule(action, target, n, json!({"slpf": {"drop_process": "none"}})))?;
            session.note("SLPF-058", !got.is_ok(), "allow with drop_process", "any status but 200", &got);
            unsupported(session, action, "drop_process", &got);
        }
    }
    Ok(())
}

/// An argument of table 2.3-2: performed, or refused as what is not supported.
fn optional(session: &mut Session<'_>, action: &str, args: &Value, got: &crate::exchange::Exchange) {
    let rows = is_pair_of(action, "SLPF-057", "SLPF-059");
    let point = format!("{action} with {args}");
    if matches!(got.status(), Some(500 | 501)) {
        // The table says what may be given with the action, not that everybody implements it.
        session.lacks(rows, &format!("Does not apply: the subject does not implement {args}."));
        unsupported(session, action, &args.to_string(), got);
        if args.pointer("/slpf/direction").is_some() {
            session.note("SLPF-031", true, &point, "", got);
            session.note("SLPF-032", got.status() == Some(501), &point, "501", got);
        }
        return;
    }
    session.note(rows, got.is_ok(), &point, "200, or 501 where it is not supported", got);
    if args.pointer("/slpf/direction").is_some() {
        session.lacks("SLPF-031 SLPF-032", "Does not apply: the subject supports direction.");
    }
}

fn unsupported(session: &mut Session<'_>, action: &str, what: &str, got: &crate::exchange::Exchange) {
    let [must, should, text] =
        if action == "allow" { ["SLPF-063", "SLPF-064", "SLPF-065"] } else { ["SLPF-111", "SLPF-112", "SLPF-113"] };
    let point = format!("{action} with {what}, which is not supported");
    session.note(must, !got.is_ok(), &point, "any status but 200", got);
    session.note(should, got.status() == Some(501), &point, "501", got);
    let is_met = got.text().starts_with("Option not supported");
    session.note(text, is_met, &point, "status_text \"Option not supported\", something behind it perhaps", got);
}

fn numbers(session: &mut Session<'_>) -> io::Result<()> {
    for action in ["allow", "deny"] {
        let [assigned, must, should, text] = if action == "allow" {
            ["SLPF-077", "SLPF-078", "SLPF-079", "SLPF-080"]
        } else {
            ["SLPF-121", "SLPF-122", "SLPF-123", "SLPF-124"]
        };
        let all = format!("{assigned} {must} {should} {text} SLPF-029 SLPF-030");
        let Some(target) = TARGETS.into_iter().find(|target| session.lists(action, target)) else {
            session.lacks(&all, NO_RULES);
            continue;
        };
        let number = fresh_number(if action == "allow" { 100 } else { 200 });
        let args = json!({"response_requested": "complete", "slpf": {"insert_rule": number}});
        let got = session.ask(rule(action, target, 100, args.clone()))?;
        if got.status() == Some(501) {
            session.lacks(&all, "The subject does not support insert_rule.");
            continue;
        }
        let point = format!("{action} with insert_rule {number}");
        session.note(assigned, got.rule_number() == Some(number), &point, "the rule gets this number", &got);
        let got = session.ask(rule(action, target, 101, args))?;
        let point = format!("{point}, which is in use");
        session.note(&format!("{must} SLPF-030"), !got.is_ok(), &point, "any status but 200", &got);
        session.note(should, got.status() == Some(501), &point, "501", &got);
        let is_met = got.text().starts_with("Rule number currently in use");
        session.note(text, is_met, &point, "status_text \"Rule number currently in use\"", &got);
        // Others come and go; the number stays that of its rule.
        let other = session.ask(rule(action, target, 102, json!({"response_requested": "complete"})))?;
        if let (Some(other), true) = (other.rule_number(), session.lists("delete", "slpf:rule_number")) {
            session.ask(json!({"action": "delete", "target": {"slpf:rule_number": other}}))?;
            session.forget(other);
            let got = session.ask(json!({"action": "delete", "target": {"slpf:rule_number": number}}))?;
            session.forget(number);
            session.note(
                "SLPF-029",
                got.is_ok(),
                "delete by the number that was asked for, after others came and went",
                "200",
                &got,
            );
        } else {
            session.lacks("SLPF-029", "The subject does not support delete, by which a rule is found again.");
        }
    }
    Ok(())
}

fn not_implemented(session: &mut Session<'_>) -> io::Result<()> {
    for (action, target, must, should, text) in [
        ("allow", "ipv4_connection", "SLPF-085", "SLPF-086", "SLPF-087"),
        ("allow", "ipv6_connection", "SLPF-092", "SLPF-093", "SLPF-094"),
        ("allow", "ipv4_net", "SLPF-099", "SLPF-100", "SLPF-101"),
        ("allow", "ipv6_net", "SLPF-106", "SLPF-107", "SLPF-108"),
        ("deny", "ipv4_connection", "SLPF-129", "SLPF-130", "SLPF-130"),
        ("deny", "ipv6_connection", "SLPF-133", "SLPF-134", "SLPF-134"),
        ("deny", "ipv4_net", "SLPF-137", "SLPF-138", "SLPF-138"),
        ("deny", "ipv6_net", "SLPF-141", "SLPF-142", "SLPF-142"),
    ] {
        if session.lists(action, target) {
            session.lacks(
                &format!("{must} {should} {text}"),
                &format!("Does not apply: the subject implements `{action} {target}`."),
            );
            continue;
        }
        let got = session.ask(rule(action, target, 1, json!({"response_requested": "complete"})))?;
        let point = format!("{action} {target}, which is not listed");
        session.note(must, !got.is_ok(), &point, "any status but 200", &got);
        session.note(should, got.status() == Some(501), &point, "501", &got);
        // Where an action has no target at all, it is the action that is not supported.
        if session.facts.pairs.contains_key(action) {
            let is_met = got.text().starts_with("Target type not supported");
            session.note(text, is_met, &point, "status_text \"Target type not supported\"", &got);
        } else {
            session.lacks(text, &format!("The subject lists no pair of `{action}` at all."));
        }
    }
    Ok(())
}

/// Rules that parse and that hardly anything can hold. Which of them a subject refuses is its own affair; how it does is not.
fn impossible(session: &mut Session<'_>) -> io::Result<()> {
    if listed(session).is_none() {
        session.lacks("SLPF-071..SLPF-073 SLPF-126", NO_RULES);
        return Ok(());
    }
    for action in ["allow", "deny"] {
        let [never, status, text] = match action {
            "allow" => ["SLPF-071", "SLPF-072", "SLPF-073"],
            _ => ["SLPF-126"; 3],
        };
        if !session.lists(action, "ipv4_connection") {
            let rows = format!("{never} {status} {text}");
            session.lacks(&rows, &format!("The subject does not list `{action} ipv4_connection`."));
            continue;
        }
        let mut n_refused = 0;
        for (what, value) in [
            ("ports of ICMP that are no type and code", json!({"protocol": "icmp", "src_port": 70, "dst_port": 300})),
            ("a code of ICMP without a type", json!({"protocol": "icmp", "dst_port": 3})),
            ("an address of no host", json!({"protocol": "tcp", "src_addr": "255.255.255.255", "dst_port": 9})),
        ] {
            let got = session.ask(json!({"action": action, "target": {"ipv4_connection": value}}))?;
            // Whoever performs it can, and whoever finds it malformed has not parsed it.
            if !matches!(got.status(), Some(500..)) {
                continue;
            }
            n_refused += 1;
            let point = format!("{action} ipv4_connection with {what}, which the subject does not implement");
            session.note(never, true, &point, "any status but 200", &got);
            session.note(status, got.status() == Some(501), &point, "501", &got);
            let is_met = got.text().to_lowercase().starts_with("rule not updated");
            session.note(text, is_met, &point, "status_text \"Rule not updated\", something behind it perhaps", &got);
        }
        if n_refused == 0 {
            let rows = format!("{never} {status} {text}");
            session.lacks(&rows, "The subject implements whatever the suite could think of that parses.");
        }
    }
    Ok(())
}
