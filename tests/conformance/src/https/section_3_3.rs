//! HTTPS 3.3: content types, the message, its identifier.

use std::io;

use serde_json::json;

use super::section_3_2::query;
use crate::check::{Check, Over};
use crate::session::{FROM, Session, now};
use crate::wire::Outgoing;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "HTTPS-029..HTTPS-031 HTTPS-055",
            "The media type is read as one, and others are refused",
            media_types,
        )
        .over(Over::Http),
        Check::new("HTTPS-032..HTTPS-036", "The message is read as HTTPS 3.3.2 defines it", messages).over(Over::Http),
        Check::new("HTTPS-045..HTTPS-047 HTTPS-075", "Commands are known by their identifying value", identifiers)
            .over(Over::Http),
    ]
}

fn media_types(session: &mut Session<'_>) -> io::Result<()> {
    for (media_type, rows) in [
        ("application/openc2+json;version=1.0", "HTTPS-029 HTTPS-030"),
        ("application/openc2+json; version=1.0", "HTTPS-055"),
        ("Application/OpenC2+JSON;Version=\"1.0\"", "HTTPS-055"),
    ] {
        let id = session.fresh_id();
        let got = session
            .send(&Outgoing::new(session.whole(&id, &query()).to_string()).id(&id).field("Content-Type", media_type))?;
        session.note(rows, got.is_ok(), &format!("Content-Type: {media_type}"), "200: it is the same media type", &got);
    }
    for (name, point) in [("CONTENT-TYPE", "a header field name in capitals"), ("content-type", "one in small letters")]
    {
        let id = session.fresh_id();
        let outgoing = Outgoing::new(session.whole(&id, &query()).to_string()).id(&id).without("Content-Type");
        let got = session.send(&outgoing.field(name, crate::wire::MEDIA_TYPE))?;
        session.note("HTTPS-055", got.is_ok(), point, "200: names are compared without case", &got);
    }
    for media_type in ["text/plain", "application/xml", "application/openc2+json;version=9.9", "image/png"] {
        let id = session.fresh_id();
        let got = session
            .send(&Outgoing::new(session.whole(&id, &query()).to_string()).id(&id).field("Content-Type", media_type))?;
        let is_refused = got.code().is_some_and(|code| code >= 400);
        session.note("HTTPS-031", is_refused, &format!("Content-Type: {media_type}"), "it is refused (400)", &got);
    }
    Ok(())
}

fn messages(session: &mut Session<'_>) -> io::Result<()> {
    let body = json!({"openc2": {"request": query()}});
    for (rows, message, point) in [
        ("HTTPS-032", json!({"headers": {"from": FROM}}), "a message without a body"),
        ("HTTPS-032", json!({"headers": {"from": FROM}, "body": body, "x": 1}), "a member that nobody defines"),
        (
            "HTTPS-032",
            json!({"headers": {"from": FROM}, "body": body, "signature": 5}),
            "a signature that is no string",
        ),
        ("HTTPS-033", json!({"headers": {"created": "now"}, "body": body}), "`created` that is a text"),
        ("HTTPS-033", json!({"headers": {"request_id": 5}, "body": body}), "`request_id` that is a number"),
        ("HTTPS-034", json!({"headers": {"to": [5]}, "body": body}), "`to` with a number"),
        ("HTTPS-035", json!({"headers": {"from": FROM}, "body": {}}), "an empty body"),
        ("HTTPS-036", json!({"headers": {"from": FROM}, "body": {"openc2": {}}}), "an empty content"),
    ] {
        let got = session.send(&Outgoing::new(message.to_string()))?;
        session.note(rows, got.status() == Some(400), point, "400", &got);
    }
    let id = session.fresh_id();
    let headers = json!({"request_id": id, "created": now(), "from": FROM, "to": ["somebody", "anybody"]});
    let got = session.send(&Outgoing::new(json!({"headers": headers, "body": body}).to_string()).id(&id))?;
    session.note("HTTPS-033 HTTPS-034", got.status() != Some(400), "all four headers", "they are understood", &got);
    Ok(())
}

fn identifiers(session: &mut Session<'_>) -> io::Result<()> {
    let in_message = |got: &crate::exchange::Exchange| got.answer().and_then(|answer| answer.header("request_id"));
    let id = session.fresh_id();
    let bare =
        json!({"headers": {"created": now(), "from": FROM}, "body": {"openc2": {"request": query()}}}).to_string();
    let got = session.send(&Outgoing::new(bare).field("X-Request-ID", &id))?;
    let is_met = in_message(&got) == Some(json!(id));
    session.note(
        "HTTPS-046",
        is_met,
        "X-Request-ID without headers.request_id",
        "headers.request_id of the Response is X-Request-ID",
        &got,
    );
    let (own, other) = (session.fresh_id(), session.fresh_id());
    let outgoing = Outgoing::new(session.whole(&own, &query()).to_string()).id(&own).field("X-Request-ID", &other);
    let got = session.send(&outgoing)?;
    let is_met = in_message(&got) == Some(json!(own));
    session.note(
        "HTTPS-045 HTTPS-075",
        is_met,
        "X-Request-ID and headers.request_id differ",
        "the Response has that of the message",
        &got,
    );
    let id = session.fresh_id();
    let outgoing = Outgoing::new(session.whole(&id, &query()).to_string()).id(&id).without("X-Request-ID");
    let got = session.send(&outgoing.without("X-Request-ID"))?;
    session.note("HTTPS-045", in_message(&got) == Some(json!(id)), "headers.request_id alone", "it is copied", &got);
    Ok(())
}
