//! Message models that others wrote, as readers and writers of what we write.
//!
//! Every document of the corpus that a Producer or Consumer may send is read and written by us, then read and written by them, and
//! read by us again. Where one of these steps fails or makes another document of it, `tests/conformance/peers/<name>.tsv` has to say
//! why.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use oc2_core::shape::read::Context;
use oc2_core::shape::write::Write;
use oc2_core::{Message, Mode, Response};
use oc2_encoding::{read_json, write_json};
use serde_json::{Value, json};

use crate::cargo::workspace;
use crate::failure::{Failure, Place, Result};

/// The models of one project.
pub(super) struct Models {
    name: &'static str,
    kinds: &'static [&'static str],
}

/// A document as we write it.
struct Document {
    id: String,
    kind: String,
    text: String,
}

/// What becomes of a document with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Same,
    /// They do not read it.
    Unread,
    /// We do not read what they make of it.
    Unreadable,
    /// What they make of it is another document.
    Unlike,
}

/// A difference that is known: a row of the table.
struct Known {
    outcome: String,
    id: String,
    /// What is in their words, or in the two documents.
    detail: String,
}

impl Models {
    /// Those of a project that has models of Commands and Responses alone.
    pub(super) fn of_content(name: &'static str) -> Self {
        Self { name, kinds: &["command", "response"] }
    }

    /// Those of one that has models of the messages around them as well.
    pub(super) fn of_messages(name: &'static str) -> Self {
        Self { name, kinds: &["command", "response", "message"] }
    }

    /// Runs them; whatever is different and has no reason fails, and so does a reason that nothing needs.
    pub(super) fn run(&self, folder: &Path, command: &mut Command) -> Result<()> {
        let documents = corpus(self.kinds)?;
        let answers = converse(command, &documents)?;
        let (mut counts, mut failures) = ([0; 4], String::new());
        let known = self.known()?;
        let mut needed = BTreeSet::new();
        let mut told = String::new();
        for (document, answer) in documents.iter().zip(&answers) {
            let (outcome, detail) = judge(document, answer);
            counts[outcome as usize] += 1;
            if outcome == Outcome::Same {
                continue;
            }
            let _ = writeln!(told, "{}\t{}\t{detail}", outcome.name(), document.id);
            match known.iter().position(|row| row.covers(outcome, &document.id, &detail)) {
                Some(row) => {
                    needed.insert(row);
                }
                None => {
                    let _ = writeln!(failures, "{} {}: {detail}", outcome.name(), document.id);
                }
            }
        }
        for (_, row) in known.iter().enumerate().filter(|(position, _)| !needed.contains(position)) {
            let _ = writeln!(failures, "{} {}: the table has it, and it is so no more", row.outcome, row.id);
        }
        let list = folder.join(format!("{}.differences.tsv", self.name));
        fs::write(&list, told).place(list.display())?;
        let [same, unread, unreadable, unlike] = counts;
        println!(
            "{} documents: {same} the same, {unread} not read, {unlike} made into others, {unreadable} made into what is none; in {}",
            documents.len(),
            list.strip_prefix(workspace()).unwrap_or(&list).display()
        );
        if failures.is_empty() { Ok(()) } else { Err(Failure::new(failures)) }
    }

    fn known(&self) -> Result<Vec<Known>> {
        let path = workspace().join("tests/conformance/peers").join(format!("{}.tsv", self.name));
        let text = fs::read_to_string(&path).place(path.display())?;
        let row = |line: &str| {
            let [outcome, id, detail, _clause, _reason] = line.split('\t').collect::<Vec<_>>()[..] else {
                return Err(Failure::new(format!("{}: five columns are due: {line}", path.display())));
            };
            let [outcome, id, detail] = [outcome, id, detail].map(str::to_owned);
            Ok(Known { outcome, id, detail })
        };
        text.lines().skip(1).map(row).collect()
    }
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Unread => "unread",
            Self::Unreadable => "unreadable",
            Self::Unlike => "unlike",
        }
    }
}

impl Known {
    /// Whether it is about this: the id in full, or the begin of it and a star.
    fn covers(&self, outcome: Outcome, id: &str, detail: &str) -> bool {
        let is_it = self.id.strip_suffix('*').map_or(self.id == id, |begin| id.starts_with(begin));
        self.outcome == outcome.name() && is_it && detail.contains(&self.detail)
    }
}

