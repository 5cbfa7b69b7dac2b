//! Logs, to standard error.

mod lines;
mod text;

use std::io::{IsTerminal, stderr};

use tracing::error;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::Failure;
use super::cli::{Format, Logging};

pub(crate) use self::lines::Writing;

use self::text::Text;

/// Starts to log; all is written when what is returned is dropped.
pub(crate) fn start(logging: &Logging) -> Result<Writing, Failure> {
    let refused = |reason: &str| format!("--log {:?}: {reason}", logging.log);
    if logging.log.contains(['[', ']', '{', '}']) {
        return Err(refused("levels are for parts, not for spans").into());
    }
    let filter: Targets = logging.log.parse().map_err(|error: ParseError| refused(&error.to_string()))?;
    let (lines, writing) = lines::write_to(stderr(), |n_lines| {
        error!(n_lines, "The log came faster than it could be written; lines are missing before this one.");
    })?;
    // What is logged is for the filter alone to say.
    let builder = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(lines);
    match logging.log_format {
        Format::Text => {
            builder.with_ansi(stderr().is_terminal()).event_format(Text::default()).finish().with(filter).init();
        }
        Format::Json => builder.json().flatten_event(true).finish().with(filter).init(),
    }
    writing.before_panics();
    Ok(writing)
}
