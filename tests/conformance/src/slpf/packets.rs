//! What rules do to packets (SLPF 2.1.3.2, 2.3; LS 3.3.1.4), where the suite has both sides of the filter.

use std::io;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::check::{Check, Over};
use crate::exchange::Exchange;
use crate::field::{Fate, PORTS, Way};
use crate::session::{Session, now};

use super::fresh_number;

pub(super) fn checks() -> Vec<Check> {
    [
        Check::new(
            "SLPF-033 SLPF-034 SLPF-097 SLPF-098 SLPF-104 SLPF-105 SLPF-136 SLPF-140 SLPF-157",
            "Packets: nets",
            nets,
        ),
        Check::new("SLPF-027 SLPF-033", "Packets: direction", direction),
        Check::new("SLPF-023..SLPF-025 SLPF-034", "Packets: drop_process", drop_process),
        Check::new("SLPF-084 SLPF-091 SLPF-128 SLPF-132", "Packets: what a connection does not say", connections),
        Check::new("LS-121 LS-123..LS-126", "Packets: when the effect begins and ends", times),
        Check::new("SLPF-035 SLPF-036", "Packets: a restart of the Consumer", restart),
        Check::new("SLPF-163 SLPF-164 SLPF-180", "Packets: a rule file", update),
    ]
    .map(|check| check.over(Over::Packets).changing())
    .into()
}

/// Addresses of a family on both sides.
struct Family {
    net: &'static str,
    connection: &'static str,
    own: &'static str,
    /// Two of the peer.
    one: &'static str,
    other: &'static str,
    /// A range that has both, and ours.
    range: &'static str,
}

const FAMILIES: [Family; 2] = [
    Family {
        net: "ipv4_net",
        connection: "ipv4_connection",
        own: "192.0.2.1",
        one: "192.0.2.2",
        other: "192.0.2.3",
        range: "192.0.2.0/24",
    },
    Family {
        net: "ipv6_net",
        connection: "ipv6_connection",
        own: "2001:db8::1",
        one: "2001:db8::2",
        other: "2001:db8::3",
        range: "2001:db8::/64",
    },
];

/// A rule that was made, and whose number is kept until it is deleted.
struct Made {
    point: String,
    got: Exchange,
}

fn make(session: &mut Session<'_>, action: &str, target: &Value, args: &Value) -> io::Result<Made> {
    let mut command = json!({"action": action, "target": target});
    if !args.is_null() {
        command["args"] = args.clone();
    }
    let got = session.ask(command)?;
    let args = if args.is_null() { String::new() } else { format!(" with {args}") };
    Ok(Made { point: format!("{action} {target}{args}"), got })
}

/// Takes rules back; whether each was.
fn delete(session: &mut Session<'_>, rules: &[&Made]) -> io::Result<()> {
    for rule in rules {
        if let Some(number) = rule.got.rule_number() {
            session.ask(json!({"action": "delete", "target": {"slpf:rule_number": number}}))?;
            session.forget(number);
        }
    }
    Ok(())
}

/// Looks at one packet, and notes whether its fate is the one that is expected.
fn look(
    session: &mut Session<'_>,
    rows: &str,
    rule: &Made,
    (way, own, peer, port): (Way, &str, &str, u16),
    expected: Fate,
) -> io::Result<()> {
    let fate = session.field()?.fate(way, own, peer, port)?;
    let route = match way {
        Way::In => format!("from {peer} to {own}"),
        Way::Out => format!("from {own} to {peer}"),
    };
    let (point, expected_told) = (format!("{}: a packet {route}, port {port}", rule.point), expected.to_string());
    session.note_told(rows, fate == expected, &point, &expected_told, &fate.to_string(), &rule.got);
    Ok(())
}

