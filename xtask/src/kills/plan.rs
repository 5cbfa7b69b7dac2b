//! What is commanded next.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::ledger::{About, Ledger, Standing, now};
use super::random::Random;
use super::rule::{Kind, wide};
use crate::failure::{Place, Result};

/// Requests for several connections, each with its own.
pub(super) fn load(ledger: &mut Ledger, random: &mut Random) -> Vec<Vec<usize>> {
    let mut deletable = deletable(ledger);
    let n_connections = 1 + random.below(MAX_CONNECTIONS);
    let mut request = |random: &mut Random| {
        if random.one_in(3) && !deletable.is_empty() {
            let rule = deletable.swap_remove(random.below(deletable.len()));
            return delete(ledger, rule);
        }
        let kind = *random.choose(&Kind::ALL);
        rule(ledger, kind, random)
    };
    (0..n_connections).map(|_| (0..PER_CONNECTION).map(|_| request(random)).collect()).collect()
}

/// A request for a rule of this kind.
pub(super) fn rule(ledger: &mut Ledger, kind: Kind, random: &mut Random) -> usize {
    let soon = i64::try_from(now()).unwrap_or(i64::MAX) + 200 + i64::try_from(random.below(2500)).unwrap_or(0);
    let extra = match kind {
        Kind::Placed => FIRST_PLACE + i64::try_from(ledger.rules.len()).unwrap_or(0),
        Kind::Window if random.one_in(2) => soon + HOUR,
        Kind::Window | Kind::Scheduled => soon,
        _ => 0,
    };
    let stop = (kind == Kind::Window).then(|| extra.cast_unsigned());
    let rule = ledger.add_rule(kind, stop);
    let command = kind.command(ledger.rules[rule].address, extra);
    ledger.add_request(command, About::Rule(rule))
}

/// A request to delete a rule that has a number.
pub(super) fn delete(ledger: &mut Ledger, rule: usize) -> usize {
    let number = ledger.rules[rule].number;
    let command = json!({"action": "delete", "target": {"slpf:rule_number": number}});
    ledger.add_request(command, About::Delete(rule))
}

/// A request to replace all rules, and the file for it.
pub(super) fn update(ledger: &mut Ledger, random: &mut Random, folder: &Path) -> Result<usize> {
    let rules: Vec<_> = (0..IN_FILE).map(|_| ledger.add_rule(*random.choose(&FOR_FILES), None)).collect();
    let commands = rules.iter().map(|rule| ledger.rules[*rule].kind.command(ledger.rules[*rule].address, 0));
    let commands: Vec<Value> = commands.chain([wide()]).collect();
    let name = format!("rules-{}.json", ledger.requests.len());
    fs::write(folder.join(&name), Value::from(commands).to_string()).place(&name)?;
    let command = json!({"action": "update", "target": {"file": {"name": name, "path": folder.join(&name)}}});
    Ok(ledger.add_request(command, About::Update(rules)))
}

/// What is in force for good, and is not being deleted.
pub(super) fn deletable(ledger: &Ledger) -> Vec<usize> {
    let is_in_force = |rule: &usize| {
        let rule = &ledger.rules[*rule];
        let lasts = rule.stop.is_none() && rule.kind != Kind::Fleeting;
        rule.standing == Standing::InForce && rule.number.is_some() && lasts
    };
    let being_deleted: BTreeSet<_> =
        ledger.open_requests().into_iter().filter_map(|request| ledger.deletes(request)).collect();
    (0..ledger.rules.len()).filter(is_in_force).filter(|rule| !being_deleted.contains(rule)).collect()
}

/// At once there is a command on each.
pub(super) const MAX_CONNECTIONS: usize = 6;
const PER_CONNECTION: usize = 6;
const IN_FILE: usize = 6;
const FOR_FILES: [Kind; 6] = [Kind::Deny, Kind::DenyOut, Kind::Deny6, Kind::Reject, Kind::Allow, Kind::Connection];
/// Numbers that the Consumer does not choose.
const FIRST_PLACE: i64 = 1_000_000;
const HOUR: i64 = 60 * 60 * 1000;
