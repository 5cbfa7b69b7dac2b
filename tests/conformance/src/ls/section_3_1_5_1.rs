//! LS 3.1.5.1, 3.4: what integer ids and octets show, which are sent in CBOR only (JADN 4.4).

use std::io;

use serde_json::{Value, json};

use crate::cbor::{ACTIONS, Item, MEDIA_TYPE, RULE_NUMBER, SLPF, TARGETS, id_of};
use crate::check::Check;
use crate::exchange::Exchange;
use crate::session::Session;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new("LS-071 LS-075 LS-232 SLPF-205 MQTT-082 MQTT-023", "CBOR: an answer is written with ids", answers)
            .in_cbor(),
        Check::new("LS-096 LS-098 LS-118 SLPF-205", "CBOR: ids are those of the tables", ids).in_cbor(),
        Check::new("LS-167 LS-193 LS-194", "CBOR: addresses are octets", addresses).in_cbor(),
        Check::new("SLPF-205 LS-071", "CBOR: Commands are what they are in JSON", vectors).in_cbor(),
        Check::new("LS-151 LS-071", "CBOR: results of the profile", results).in_cbor().changing(),
    ]
}

/// The message in the first answer.
fn read(got: &Exchange) -> Option<Item> {
    Item::read(&got.answer()?.body)
}

fn answers(session: &mut Session<'_>) -> io::Result<()> {
    let features = Item::List([1, 2, 3].map(Item::Integer).into());
    let got = session.ask_cbor(Item::List(vec![Item::Integer(3), Item::by_id([(9, features)])]))?;
    let point = "query features versions, profiles, pairs in CBOR";
    session.note("LS-071", got.is_ok(), point, "200", &got);
    let message = read(&got);
    let has_ids = message.as_ref().is_some_and(Item::has_ids_only);
    session.note("LS-071", has_ids, point, "a message in CBOR whose keys are ids", &got);
    if session.transfer().is_http() {
        let media_type = got.answer().and_then(|answer| answer.field("Content-Type")).unwrap_or("none").to_owned();
        let is_told = media_type.contains("cbor");
        session.note_told("LS-075", is_told, "The content type of an answer in CBOR", MEDIA_TYPE, &media_type, &got);
    } else {
        let told = |name: &str| got.answer().and_then(|answer| answer.field(name)).unwrap_or("none").to_owned();
        let (encoding, format) = (told("encoding"), told("payload format"));
        session.note_told("MQTT-082 LS-075", encoding == "cbor", "User Property encoding", "cbor", &encoding, &got);
        let is_met = matches!(format.as_str(), "0" | "none");
        session.note_told("MQTT-023", is_met, "Payload Format Indicator", "0 for CBOR, or none", &format, &got);
    }
    let pairs = message.as_ref().and_then(|message| {
        let Item::List(parts) = message else { return None };
        parts.get(1)?.member(1)?.member(2)?.member(3)?.member(3).cloned()
    });
    let Some(Item::Map(pairs)) = pairs else {
        session.note("LS-232", false, point, "results 3, pairs 3: a map", &got);
        return Ok(());
    };
    // The same as in JSON, where they have names.
    let mut expected: Vec<(i64, Vec<i64>)> = Vec::new();
    for (action, targets) in &session.facts.pairs {
        // Targets of profiles without an id have their names.
        let own = targets.iter().filter_map(|target| id_of(&TARGETS, target)).collect();
        expected.extend(id_of(&ACTIONS, action).map(|id| (id, own)));
    }
    let integers = |item: &Item| match item {
        Item::List(items) => items
            .iter()
            .filter_map(|item| if let Item::Integer(id) = item { Some(*id) } else { None })
            .collect::<Vec<_>>(),
        _ => Vec::new(),
    };
    let mut found: Vec<_> = pairs
        .iter()
        .filter_map(|(action, own)| if let Item::Integer(id) = action { Some((*id, integers(own))) } else { None })
        .collect();
    for list in [&mut expected, &mut found] {
        list.iter_mut().for_each(|(_, targets)| targets.sort_unstable());
        list.sort_unstable();
    }
    let told = format!("{found:?}");
    session.note_told(
        "LS-232 LS-096 LS-098 SLPF-205",
        found == expected,
        "pairs in CBOR",
        &format!("{expected:?}"),
        &told,
        &got,
    );
    Ok(())
}