fn nets(session: &mut Session<'_>) -> io::Result<()> {
    for (family, [deny_rows, allow_rows]) in
        FAMILIES.into_iter().zip([["SLPF-136", "SLPF-097 SLPF-098"], ["SLPF-140", "SLPF-104 SLPF-105"]])
    {
        let Family { own, one, other, .. } = family;
        let deny = make(session, "deny", &json!({family.net: one}), &Value::Null)?;
        let rows = format!("{deny_rows} SLPF-033 SLPF-034");
        for way in [Way::In, Way::Out] {
            look(session, &rows, &deny, (way, own, one, PORTS[0]), Fate::Dropped)?;
            look(session, deny_rows, &deny, (way, own, other, PORTS[0]), Fate::Passes)?;
        }
        delete(session, &[&deny])?;
        let gone = Made { point: format!("{}, deleted", deny.point), got: deny.got };
        for way in [Way::In, Way::Out] {
            look(session, "SLPF-157", &gone, (way, own, one, PORTS[0]), Fate::Passes)?;
        }
        let deny = make(session, "deny", &json!({family.net: family.range}), &Value::Null)?;
        let allow = make(session, "allow", &json!({family.net: one}), &Value::Null)?;
        for way in [Way::In, Way::Out] {
            look(session, allow_rows, &allow, (way, own, one, PORTS[0]), Fate::Passes)?;
            look(session, allow_rows, &allow, (way, own, other, PORTS[0]), Fate::Dropped)?;
        }
        delete(session, &[&allow, &deny])?;
    }
    Ok(())
}

fn direction(session: &mut Session<'_>) -> io::Result<()> {
    use Fate::{Dropped, Passes};

    for Family { net, own, one, .. } in FAMILIES {
        for (direction, inwards, outwards, rows) in [
            (json!({"slpf": {"direction": "ingress"}}), Dropped, Passes, "SLPF-027"),
            (json!({"slpf": {"direction": "egress"}}), Passes, Dropped, "SLPF-027"),
            (json!({"slpf": {"direction": "both"}}), Dropped, Dropped, "SLPF-027"),
            (Value::Null, Dropped, Dropped, "SLPF-033"),
        ] {
            let deny = make(session, "deny", &json!({net: one}), &direction)?;
            look(session, rows, &deny, (Way::In, own, one, PORTS[0]), inwards)?;
            look(session, rows, &deny, (Way::Out, own, one, PORTS[0]), outwards)?;
            delete(session, &[&deny])?;
        }
    }
    Ok(())
}

fn drop_process(session: &mut Session<'_>) -> io::Result<()> {
    for Family { net, own, one, .. } in FAMILIES {
        for (args, fate, row) in [
            (Value::Null, Fate::Dropped, "SLPF-034"),
            (json!({"slpf": {"drop_process": "none"}}), Fate::Dropped, "SLPF-023"),
            (json!({"slpf": {"drop_process": "reject"}}), Fate::Rejected, "SLPF-024"),
        ] {
            let deny = make(session, "deny", &json!({net: one}), &args)?;
            look(session, row, &deny, (Way::In, own, one, PORTS[0]), fate)?;
            delete(session, &[&deny])?;
        }
        // A datagram has no acknowledgement that could be false; what is not offered has to be refused.
        let deny = make(session, "deny", &json!({net: one}), &json!({"slpf": {"drop_process": "false_ack"}}))?;
        if deny.got.is_ok() {
            look(session, "SLPF-025", &deny, (Way::In, own, one, PORTS[0]), Fate::Dropped)?;
            delete(session, &[&deny])?;
        } else {
            session.note(
                "SLPF-025",
                deny.got.status() == Some(501),
                &deny.point,
                "501, as what is not offered",
                &deny.got,
            );
            let refused = Made { point: format!("{}, refused", deny.point), got: deny.got };
            look(session, "SLPF-025", &refused, (Way::In, own, one, PORTS[0]), Fate::Passes)?;
        }
    }
    Ok(())
}

