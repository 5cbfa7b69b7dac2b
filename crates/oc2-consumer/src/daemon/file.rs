//! Files that a configuration names: what is wrong with one is told with the key that names it.

use std::fmt::Display;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Failure;

/// What is in a file.
pub(crate) fn open(key: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    let file = File::open(path).map_err(|error| wrong(key, path, error))?;
    read(key, path, file)
}

/// What is in a file that nobody but its owner and its group may read, or write (DECISIONS Q14).
pub(crate) fn secret(key: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    let file = File::open(path).map_err(|error| wrong(key, path, error))?;
    let mode = file.metadata().map_err(|error| wrong(key, path, error))?.mode() & 0o777;
    if mode & FORBIDDEN != 0 {
        let reason = format!("its mode {mode:03o} lets others read or write it; chmod 600 (or 640) is due");
        return Err(wrong(key, path, reason));
    }
    read(key, path, file)
}

/// The password in a file; the end of its line is not part of it.
#[cfg(feature = "mqtt")]
pub(crate) fn password(key: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    let mut password = secret(key, path)?;
    if password.last() == Some(&b'\n') {
        password.pop();
        if password.last() == Some(&b'\r') {
            password.pop();
        }
    }
    match password.len() {
        0 => Err(wrong(key, path, "there is no password in it")),
        1..=MAX_PASSWORD if !password.contains(&b'\n') => Ok(password),
        _ => Err(wrong(key, path, "a password is one line of at most 65535 octets")),
    }
}

/// What is wrong with a file.
pub(crate) fn wrong(key: &str, path: &Path, reason: impl Display) -> Failure {
    format!("{key} {}: {reason}", path.display()).into()
}

fn read(key: &str, path: &Path, file: File) -> Result<Vec<u8>, Failure> {
    let mut content = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut content).map_err(|error| wrong(key, path, error))?;
    if content.len() as u64 > MAX_FILE {
        return Err(wrong(key, path, "it is larger than 4 MiB"));
    }
    Ok(content)
}

/// Writing by the group, and everything by others.
const FORBIDDEN: u32 = 0o027;
/// The length of a field of MQTT has two octets (MQTT 5 1.5.6).
#[cfg(feature = "mqtt")]
const MAX_PASSWORD: usize = 65_535;
/// The authorities of a whole system are a quarter of a megabyte.
const MAX_FILE: u64 = 4 << 20;
