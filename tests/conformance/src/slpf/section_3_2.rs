//! SLPF 3.2: the conformance clauses of a Consumer.

use std::io;

use serde_json::{Value, json};

use super::{NO_RULES, TARGETS, fresh_number, listed, rule};
use crate::check::Check;
use crate::session::Session;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new("SLPF-204 SLPF-207 SLPF-214 SLPF-203", "The baseline of a Consumer", baseline),
        Check::new("SLPF-210..SLPF-213", "response_requested goes with every Command", response_requested).changing(),
        Check::new("SLPF-215..SLPF-218", "Clauses 13 to 16: allow and deny of a target", both_actions).changing(),
        Check::new("SLPF-219 SLPF-220", "Clauses 17 and 18: update file, delete rule", offered),
        Check::new("SLPF-221..SLPF-223", "Clauses 19 to 21: persistent, direction, drop_process", options).changing(),
        Check::new("SLPF-224 SLPF-225 SLPF-061 SLPF-062", "Clause 22: times on every Command", temporal).changing(),
        Check::new("SLPF-035 SLPF-036", "Rules survive a restart as they say", restart).changing(),
    ]
}

fn baseline(session: &mut Session<'_>) -> io::Result<()> {
    let got = session.ask(json!({"action": "query", "target": {"features": ["versions", "profiles", "pairs"]}}))?;
    session.note("SLPF-204 SLPF-207", got.is_ok(), "query features over this transfer", "200", &got);
    let has_both = |target: &str| session.lists("allow", target) && session.lists("deny", target);
    let is_met = TARGETS.into_iter().any(has_both);
    if session.facts.profiles.iter().any(|own| own == "slpf")
        && !session.facts.pairs.contains_key("allow")
        && session.asked.is_ours
    {
        // Ours with as little as can be switched off is no product, but a way to see refusals.
        session.lacks("SLPF-214 SLPF-203", "Does not apply: ours in its bare form allows nothing.");
    } else if session.facts.profiles.iter().any(|own| own == "slpf") {
        session.note(
            "SLPF-214 SLPF-203",
            is_met,
            "The pairs that are listed",
            "allow and deny for one of the four targets",
            &got,
        );
    } else {
        session.lacks("SLPF-214 SLPF-203", "The subject has no slpf.");
    }
    Ok(())
}

fn response_requested(session: &mut Session<'_>) -> io::Result<()> {
    let Some((action, target)) = listed(session) else {
        session.lacks("SLPF-210..SLPF-213", NO_RULES);
        return Ok(());
    };
    for (n, wanted) in (120..).zip(["ack", "status", "complete"]) {
        let got = session.ask(rule(action, target, n, json!({"response_requested": wanted})))?;
        let is_met = matches!(got.status(), Some(200 | 102));
        session.note(
            "SLPF-210",
            is_met,
            &format!("{action} {target}, response_requested {wanted}"),
            "200 or 102",
            &got,
        );
    }
    // That it was performed shows in its number, which is in use from then on.
    let number = fresh_number(300);
    let args = json!({"response_requested": "none", "slpf": {"insert_rule": number}});
    let got = session.ask(rule(action, target, 124, args))?;
    session.note("SLPF-212", got.is_silent(), "response_requested none", "no Response", &got);
    let delete = |wanted: &str| json!({"action": "delete", "target": {"slpf:rule_number": number}, "args": {"response_requested": wanted}});
    if session.lists("delete", "slpf:rule_number") && got.code().is_none_or(|code| code == 200) {
        let got = session.ask(delete("complete"))?;
        session.note(
            "SLPF-211",
            got.is_ok(),
            "delete of the rule that was made with none",
            "200: it was performed",
            &got,
        );
    } else {
        session.lacks("SLPF-211", "Without delete and insert_rule it does not show whether it was performed.");
    }
    // Errors are silent too: the same again fails, and one that is malformed.
    let got = session.ask(delete("none"))?;
    session.note("SLPF-212", got.is_silent(), "a delete that fails, with none", "no Response", &got);
    let bad = json!({"action": action, "target": {"ipv4_net": "192.0.2.0/33"}, "args": {"response_requested": "none"}});
    let got = session.ask(bad)?;
    session.note("SLPF-212", got.is_silent(), "a Command that is malformed, with none", "no Response", &got);
    let complete = session.ask(rule(action, target, 125, json!({"response_requested": "complete"})))?;
    let without = session.ask(rule(action, target, 126, Value::Null))?;
    let is_met =
        complete.status() == without.status() && complete.rule_number().is_some() == without.rule_number().is_some();
    session.note("SLPF-213", is_met, "without response_requested", "the same Response as with complete", &without);
    Ok(())
}

