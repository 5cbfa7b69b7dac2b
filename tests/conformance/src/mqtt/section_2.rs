//! MQTT 2: topics, properties, messages, delivery, seen by whoever commands through a broker.

use std::io;

use serde_json::{Value, json};

use crate::check::{Check, Over};
use crate::session::{FROM, Session, now};
use crate::wire::Outgoing;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "MQTT-003..MQTT-005 MQTT-007 MQTT-013 MQTT-072 MQTT-073 MQTT-090..MQTT-092",
            "Commands come by each topic",
            topics,
        )
        .over(Over::Mqtt),
        Check::new("MQTT-014", "Commands for profiles that are not there are not performed", other_profile)
            .over(Over::Mqtt),
        Check::new("MQTT-027 MQTT-083 MQTT-084", "Properties that are not legal are refused", properties)
            .over(Over::Mqtt),
        Check::new("MQTT-034..MQTT-036", "`to` says who is meant", recipients).over(Over::Mqtt),
        Check::new("MQTT-087 MQTT-088", "Other properties change nothing", other_properties).over(Over::Mqtt),
        Check::new("MQTT-043 MQTT-098", "What comes twice is performed once", twice).over(Over::Mqtt).changing(),
        Check::new("MQTT-122 MQTT-123", "Without an id, and without an answer", unnamed).over(Over::Mqtt),
    ]
}

fn query() -> Value {
    json!({"action": "query", "target": {"features": ["versions"]}})
}

fn outgoing(session: &mut Session<'_>, command: &Value) -> Outgoing {
    let id = session.fresh_id();
    Outgoing::new(session.whole(&id, command).to_string()).id(&id)
}

fn topics(session: &mut Session<'_>) -> io::Result<()> {
    let own = outgoing(session, &query());
    let got = session.send(&own)?;
    session.note(
        "MQTT-003..MQTT-005 MQTT-007 MQTT-013 MQTT-072 MQTT-073 MQTT-092",
        got.is_ok(),
        "oc2/cmd/device/[device_id]",
        "200",
        &got,
    );
    let own = outgoing(session, &query()).topic("oc2/cmd/all");
    let got = session.send(&own)?;
    session.note("MQTT-091", got.is_ok(), "oc2/cmd/all", "200", &got);
    for nsid in session.facts.profiles.clone() {
        let own = outgoing(session, &query()).topic(&format!("oc2/cmd/ap/{nsid}"));
        let got = session.send(&own)?;
        session.note(
            "MQTT-090",
            got.is_ok(),
            &format!("oc2/cmd/ap/{nsid}, which is a profile of the subject"),
            "200",
            &got,
        );
    }
    Ok(())
}

fn other_profile(session: &mut Session<'_>) -> io::Result<()> {
    let own = outgoing(session, &query()).topic("oc2/cmd/ap/x-none").silent();
    let got = session.send(&own)?;
    session.note("MQTT-014", !got.is_ok(), "oc2/cmd/ap/x-none", "no answer with 200", &got);
    Ok(())
}

fn properties(session: &mut Session<'_>) -> io::Result<()> {
    for (rows, msg_type, encoding, point) in [
        ("MQTT-027", "command", "json", "msgType=command"),
        ("MQTT-027", "REQ", "json", "msgType=REQ"),
        ("MQTT-027 MQTT-083", "rsp", "json", "msgType=rsp around a request"),
        ("MQTT-027 MQTT-083", "ntf", "json", "msgType=ntf around a request"),
        ("MQTT-027", "req", "xml", "encoding=xml"),
        ("MQTT-084", "req", "cbor", "encoding=cbor around JSON"),
    ] {
        let mut own = outgoing(session, &query()).silent();
        own.properties = Some(vec![
            ("payload format", "1".into()),
            ("content type", "application/openc2".into()),
            ("msgType", msg_type.into()),
            ("encoding", encoding.into()),
        ]);
        let got = session.send(&own)?;
        session.note(rows, !got.is_ok(), point, "it is not processed", &got);
    }
    Ok(())
}

fn recipients(session: &mut Session<'_>) -> io::Result<()> {
    let device = session.authority();
    for (to, is_meant) in [(json!(["somebody-else"]), false), (json!(["somebody-else", device]), true)] {
        let id = session.fresh_id();
        let headers = json!({"request_id": id, "created": now(), "from": FROM, "to": to});
        let whole = json!({"headers": headers, "body": {"openc2": {"request": query()}}}).to_string();
        let own = Outgoing::new(whole).id(&id);
        let got = session.send(&if is_meant { own } else { own.silent() })?;
        if is_meant {
            let from = got.answer().and_then(|answer| answer.header("from"));
            if got.is_ok() || from.is_some() {
                session.note("MQTT-034 MQTT-036", got.is_ok(), &format!("to {to}"), "200: it is one of them", &got);
            } else {
                session.lacks(
                    "MQTT-034",
                    "By which name the subject goes in `to` is not told by the standard; not by its device_id.",
                );
            }
        } else {
            session.note(
                "MQTT-034 MQTT-035",
                got.answers.is_empty(),
                &format!("to {to}"),
                "no answer: it is for others",
                &got,
            );
        }
    }
    Ok(())
}

fn other_properties(session: &mut Session<'_>) -> io::Result<()> {
    let mut own = outgoing(session, &query());
    own.properties = Some(vec![
        ("payload format", "1".into()),
        ("content type", "application/openc2".into()),
        ("message expiry", "60".into()),
        ("response topic", "somewhere/else".into()),
        ("correlation data", "abc".into()),
        ("msgType", "req".into()),
        ("encoding", "json".into()),
        ("x-other", "1".into()),
    ]);
    let got = session.send(&own)?;
    let topic = got.answer().and_then(|answer| answer.topic.clone()).unwrap_or_default();
    let is_met = got.is_ok() && topic.starts_with("oc2/rsp");
    session.note(
        "MQTT-087 MQTT-088",
        is_met,
        "Response Topic, Correlation Data, Message Expiry",
        "200 on oc2/rsp all the same",
        &got,
    );
    Ok(())
}

fn twice(session: &mut Session<'_>) -> io::Result<()> {
    if !session.lists("deny", "ipv4_net") {
        session.lacks("MQTT-043 MQTT-098", "The subject does not list `deny ipv4_net`.");
        return Ok(());
    }
    let command =
        json!({"action": "deny", "target": {"ipv4_net": "198.51.100.9"}, "args": {"response_requested": "complete"}});
    let own = outgoing(session, &command);
    let first = session.send(&own)?;
    let second = session.send(&own)?;
    let is_met = second.rule_number().is_none() || second.rule_number() == first.rule_number();
    session.note("MQTT-043 MQTT-098", is_met, "the same request again", "it is not performed twice", &second);
    Ok(())
}

fn unnamed(session: &mut Session<'_>) -> io::Result<()> {
    let whole =
        json!({"headers": {"from": FROM, "created": now()}, "body": {"openc2": {"request": query()}}}).to_string();
    let got = session.send(&Outgoing::new(whole).silent())?;
    let is_met = got.is_ok() && got.answer().is_some_and(|answer| answer.header("request_id").is_none());
    session.note("MQTT-122", is_met, "a request without request_id", "200, without request_id", &got);
    let mut command = query();
    command["action"] = json!(session.harmless_action("features"));
    command["args"] = json!({"response_requested": "none"});
    let own = outgoing(session, &command).silent();
    let got = session.send(&own)?;
    session.note("MQTT-123", got.answers.is_empty(), "response_requested none", "nothing is published", &got);
    Ok(())
}
