//! Whether a chain holds.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::chain::{Head, Link, Torn};

/// A chain that holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditReport {
    /// How many records there are.
    pub n_records: u64,
    /// The number of the first; more than 1 where older files were not given.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
    /// The SHA-256 of the last, which the next is to have: take note of it elsewhere.
    pub sha256: String,
    /// What is to be known all the same: records that were torn or lost, processes that did not end in order.
    pub remarks: Vec<String>,
}

/// The first place where a chain does not hold.
#[derive(Debug)]
#[non_exhaustive]
pub struct AuditFault {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1 on; 0 if the file cannot be read.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for AuditFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, reason } = self;
        match line {
            0 => write!(f, "{}: {reason}", path.display()),
            _ => write!(f, "{}:{line}: {reason}", path.display()),
        }
    }
}

impl std::error::Error for AuditFault {}

/// Follows the chain through these files, in whichever order they are given.
///
/// # Errors
/// The first line that is wrong, and why.
pub fn verify_audit(paths: &[PathBuf]) -> Result<AuditReport, AuditFault> {
    verify_audit_against(paths, &[])
}

/// The same, and that these records, of which numbers and digests were kept elsewhere, are in it: so the chain was not made anew,
/// and does not end before them.
///
/// # Errors
/// The first line that is wrong, and why.
pub fn verify_audit_against(paths: &[PathBuf], kept: &[(u64, String)]) -> Result<AuditReport, AuditFault> {
    let mut files = Vec::new();
    for path in paths {
        let first = first_record(path).map_err(|error| unreadable(path, &error))?;
        files.push((first.unwrap_or(u64::MAX), path));
    }
    files.sort();
    let mut chain = Chain { kept, ..Chain::default() };
    for (i, (_, path)) in files.iter().enumerate() {
        chain.follow(path, i + 1 == files.len())?;
    }
    let path = files.last().map(|(_, path)| (*path).clone()).unwrap_or_default();
    let fault = |reason: String| AuditFault { path, line: 0, reason };
    let Some(Head { seq, sha256 }) = chain.head else { return Err(fault("there is no record".into())) };
    if let Some((missing, _)) = kept.iter().find(|(kept, _)| !(chain.report.first..=seq).contains(kept)) {
        return Err(fault(format!("record {missing} is missing: there are {} to {seq}", chain.report.first)));
    }
    Ok(AuditReport { last: seq, sha256, ..chain.report })
}

fn unreadable(path: &Path, error: &io::Error) -> AuditFault {
    AuditFault { path: path.to_owned(), line: 0, reason: error.to_string() }
}

/// The number of the first record there is in a file.
fn first_record(path: &Path) -> io::Result<Option<u64>> {
    let mut lines = Lines(BufReader::new(File::open(path)?));
    while let Some(line) = lines.next()? {
        if let Some(link) = Link::of(line.content()) {
            return Ok(Some(link.seq));
        }
    }
    Ok(None)
}

/// A chain as far as it was followed.
#[derive(Default)]
struct Chain<'k> {
    /// Records whose digests are known.
    kept: &'k [(u64, String)],
    report: AuditReport,
    head: Option<Head>,
    last_event: String,
    /// Lines that are no records, since the last that was one, with their ends.
    torn: Vec<u8>,
    /// Where they begin.
    torn_at: Option<(PathBuf, u64)>,
}

