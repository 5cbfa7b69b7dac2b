//! `cargo xtask clauses`: every row of the checklists is answered by a test, or it is said why not.

mod citation;
mod id;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;

use self::id::{PREFIXES, ids};
use self::table::{Table, column, data};
use crate::cargo::workspace;
use crate::failure::{Failure, Place, Result};
use crate::files::{self, is_rust};

/// Compares the checklists with every test of the workspace.
pub(crate) fn run() -> Result<()> {
    let mut texts = BTreeMap::new();
    for file in files::below(workspace())? {
        let bytes = fs::read(workspace().join(&file)).place(file.display())?;
        texts.extend(String::from_utf8(bytes).ok().map(|text| (file, text)));
    }
    let coverage = Coverage::read(&texts)?;
    let faults = coverage.faults(&texts);
    for fault in &faults {
        println!("{fault}");
    }
    print!("{}", coverage.summary());
    if faults.is_empty() && coverage.is_complete() { Ok(()) } else { Err(Failure::Reported) }
}

/// What is demanded, and what answers it.
#[derive(Debug)]
struct Coverage {
    tables: Vec<Table>,
    /// What is not ours to answer, with the line that says so.
    not_applicable: BTreeMap<String, usize>,
    /// What tests cite, with one of the places.
    cited: BTreeMap<String, (PathBuf, usize)>,
}

impl Coverage {
    fn read(texts: &BTreeMap<PathBuf, String>) -> Result<Self> {
        let mut tables = Vec::new();
        for name in PREFIXES {
            let file = Path::new(CLAUSES).join(format!("{name}.tsv"));
            let text = texts.get(&file).ok_or_else(|| Failure::new(format!("{} is missing", file.display())))?;
            tables.push(Table::read(name, text).map_err(|error| at(&file, &error))?);
        }
        let list = Path::new(NOT_APPLICABLE);
        let not_applicable = texts.get(list).map_or("", String::as_str);
        let not_applicable = table::not_applicable(not_applicable).map_err(|error| at(list, &error))?;
        Ok(Self { tables, not_applicable, cited: cited(texts)? })
    }

    fn demands(&self, id: &str) -> bool {
        self.tables.iter().any(|table| table.rows.contains_key(id))
    }

    /// Ids that do not exist, and those that are both listed and cited.
    fn faults(&self, texts: &BTreeMap<PathBuf, String>) -> Vec<String> {
        let mut faults = Vec::new();
        for (file, text) in texts {
            for (n, line) in text.lines().enumerate() {
                for id in ids(line).into_iter().filter(|id| !self.demands(id)) {
                    faults.push(format!("{}:{}: no checklist has {id}", file.display(), n + 1));
                }
            }
        }
        for (id, line) in &self.not_applicable {
            if !self.demands(id) {
                faults.push(format!("{NOT_APPLICABLE}:{line}: `{id}` is no id of a checklist"));
            } else if let Some((file, cited)) = self.cited.get(id) {
                let place = format!("{}:{cited}", file.display());
                faults.push(format!("{NOT_APPLICABLE}:{line}: {id} is listed, and a test cites it: {place}"));
            }
        }
        faults
    }

    /// The rows of a checklist that nothing answers.
    fn open<'a>(&'a self, table: &'a Table) -> impl Iterator<Item = (&'a String, &'a String)> {
        let is_open = |id: &String| !self.cited.contains_key(id) && !self.not_applicable.contains_key(id);
        table.rows.iter().filter(move |(id, _)| is_open(id))
    }

    fn is_complete(&self) -> bool {
        self.tables.iter().all(|table| self.open(table).next().is_none())
    }

    /// A line for each checklist, and one for each row that nothing answers.
    fn summary(&self) -> String {
        let mut summary = String::new();
        let mut tables: Vec<_> = self.tables.iter().collect();
        tables.sort_by_key(|table| table.name);
        for table in tables {
            let n_tested = table.rows.keys().filter(|id| self.cited.contains_key(*id)).count();
            let n_listed = table.rows.keys().filter(|id| self.not_applicable.contains_key(*id)).count();
            let (n_rows, n_open) = (table.rows.len(), self.open(table).count());
            let counts = format!("{n_rows:>3} rows: {n_tested} tested, {n_listed} not applicable, {n_open} open");
            let _ = writeln!(summary, "{:<5}  {counts}", table.name);
            for (id, requirement) in self.open(table) {
                let _ = writeln!(summary, "  {id}  {requirement}");
            }
        }
        summary
    }
}

/// What the tests cite: those in Rust, and the index of messages that a test reads.
fn cited(texts: &BTreeMap<PathBuf, String>) -> Result<BTreeMap<String, (PathBuf, usize)>> {
    let mut sources = Vec::new();
    for (file, text) in texts.iter().filter(|(file, _)| is_rust(file)) {
        let tokens: TokenStream = text.parse().place(file.display())?;
        sources.push((file, text, tokens));
    }
    let macros: BTreeSet<_> = sources.iter().flat_map(|(_, _, tokens)| citation::test_macros(tokens)).collect();
    let mut cited = BTreeMap::new();
    for (file, text, tokens) in &sources {
        for (line, id) in citation::cited(text, tokens, &macros) {
            cited.entry(id).or_insert(((*file).clone(), line));
        }
    }
    if let Some(corpus) = texts.get(Path::new(CORPUS)) {
        let clause = column(corpus, "clause").ok_or_else(|| Failure::new(format!("{CORPUS}: no column `clause`")))?;
        for (line, cells) in data(corpus) {
            for id in cells.get(clause).copied().map(ids).unwrap_or_default() {
                cited.entry(id).or_insert((CORPUS.into(), line));
            }
        }
    }
    Ok(cited)
}

