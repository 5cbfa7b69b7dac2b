//! MQTT 2.3 to 2.10 and 3: what the client of the subject sends to its broker, which only a tap between them shows.

use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

use oc2_tests_broker::{Connect, Direction, Kind, Publish};
use serde_json::json;

use crate::check::{Check, Over};
use crate::exchange::Exchange;
use crate::session::Session;
use crate::wire::Outgoing;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "MQTT-002 MQTT-046..MQTT-053 MQTT-057..MQTT-059 MQTT-063..MQTT-071 MQTT-102",
            "CONNECT is as the standard has it",
            connect,
        )
        .over(Over::Tap),
        Check::new(
            "MQTT-004 MQTT-012 MQTT-018..MQTT-021 MQTT-089..MQTT-092 MQTT-095..MQTT-097",
            "SUBSCRIBE is as the standard has it",
            subscribe,
        )
        .over(Over::Tap),
        Check::new(
            "MQTT-001 MQTT-015 MQTT-022..MQTT-026 MQTT-039 MQTT-041 MQTT-042 MQTT-072..MQTT-077 MQTT-079 MQTT-081",
            "PUBLISH is as the standard has it",
            publish,
        )
        .over(Over::Tap),
        Check::new("MQTT-075", "A Command that the broker has kept is not performed at every return", retained)
            .over(Over::Tap)
            .changing(),
        Check::new("MQTT-054 MQTT-055 MQTT-101", "A silent connection is kept alive", keep_alive)
            .over(Over::Tap)
            .lengthy(),
        Check::new("MQTT-048 MQTT-058 MQTT-060 MQTT-061", "The client comes back as it was", again)
            .over(Over::Tap)
            .changing(),
    ]
}

/// Waits for the first PINGREQ, which no answer of ours must put off.
fn keep_alive(session: &mut Session<'_>) -> io::Result<()> {
    let granted = session.tap()?.of_kind(Direction::ToClient, Kind::ConnAck);
    let dictated = granted.last().and_then(|seen| seen.packet.server_keep_alive());
    let asked = connects(session)?.last().map(|own| own.keep_alive);
    let Some(seconds) = dictated.or(asked).map(u64::from).filter(|own| *own > 0) else {
        session.lacks("MQTT-054 MQTT-101", "The subject has no Keep Alive.");
        return Ok(());
    };
    let rows = if dictated.is_some() { "MQTT-054 MQTT-055 MQTT-101" } else { "MQTT-054 MQTT-101" };
    if dictated.is_none() {
        session.lacks("MQTT-055", "Does not apply: the broker leaves the Keep Alive to its clients.");
    }
    session.ask(json!({"action": "query", "target": {"features": []}}))?;
    let tap = session.tap()?;
    let (n_before, begun) = (tap.of_kind(Direction::ToBroker, Kind::PingReq).len(), Instant::now());
    while tap.of_kind(Direction::ToBroker, Kind::PingReq).len() == n_before && begun.elapsed().as_secs() < seconds + 5 {
        sleep(Duration::from_millis(100));
    }
    let pings = tap.of_kind(Direction::ToBroker, Kind::PingReq);
    let before = |at: Instant| tap.packets().iter().map(|own| own.at).filter(|own| *own < at).max();
    let pause = pings.get(n_before).and_then(|ping| Some(ping.at - before(ping.at)?));
    let share = pause.map(|pause| pause.as_secs_f64() / f64::from(u32::try_from(seconds).unwrap_or(u32::MAX)));
    let got = remarked(
        share.map_or_else(|| "none came".into(), |share| format!("after {:.1} % of {seconds} s", share * 100.0)),
    );
    let is_met = share.is_some_and(|share| (0.9..=1.0).contains(&share));
    session.note(rows, is_met, "the first PINGREQ of a silent connection", "at 95 % of the Keep Alive", &got);
    Ok(())
}

fn remarked(remark: String) -> Exchange {
    Exchange { remark: Some(remark), ..Exchange::default() }
}

fn connects(session: &Session<'_>) -> io::Result<Vec<Connect>> {
    let seen = session.tap()?.of_kind(Direction::ToBroker, Kind::Connect);
    Ok(seen.iter().map(|seen| seen.packet.connect()).collect())
}

