//! LS 3.3: Commands and Responses.

use std::io;

use serde_json::{Value, json};

use super::table::{self, Is::Malformed, Is::Understood};
use crate::check::Check;
use crate::session::{Session, now};

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "LS-086..LS-091 LS-093..LS-095 LS-097 LS-117 LS-119 LS-120 LS-122 LS-139 LS-201 LS-219..LS-223 ARCH-005",
            "Commands are read as LS 3.3.1 defines them",
            commands,
        ),
        Check::new("LS-089..LS-091", "A Command needs no more than action and target", bare),
        Check::new("LS-095 LS-035 LS-144", "All actions of the language are known, and no others", actions),
        Check::new("LS-142", "A Command that is not there is not found", cancel_unknown),
        Check::new("LS-092 LS-137", "A request_id names a Command without a command_id", cancel_by_request_id)
            .changing(),
        Check::new("LS-121..LS-126 LS-137", "Commands take effect when they say", times).changing(),
        Check::new("LS-127..LS-131 HTTPS-080 MQTT-123", "The Response that is asked for is sent", responses).changing(),
    ]
}

fn commands(session: &mut Session<'_>) -> io::Result<()> {
    let iri = r#""target": {"iri": "http://a.example/"}"#;
    let whole = |rest: &str| format!(r#"{{"action": "ACTION", {iri}{rest}}}"#);
    let table = [
        ("LS-086 LS-219 LS-089 LS-090 LS-091", whole(""), Understood),
        ("LS-086 LS-091 LS-219", whole(r#", "command_id": "abc""#), Understood),
        ("LS-086 LS-139 LS-219 ARCH-005", whole(r#", "priority": 1"#), Malformed),
        ("LS-091", whole(r#", "command_id": "a b""#), Malformed),
        ("LS-087 LS-220", format!("{{{iri}}}"), Malformed),
        ("LS-094 LS-220", format!(r#"{{"action": ["ACTION"], {iri}}}"#), Malformed),
        ("LS-088 LS-221", r#"{"action": "ACTION"}"#.to_owned(), Malformed),
        ("LS-097 LS-221", r#"{"action": "ACTION", "target": {}}"#.to_owned(), Malformed),
        (
            "LS-097 LS-221",
            r#"{"action": "ACTION", "target": {"iri": "http://a.example/", "file": {"name": "a"}}}"#.to_owned(),
            Malformed,
        ),
        ("LS-117 LS-222", whole(r#", "actuator": {}"#), Malformed),
        ("LS-117 LS-222", whole(r#", "actuator": {"slpf": {}, "x-none": {}}"#), Malformed),
        ("LS-117 LS-222", whole(r#", "actuator": {"x-none": {}}"#), Understood),
        ("LS-093 LS-119 LS-223", whole(r#", "args": {"response_requested": "complete"}"#), Understood),
        ("LS-119 LS-223", whole(r#", "args": []"#), Malformed),
        ("LS-120", whole(r#", "args": {"start_time": "now"}"#), Malformed),
        ("LS-120", whole(r#", "args": {"stop_time": -1}"#), Malformed),
        ("LS-120", whole(r#", "args": {"duration": 1.5}"#), Malformed),
        ("LS-120 LS-201", whole(r#", "args": {"response_requested": "soon"}"#), Malformed),
        ("LS-201", whole(r#", "args": {"response_requested": "ack"}"#), Understood),
        ("LS-201", whole(r#", "args": {"response_requested": "status"}"#), Understood),
        ("LS-122", whole(r#", "args": {"start_time": 5000000000000, "duration": 1}"#), Understood),
        (
            "LS-122",
            whole(r#", "args": {"start_time": 5000000000000, "stop_time": 5000000000001, "duration": 1}"#),
            Malformed,
        ),
    ];
    let table: Vec<_> = table.iter().map(|(rows, command, is)| (*rows, command.as_str(), *is)).collect();
    table::commands(session, &table)
}

/// Sent as it is, whatever else the run fills in.
fn bare(session: &mut Session<'_>) -> io::Result<()> {
    let id = session.fresh_id();
    let octets = crate::session::message(&id, &json!({"action": "query", "target": {"features": []}})).to_string();
    let got = session.send(&crate::wire::Outgoing::new(octets).id(&id))?;
    session.note("LS-089..LS-091", got.is_ok(), "query features without args, actuator and command_id", "200", &got);
    Ok(())
}

fn actions(session: &mut Session<'_>) -> io::Result<()> {
    for action in crate::schema::names("Action") {
        if session.lists(action, "iri") {
            session.lacks("LS-095", &format!("`{action} iri` is performed by the subject: it was not sent"));
            continue;
        }
        let got = session.ask(json!({"action": action, "target": {"iri": "http://a.example/"}}))?;
        table::judge(session, "LS-095", Understood, &format!("action {action}"), &got);
        let expected = "501: no profile of the subject has this pair";
        session.note(
            "LS-144",
            got.status() == Some(501),
            &format!("{action} iri, which is not listed"),
            expected,
            &got,
        );
    }
    for action in ["x-acme:foo", "block", "QUERY", ""] {
        let got = session.ask(json!({"action": action, "target": {"iri": "http://a.example/"}}))?;
        table::judge(session, "LS-095 LS-035", Malformed, &format!("action {action:?}"), &got);
    }
    Ok(())
}

fn cancel_unknown(session: &mut Session<'_>) -> io::Result<()> {
    let id = session.fresh_id();
    let got = session.ask(json!({"action": "cancel", "target": {"command": id}}))?;
    if got.status() == Some(501) {
        session.lacks("LS-142", "The subject does not cancel Commands.");
    } else {
        session.note("LS-142", got.status() == Some(404), "cancel of a Command that was never sent", "404", &got);
    }
    Ok(())
}

/// A rule for a net that nobody has, on the pair that the subject lists.
fn rule(session: &Session<'_>, n: u8, args: Value) -> Option<Value> {
    let action = ["deny", "allow"].into_iter().find(|action| session.lists(action, "ipv4_net"))?;
    Some(json!({"action": action, "target": {"ipv4_net": format!("203.0.113.{n}")}, "args": args}))
}

const NO_RULES: &str = "The subject lists neither `deny ipv4_net` nor `allow ipv4_net`.";

fn cancel_by_request_id(session: &mut Session<'_>) -> io::Result<()> {
    let in_an_hour = now() + 3_600_000;
    let args = json!({"start_time": in_an_hour, "response_requested": "ack"});
    let Some(command) = rule(session, 1, args) else {
        session.lacks("LS-092 LS-137", NO_RULES);
        return Ok(());
    };
    let id = session.fresh_id();
    let got = session.ask_as(&id, command)?;
    if got.status() == Some(501) {
        session.lacks("LS-092 LS-137", "The subject does not schedule Commands.");
        return Ok(());
    }
    session.note("LS-137", got.status() == Some(102), "a Command for later, with ack", "102", &got);
    let got = session.ask(json!({"action": "cancel", "target": {"command": id}}))?;
    if got.status() == Some(501) {
        session.lacks("LS-092", "The subject does not cancel Commands, so their ids are not seen.");
    } else {
        let point = "cancel of a Command without command_id by its request_id";
        session.note("LS-092", got.is_ok(), point, "200: the Command is found by its request_id", &got);
    }
    Ok(())
}

fn times(session: &mut Session<'_>) -> io::Result<()> {
    let now = now();
    let (hour, soon) = (3_600_000, now + 3_600_000);
    let table = [
        ("LS-121", json!({"response_requested": "complete"}), 200, "no time: it takes effect now"),
        (
            "LS-124 LS-137",
            json!({"start_time": soon, "response_requested": "status"}),
            102,
            "a start in an hour: it waits",
        ),
        ("LS-125", json!({"stop_time": soon, "response_requested": "complete"}), 200, "an end alone: it starts now"),
        ("LS-126", json!({"duration": hour, "response_requested": "complete"}), 200, "a duration alone: it starts now"),
        (
            "LS-123",
            json!({"stop_time": soon, "duration": 2 * hour, "response_requested": "complete"}),
            200,
            "end and duration: it has started",
        ),
        (
            "LS-123",
            json!({"stop_time": soon + hour, "duration": hour, "response_requested": "status"}),
            102,
            "end and duration: it waits",
        ),
        (
            "LS-123",
            json!({"start_time": soon, "duration": hour, "response_requested": "status"}),
            102,
            "start and duration: it waits",
        ),
        (
            "LS-123",
            json!({"start_time": soon, "stop_time": now, "response_requested": "status"}),
            400,
            "an end before the start",
        ),
    ];
    for (n, (rows, args, status, point)) in (10..).zip(table) {
        let Some(command) = rule(session, n, args) else {
            session.lacks("LS-121..LS-126 LS-137", NO_RULES);
            return Ok(());
        };
        let id = session.fresh_id();
        let got = session.ask_as(&id, command)?;
        if got.status() == Some(501) && status != 501 {
            session.lacks(rows, "The subject does not support these time arguments.");
            continue;
        }
        session.note(rows, got.status() == Some(status), point, &status.to_string(), &got);
        if status == 102 {
            // What waits is taken back by what it is called.
            session.ask(json!({"action": "cancel", "target": {"command": id}}))?;
        }
    }
    Ok(())
}

fn responses(session: &mut Session<'_>) -> io::Result<()> {
    let all = "LS-127..LS-131 HTTPS-080 MQTT-123";
    let Some(none) = rule(session, 30, json!({"response_requested": "none"})) else {
        session.lacks(all, NO_RULES);
        return Ok(());
    };
    let silence = if session.transfer().is_http() { "LS-127 HTTPS-080" } else { "LS-127 MQTT-123" };
    // Under a number of its own where that is possible, so that it can be taken back although nobody tells its number.
    let number = 203_011_330;
    let mut command = none;
    command["args"]["slpf"] = json!({"insert_rule": number});
    let got = session.ask(command)?;
    session.note(
        silence,
        got.is_silent(),
        "response_requested none",
        "no Response; over HTTP 200 with an empty body",
        &got,
    );
    let code_is_right = got.code().is_none_or(|code| code == 200 || code >= 400);
    session.note(
        silence,
        code_is_right,
        "response_requested none over HTTP",
        "HTTP 200, or the code of what is refused",
        &got,
    );
    session.ask(json!({"action": "delete", "target": {"slpf:rule_number": number}}))?;
    let ask = |session: &mut Session<'_>, n, args: Value| {
        let command = rule(session, n, args.clone()).unwrap_or_default();
        let command =
            if args.is_null() { json!({"action": command["action"], "target": command["target"]}) } else { command };
        session.ask(command)
    };
    let got = ask(session, 31, json!({"response_requested": "ack"}))?;
    let response = got.answer().and_then(crate::exchange::Answer::response).unwrap_or_default();
    let is_bare = response.get("results").is_none();
    let is_met = got.status() == Some(102) && got.answers.len() == 1 && is_bare;
    session.note("LS-128", is_met, "response_requested ack", "one Response with the status 102 and no results", &got);
    let got = ask(session, 32, json!({"response_requested": "status"}))?;
    let is_met = matches!(got.status(), Some(102 | 200));
    session.note("LS-129", is_met, "response_requested status", "102 or 200: the state at that moment", &got);
    let complete = ask(session, 33, json!({"response_requested": "complete"}))?;
    session.note("LS-130", complete.is_ok(), "response_requested complete", "200 when it is done", &complete);
    let without = ask(session, 34, Value::Null)?;
    let kinds = |got: &crate::exchange::Exchange| {
        let members = got.results().as_object().map(|own| own.keys().cloned().collect::<Vec<_>>());
        (got.status(), members)
    };
    let is_met = kinds(&complete) == kinds(&without);
    session.note("LS-131", is_met, "without response_requested", "the same Response as with complete", &without);
    Ok(())
}
