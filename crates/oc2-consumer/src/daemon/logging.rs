//! Logs, to standard error.

mod lines;
mod text;

use std::io::{IsTerminal, stderr};

use tracing::error;
use tracing_subscriber::EnvFilter;

use super::Failure;
use super::cli::{Format, Logging};

pub(crate) use self::lines::Writing;

use self::text::Text;

/// Starts to log; all is written when what is returned is dropped.
pub(crate) fn start(logging: &Logging) -> Result<Writing, Failure> {
    let filter =
        EnvFilter::builder().parse(&logging.log).map_err(|error| format!("--log {:?}: {error}", logging.log))?;
    let (lines, writing) = lines::write_to(stderr(), |n_lines| {
        error!(n_lines, "The log came faster than it could be written; lines are missing before this one.");
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(lines);
    match logging.log_format {
        Format::Text => builder.with_ansi(stderr().is_terminal()).event_format(Text::default()).init(),
        Format::Json => builder.json().flatten_event(true).init(),
    }
    writing.before_panics();
    Ok(writing)
}
