//! LS 3.2: what a message carries.

use std::io;

use serde_json::{Value, json};

use crate::check::{Check, Over};
use crate::session::{FROM, Session, now};
use crate::wire::Outgoing;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new("LS-076 LS-196 HTTPS-035 HTTPS-036", "A Command is told from other contents", contents),
        Check::new("LS-078 LS-080 LS-081 LS-084 LS-085 HTTPS-040", "Headers are optional, and ids come back", headers),
        Check::new("LS-072 LS-074", "What a message is made of is required", parts).over(Over::Http),
    ]
}

fn query() -> Value {
    json!({"action": "query", "target": {"features": []}})
}

fn contents(session: &mut Session<'_>) -> io::Result<()> {
    let headers = |id: &str| json!({"request_id": id, "created": now(), "from": FROM});
    for (rows, body, point) in [
        ("LS-076 LS-196 HTTPS-036", json!({"openc2": {"command": query()}}), "body.openc2.command"),
        ("HTTPS-035", json!({}), "a body without a member"),
        ("HTTPS-035", json!({"openc3": {"request": query()}}), "body.openc3"),
        ("HTTPS-036", json!({"openc2": {}}), "body.openc2 without a member"),
        (
            "HTTPS-036 LS-196",
            json!({"openc2": {"request": query(), "response": {"status": 200}}}),
            "a request and a response",
        ),
    ] {
        let id = session.fresh_id();
        let octets = json!({"headers": headers(&id), "body": body}).to_string();
        let mut outgoing = Outgoing::new(octets).id(&id);
        outgoing.wants_silence = !session.transfer().is_http();
        let got = session.send(&outgoing)?;
        // On a topic, what may be a response to somebody else is nobody's to answer.
        let is_met = got.status() == Some(400) || (!session.transfer().is_http() && got.answers.is_empty());
        session.note(rows, is_met, point, "it is malformed: 400", &got);
    }
    Ok(())
}

fn headers(session: &mut Session<'_>) -> io::Result<()> {
    for (rows, headers, point) in [
        ("LS-085 HTTPS-040", json!({"from": FROM, "request_id": "abc-1"}), "without `created` and `to`"),
        ("LS-078 LS-084", json!({"from": FROM, "request_id": "abc-2/~ \u{e4}"}), "a request_id that is no UUID"),
        ("LS-085 HTTPS-040", json!({"request_id": "abc-3", "created": now()}), "without `from`"),
    ] {
        if session.transfer() == crate::wire::Transfer::Mqtt && headers.get("from").is_none() {
            continue;
        }
        let id = headers["request_id"].as_str().unwrap_or_default().to_owned();
        let octets = json!({"headers": headers, "body": {"openc2": {"request": query()}}}).to_string();
        let mut outgoing = Outgoing::new(octets).id(&id);
        if !id.is_ascii() {
            outgoing = outgoing.field("X-Request-ID", "abc-2");
        }
        let got = session.send(&outgoing)?;
        let own = got.answer().and_then(|answer| answer.header("request_id"));
        let is_met = got.is_ok() && own == Some(json!(id));
        session.note(rows, is_met, point, "200, under the request_id that was sent", &got);
    }
    typed(session)
}

/// Headers of the wrong type, and one that names who is meant.
fn typed(session: &mut Session<'_>) -> io::Result<()> {
    for (rows, name, value, is_good) in [
        ("LS-080", "from", json!(5), false),
        ("LS-080", "from", json!([FROM]), false),
        ("LS-081", "to", json!([5]), false),
        ("LS-081", "to", json!({}), false),
        ("LS-081", "to", json!(["somebody", "conformance-nobody"]), true),
    ] {
        if is_good && !session.transfer().is_http() {
            continue;
        }
        let id = session.fresh_id();
        let mut headers = json!({"request_id": id, "created": now(), "from": FROM});
        headers[name] = value.clone();
        let octets = json!({"headers": headers, "body": {"openc2": {"request": query()}}}).to_string();
        let got = session.send(&Outgoing::new(octets).id(&id))?;
        let (is_met, expected) = if is_good {
            (got.status() != Some(400), "it is understood: any status but 400")
        } else {
            (got.status() == Some(400), "it is malformed: 400")
        };
        session.note(rows, is_met, &format!("headers.{name} {value}"), expected, &got);
    }
    Ok(())
}

fn parts(session: &mut Session<'_>) -> io::Result<()> {
    let id = session.fresh_id();
    let octets = crate::session::message(&id, &query()).to_string();
    let got = session.send(&Outgoing::new(octets).id(&id).without("Content-Type"))?;
    session.note("LS-072", !got.is_ok(), "a message without a content type", "it is refused", &got);
    let id = session.fresh_id();
    let got = session.send(&Outgoing::new("").id(&id))?;
    session.note("LS-072", !got.is_ok(), "a message without content", "it is refused", &got);
    let got = session.ask(query())?;
    let media_type = got.answer().and_then(|answer| answer.field("Content-Type")).unwrap_or_default().to_owned();
    let is_met = media_type.starts_with("application/openc2+json");
    session.note_told("LS-074", is_met, "The content type of a Response", "application/openc2+json", &media_type, &got);
    Ok(())
}
