//! The file of `update file`: where it may lie, what must be in it.
//!
//! *Invariants.* Nothing outside the configured directory is opened, and what is refused does not tell whether it exists.
//! What is hashed is what is read. The text of a refusal names no path of this host but the name that was asked for.

mod content;
mod location;

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use md5::Md5;
use oc2_core::Rejection;
use oc2_core::types::hashes::Hashes;
use oc2_profile_slpf::{Refusal, UpdateFile};
use rustix::fs::OFlags;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::config::Config;
use crate::plan::NewRule;

/// The rules of a file, in the order in which they stand there.
///
/// # Errors
/// The file cannot be accessed, its hash is another one, or its content is no list of rules.
pub(crate) fn read(file: &UpdateFile, config: &Config) -> Result<Vec<NewRule>, Rejection> {
    let dir = config.update_dir.as_deref().ok_or(Refusal::CommandNotSupported)?;
    let bytes = read_bytes(file, dir).map_err(|reason| Refusal::CannotAccessFile.with(reason))?;
    check_hashes(&bytes, file.hashes.as_ref()).map_err(|reason| Refusal::CannotAccessFile.with(reason))?;
    content::read(&bytes, config).map_err(|error| Refusal::RuleNotInForce.with(error))
}

fn read_bytes(file: &UpdateFile, dir: &Path) -> Result<Vec<u8>, Inaccessible> {
    let path = location::of(file, dir)?;
    // Not to be led elsewhere at the last moment, and not to wait for the other end of a pipe.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(Inaccessible::NotAFile);
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Inaccessible::TooLong);
    }
    Ok(bytes)
}

fn check_hashes(bytes: &[u8], hashes: Option<&Hashes>) -> Result<(), Inaccessible> {
    let Some(hashes) = hashes else { return Ok(()) };
    let differs = |expected: Option<&[u8]>, actual: &[u8]| expected.is_some_and(|expected| expected != actual);
    if differs(hashes.md5().map(|hash| &hash.0[..]), &Md5::digest(bytes)) {
        return Err(Inaccessible::OtherHash("md5"));
    }
    if differs(hashes.sha1().map(|hash| &hash.0[..]), &Sha1::digest(bytes)) {
        return Err(Inaccessible::OtherHash("sha1"));
    }
    if differs(hashes.sha256().map(|hash| &hash.0[..]), &Sha256::digest(bytes)) {
        return Err(Inaccessible::OtherHash("sha256"));
    }
    Ok(())
}

/// Why a file is not read; the texts go to the Producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Inaccessible {
    #[error("the name is not that of a file alone")]
    Name,
    #[error("the path is not that of the directory for rules, of one below it, or of the file there")]
    Path,
    #[error("there is no such file in the directory for rules")]
    Missing,
    #[error("reading it is not permitted")]
    NotPermitted,
    #[error("it is not a regular file")]
    NotAFile,
    #[error("it is longer than {MAX_FILE} bytes")]
    TooLong,
    #[error("its {0} is another one")]
    OtherHash(&'static str),
    #[error("it cannot be read")]
    Unreadable,
}

impl From<io::Error> for Inaccessible {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::PermissionDenied => Self::NotPermitted,
            _ => {
                tracing::warn!(%error, "A file of rules cannot be read.");
                Self::Unreadable
            }
        }
    }
}

/// 16 MiB: 100,000 rules with room to spare.
const MAX_FILE: u64 = 16 << 20;