fn both_actions(session: &mut Session<'_>) -> io::Result<()> {
    for (row, target) in [
        ("SLPF-215", "ipv4_connection"),
        ("SLPF-216", "ipv6_connection"),
        ("SLPF-217", "ipv4_net"),
        ("SLPF-218", "ipv6_net"),
    ] {
        if !session.lists("allow", target) && !session.lists("deny", target) {
            session.lacks(row, &format!("Does not apply: the subject does not claim this clause: it lists neither allow nor deny of {target}."));
            continue;
        }
        for (n, action) in (130..).zip(["allow", "deny"]) {
            if session.asked.is_ours && !session.lists(action, target) {
                session.lacks(row, &format!("Does not apply: ours in its bare form does not {action} {target}."));
                continue;
            }
            let got = session.ask(rule(action, target, n, json!({"response_requested": "complete"})))?;
            session.note(row, got.is_ok(), &format!("{action} {target}"), "200", &got);
        }
    }
    Ok(())
}

fn offered(session: &mut Session<'_>) -> io::Result<()> {
    let got = session.ask(json!({"action": "query", "target": {"features": ["pairs"]}}))?;
    for (row, action, target) in [("SLPF-219", "update", "file"), ("SLPF-220", "delete", "slpf:rule_number")] {
        if session.lists(action, target) {
            session.note(row, true, "it is listed", "", &got);
        } else {
            session.lacks(
                row,
                &format!(
                    "Does not apply: the subject does not claim this clause: it does not list `{action} {target}`."
                ),
            );
        }
    }
    Ok(())
}

fn options(session: &mut Session<'_>) -> io::Result<()> {
    let mut n = 140;
    for (row, name, values, actions) in [
        ("SLPF-221", "persistent", vec![json!(true), json!(false)], &["allow", "deny"][..]),
        ("SLPF-222", "direction", vec![json!("both"), json!("ingress"), json!("egress")], &["allow", "deny"]),
        ("SLPF-223", "drop_process", vec![json!("none"), json!("reject")], &["deny"]),
    ] {
        let mut statuses = Vec::new();
        let mut last = None;
        for action in actions {
            for target in TARGETS {
                for value in values.iter().filter(|_| session.lists(action, target)).cloned().collect::<Vec<_>>() {
                    n += 1;
                    let got = session.ask(rule(action, target, n, json!({"slpf": {name: value}})))?;
                    statuses.push((format!("{action} {target} with {name} {value}"), got.is_ok()));
                    if !got.is_ok() || last.is_none() {
                        last = Some(got);
                    }
                }
            }
        }
        let Some(last) = last else {
            session.lacks(row, NO_RULES);
            continue;
        };
        if statuses.iter().all(|(_, is_ok)| !is_ok) {
            session.lacks(
                row,
                &format!("Does not apply: the subject does not claim this clause: it does not take {name}."),
            );
            continue;
        }
        let refused: Vec<_> = statuses.iter().filter(|(_, is_ok)| !is_ok).map(|(point, _)| point.as_str()).collect();
        let point = if refused.is_empty() { name.to_owned() } else { refused.join(", ") };
        session.note(row, refused.is_empty(), &point, "200 for each, since some are taken", &last);
    }
    Ok(())
}