/// Each action on the same target, in both serializations: the same becomes of them. Nothing is performed, since the target is
/// one that the subject has no action for.
fn ids(session: &mut Session<'_>) -> io::Result<()> {
    let (target_id, target) = (19, "uri");
    for (id, action) in ACTIONS {
        if session.lists(action, target) {
            continue;
        }
        let value = "http://www.example.com";
        let in_cbor =
            session.ask_cbor(Item::List(vec![Item::Integer(id), Item::by_id([(target_id, Item::text(value))])]))?;
        let in_json = session.ask(json!({"action": action, "target": {target: value}}))?;
        same(session, "LS-096 SLPF-205", &format!("{action} as {id}"), &in_cbor, &in_json);
    }
    let harmless = |session: &Session<'_>, target: &str| {
        id_of(&ACTIONS, session.harmless_action(target)).map_or(Item::Integer(2), Item::Integer)
    };
    for id in [4, 5, 12, 33, 99] {
        let got = session.ask_cbor(Item::List(vec![Item::Integer(id), Item::by_id([(9, Item::List(vec![]))])]))?;
        session.note("LS-096", !got.is_ok(), &format!("action {id}, which is none"), "any status but 200", &got);
    }
    let address = Item::List(vec![Item::Octets(vec![192, 0, 2, 1])]);
    for (id, target, value) in [
        (1, "artifact", Item::List(vec![Item::text("text/plain")])),
        (2, "command", Item::text("a")),
        (3, "device", Item::by_id([(3, Item::text("a"))])),
        (7, "domain_name", Item::text("www.example.com")),
        (8, "email_addr", Item::text("a@example.com")),
        (10, "file", Item::by_id([(1, Item::text("a.txt"))])),
        (11, "idn_domain_name", Item::text("www.example.com")),
        (12, "idn_email_addr", Item::text("a@example.com")),
        (13, "ipv4_net", address.clone()),
        (14, "ipv6_net", Item::List(vec![Item::Octets(vec![0x20; 16])])),
        (15, "ipv4_connection", Item::List(vec![address])),
        (
            16,
            "ipv6_connection",
            Item::List(vec![Item::Null, Item::Integer(21), Item::Null, Item::Null, Item::Integer(6)]),
        ),
        (17, "mac_addr", Item::Octets(vec![0, 0x1a, 0x2b, 0x3c, 0x4d, 0x5e])),
        (18, "process", Item::by_id([(1, Item::Integer(12))])),
        (19, "uri", Item::text("http://www.example.com")),
        (20, "iri", Item::text("http://www.example.com")),
        (25, "properties", Item::List(vec![Item::text("a")])),
    ] {
        let action = harmless(session, target);
        let got = session.ask_cbor(Item::List(vec![action, Item::by_id([(id, value)])]))?;
        let is_met = got.status().is_some_and(|status| status != 400);
        session.note("LS-098", is_met, &format!("{target} as {id}"), "it is understood: any status but 400", &got);
    }
    for id in [4, 5, 6, 21, 24] {
        let action = harmless(session, "iri");
        let got = session.ask_cbor(Item::List(vec![action, Item::by_id([(id, Item::text("a"))])]))?;
        session.note("LS-098", !got.is_ok(), &format!("target {id}, which is none"), "any status but 200", &got);
    }
    if session.facts.profiles.iter().any(|profile| profile == "slpf") {
        let query = |id: i64| {
            let target = Item::by_id([(9, Item::List(vec![Item::Integer(1)]))]);
            Item::List(vec![Item::Integer(3), target, Item::Null, Item::by_id([(id, Item::Map(vec![]))])])
        };
        let got = session.ask_cbor(query(SLPF))?;
        session.note("LS-118", got.is_ok(), "query features with the actuator 1024", "200", &got);
        let got = session.ask_cbor(query(1033))?;
        session.note("LS-118", !got.is_ok(), "query features with the actuator 1033", "any status but 200", &got);
    } else {
        session.lacks("LS-118", "The subject does not list the profile slpf.");
    }
    Ok(())
}

fn same(session: &mut Session<'_>, rows: &str, point: &str, in_cbor: &Exchange, in_json: &Exchange) {
    let expected = format!("{}, as in JSON", in_json.told());
    session.note(rows, in_cbor.status() == in_json.status(), point, &expected, in_cbor);
}

