//! A Consumer behind a broker of ours that listens to a Producer, and a tap on the wire of the Producer.

use std::io;
use std::time::{Duration, Instant};

use oc2_tests_broker::{Direction, Kind, Packet, Seen, Tap};
use serde_json::Value;

use super::{Hearing, commands, judge_hello, response};
use crate::exchange::Exchange;
use crate::wire::client::{Broker, Client, Draft};
use crate::wire::mqtt::of_openc2;

pub(super) const ROWS: &str = "MQTT-001..MQTT-003 MQTT-008..MQTT-010 MQTT-015 MQTT-018..MQTT-026 MQTT-028..MQTT-032 MQTT-039 \
    MQTT-041 MQTT-046 MQTT-047 MQTT-051..MQTT-053 MQTT-057..MQTT-059 MQTT-063..MQTT-070 MQTT-072..MQTT-078 MQTT-081 \
    MQTT-083..MQTT-086 MQTT-089 MQTT-093..MQTT-097 MQTT-100 MQTT-102 MQTT-109 MQTT-111 MQTT-113 MQTT-116 MQTT-118 MQTT-119";

/// Answers what comes on the topics for Commands until it is over, which is asked with the time of the last message; then judges
/// what went over the tap, if there is one.
pub(super) fn hear(
    hearing: &mut Hearing,
    broker: &Broker,
    tap: Option<&Tap>,
    is_over: impl Fn(Instant) -> bool,
) -> io::Result<()> {
    // QoS 2, Retain As Published, nothing of what is retained: messages come as they were published.
    let mut consumer = Client::connect(broker, "oc2/cmd/#", 0x2a, Duration::from_secs(10))?;
    let mut last = Instant::now();
    while !is_over(last) {
        let Some((packet, _)) = consumer.next_packet(Instant::now() + Duration::from_millis(50))? else { continue };
        last = Instant::now();
        let own = packet.publish();
        let exchange = Exchange { sent: own.payload.clone(), ..Exchange::default() };
        let message = commands::judge(hearing, &own.payload, &exchange).unwrap_or_default();
        let told = response(&message, hearing.n_messages).to_string();
        let (topic, properties) = ("oc2/rsp", of_openc2("rsp"));
        consumer.publish(&Draft { topic, properties: &properties, payload: told.as_bytes(), is_retained: false })?;
        if tap.is_none_or(|tap| !tap.hellos().is_empty()) {
            publish(hearing, &packet);
        }
    }
    let Some(tap) = tap else { return Ok(()) };
    for record in tap.hellos() {
        judge_hello(hearing, &record, true);
    }
    for seen in tap.packets().iter().filter(|seen| seen.direction == Direction::ToBroker) {
        packet(hearing, seen);
    }
    order(hearing, &tap.packets());
    Ok(())
}

fn packet(hearing: &mut Hearing, seen: &Seen) {
    match seen.packet.kind {
        Kind::Connect => connect(hearing, &seen.packet),
        Kind::Subscribe => subscribe(hearing, &seen.packet),
        Kind::Publish => publish(hearing, &seen.packet),
        _ => {}
    }
}

fn connect(hearing: &mut Hearing, packet: &Packet) {
    let own = packet.connect();
    let told = format!(
        "level {}, flags {:#04x}, Keep Alive {}, ClientID {:?}, properties {:02x?}",
        own.level, own.flags, own.keep_alive, own.client_id, own.properties
    );
    let exchange = Exchange { sent: packet.body.clone(), ..Exchange::default() };
    let expiry = own.property(0x11).and_then(|value| value.try_into().ok()).map_or(0, u32::from_be_bytes);
    let is_short = (1..=23).contains(&own.client_id.len()) && own.client_id.chars().all(|c| c.is_ascii_alphanumeric());
    for (rows, is_met, point, expected) in [
        ("MQTT-002 MQTT-063", own.level == 5, "The protocol level", "5"),
        ("MQTT-058 MQTT-064", own.flags & 0x02 == 0, "Clean Start", "0"),
        ("MQTT-057 MQTT-065..MQTT-067 MQTT-070", own.flags & 0x3c == 0, "The Will", "none"),
        ("MQTT-052 MQTT-068", own.keep_alive <= 300, "Keep Alive", "at most 300"),
        ("MQTT-053 MQTT-102", own.keep_alive > 0, "Keep Alive", "not 0"),
        ("MQTT-046 MQTT-051 MQTT-069", !own.client_id.is_empty(), "The ClientID", "not empty"),
        ("MQTT-047", is_short, "The ClientID", "1 to 23 letters and digits"),
        ("MQTT-059", expiry > 0, "Session Expiry Interval", "greater than 0"),
    ] {
        hearing.note(rows, is_met, point, expected, &told, &exchange);
    }
}