fn temporal(session: &mut Session<'_>) -> io::Result<()> {
    let Some((action, target)) = listed(session) else {
        session.lacks("SLPF-224 SLPF-225", NO_RULES);
        return Ok(());
    };
    let (soon, hour) = (crate::session::now() + 3_600_000, 3_600_000);
    let id = session.fresh_id();
    let got =
        session.ask_as(&id, rule(action, target, 180, json!({"start_time": soon, "response_requested": "ack"})))?;
    if got.status() == Some(501) {
        session.lacks(
            "SLPF-224 SLPF-225",
            "Does not apply: the subject does not claim this clause: it does not take start_time.",
        );
        return Ok(());
    }
    session.note(
        "SLPF-224",
        got.status() == Some(102),
        &format!("{action} {target} with start_time"),
        "102 to ack",
        &got,
    );
    session.ask(json!({"action": "cancel", "target": {"command": id}}))?;
    for args in [json!({"stop_time": soon}), json!({"duration": hour})] {
        let got = session.ask(rule(action, target, 181, args.clone()))?;
        session.note("SLPF-225", got.is_ok(), &format!("{action} {target} with {args}"), "200", &got);
    }
    if session.lists("delete", "slpf:rule_number") {
        let made = session.ask(rule(action, target, 182, json!({"response_requested": "complete"})))?;
        if let Some(number) = made.rule_number() {
            let target = json!({"slpf:rule_number": number});
            let got = session.ask(json!({"action": "delete", "target": target, "args": {"duration": hour}}))?;
            session.note("SLPF-225", got.is_ok(), "delete with duration", "200", &got);
            let id = session.fresh_id();
            let args = json!({"start_time": soon, "response_requested": "ack"});
            let got = session.ask_as(&id, json!({"action": "delete", "target": target, "args": args}))?;
            session.note("SLPF-224 SLPF-061", got.status() == Some(102), "delete with start_time", "102 to ack", &got);
            session.ask(json!({"action": "cancel", "target": {"command": id}}))?;
        }
    }
    if session.lists("update", "file") {
        let id = session.fresh_id();
        let args = json!({"start_time": soon, "response_requested": "ack"});
        let file = json!({"name": "conformance-there-is-no-such-file"});
        let got = session.ask_as(&id, json!({"action": "update", "target": {"file": file}, "args": args}))?;
        session.note("SLPF-224 SLPF-062", got.status() == Some(102), "update file with start_time", "102 to ack", &got);
        session.ask(json!({"action": "cancel", "target": {"command": id}}))?;
    }
    Ok(())
}

fn restart(session: &mut Session<'_>) -> io::Result<()> {
    let all = "SLPF-035 SLPF-036";
    let Some((action, target)) = listed(session).filter(|_| session.lists("delete", "slpf:rule_number")) else {
        session.lacks(all, "Without delete it does not show which rules are left after a restart.");
        return Ok(());
    };
    if session.restart.is_none() {
        session.lacks(all, "Whoever runs the subject starts it again, not the suite.");
        return Ok(());
    }
    let made = |session: &mut Session<'_>, n, args| {
        Ok::<_, io::Error>(session.ask(rule(action, target, n, args))?.rule_number())
    };
    let usual = made(session, 190, json!({"response_requested": "complete"}))?;
    let passing = made(session, 191, json!({"response_requested": "complete", "slpf": {"persistent": false}}))?;
    if let Some(restart) = &mut session.restart {
        restart()?;
    }
    for (row, number, stays) in [("SLPF-035", usual, true), ("SLPF-036", passing, false)] {
        let Some(number) = number else {
            session.lacks(row, "The rule was not made.");
            continue;
        };
        let got = session.ask(json!({"action": "delete", "target": {"slpf:rule_number": number}}))?;
        session.forget(number);
        let point = if stays {
            "a rule without `persistent`, after a restart"
        } else {
            "a rule with persistent false, after a restart"
        };
        let expected = if stays { "200 to delete: it is there" } else { "500 to delete: it is gone" };
        session.note(row, got.is_ok() == stays, point, expected, &got);
    }
    Ok(())
}