impl Chain<'_> {
    fn follow(&mut self, path: &Path, is_last: bool) -> Result<(), AuditFault> {
        let mut lines = Lines(BufReader::new(File::open(path).map_err(|error| unreadable(path, &error))?));
        let mut number = 0;
        let mut is_ended = true;
        while let Some(line) = lines.next().map_err(|error| unreadable(path, &error))? {
            number += 1;
            is_ended = line.is_ended();
            match Link::of(line.content()) {
                Some(link) => {
                    let res = self.append(&link, line.content());
                    res.map_err(|reason| AuditFault { path: path.to_owned(), line: number, reason })?;
                }
                None => {
                    self.torn_at.get_or_insert_with(|| (path.to_owned(), number));
                    self.torn.extend_from_slice(&line.0);
                }
            }
        }
        match &self.torn_at {
            // A file is full only when a record was written after it.
            Some((path, line)) if !is_last || is_ended => Err(not_a_record(path, *line)),
            Some((path, line)) => {
                let text =
                    format!("{}:{line}: the last line is torn: {} octets of a record", path.display(), self.torn.len());
                self.report.remarks.push(text);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn append(&mut self, link: &Link, line: &[u8]) -> Result<(), String> {
        match &self.head {
            None if link.seq == 1 && link.prev != Head::none().sha256 => {
                return Err("record 1 follows something".into());
            }
            None => self.report.first = link.seq,
            Some(head) if link.seq != head.seq + 1 => {
                return Err(format!(
                    "record {} follows record {}; what was between them is missing",
                    link.seq, head.seq
                ));
            }
            Some(head) if link.prev != head.sha256 => {
                return Err(format!(
                    "record {} does not follow record {} as that stands there: one of both was changed",
                    link.seq, head.seq
                ));
            }
            Some(_) => {}
        }
        self.admit_torn(link)?;
        self.remark(link);
        self.report.n_records += 1;
        self.last_event.clone_from(&link.event);
        let head = Head::after(link, line);
        if self.kept.iter().any(|(seq, sha256)| *seq == head.seq && !sha256.eq_ignore_ascii_case(&head.sha256)) {
            return Err(format!("record {} is not the one whose digest was kept", head.seq));
        }
        self.head = Some(head);
        Ok(())
    }

    /// What is no record is one that was torn, and the next record says so.
    fn admit_torn(&mut self, link: &Link) -> Result<(), String> {
        let found = Torn::of(self.torn.strip_suffix(b"\n").unwrap_or(&self.torn));
        if found != link.torn || found.is_none() != self.torn.is_empty() {
            return Err(match self.torn_at.take() {
                Some((_, line)) => format!("before this record, from line {line} on, stands what is no record"),
                None => "this record speaks of a torn one before it, and there is none".into(),
            });
        }
        if let (Some(found), Some((path, line))) = (found, self.torn_at.take()) {
            let text = format!("{}:{line}: a record was torn: {} octets", path.display(), found.bytes);
            self.report.remarks.push(text);
        }
        self.torn.clear();
        Ok(())
    }

    fn remark(&mut self, link: &Link) {
        if link.event == "start" && self.head.is_some() && self.last_event != "stop" {
            let text = format!("record {}: the process before did not end in order", link.seq);
            self.report.remarks.push(text);
        }
        if link.lost > 0 {
            self.report.remarks.push(format!("record {}: {} records were lost before it", link.seq, link.lost));
        }
        if self.head.is_none() && link.seq > 1 {
            self.report.remarks.push(format!("what was before record {} was not given", link.seq));
        }
    }
}

fn not_a_record(path: &Path, line: u64) -> AuditFault {
    AuditFault { path: path.to_owned(), line, reason: "this line is no record".into() }
}

/// The lines of a file, whatever is in them.
struct Lines(BufReader<File>);

/// A line with its end, if it has one.
struct Line(Vec<u8>);

impl Lines {
    fn next(&mut self) -> io::Result<Option<Line>> {
        let mut line = Vec::new();
        self.0.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        Ok((!line.is_empty()).then_some(Line(line)))
    }
}

impl Line {
    fn is_ended(&self) -> bool {
        self.0.last() == Some(&b'\n')
    }

    fn content(&self) -> &[u8] {
        self.0.strip_suffix(b"\n").unwrap_or(&self.0)
    }
}

/// Keeps a file of something else from being read into memory; no record is as long.
const LONGEST_LINE: u64 = 1 << 20;
