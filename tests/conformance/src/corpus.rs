//! The corpus of the repository (`tests/corpus`) as questions to a Consumer: what is good is understood, what is bad is
//! malformed. What the standard leaves open, there and in DECISIONS, is not judged.

#[cfg(test)]
use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

use serde_json::Value;

use crate::check::Check;
use crate::clause::row;
use crate::schema;
use crate::session::{Session, filled_octets, message};
use crate::wire::Outgoing;

/// The check that asks all of it.
pub(crate) fn check() -> Check {
    Check::new("", "Commands and messages of the corpus", run)
}

/// A file of the corpus and what it is to a Consumer.
struct Case {
    path: String,
    is_message: bool,
    is_good: bool,
    ids: Vec<&'static str>,
    /// The decisions that the verdict rests on as well.
    decisions: String,
}

/// The rows that it may tell about.
#[cfg(test)]
pub(crate) fn rows() -> BTreeSet<&'static str> {
    cases().flat_map(|case| case.ids).collect()
}

fn run(session: &mut Session<'_>) -> io::Result<()> {
    for case in cases() {
        if !session.wants(case.ids.iter().copied()) {
            continue;
        }
        let octets = fs::read(Path::new(FOLDER).join(&case.path))?;
        // What answers is no question; and a notification has no meaning yet (DECISIONS M13).
        let has = |name: &str| String::from_utf8_lossy(&octets).contains(name);
        if case.is_message && (has("\"response\"") || has("\"notification\"")) {
            continue;
        }
        let Some(octets) = harmless(session, &octets, case.is_message, case.path.starts_with("action/")) else {
            continue;
        };
        ask(session, &case, &octets)?;
    }
    Ok(())
}

fn ask(session: &mut Session<'_>, case: &Case, octets: &[u8]) -> io::Result<()> {
    let id = session.fresh_id();
    let own_id = id_in(octets);
    let octets = match (case.is_message, session.asked.fills_in) {
        (true, _) => octets.to_vec(),
        (false, false) => wrap(&id, octets),
        (false, true) => wrap(&id, &filled_octets(octets)),
    };
    let is_silent = String::from_utf8_lossy(&octets).contains("\"none\"");
    if is_silent && !session.transfer().is_http() {
        return Ok(());
    }
    let mut outgoing = Outgoing::new(octets);
    outgoing.request_id = if case.is_message { own_id } else { Some(id) };
    if !session.transfer().is_http() && !case.is_good {
        // Who cannot read a message may not know its id.
        outgoing.wants_silence = true;
    }
    let got = session.send(&outgoing)?;
    let status = got.status();
    let (is_met, expected) = if case.is_good {
        // Read as it should be; what comes of it is another matter. That something is on the way is no answer to this.
        (status.is_some_and(|status| status != 400), "it is understood: any status but 400")
    } else if case.path.starts_with("args/") {
        // An argument that nobody defines may be malformed, or not supported (SLPF 2.3.1).
        (matches!(status, Some(400 | 501)), "it is refused: 400, or 501 for an argument that is not supported")
    } else {
        (status == Some(400), "it is malformed: 400")
    };
    let basis =
        if case.decisions.is_empty() { String::new() } else { format!(" (as read in DECISIONS {})", case.decisions) };
    session.note(&case.ids.join(" "), is_met, &format!("corpus/{}", case.path), &format!("{expected}{basis}"), &got);
    Ok(())
}

fn cases() -> impl Iterator<Item = Case> {
    include_str!("../../corpus/corpus.tsv").lines().skip(1).filter_map(|line| {
        let cells: Vec<_> = line.split('\t').collect();
        let [path, kind, producer, strict, lenient, clauses, ..] = cells[..] else { return None };
        let (rows, decisions): (Vec<_>, Vec<_>) = clauses.split(' ').partition(|id| row(id).is_some());
        let ids: Vec<_> = rows.iter().filter_map(|id| row(id)).map(|row| row.id).collect();
        // Rules for senders bind no Consumer, and what settings of ours decide is open.
        let is_good = producer == "good" && strict == "good";
        let is_bad = lenient == "bad";
        // What is only for SLPF to read has checks of its own, on nets that matter to nobody.
        let is_profiled = path.starts_with("slpf-");
        let is_asked = (is_good || is_bad) && !is_profiled && kind != "response" && !ids.is_empty();
        let decisions = decisions.into_iter().filter(|id| !id.contains('-')).collect::<Vec<_>>().join(", ");
        is_asked.then(|| Case { path: path.into(), is_message: kind == "message", is_good, ids, decisions })
    })
}

/// The same octets with an action that the subject does not perform on any target in them; `None` if that cannot be.
fn harmless(session: &Session<'_>, octets: &[u8], is_message: bool, is_about_actions: bool) -> Option<Vec<u8>> {
    let Ok(text) = str::from_utf8(octets) else { return Some(octets.to_vec()) };
    let targets: Vec<_> = schema::names("Target").into_iter().chain(["slpf:rule_number"]).collect();
    let present: Vec<_> = targets.into_iter().filter(|target| text.contains(&format!("\"{target}\""))).collect();
    let actions = schema::names("Action");
    let is_performed = |action: &str| present.iter().any(|target| session.lists(action, target));
    let quoted = |action: &str| format!("\"{action}\"");
    // What only looks does no harm even where a subject performs more than it lists.
    let is_harmful = |action: &str| is_performed(action) || !(is_about_actions || LOOKS.contains(&action));
    let named: Vec<_> = actions.iter().filter(|action| text.contains(&quoted(action)) && is_harmful(action)).collect();
    if named.is_empty() || (is_message && named == [&"query"]) {
        return Some(octets.to_vec());
    }
    let is_free = |action: &&str| !is_performed(action) && !text.contains(&quoted(action));
    let instead = LOOKS
        .into_iter()
        .find(|action| is_free(action))
        .or_else(|| actions.iter().copied().find(|action| is_free(action)))?;
    let mut text = text.to_owned();
    for action in named {
        text = text.replace(&quoted(action), &quoted(instead));
    }
    Some(text.into_bytes())
}

/// The octets of a Command, whatever they are, in a message.
fn wrap(id: &str, command: &[u8]) -> Vec<u8> {
    let message = message(id, &Value::from(PLACE)).to_string();
    let place = format!("\"{PLACE}\"");
    let (before, after) = message.split_once(&place).unwrap_or((&message, ""));
    [before.as_bytes(), command, after.as_bytes()].concat()
}

fn id_in(octets: &[u8]) -> Option<String> {
    let message: Value = serde_json::from_slice(octets).ok()?;
    message.pointer("/headers/request_id")?.as_str().filter(|id| !id.is_empty() && id.is_ascii()).map(ToOwned::to_owned)
}

/// Actions that change nothing, whatever they are performed on.
const LOOKS: [&str; 3] = ["scan", "locate", "investigate"];

const PLACE: &str = "the command stands here";
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../corpus");