fn connections(session: &mut Session<'_>) -> io::Result<()> {
    let [port, another] = PORTS;
    for (family, [allow_row, deny_row]) in
        FAMILIES.into_iter().zip([["SLPF-084", "SLPF-128"], ["SLPF-091", "SLPF-132"]])
    {
        let Family { connection, own, one, other, .. } = family;
        let by_port = json!({connection: {"protocol": "udp", "dst_port": port}});
        let deny = make(session, "deny", &by_port, &Value::Null)?;
        for peer in [one, other] {
            for way in [Way::In, Way::Out] {
                look(session, deny_row, &deny, (way, own, peer, port), Fate::Dropped)?;
                look(session, deny_row, &deny, (way, own, peer, another), Fate::Passes)?;
            }
        }
        delete(session, &[&deny])?;
        let deny = make(session, "deny", &json!({connection: {"src_addr": one}}), &Value::Null)?;
        for port in PORTS {
            look(session, deny_row, &deny, (Way::In, own, one, port), Fate::Dropped)?;
            look(session, deny_row, &deny, (Way::In, own, other, port), Fate::Passes)?;
            look(session, deny_row, &deny, (Way::Out, own, one, port), Fate::Passes)?;
        }
        delete(session, &[&deny])?;
        let deny = make(session, "deny", &json!({family.net: family.range}), &Value::Null)?;
        let allow = make(session, "allow", &by_port, &Value::Null)?;
        for peer in [one, other] {
            look(session, allow_row, &allow, (Way::In, own, peer, port), Fate::Passes)?;
            look(session, allow_row, &allow, (Way::In, own, peer, another), Fate::Dropped)?;
        }
        delete(session, &[&allow, &deny])?;
        let deny = make(session, "deny", &json!({family.net: family.range}), &Value::Null)?;
        let allow = make(session, "allow", &json!({connection: {"dst_addr": own}}), &Value::Null)?;
        for (way, fate) in [(Way::In, Fate::Passes), (Way::Out, Fate::Dropped)] {
            look(session, allow_row, &allow, (way, own, one, port), fate)?;
        }
        delete(session, &[&allow, &deny])?;
    }
    Ok(())
}

/// Times are milliseconds from the moment of the Command; where none is given, there is no such end.
fn times(session: &mut Session<'_>) -> io::Result<()> {
    let target = json!({FAMILIES[0].net: FAMILIES[0].one});
    for (n, (row, start, stop, duration)) in (300..).zip([
        ("LS-121", None, None, None),
        ("LS-124", Some(SHORT), None, None),
        ("LS-125", None, Some(SHORT), None),
        ("LS-126", None, None, Some(SHORT)),
        ("LS-123", Some(SHORT), Some(2 * SHORT), None),
        ("LS-123", Some(SHORT), None, Some(SHORT)),
        ("LS-123", None, Some(2 * SHORT), Some(SHORT)),
    ]) {
        let begun = now();
        // Where it is for later, nobody tells its number.
        let number = fresh_number(n);
        let mut args = json!({"response_requested": "ack", "slpf": {"insert_rule": number}});
        for (name, value) in [
            ("start_time", start.map(|own| begun + own)),
            ("stop_time", stop.map(|own| begun + own)),
            ("duration", duration),
        ] {
            if let Some(value) = value {
                args[name] = json!(value);
            }
        }
        let deny = make(session, "deny", &target, &args)?;
        let derived = stop.zip(duration).map(|(stop, duration)| stop - duration);
        let begins = begun + start.or(derived).unwrap_or(0);
        let ends = stop.map(|own| begun + own).or(duration.map(|own| begins + own));
        window(session, row, &deny, begins, ends)?;
        if ends.is_none() {
            session.ask(json!({"action": "delete", "target": {"slpf:rule_number": number}}))?;
        }
    }
    Ok(())
}

