//! Checks of the architecture.

use std::io;

use serde_json::json;

use crate::check::Check;
use crate::session::Session;
use crate::wire::Outgoing;

/// All of them.
pub(crate) fn checks() -> Vec<Check> {
    vec![
        Check::new("ARCH-009 SLPF-001", "There is a profile", profiles),
        Check::new("ARCH-013", "A profile that is not there performs nothing", other_profile).changing(),
        Check::new("ARCH-014", "Without a profile every profile is meant", no_profile).changing(),
        Check::new("ARCH-017", "What is replayed is not performed twice", replay).changing(),
    ]
}

fn profiles(session: &mut Session<'_>) -> io::Result<()> {
    let got = session.ask(json!({"action": "query", "target": {"features": ["profiles"]}}))?;
    let profiles = session.facts.profiles.clone();
    session.note("ARCH-009", !profiles.is_empty(), "The profiles that are told", "at least one", &got);
    if profiles.iter().any(|own| own == "slpf") {
        session.note("SLPF-001", true, "", "", &got);
    } else {
        session.lacks("SLPF-001", "The subject does not name `slpf` among its profiles.");
    }
    Ok(())
}

fn deny(n: u8) -> serde_json::Value {
    json!({"action": "deny", "target": {"ipv4_net": format!("198.51.100.{n}")}, "args": {"response_requested": "complete"}})
}

const NO_DENY: &str = "The subject does not list `deny ipv4_net`.";

fn other_profile(session: &mut Session<'_>) -> io::Result<()> {
    if !session.lists("deny", "ipv4_net") {
        session.lacks("ARCH-013", NO_DENY);
        return Ok(());
    }
    let mut command = deny(1);
    command["actuator"] = json!({"x-none": {}});
    let got = session.ask(command)?;
    let is_met = got.status() != Some(200) && got.rule_number().is_none();
    session.note("ARCH-013", is_met, "deny with the actuator x-none", "it is not performed", &got);
    Ok(())
}

fn no_profile(session: &mut Session<'_>) -> io::Result<()> {
    if !session.lists("deny", "ipv4_net") {
        session.lacks("ARCH-014", NO_DENY);
        return Ok(());
    }
    let got = session.ask(deny(2))?;
    session.note(
        "ARCH-014",
        got.is_ok(),
        "deny without an actuator",
        "it is performed by each profile that has the pair",
        &got,
    );
    Ok(())
}

fn replay(session: &mut Session<'_>) -> io::Result<()> {
    if !session.lists("deny", "ipv4_net") {
        session.lacks("ARCH-017", NO_DENY);
        return Ok(());
    }
    let id = session.fresh_id();
    let outgoing = Outgoing::new(session.whole(&id, &deny(3)).to_string()).id(&id);
    let first = session.send(&outgoing)?;
    let second = session.send(&outgoing)?;
    let (Some(first), number) = (first.rule_number(), second.rule_number()) else {
        session.lacks("ARCH-017", "The subject tells no rule numbers, by which one rule is told from two.");
        return Ok(());
    };
    let is_met = number.is_none_or(|number| number == first);
    session.note("ARCH-017", is_met, "the same message again", "no second rule", &second);
    Ok(())
}
