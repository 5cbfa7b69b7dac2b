//! `oc2-consumer rules`: what is in force, from the daemon that runs, or from what it has kept.

mod report;
mod socket;
mod table;

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use oc2_store::{Store, StoreError};
use toml::Spanned;

use self::report::Report;
pub(crate) use self::report::{Filter, name_of};
pub(crate) use self::socket::Socket;
use super::Failure;
use super::config::Config;

/// Prints the rules, for people or for programs.
pub(crate) fn rules(path: &Path, is_json: bool) -> Result<(), Failure> {
    let config = Config::load(path)?;
    let report = match ask(&config.consumer.state_dir.0)? {
        Some(report) => report,
        None => kept(&config)?,
    };
    let text = if is_json { serde_json::to_string_pretty(&report)? + "\n" } else { table::of(&report) };
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever read it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// What a running daemon says; none if there is none.
fn ask(state_dir: &Path) -> Result<Option<Report>, Failure> {
    let path = socket::path(state_dir);
    let wrong = |error: io::Error| -> Failure {
        match error.kind() {
            io::ErrorKind::PermissionDenied => {
                format!("{}: only root and the user of the daemon may ask it: {error}", path.display()).into()
            }
            _ => format!("{}: the daemon does not answer: {error}", path.display()).into(),
        }
    };
    let mut stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(wrong(error)),
    };
    let mut answer = String::new();
    let mut exchange = || {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(socket::REQUEST.as_bytes())?;
        stream.read_to_string(&mut answer).map(drop)
    };
    exchange().map_err(wrong)?;
    let answer: socket::Answer = serde_json::from_str(&answer)
        .map_err(|error| format!("{}: the daemon does not say what is due: {error}", path.display()))?;
    match answer {
        socket::Answer::Report(report) => Ok(Some(report)),
        socket::Answer::Error(reason) => Err(format!("the daemon cannot say: {reason}").into()),
    }
}

/// What the next start puts in force. Nothing on the disk is changed.
fn kept(config: &Config) -> Result<Report, Failure> {
    let state_dir = &config.consumer.state_dir.0;
    let store = Store::copy_of(state_dir).map_err(|error| -> Failure {
        match error {
            StoreError::Io { cause, .. } if cause.kind() == io::ErrorKind::NotFound => {
                format!("no daemon runs, and nothing was kept in {}", state_dir.display()).into()
            }
            StoreError::InUse { .. } => "a daemon is about to start or to stop: try again".into(),
            error => error.into(),
        }
    })?;
    let filters = config.actuators.iter().map(Spanned::get_ref);
    Report::kept(&config.consumer.id.0, &store, filters)
}

/// Longer than a daemon takes for a hundred thousand rules.
const PATIENCE: Duration = Duration::from_secs(60);