fn connect(session: &mut Session<'_>) -> io::Result<()> {
    for own in connects(session)? {
        let got = remarked(format!(
            "level {}, flags {:#04x}, Keep Alive {}, ClientID {:?}, properties {:02x?}",
            own.level, own.flags, own.keep_alive, own.client_id, own.properties
        ));
        let expiry = own.property(0x11).and_then(|value| value.try_into().ok()).map_or(0, u32::from_be_bytes);
        let is_short =
            (1..=23).contains(&own.client_id.len()) && own.client_id.chars().all(|c| c.is_ascii_alphanumeric());
        for (rows, is_met, point, expected) in [
            ("MQTT-002 MQTT-063", own.level == 5, "The protocol level", "5"),
            ("MQTT-058 MQTT-064", own.flags & 0x02 == 0, "Clean Start", "0"),
            ("MQTT-057 MQTT-065 MQTT-070", own.flags & 0x04 == 0, "Will Flag", "0"),
            ("MQTT-066", own.flags & 0x18 == 0, "Will QoS", "0"),
            ("MQTT-067", own.flags & 0x20 == 0, "Will Retain", "0"),
            ("MQTT-052 MQTT-068", own.keep_alive <= 300, "Keep Alive", "at most 300"),
            ("MQTT-053", own.keep_alive > 0, "Keep Alive", "not 0"),
            ("MQTT-102", own.keep_alive == 300 || own.keep_alive > 0, "Keep Alive", "300, or what was configured"),
            ("MQTT-046 MQTT-051 MQTT-069", !own.client_id.is_empty(), "The ClientID", "not empty"),
            ("MQTT-047", is_short, "The ClientID", "1 to 23 letters and digits"),
            ("MQTT-059", expiry > 0, "Session Expiry Interval", "greater than 0"),
        ] {
            session.note(rows, is_met, point, expected, &got);
        }
    }
    Ok(())
}

fn subscribe(session: &mut Session<'_>) -> io::Result<()> {
    let device = session.authority();
    let seen = session.tap()?.of_kind(Direction::ToBroker, Kind::Subscribe);
    let filters: Vec<_> = seen.iter().flat_map(|seen| seen.packet.subscribe().filters).collect();
    let got = remarked(format!("{filters:?}"));
    let covers = |topic: &str| filters.iter().any(|(filter, _)| is_match(filter, topic));
    session.note("MQTT-004 MQTT-089", !filters.is_empty(), "SUBSCRIBE", "the topics for requests", &got);
    session.note("MQTT-091", covers("oc2/cmd/all"), "Subscriptions", "oc2/cmd/all", &got);
    session.note(
        "MQTT-092",
        covers(&format!("oc2/cmd/device/{device}")),
        "Subscriptions",
        "oc2/cmd/device/[device_id]",
        &got,
    );
    for nsid in session.facts.profiles.clone() {
        let is_met = covers(&format!("oc2/cmd/ap/{nsid}"));
        session.note("MQTT-090", is_met, "Subscriptions", &format!("oc2/cmd/ap/{nsid}"), &got);
    }
    for (filter, options) in &filters {
        let got = remarked(format!("{filter} with options {options:#04x}"));
        let is_named = filter.split('/').all(|level| !level.is_empty());
        session.note("MQTT-012", is_named, filter, "no empty level", &got);
        session.note("MQTT-096", options & 3 >= 1, filter, "Maximum QoS of at least 1", &got);
        session.note("MQTT-018 MQTT-095 MQTT-097", options & 3 == 2, filter, "Maximum QoS 2", &got);
        session.note("MQTT-019 MQTT-095", options & 4 != 0, filter, "No Local 1", &got);
        session.note("MQTT-020 MQTT-095", options & 8 != 0, filter, "Retain As Published 1", &got);
        session.note("MQTT-021 MQTT-095", options & 0x30 == 0, filter, "Retain Handling 0", &got);
    }
    Ok(())
}