/// Packets before, within and behind the time of a rule.
fn window(session: &mut Session<'_>, row: &str, deny: &Made, begins: u64, ends: Option<u64>) -> io::Result<()> {
    let Family { own, one, .. } = FAMILIES[0];
    let probe = (Way::In, own, one, PORTS[0]);
    // What is seen counts only where the clock says afterwards that it was before.
    let fate = session.field()?.fate(Way::In, own, one, PORTS[0])?;
    if now() < begins {
        note_time(session, row, deny, "before the start", fate == Fate::Passes, fate);
    }
    let (fate, at) = wait_for(session, probe, Fate::Dropped)?;
    note_time(session, row, deny, "from the start on", fate == Fate::Dropped && at >= begins, fate);
    let Some(ends) = ends else {
        let fate = session.field()?.fate(Way::In, own, one, PORTS[0])?;
        note_time(session, row, deny, "without an end", fate == Fate::Dropped, fate);
        return Ok(());
    };
    let (fate, at) = wait_for(session, probe, Fate::Passes)?;
    note_time(session, row, deny, "after the end", fate == Fate::Passes && at >= ends, fate);
    Ok(())
}

/// One rule that is to survive, one that is not to, and one that says nothing.
fn restart(session: &mut Session<'_>) -> io::Result<()> {
    let [Family { net, own, one, other, .. }, six] = FAMILIES;
    let silent = make(session, "deny", &json!({net: one}), &Value::Null)?;
    let lasting = make(session, "deny", &json!({six.net: six.one}), &json!({"slpf": {"persistent": true}}))?;
    let fleeting = make(session, "deny", &json!({net: other}), &json!({"slpf": {"persistent": false}}))?;
    for (rule, own, peer, row) in
        [(&silent, own, one, "SLPF-035"), (&lasting, six.own, six.one, "SLPF-035"), (&fleeting, own, other, "SLPF-036")]
    {
        look(session, row, rule, (Way::In, own, peer, PORTS[0]), Fate::Dropped)?;
    }
    let Some(restart) = session.restart.as_mut() else {
        session.lacks("SLPF-035 SLPF-036", "The suite cannot restart the subject.");
        return delete(session, &[&silent, &lasting, &fleeting]);
    };
    restart()?;
    let again = |rule: &Made| Made { point: format!("{}, after a restart", rule.point), got: rule.got.clone() };
    look(session, "SLPF-035", &again(&silent), (Way::In, own, one, PORTS[0]), Fate::Dropped)?;
    look(session, "SLPF-035", &again(&lasting), (Way::In, six.own, six.one, PORTS[0]), Fate::Dropped)?;
    look(session, "SLPF-036", &again(&fleeting), (Way::In, own, other, PORTS[0]), Fate::Passes)?;
    delete(session, &[&silent, &lasting, &fleeting])
}

/// The file denies one address that nobody else has.
fn update(session: &mut Session<'_>) -> io::Result<()> {
    let rows = "SLPF-163 SLPF-164 SLPF-180";
    let probe = (Way::In, "203.0.113.1", "203.0.113.99", PORTS[0]);
    let before = Made { point: "before update file".to_owned(), got: Exchange::default() };
    look(session, rows, &before, probe, Fate::Passes)?;
    let args = json!({"response_requested": "complete"});
    let got = session.ask(json!({"action": "update", "target": {"file": {"name": "good.rules"}}, "args": args}))?;
    session.note(rows, got.is_ok(), "update file", "200", &got);
    look(session, rows, &Made { point: "update file, answered".to_owned(), got }, probe, Fate::Dropped)
}

fn note_time(session: &mut Session<'_>, row: &str, rule: &Made, when: &str, is_met: bool, fate: Fate) {
    let point = format!("{}: {when}", rule.point);
    let expected = match when {
        "before the start" | "after the end" => "packets pass, and not earlier than that",
        _ => "packets are dropped, and not earlier than that",
    };
    session.note_told(row, is_met, &point, expected, &format!("a packet {fate}"), &rule.got);
}

/// Sends packets until one has this fate; the fate of the last, and when that was known.
fn wait_for(
    session: &mut Session<'_>,
    (way, own, peer, port): (Way, &str, &str, u16),
    expected: Fate,
) -> io::Result<(Fate, u64)> {
    let until = Instant::now() + PATIENCE;
    loop {
        let fate = session.field()?.fate(way, own, peer, port)?;
        if fate == expected || Instant::now() > until {
            return Ok((fate, now()));
        }
    }
}

const SHORT: u64 = 1_500;
const PATIENCE: Duration = Duration::from_secs(20);