/// What may be sent of these kinds, read and written by us.
fn corpus(kinds: &[&str]) -> Result<Vec<Document>> {
    let folder = workspace().join("tests/corpus");
    let table = folder.join("corpus.tsv");
    let text = fs::read_to_string(&table).place(table.display())?;
    let rows = text.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    let good = rows.filter(|row| matches!(row[..], [_, kind, "good", ..] if kinds.contains(&kind)));
    good.map(|row| {
        let bytes = fs::read(folder.join(row[0])).place(row[0])?;
        let written = rewritten(row[1], &bytes).map_err(|error| Failure::new(format!("{}: {error}", row[0])))?;
        let text = String::from_utf8(written).place(row[0])?;
        Ok(Document { id: row[0].to_owned(), kind: row[1].to_owned(), text })
    })
    .collect()
}

/// A document as we read and write it.
fn rewritten(kind: &str, bytes: &[u8]) -> std::result::Result<Vec<u8>, String> {
    fn through<T: oc2_core::shape::read::Read + Write>(bytes: &[u8]) -> std::result::Result<Vec<u8>, String> {
        let value: T = read_json(bytes, &mut Context::new(Mode::Strict)).map_err(|error| error.to_string())?;
        write_json(&value).map_err(|error| error.to_string())
    }
    match kind {
        "message" => through::<Message>(bytes),
        "response" => through::<Response>(bytes),
        _ => through::<oc2_core::Command>(bytes),
    }
}

/// Tells them everything, a line each, and gives their answers.
fn converse(command: &mut Command, documents: &[Document]) -> Result<Vec<Value>> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().place("cannot start python")?;
    let mut stdin = child.stdin.take().expect("it is piped");
    let lines: Vec<_> =
        documents.iter().map(|own| json!({"id": own.id, "kind": own.kind, "document": own.text}).to_string()).collect();
    // They answer meanwhile, and neither side may wait for the other.
    let telling = thread::spawn(move || lines.iter().try_for_each(|line| writeln!(stdin, "{line}")));
    let output = child.wait_with_output().place("python")?;
    telling.join().map_err(|_| Failure::new("telling them has panicked"))?.place("they stopped listening")?;
    let text = String::from_utf8(output.stdout).place("their answers")?;
    let answers: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).place(line)).collect::<Result<_>>()?;
    let are_all = answers.iter().map(|answer| answer["id"].as_str()).eq(documents.iter().map(|own| Some(&*own.id)));
    if are_all { Ok(answers) } else { Err(Failure::new("not every document was answered")) }
}

fn judge(document: &Document, answer: &Value) -> (Outcome, String) {
    let Some(written) = answer["written"].as_str() else {
        let error = answer["error"].as_str().unwrap_or("no answer").replace(['\n', '\t'], " ");
        return (Outcome::Unread, error);
    };
    let again = match rewritten(&document.kind, written.as_bytes()) {
        Ok(again) => again,
        Err(error) => return (Outcome::Unreadable, format!("{error}: {written}")),
    };
    let value = |json: &[u8]| serde_json::from_slice::<Value>(json).ok();
    if value(&again) == value(document.text.as_bytes()) {
        (Outcome::Same, String::new())
    } else {
        (Outcome::Unlike, format!("{} became {written}", document.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: Value, expected: Outcome) {
        let text = r#"{"action":"deny","target":{"ipv4_net":"192.0.2.0/24"}}"#.to_owned();
        let document = Document { id: "a".into(), kind: "command".into(), text };
        assert_eq!(judge(&document, &written).0, expected);
    }

    #[test]
    fn what_they_write_is_compared_as_we_read_it() {
        let written = |text: &str| json!({"id": "a", "written": text});
        check(written(r#"{ "target": {"ipv4_net": "192.0.2.0/24"}, "action": "deny" }"#), Outcome::Same);
        check(written(r#"{"action":"deny","target":{"ipv4_net":"192.0.2.0/25"}}"#), Outcome::Unlike);
        check(written(r#"{"action":"deny","target":{}}"#), Outcome::Unreadable);
        check(json!({"id": "a", "error": "no"}), Outcome::Unread);
    }

    #[test]
    fn a_known_difference_is_known_by_its_words_too() {
        let known = Known { outcome: "unread".into(), id: "target/*".into(), detail: "unknown target".into() };
        assert!(known.covers(Outcome::Unread, "target/uri.json", "an unknown target type"));
        assert!(!known.covers(Outcome::Unread, "target/uri.json", "something else"));
        assert!(!known.covers(Outcome::Unread, "args/uri.json", "an unknown target type"));
        assert!(!known.covers(Outcome::Unlike, "target/uri.json", "an unknown target type"));
    }
}
