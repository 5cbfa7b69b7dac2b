//! The verb `validate`: what is wrong with documents.

use std::fs::{self, File};
use std::io::{self, BufRead, BufWriter, ErrorKind, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use oc2_core::Mode;
use oc2_core::shape::read::Note;
use oc2_encoding::{Fault, Kind, MAX_MESSAGE, Validator};
use oc2_profile_slpf::Slpf;
use serde_json::json;

use crate::cli::Cli;
use crate::compose::refuse_all;
use crate::failure::Failure;
use crate::render::Plain;

/// Judges what the command line names.
pub(crate) fn run(cli: &Cli) -> Result<ExitCode, Failure> {
    refuse_all(&cli.parts, "validate takes documents as they are")?;
    refuse_exchange(cli)?;
    let mut out = Out { stdout: BufWriter::new(io::stdout().lock()) };
    let tally = match (cli.validation.batch, &cli.target) {
        (true, None) => batch(cli, &mut out)?,
        (true, Some(_)) => {
            return Err(Failure::usage("--batch reads paths from the standard input, so FILE has no place"));
        }
        (false, None) => {
            let remedy = "oc2-producer validate --kind command FILE..., or - for the standard input, or --batch";
            return Err(Failure::usage("validate needs a FILE").with_remedy(remedy));
        }
        (false, Some(first)) => files(cli, first, &mut out)?,
    };
    out.end()?;
    Ok(if tally.n_bad == 0 { ExitCode::SUCCESS } else { ExitCode::from(SOME_BAD) })
}

fn refuse_exchange(cli: &Cli) -> Result<(), Failure> {
    let options =
        [("--from", cli.transport.from.is_some()), ("--dry-run", cli.output.dry_run), ("--show", cli.output.show)];
    #[cfg(feature = "signature")]
    let options = options.into_iter().chain([("--sign-key", cli.transport.sign_key.is_some())]);
    let own = options.into_iter().find_map(|(option, is_given)| is_given.then_some(option));
    match own.or(cli.security.given().chain(cli.broker.given()).next()) {
        Some(option) => Err(Failure::usage(format!("validate sends nothing, so {option} has no place"))),
        None => Ok(()),
    }
}

/// How many documents were judged, and how many of them are bad.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    n: usize,
    n_bad: usize,
}

impl Tally {
    fn count(&mut self, verdict: &Verdict) {
        self.n += 1;
        self.n_bad += usize::from(verdict.is_err());
    }
}

/// What was tolerated, or what is wrong.
type Verdict = Result<Vec<Note>, Vec<Wrong>>;

/// A reason a document is bad: its own fault, or that it cannot be read.
enum Wrong {
    Fault(Fault),
    Unreadable(String),
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(f),
            Self::Unreadable(reason) => f.write_str(reason),
        }
    }
}

/// Judges the files one after the other.
fn files(cli: &Cli, first: &str, out: &mut Out<'_>) -> Result<Tally, Failure> {
    let kind = cli.validation.kind.unwrap_or_default();
    let mut tally = Tally::default();
    for path in std::iter::once(first).chain(cli.values.iter().map(String::as_str)) {
        let verdict = judge(cli, kind, read(path));
        tally.count(&verdict);
        if cli.output.json { out.line(&json_of(path, &verdict))? } else { out.lines(path, &verdict)? }
    }
    if tally.n > 1 && !cli.output.json {
        out.flush()?;
        let _ = writeln!(io::stderr(), "{} documents, {} good, {} bad", tally.n, tally.n - tally.n_bad, tally.n_bad);
    }
    Ok(tally)
}

/// Judges what the lines of the standard input name: a kind, a tab, a path.
fn batch(cli: &Cli, out: &mut Out<'_>) -> Result<Tally, Failure> {
    if cli.validation.kind.is_some() || cli.output.json {
        return Err(Failure::usage("--batch has a kind in each line and an output of its own: no --kind, no --json"));
    }
    let mut tally = Tally::default();
    for line in io::stdin().lock().split(b'\n') {
        let line = line.map_err(|error| Failure::exchange(format!("the standard input cannot be read: {error}")))?;
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        if line.is_empty() {
            continue;
        }
        let (path, verdict) = match line.iter().position(|byte| *byte == b'\t') {
            None => (line, Err(vec![Wrong::Unreadable("the line has no tab: KIND<TAB>PATH is due".to_owned())])),
            Some(tab) => (&line[tab + 1..], judge_line(cli, &line[..tab], &line[tab + 1..])),
        };
        tally.count(&verdict);
        let (word, reason) = match &verdict {
            Ok(notes) => ("good", joined(notes.iter().map(|note| format!("note: {note}")))),
            Err(wrongs) => ("bad", joined(wrongs)),
        };
        out.line(&format!("{}\t{word}\t{}", Plain(&String::from_utf8_lossy(path)), Plain(&reason)))?;
    }
    Ok(tally)
}