fn subscribe(hearing: &mut Hearing, packet: &Packet) {
    let filters = packet.subscribe().filters;
    let exchange = Exchange { sent: packet.body.clone(), ..Exchange::default() };
    let told = format!("{filters:02x?}");
    let has = |topic: &str| filters.iter().any(|(filter, _)| filter == topic || filter == "oc2/rsp/#");
    hearing.note("MQTT-003 MQTT-089 MQTT-093", has("oc2/rsp"), "Subscriptions", "oc2/rsp", &told, &exchange);
    let is_met = filters.iter().any(|(filter, _)| filter.starts_with("oc2/rsp/"));
    hearing.note("MQTT-094", is_met, "Subscriptions", "oc2/rsp/[producer_id]", &told, &exchange);
    for (filter, options) in &filters {
        for (rows, is_met, expected) in [
            ("MQTT-096", options & 3 >= 1, "Maximum QoS of at least 1"),
            ("MQTT-018 MQTT-095 MQTT-097", options & 3 == 2, "Maximum QoS 2"),
            ("MQTT-019 MQTT-095", options & 4 != 0, "No Local 1"),
            ("MQTT-020 MQTT-095", options & 8 != 0, "Retain As Published 1"),
            ("MQTT-021 MQTT-095", options & 0x30 == 0, "Retain Handling 0"),
        ] {
            hearing.note(rows, is_met, filter, expected, &format!("{options:#04x}"), &exchange);
        }
    }
}

fn publish(hearing: &mut Hearing, packet: &Packet) {
    let own = packet.publish();
    let user = own.user_properties();
    let has = |name: &str, value: &str| user.iter().any(|(own, is)| own == name && is == value);
    let told = format!("{} at QoS {}, retain {}, {user:?}", own.topic, own.qos, own.is_retained);
    let exchange = Exchange { sent: packet.body.clone(), ..Exchange::default() };
    let message: Value = serde_json::from_slice(&own.payload).unwrap_or_default();
    let row = match own.topic.split('/').collect::<Vec<_>>()[..] {
        ["oc2", "cmd", "all"] => Some("MQTT-008"),
        ["oc2", "cmd", "ap", _] => Some("MQTT-009"),
        ["oc2", "cmd", "device", _] => Some("MQTT-010"),
        _ => None,
    };
    let rows = format!("MQTT-073 MQTT-015 {}", row.unwrap_or_default());
    hearing.note(&rows, row.is_some(), "The topic", "one of table 2-1 for Commands", &told, &exchange);
    let is_named = message.pointer("/headers/from").and_then(Value::as_str).is_some_and(|from| !from.is_empty());
    let faults = crate::schema::faults("Message", &message);
    for (rows, is_met, point, expected) in [
        ("MQTT-039", own.qos == 1, "QoS", "1 by default"),
        ("MQTT-041 MQTT-074", own.qos >= 1, "QoS", "at least 1"),
        ("MQTT-075", !own.is_retained, "Retain", "0"),
        ("MQTT-023 MQTT-076", own.property(0x01) == Some(&[1]), "Payload Format Indicator", "1 for JSON"),
        ("MQTT-024 MQTT-077", own.property(0x03) == Some(b"application/openc2"), "Content Type", "application/openc2"),
        ("MQTT-001 MQTT-025 MQTT-078", has("msgType", "req"), "User Property msgType", "req"),
        ("MQTT-001 MQTT-026 MQTT-081", has("encoding", "json"), "User Property encoding", "json"),
        ("MQTT-086", own.property(0x08).is_none(), "Response Topic", "none"),
        ("MQTT-032 MQTT-085", is_named, "headers.from", "the identifier of the Producer"),
        (
            "MQTT-022 MQTT-028..MQTT-031 MQTT-072 MQTT-083 MQTT-084",
            faults.is_empty(),
            "The payload",
            "a Message in JSON",
        ),
    ] {
        hearing.note(rows, is_met, point, expected, &told, &exchange);
    }
}

/// Subscriptions first, requests second.
fn order(hearing: &mut Hearing, packets: &[Seen]) {
    let nothing = Exchange::default();
    let connections = packets.iter().map(|seen| seen.connection).max().map_or(0, |last| last + 1);
    for connection in 0..connections {
        let own: Vec<_> = packets.iter().filter(|seen| seen.connection == connection).collect();
        let at = |direction, kind| own.iter().position(|seen| seen.direction == direction && seen.packet.kind == kind);
        let Some(request) = at(Direction::ToBroker, Kind::Publish) else { continue };
        // Subscriptions of a session that stands need not be made again.
        let Some(_) = at(Direction::ToBroker, Kind::Subscribe) else { continue };
        let is_met = at(Direction::ToClient, Kind::SubAck).is_some_and(|granted| granted < request);
        let expected = "the subscription is acknowledged before the first request";
        hearing.note("MQTT-100", is_met, "The order of packets", expected, "a request came first", &nothing);
    }
}
