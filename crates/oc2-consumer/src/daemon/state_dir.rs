//! The state directory: only its owner sees what was commanded.

use std::fs::{DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use tracing::warn;

use super::Failure;

/// Makes it if it is missing, and takes from others what they may do with one that is there.
pub(crate) fn prepare(path: &Path) -> Result<(), Failure> {
    let wrong = |reason: String| -> Failure { format!("consumer.state_dir {}: {reason}", path.display()).into() };
    DirBuilder::new().recursive(true).mode(MODE).create(path).map_err(|error| wrong(error.to_string()))?;
    let mode = close(path).map_err(|error| wrong(format!("others may not be kept out of it: {error}")))?;
    if let Some(mode) = mode {
        let path = path.display();
        warn!(%path, "Others could get into the state directory (mode {mode:03o}); now they cannot (700).");
    }
    Ok(())
}

/// Closes it for others; the mode that it had, if it was open.
fn close(path: &Path) -> io::Result<Option<u32>> {
    // What is looked at is what is changed, also if somebody puts another one in its place.
    let directory = File::open(path)?;
    let mode = directory.metadata()?.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(None);
    }
    directory.set_permissions(Permissions::from_mode(MODE))?;
    Ok(Some(mode))
}

const MODE: u32 = 0o700;
