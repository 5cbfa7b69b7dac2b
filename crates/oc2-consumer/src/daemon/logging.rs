//! Logs, to standard error.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::Failure;
use super::cli::{Format, Logging};

/// Starts to log.
pub(crate) fn start(logging: &Logging) -> Result<(), Failure> {
    let refused = |reason: &str| format!("--log {:?}: {reason}", logging.log);
    if logging.log.contains(['[', ']', '{', '}']) {
        return Err(refused("levels are for parts, not for spans").into());
    }
    let filter: Targets = logging.log.parse().map_err(|error: ParseError| refused(&error.to_string()))?;
    // What is logged is for the filter alone to say.
    let builder = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(std::io::stderr);
    match logging.log_format {
        Format::Text => {
            use std::io::IsTerminal;
            builder.with_ansi(std::io::stderr().is_terminal()).finish().with(filter).init();
        }
        Format::Json => builder.json().flatten_event(true).finish().with(filter).init(),
    }
    Ok(())
}