fn judge_line(cli: &Cli, kind: &[u8], path: &[u8]) -> Verdict {
    let kind = String::from_utf8_lossy(kind);
    let kind: Kind = kind.trim().parse().map_err(|invalid| vec![Wrong::Unreadable(format!("kind: {invalid}"))])?;
    judge(cli, kind, read_file(&path_of(path)))
}

fn joined<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
    items.join("; ")
}

fn judge(cli: &Cli, kind: Kind, bytes: Result<Vec<u8>, String>) -> Verdict {
    let bytes = bytes.map_err(|reason| vec![Wrong::Unreadable(reason)])?;
    let mode = if cli.transport.lenient { Mode::Lenient } else { Mode::Strict };
    let validator = Validator::new().kind(kind).mode(mode).syntax(cli.transport.encoding);
    let faults = |faults: Vec<_>| faults.into_iter().map(Wrong::Fault).collect();
    validator.profile::<Slpf>().check(&bytes).map_err(faults)
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    match path {
        "-" => read_some(io::stdin().lock()),
        path => read_file(Path::new(path)),
    }
}

/// Reads a file; what is no file might keep a reader waiting for ever.
fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let metadata = fs::metadata(path).map_err(|error| cannot_read(&error))?;
    if metadata.is_dir() {
        return Err("cannot be read: it is a directory".to_owned());
    }
    if !metadata.is_file() {
        return Err("cannot be read: it is not a regular file".to_owned());
    }
    File::open(path).map_err(|error| cannot_read(&error)).and_then(read_some)
}

/// Reads no more than it takes to see that it is too much.
fn read_some(from: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    from.take(MAX_MESSAGE as u64 + 1).read_to_end(&mut bytes).map_err(|error| cannot_read(&error))?;
    Ok(bytes)
}

fn cannot_read(error: &io::Error) -> String {
    format!("cannot be read: {error}")
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> std::path::PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(bytes).into()
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> std::path::PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

fn json_of(path: &str, verdict: &Verdict) -> String {
    let value = match verdict {
        Ok(notes) => json!({
            "path": path,
            "verdict": "good",
            "notes": notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
        Err(wrongs) => json!({
            "path": path,
            "verdict": "bad",
            "faults": wrongs.iter().map(json_of_wrong).collect::<Vec<_>>(),
        }),
    };
    crate::render::escaped(&value.to_string())
}

fn json_of_wrong(wrong: &Wrong) -> serde_json::Value {
    match wrong {
        Wrong::Fault(fault) => json!({"place": fault.place, "reason": fault.reason, "clause": fault.clause}),
        Wrong::Unreadable(reason) => json!({"place": "", "reason": reason, "clause": ""}),
    }
}

/// Where verdicts go. A reader that has gone wants no more.
struct Out<'o> {
    stdout: BufWriter<io::StdoutLock<'o>>,
}

impl Out<'_> {
    fn lines(&mut self, path: &str, verdict: &Verdict) -> Result<(), Failure> {
        let path = Plain(path);
        match verdict {
            Ok(notes) => {
                self.line(&format!("{path}: ok"))?;
                notes.iter().try_for_each(|note| self.line(&format!("{path}: note: {}", Plain(&note.to_string()))))
            }
            Err(wrongs) => {
                wrongs.iter().try_for_each(|wrong| self.line(&format!("{path}: {}", Plain(&wrong.to_string()))))
            }
        }
    }

    fn line(&mut self, line: &str) -> Result<(), Failure> {
        let res = self.stdout.write_all(line.as_bytes()).and_then(|()| self.stdout.write_all(b"\n"));
        written(res)
    }

    fn flush(&mut self) -> Result<(), Failure> {
        written(self.stdout.flush())
    }

    fn end(mut self) -> Result<(), Failure> {
        self.flush()
    }
}

fn written(res: io::Result<()>) -> Result<(), Failure> {
    match res {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::exchange(format!("the output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

const SOME_BAD: u8 = 1;
