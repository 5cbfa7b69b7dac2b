//! The corpus in `tests/corpus`: what each of its documents is to a sender, a strict and a lenient receiver.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use oc2_core::Mode;
use oc2_encoding::{Encoding, Fault, Json, Kind, Validator};
use oc2_profile_slpf::Slpf;
use serde_json::Value;

use crate::support::{in_request, in_response};

#[test]
fn every_document_gets_its_verdict() {
    let binds = binds();
    let mut faults = Vec::new();
    for row in rows() {
        let bytes = fs::read(corpus().join(&row.path)).unwrap_or_else(|error| panic!("{}: {error}", row.path));
        let found = faults_of(&row, &bytes, &binds);
        faults.extend(found.iter().map(|fault| format!("{}: {fault} ({})", row.path, row.clause)));
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_file_is_in_the_index_once_and_the_reverse() {
    let rows = rows();
    let indexed: BTreeSet<_> = rows.iter().map(|row| row.path.clone()).collect();
    assert_eq!(indexed.len(), rows.len(), "a path stands twice");
    assert!(rows.is_sorted_by(|a, b| a.path < b.path), "the index is not sorted");
    let files = files(&corpus());
    let difference: Vec<_> = indexed.symmetric_difference(&files).collect();
    assert!(difference.is_empty(), "in the index or in the folder only: {difference:?}");
    let mut contents = HashMap::new();
    for row in &rows {
        let bytes = fs::read(corpus().join(&row.path)).expect("a file");
        if let Some(other) = contents.insert((row.kind, bytes), &row.path) {
            panic!("{} is the same as {other}", row.path);
        }
    }
}

#[test]
fn every_clause_of_the_corpus_is_known() {
    let (binds, decisions) = (binds(), decisions());
    for row in rows() {
        assert!(!row.clause.is_empty() && !row.why.is_empty(), "{}: no clause or no reason", row.path);
        for id in row.clauses() {
            assert!(binds.contains_key(id) || decisions.contains(id), "{}: {id} is no clause", row.path);
        }
    }
}

// The first thing that is said of a bad document is what its row is about, nearly always.
#[test]
fn every_fault_names_its_clause_and_the_first_is_that_of_the_row() {
    let (mut n_bad, mut others) = (0, Vec::new());
    for row in rows().iter().filter(|row| !row.strict) {
        let bytes = fs::read(corpus().join(&row.path)).expect("a file");
        let Err(faults) = judge(row.kind, &bytes, Mode::Strict) else { continue };
        n_bad += 1;
        let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert!(faults.iter().all(|fault| !fault.clause.is_empty()), "{}: {lines:#?}", row.path);
        let ids = ids_of(faults[0].clause);
        if !row.clauses().any(|id| ids.contains(&id)) {
            others.push(format!("{}\t{}\t{}", row.path, row.clause, lines.join(" ;; ")));
        }
    }
    assert!(others.len() * 100 <= n_bad * 15, "{} of {n_bad}:\n{}", others.len(), others.join("\n"));
}

/// `LS-122` and `L36` of `LS 3.3.1.4 (LS-122), DECISIONS L36`.
fn ids_of(clause: &str) -> Vec<&str> {
    clause.split([' ', ',', '(', ')']).filter(|word| word.ends_with(|c: char| c.is_ascii_digit())).collect()
}

#[test]
fn the_corpus_holds_400_commands_and_responses() {
    let n_contents = rows().iter().filter(|row| row.kind != Kind::Message).count();
    assert!(n_contents >= 400, "{n_contents}");
}

/// What of a document is against its row.
fn faults_of(row: &Row, bytes: &[u8], binds: &BTreeMap<String, String>) -> Vec<String> {
    let mut faults = Vec::new();
    let (strict, lenient) = (judge(row.kind, bytes, Mode::Strict), judge(row.kind, bytes, Mode::Lenient));
    for (mode, expected, res) in [("strict", row.strict, &strict), ("lenient", row.lenient, &lenient)] {
        match res {
            Ok(()) if !expected => faults.push(format!("{mode}: accepted, {}", row.why)),
            Err(error) if expected => faults.push(format!("{mode}: refused, {error:?}")),
            _ => {}
        }
    }
    if (row.producer && !row.strict) || (row.strict && !row.lenient) {
        faults.push("what is sent is read in strict mode, and what strict mode reads in lenient mode".to_owned());
    }
    if strict.is_ok() {
        let read = rewrite(row.kind, bytes);
        let is_written_so = same(&read.document, &read.written);
        if row.producer && !is_written_so {
            faults.push(format!("producer: written as {}", read.written));
        }
        if !row.producer && is_written_so && !row.clauses().any(|id| binds_the_sender_alone(id, binds)) {
            faults.push(format!("producer: written as it came, {}", row.why));
        }
    }
    faults
}

/// The one place that knows the interface: why a receiver refuses a document, if it does.
///
/// What is answered with 501 is not refused: unknown namespaces, and pairs that nobody supports. A Command to SLPF is
/// judged as SLPF understands it.
fn judge(kind: Kind, bytes: &[u8], mode: Mode) -> Result<(), Vec<Fault>> {
    Validator::new().kind(kind).mode(mode).profile::<Slpf>().check(bytes).map(|_| ())
}

/// A document that strict mode reads, and what is written of it.
fn rewrite(kind: Kind, bytes: &[u8]) -> Read {
    let bytes = match kind {
        Kind::Message | Kind::Auto => bytes.to_owned(),
        Kind::Command => wrapped(bytes, &in_request(CONTENT)),
        Kind::Response => wrapped(bytes, &in_response(CONTENT)),
    };
    let decoded = Json.decode(&bytes, Mode::Strict).expect("what the validator accepts");
    let written = Json.encode(&decoded.message, decoded.form).expect("what was read");
    let value = |bytes: &[u8]| serde_json::from_slice(bytes).expect("JSON");
    Read { document: value(&bytes), written: value(&written) }
}

/// A document that was read, and what is written of it.
struct Read {
    document: Value,
    written: Value,
}

/// The bytes in the place of the content; they need not be text.
fn wrapped(bytes: &[u8], wrapper: &str) -> Vec<u8> {
    let (before, behind) = wrapper.split_once(CONTENT).expect("a place for the content");
    [before.as_bytes(), bytes, behind.as_bytes()].concat()
}

const CONTENT: &str = "@";

/// Whether two values are the same; a number is a value, not a spelling (RFC 7493 2.2).
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// Whether a clause says what is to be sent and nothing of what is to be read: no reader and no writer of documents
/// enforces it, but what builds them.
fn binds_the_sender_alone(id: &str, binds: &BTreeMap<String, String>) -> bool {
    // `x-` is asked for by LS-033 and only warned of by L23; the form of versions and media types is L37.
    id == "LS-033" || id == "L37" || binds.get(id).is_some_and(|whom| whom == "producer")
}

/// Every document of the corpus and its kind.
pub(crate) fn documents() -> impl Iterator<Item = (Kind, Vec<u8>)> {
    rows().into_iter().map(|row| (row.kind, fs::read(corpus().join(&row.path)).expect("a file")))
}

/// A line of the index.
struct Row {
    path: String,
    kind: Kind,
    producer: bool,
    strict: bool,
    lenient: bool,
    clause: String,
    why: String,
}

impl Row {
    fn read(line: &str) -> Option<Self> {
        let [path, kind, producer, strict, lenient, clause, why] =
            <[&str; 7]>::try_from(line.split('\t').collect::<Vec<_>>()).ok()?;
        let kind = kind.parse().ok().filter(|kind| *kind != Kind::Auto)?;
        let is_good = |verdict| match verdict {
            "good" => Some(true),
            "bad" => Some(false),
            _ => None,
        };
        Some(Self {
            path: path.to_owned(),
            kind,
            producer: is_good(producer)?,
            strict: is_good(strict)?,
            lenient: is_good(lenient)?,
            clause: clause.to_owned(),
            why: why.to_owned(),
        })
    }

    fn clauses(&self) -> impl Iterator<Item = &str> {
        self.clause.split(' ')
    }
}

fn rows() -> Vec<Row> {
    let text = read(&corpus().join(INDEX));
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("path\tkind\tproducer\tstrict\tlenient\tclause\twhy"));
    lines.map(|line| Row::read(line).unwrap_or_else(|| panic!("no row: {line}"))).collect()
}

/// The documents below a folder, relative to it.
fn files(folder: &Path) -> BTreeSet<String> {
    let entries = |folder: &Path| fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let groups = entries(folder).filter(|path| path.is_dir());
    let paths = groups.flat_map(|group| entries(&group).collect::<Vec<_>>());
    paths.map(|path| path.strip_prefix(folder).expect("below").to_string_lossy().replace('\\', "/")).collect()
}

/// The clauses of the checklists, each with whom it binds.
fn binds() -> BTreeMap<String, String> {
    let lists = fs::read_dir(root().join("tests/clauses")).expect("the checklists");
    let mut binds = BTreeMap::new();
    for list in lists {
        for line in read(&list.expect("an entry").path()).lines().skip(1) {
            // What is not applicable has a reason and binds nobody.
            if let [id, _, _, whom, ..] = line.split('\t').collect::<Vec<_>>()[..] {
                binds.insert(id.to_owned(), whom.to_owned());
            }
        }
    }
    binds
}

/// The ids of the decisions, which stand in bold at the start of theirs.
fn decisions() -> BTreeSet<String> {
    let text = read(&root().join("DECISIONS.md"));
    let ids = text.split("**").filter_map(|part| part.split_once(' ').map(|(id, _)| id));
    ids.filter(|id| id.starts_with(|c: char| c.is_ascii_uppercase())).map(str::to_owned).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn corpus() -> PathBuf {
    root().join("tests/corpus")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

const INDEX: &str = "corpus.tsv";