/// Nets with an action that is not performed: those that are right are understood, and others are malformed.
fn addresses(session: &mut Session<'_>) -> io::Result<()> {
    let net = |octets: &[u8], prefix: i64| Item::List(vec![Item::Octets(octets.to_vec()), Item::Integer(prefix)]);
    let alone = |octets: &[u8]| Item::List(vec![Item::Octets(octets.to_vec())]);
    let six = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    for (rows, target, value, is_right) in [
        ("LS-167 LS-193", "ipv4_net", net(&[192, 0, 2, 0], 24), true),
        ("LS-167 LS-193", "ipv4_net", alone(&[192, 0, 2, 1]), true),
        ("LS-167", "ipv4_net", net(&[192, 0, 2, 0], 33), false),
        ("LS-167", "ipv4_net", Item::Octets(vec![192, 0, 2, 1]), false),
        ("LS-193", "ipv4_net", alone(&[192, 0, 2]), false),
        ("LS-193", "ipv4_net", alone(&six), false),
        ("LS-194", "ipv6_net", net(&six, 64), true),
        ("LS-194", "ipv6_net", alone(&six), true),
        ("LS-194", "ipv6_net", net(&six, 129), false),
        ("LS-194", "ipv6_net", alone(&six[..15]), false),
        ("LS-194", "ipv6_net", alone(&[192, 0, 2, 1]), false),
    ] {
        let action = id_of(&ACTIONS, session.harmless_action(target)).unwrap_or(2);
        let id = id_of(&TARGETS, target).unwrap_or_default();
        let point = format!("{target} {value:?}");
        let got = session.ask_cbor(Item::List(vec![Item::Integer(action), Item::by_id([(id, value)])]))?;
        let status = got.status();
        if is_right {
            let is_met = status.is_some_and(|status| status != 400);
            session.note(rows, is_met, &point, "it is understood: any status but 400", &got);
        } else {
            session.note(rows, status == Some(400), &point, "it is malformed: 400", &got);
        }
    }
    Ok(())
}

/// The vectors that were made with another library, each with an action that the subject has not for its target.
fn vectors(session: &mut Session<'_>) -> io::Result<()> {
    let all: Value = serde_json::from_str(VECTORS).map_err(io::Error::other)?;
    let vectors = all["vectors"].as_array().into_iter().flatten();
    for vector in vectors.filter(|vector| vector["type"] == "OpenC2-Command") {
        let (name, octets) = (vector["name"].as_str().unwrap_or_default(), vector["cbor_hex"].as_str());
        let Some(Item::List(mut parts)) = octets.and_then(unhex).and_then(|octets| Item::read(&octets)) else {
            return Err(io::Error::other(format!("the vector {name} cannot be read")));
        };
        let mut command = vector["json"].clone();
        let target = command["target"].as_object().and_then(|own| own.keys().next().cloned()).unwrap_or_default();
        let action = session.harmless_action(&target);
        command["action"] = json!(action);
        parts[0] = Item::Integer(id_of(&ACTIONS, action).unwrap_or(2));
        // Without an answer there is nothing to compare.
        if command.pointer("/args/response_requested") == Some(&json!("none")) {
            continue;
        }
        let in_cbor = session.ask_cbor(Item::List(parts))?;
        let in_json = session.ask(command)?;
        same(session, "SLPF-205 LS-071", &format!("{name}, with {action}"), &in_cbor, &in_json);
    }
    Ok(())
}

/// A rule that is made in CBOR gets a number, by which it is deleted in CBOR.
fn results(session: &mut Session<'_>) -> io::Result<()> {
    if !session.lists("deny", "ipv4_net") || !session.lists("delete", "slpf:rule_number") {
        session.lacks("LS-151", "The subject makes no rule of a net that can be deleted.");
        return Ok(());
    }
    let net = Item::List(vec![Item::Octets(vec![192, 0, 2, 77]), Item::Integer(32)]);
    let got = session.ask_cbor(Item::List(vec![Item::Integer(6), Item::by_id([(13, net)])]))?;
    let number = got.rule_number();
    session.note(
        "LS-151",
        number.is_some(),
        "deny ipv4_net in CBOR",
        "200 with results 3, slpf 1024, rule_number 1024",
        &got,
    );
    let Some(number) = number else { return Ok(()) };
    let target = Item::by_id([(RULE_NUMBER, Item::Integer(number))]);
    let got = session.ask_cbor(Item::List(vec![Item::Integer(20), target]))?;
    session.note("LS-071", got.is_ok(), "delete slpf:rule_number in CBOR", "200", &got);
    session.forget(number);
    Ok(())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

const VECTORS: &str = include_str!("../../../../crates/oc2-encoding/tests/data/cbor-vectors.json");
