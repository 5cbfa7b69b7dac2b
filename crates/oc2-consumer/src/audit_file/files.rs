//! The file that is written to, those it was before, and where the chain ends in them.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::chain::{Head, Link, Torn};
use super::error::AuditError;

/// The end of a file.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) size: u64,
    /// The number of its first record.
    pub(super) first: Option<u64>,
    /// Its last record: the head after it, and of which event it is.
    pub(super) last: Option<(Head, String)>,
    /// Whether the last byte ends a line.
    pub(super) is_ended: bool,
    /// What stands behind its last record.
    pub(super) torn: Option<Torn>,
}

/// Opens a file to be appended to, and makes it if there is none: for its owner only.
pub(super) fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).read(true).mode(OWNER_ONLY).open(path)
}

/// Looks for the last record of a file.
pub(super) fn tail(file: &mut File) -> io::Result<Tail> {
    let size = file.metadata()?.len();
    let first = first_record(file)?;
    let mut length = CHUNK;
    loop {
        let start = size.saturating_sub(length);
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        file.by_ref().take(size - start).read_to_end(&mut bytes)?;
        // The line that begins before the chunk is not seen whole.
        let from = if start == 0 { Some(0) } else { bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1) };
        if let Some(tail) = from.and_then(|from| last_record(&bytes[from..])).filter(|_| size > 0) {
            return Ok(Tail { size, first, ..tail });
        }
        if start == 0 {
            let is_ended = bytes.last().is_none_or(|byte| *byte == b'\n');
            return Ok(Tail { size, first, last: None, is_ended, torn: torn(&bytes) });
        }
        length *= 4;
    }
}

/// The last record among whole lines, and what stands behind it.
fn last_record(bytes: &[u8]) -> Option<Tail> {
    let mut end = bytes.len();
    while end > 0 {
        let until = if bytes[end - 1] == b'\n' { end - 1 } else { end };
        let start = bytes[..until].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = &bytes[start..until];
        if let Some(link) = Link::of(line) {
            let torn = torn(bytes[until..].strip_prefix(b"\n").unwrap_or_default());
            let is_ended = bytes.last() == Some(&b'\n');
            let last = Some((Head::after(&link, line), link.event));
            return Some(Tail { size: 0, first: None, last, is_ended, torn });
        }
        end = start;
    }
    None
}

/// What stands where a record is due; the end of its line is not of it.
fn torn(bytes: &[u8]) -> Option<Torn> {
    Torn::of(bytes.strip_suffix(b"\n").unwrap_or(bytes))
}

fn first_record(file: &mut File) -> io::Result<Option<u64>> {
    let bytes = beginning(file, CHUNK)?;
    Ok(bytes.split(|byte| *byte == b'\n').next().and_then(Link::of).map(|link| link.seq))
}

/// The first bytes of a file.
pub(super) fn beginning(file: &mut File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.by_ref().take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a full file is called: after the number of its first record, so that names are in the order of the chain.
pub(super) fn rotated(path: &Path, first: u64) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{first:012}"));
    name.into()
}

/// The files that a file was before, the oldest first.
pub(super) fn former(path: &Path) -> Result<Vec<PathBuf>, AuditError> {
    let at = |error: io::Error| AuditError::Io { path: path.to_owned(), error };
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(Vec::new()) };
    let mut former = Vec::new();
    for entry in fs::read_dir(dir).map_err(at)? {
        let entry = entry.map_err(at)?;
        let found = entry.file_name();
        let number = found.to_str().and_then(|found| found.strip_prefix(name)).and_then(|rest| rest.strip_prefix('.'));
        if number.is_some_and(|number| number.len() >= 12 && number.bytes().all(|byte| byte.is_ascii_digit())) {
            former.push(entry.path());
        }
    }
    former.sort();
    Ok(former)
}

/// Makes a change of names durable.
pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir)?.sync_all()
}

/// Longer than any record.
const CHUNK: u64 = 64 * 1024;
const OWNER_ONLY: u32 = 0o600;