fn at(file: &Path, (line, reason): &(usize, String)) -> Failure {
    Failure::new(format!("{}:{line}: {reason}", file.display()))
}

const CLAUSES: &str = "tests/clauses";
const NOT_APPLICABLE: &str = "tests/clauses/not_applicable.tsv";
const CORPUS: &str = "tests/corpus/corpus.tsv";

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace with three rows to answer.
    fn workspace(files: &[(&str, &str)]) -> BTreeMap<PathBuf, String> {
        let mut texts = BTreeMap::new();
        for name in PREFIXES {
            let rows: &[usize] = match name {
                "LS" => &[1, 2],
                "SLPF" => &[1],
                _ => &[],
            };
            let rows: String = rows.iter().map(|n| format!("{name}-{n:03}\tRow {n}.\n")).collect();
            texts.insert(Path::new(CLAUSES).join(format!("{name}.tsv")), format!("id\trequirement\n{rows}"));
        }
        texts.extend(files.iter().map(|(file, text)| (PathBuf::from(file), (*text).to_owned())));
        texts
    }

    fn check(files: &[(&str, &str)], is_complete: bool, faults: &[&str]) -> String {
        let texts = workspace(files);
        let coverage = Coverage::read(&texts).unwrap();
        assert_eq!(coverage.faults(&texts), faults);
        assert_eq!(coverage.is_complete(), is_complete);
        coverage.summary()
    }

    const TEST: &str = "// LS-001, SLPF-001\n#[test]\nfn a() { b() }\n";

    #[test]
    fn a_row_that_nothing_answers_is_told_with_its_sentence() {
        let summary = check(&[("a.rs", TEST)], false, &[]);
        assert_eq!(
            summary,
            "ARCH     0 rows: 0 tested, 0 not applicable, 0 open\n\
             HTTPS    0 rows: 0 tested, 0 not applicable, 0 open\n\
             JADN     0 rows: 0 tested, 0 not applicable, 0 open\n\
             LS       2 rows: 1 tested, 0 not applicable, 1 open\n  LS-002  Row 2.\n\
             MQTT     0 rows: 0 tested, 0 not applicable, 0 open\n\
             SLPF     1 rows: 1 tested, 0 not applicable, 0 open\n"
        );
    }

    #[test]
    fn a_test_a_listing_and_the_corpus_answer_a_row() {
        check(&[("a.rs", &TEST.replace("LS-001,", "LS-001 to LS-002,"))], true, &[]);
        check(&[("a.rs", TEST), (NOT_APPLICABLE, "id\treason\nLS-002\tnot ours\n")], true, &[]);
        check(&[("a.rs", TEST), (CORPUS, "file\tclause\na.json\tLS-002 L16\n")], true, &[]);
        check(&[("a.rs", TEST), (CORPUS, "file\tclause\nLS-002\tL16\n")], false, &[]);
        check(&[("a.rs", TEST), ("b.rs", "// LS-002\nfn a() { b() }\n")], false, &[]);
        check(&[("a.rs", TEST), ("b.md", "LS-002\n")], false, &[]);
    }

    #[test]
    fn an_id_that_does_not_exist_is_a_fault_wherever_it_stands() {
        let id = format!("LS-{}", 999);
        check(&[("b.md", &format!("a\nsee {id}\n"))], false, &[&format!("b.md:2: no checklist has {id}")]);
        check(&[("a.rs", &format!("/// {id}\nfn a() {{}}\n"))], false, &[&format!("a.rs:1: no checklist has {id}")]);
        let listed = format!("id\treason\n{id}\tno\nL1\tno\n");
        let faults = [
            format!("{NOT_APPLICABLE}:2: no checklist has {id}"),
            format!("{NOT_APPLICABLE}:3: `L1` is no id of a checklist"),
            format!("{NOT_APPLICABLE}:2: `{id}` is no id of a checklist"),
        ];
        check(&[(NOT_APPLICABLE, &listed)], false, &[&faults[0], &faults[1], &faults[2]]);
    }

    #[test]
    fn a_row_that_is_listed_and_cited_is_a_fault() {
        let listed = "id\treason\nLS-001\tnot ours\n";
        let fault = format!("{NOT_APPLICABLE}:2: LS-001 is listed, and a test cites it: a.rs:1");
        check(&[("a.rs", TEST), (NOT_APPLICABLE, listed)], false, &[&fault]);
    }

    #[test]
    fn a_checklist_that_is_missing_is_an_error() {
        let mut texts = workspace(&[]);
        texts.remove(Path::new("tests/clauses/LS.tsv"));
        Coverage::read(&texts).unwrap_err();
    }
}