/// Cuts the connection of the subject, and waits until it is back.
fn cut(session: &Session<'_>) -> io::Result<()> {
    let tap = session.tap()?;
    let n_before = tap.of_kind(Direction::ToClient, Kind::ConnAck).len();
    tap.cut();
    tap.mend();
    let until = Instant::now() + Duration::from_secs(60);
    while tap.of_kind(Direction::ToClient, Kind::ConnAck).len() == n_before && Instant::now() < until {
        sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Whether a topic filter lets a topic through (MQTT 5 4.7).
fn is_match(filter: &str, topic: &str) -> bool {
    let (mut filters, mut levels) = (filter.split('/'), topic.split('/'));
    loop {
        match (filters.next(), levels.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(own), Some(level)) if own == level => {}
            _ => return false,
        }
    }
}

fn published(session: &Session<'_>) -> io::Result<Vec<Publish>> {
    let seen = session.tap()?.of_kind(Direction::ToBroker, Kind::Publish);
    Ok(seen.iter().map(|seen| seen.packet.publish()).collect())
}

fn publish(session: &mut Session<'_>) -> io::Result<()> {
    session.ask(json!({"action": "query", "target": {"features": ["versions"]}}))?;
    for own in published(session)? {
        let user = own.user_properties();
        let properties: Vec<_> = own.properties.iter().filter(|(id, _)| *id != 0x26).collect();
        let got = remarked(format!(
            "{} at QoS {}, retain {}, properties {properties:02x?}, user properties {user:?}",
            own.topic, own.qos, own.is_retained
        ));
        let has = |name: &str, value: &str| user.iter().any(|(own, is)| own == name && is == value);
        let is_cbor = has("encoding", "cbor");
        let (encoding_row, encoding, format) = if is_cbor {
            ("MQTT-082", "cbor", own.property(0x01).is_none_or(|value| value == [0]))
        } else {
            ("MQTT-081", "json", own.property(0x01) == Some(&[1]))
        };
        let content_type = own.property(0x03).is_some_and(|value| value == b"application/openc2");
        for (rows, is_met, point, expected) in [
            (
                "MQTT-015 MQTT-073",
                own.topic.starts_with("oc2/rsp") && !own.topic.contains(['+', '#']),
                "The topic",
                "oc2/rsp.., no wildcard",
            ),
            ("MQTT-039", own.qos == 1, "QoS", "1 by default"),
            ("MQTT-041 MQTT-074", own.qos >= 1, "QoS", "at least 1"),
            ("MQTT-075", !own.is_retained, "Retain", "0"),
            ("MQTT-023 MQTT-076", format, "Payload Format Indicator", "1 for JSON, 0 for CBOR"),
            ("MQTT-024 MQTT-077", content_type, "Content Type", "application/openc2"),
            ("MQTT-001 MQTT-025 MQTT-079", has("msgType", "rsp"), "User Property msgType", "rsp"),
            ("MQTT-001 MQTT-026", has("encoding", encoding), "User Property encoding", "json or cbor"),
            (encoding_row, has("encoding", encoding), "User Property encoding", encoding),
            ("MQTT-022 MQTT-072", !own.payload.is_empty(), "The payload", "an OpenC2 message"),
        ] {
            session.note(rows, is_met, point, expected, &got);
        }
    }
    let n_requests = session.tap()?.of_kind(Direction::ToClient, Kind::Publish).len();
    let n_acknowledged = session.tap()?.of_kind(Direction::ToBroker, Kind::PubAck).len()
        + session.tap()?.of_kind(Direction::ToBroker, Kind::PubRec).len();
    let got = remarked(format!("{n_requests} requests, {n_acknowledged} acknowledgements"));
    session.note("MQTT-042", n_acknowledged > 0, "Requests at QoS 1", "they are acknowledged (MQTT 5 4.3.2)", &got);
    Ok(())
}

fn deny(n: u8) -> serde_json::Value {
    json!({"action": "deny", "target": {"ipv4_net": format!("198.51.100.{n}")}, "args": {"response_requested": "complete"}})
}

/// A Command that is retained must not be performed whenever the subject subscribes.
fn retained(session: &mut Session<'_>) -> io::Result<()> {
    let topic = format!("oc2/cmd/device/{}", session.authority());
    let id = session.fresh_id();
    let mut own = Outgoing::new(session.whole(&id, &deny(20)).to_string()).id(&id).topic(&topic).silent();
    own.is_retained = true;
    session.send(&own)?;
    let n_before = published(session)?.len();
    match &mut session.restart {
        Some(restart) => restart()?,
        None => cut(session)?,
    }
    // Once this is answered, what was retained was looked at before.
    let got = session.ask(json!({"action": "query", "target": {"features": []}}))?;
    let all = published(session)?;
    let answered =
        all[n_before.min(all.len())..].iter().filter(|own| String::from_utf8_lossy(&own.payload).contains(&id)).count();
    let expected = "nothing is performed by being subscribed to";
    session.note("MQTT-075", answered == 0, "a retained Command, when the subject comes back", expected, &got);
    // An empty retained message takes it away (MQTT 5 3.3.1.3).
    let mut none = Outgoing::new("").topic(&topic).silent();
    none.is_retained = true;
    session.send(&none)?;
    Ok(())
}

fn again(session: &mut Session<'_>) -> io::Result<()> {
    let all = "MQTT-048 MQTT-058 MQTT-060 MQTT-061";
    let n_before = connects(session)?.len();
    session.tap()?.cut();
    // While it is away.
    let id = session.fresh_id();
    let command = json!({"action": "query", "target": {"features": ["versions"]}});
    let own = Outgoing::new(session.whole(&id, &command).to_string()).id(&id);
    session.tap()?.mend();
    let got = session.send(&own)?;
    let connects = connects(session)?;
    let Some((first, later)) = connects.first().zip(connects.get(n_before)) else {
        session.lacks(all, "The subject did not come back in time.");
        return Ok(());
    };
    let seen =
        remarked(format!("ClientID {:?}, then {:?}; flags {:#04x}", first.client_id, later.client_id, later.flags));
    session.note("MQTT-048", first.client_id == later.client_id, "The ClientID after a reconnect", "the same", &seen);
    session.note("MQTT-058", later.flags & 2 == 0, "Clean Start after a reconnect", "0", &seen);
    session.note(
        "MQTT-060 MQTT-061",
        got.is_ok(),
        "a Command that was sent while the subject was away",
        "it is answered",
        &got,
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_let_topics_through() {
        for (filter, topic, expected) in [
            ("oc2/cmd/all", "oc2/cmd/all", true),
            ("oc2/#", "oc2/cmd/all", true),
            ("oc2/cmd/+", "oc2/cmd/all", true),
            ("oc2/cmd/+", "oc2/cmd/ap/slpf", false),
            ("oc2/cmd", "oc2/cmd/all", false),
        ] {
            assert_eq!(is_match(filter, topic), expected, "{filter} {topic}");
        }
    }
}
