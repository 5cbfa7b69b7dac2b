//! SLPF 2.3.4 and 2.3.5: delete and update.

use std::io;

use serde_json::json;

use super::{listed, rule};
use crate::check::Check;
use crate::session::Session;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new("SLPF-014 SLPF-050 SLPF-061 SLPF-146 SLPF-150..SLPF-160 LS-138 LS-143", "Rules are deleted", delete)
            .changing(),
        Check::new(
            "SLPF-050 SLPF-062 SLPF-165 SLPF-170 SLPF-171 SLPF-173..SLPF-175 SLPF-177 SLPF-178 LS-143",
            "What is no rule file is refused",
            update_badly,
        ),
        Check::new("SLPF-163 SLPF-164 SLPF-179 SLPF-180", "A rule file is taken", update).changing(),
    ]
}

fn delete(session: &mut Session<'_>) -> io::Result<()> {
    let by = |number: &serde_json::Value| json!({"action": "delete", "target": {"slpf:rule_number": number}});
    if !session.lists("delete", "slpf:rule_number") {
        session.lacks(
            "SLPF-014 SLPF-061 SLPF-146 SLPF-150 SLPF-151 SLPF-157..SLPF-160",
            "Does not apply: the subject does not support delete.",
        );
        let got = session.ask(by(&json!(1)))?;
        let point = "delete slpf:rule_number, which is not listed";
        session.note("SLPF-153", !got.is_ok(), point, "any status but 200", &got);
        session.note("SLPF-154", got.status() == Some(501), point, "501", &got);
        let text = got.text().to_lowercase();
        let is_met = text.contains("not supported");
        session.note(
            "SLPF-155",
            is_met,
            point,
            "status_text \"target not supported\", or the like of the text before",
            &got,
        );
        return Ok(());
    }
    session.lacks("SLPF-153..SLPF-155", "Does not apply: the subject supports delete.");
    for number in [json!("x"), json!(5.5), json!([5]), json!({}), json!(true)] {
        let got = session.ask(by(&number))?;
        let point = format!("delete slpf:rule_number {number}");
        session.note("SLPF-014 SLPF-146 SLPF-150", !got.is_ok(), &point, "any status but 200", &got);
        session.note("SLPF-151", got.status() == Some(400), &point, "400", &got);
    }
    let unknown = json!(-4_000_000_000_001_i64);
    let got = session.ask(by(&unknown))?;
    let point = "delete of a number that no rule has";
    session.note("SLPF-158 LS-138", !got.is_ok(), point, "any status but 200", &got);
    session.note("SLPF-159 SLPF-050 LS-143", got.status() == Some(500), point, "500", &got);
    let is_met = got.text().to_lowercase().starts_with("firewall rule not removed or updated");
    session.note("SLPF-160", is_met, point, "status_text \"firewall rule not removed or updated\"", &got);
    let Some((action, target)) = listed(session) else { return Ok(()) };
    let made = session.ask(rule(action, target, 110, json!({"response_requested": "complete"})))?;
    let Some(number) = made.rule_number() else { return Ok(()) };
    for args in [
        json!({"slpf": {"direction": "both"}}),
        json!({"slpf": {"persistent": true}}),
        json!({"slpf": {"insert_rule": 1}}),
    ] {
        let mut command = by(&json!(number));
        command["args"] = args.clone();
        let got = session.ask(command)?;
        session.note("SLPF-061", !got.is_ok(), &format!("delete with {args}"), "any status but 200", &got);
    }
    let mut command = by(&json!(number));
    command["args"] = json!({"response_requested": "complete"});
    let got = session.ask(command)?;
    session.forget(number);
    session.note("SLPF-014 SLPF-061 SLPF-146 SLPF-157", got.is_ok(), "delete of a rule that was made", "200", &got);
    let got = session.ask(by(&json!(number)))?;
    session.note("SLPF-157 SLPF-158", !got.is_ok(), "the same again", "any status but 200: it is gone", &got);
    Ok(())
}

fn update_badly(session: &mut Session<'_>) -> io::Result<()> {
    let missing = json!({"name": "conformance-there-is-no-such-file", "path": "/nowhere"});
    let ask = |session: &mut Session<'_>, file: &serde_json::Value, args: serde_json::Value| {
        session.ask(json!({"action": "update", "target": {"file": file}, "args": args}))
    };
    let complete = json!({"response_requested": "complete"});
    if !session.lists("update", "file") {
        session.lacks(
            "SLPF-062 SLPF-165 SLPF-170 SLPF-171 SLPF-177 SLPF-178",
            "Does not apply: the subject does not support update file.",
        );
        let got = ask(session, &missing, complete)?;
        let point = "update file, which is not listed";
        session.note("SLPF-173", !got.is_ok(), point, "any status but 200", &got);
        session.note("SLPF-174", got.status() == Some(501), point, "501", &got);
        let is_met = got.text().starts_with("Command not supported");
        session.note("SLPF-175", is_met, point, "status_text \"Command not supported\"", &got);
        return Ok(());
    }
    session.lacks("SLPF-173..SLPF-175", "Does not apply: the subject supports update file.");
    for file in [json!({}), json!({"name": 5}), json!({"path": "/nowhere"}), json!("a")] {
        let got = ask(session, &file, complete.clone())?;
        let point = format!("update file {file}");
        session.note("SLPF-170", !got.is_ok(), &point, "any status but 200", &got);
        session.note("SLPF-171", got.status() == Some(400), &point, "400", &got);
    }
    for args in
        [json!({"slpf": {"direction": "both"}}), json!({"slpf": {"drop_process": "none"}}), json!({"duration": 1000})]
    {
        let got = ask(session, &missing, args.clone())?;
        session.note(
            "SLPF-062 SLPF-165",
            !got.is_ok(),
            &format!("update file with {args}"),
            "any status but 200",
            &got,
        );
    }
    let got = ask(session, &missing, complete)?;
    let point = "update file with a file that is not there";
    session.note("SLPF-177 SLPF-050 LS-143", got.status() == Some(500), point, "500", &got);
    let is_met = got.text().to_lowercase().starts_with("cannot access file");
    session.note("SLPF-178", is_met, point, "status_text \"cannot access file\"", &got);
    Ok(())
}

fn update(session: &mut Session<'_>) -> io::Result<()> {
    let all = "SLPF-163 SLPF-164 SLPF-179 SLPF-180";
    if !session.lists("update", "file") {
        session.lacks(all, "Does not apply: the subject does not support update file.");
        return Ok(());
    }
    if !session.asked.is_ours {
        session.lacks(all, "What is in a rule file is the subject's own affair: the suite has none for it.");
        return Ok(());
    }
    let file = json!({"name": "good.rules"});
    let args = json!({"response_requested": "complete"});
    let got = session.ask(json!({"action": "update", "target": {"file": file}, "args": args}))?;
    session.note("SLPF-163 SLPF-164 SLPF-180", got.is_ok(), "update file", "200", &got);
    let args = json!({"response_requested": "ack"});
    let got = session.ask(json!({"action": "update", "target": {"file": file}, "args": args}))?;
    session.note("SLPF-179", got.status() == Some(102), "update file with ack", "102", &got);
    Ok(())
}
