//! Logs, to standard error.

use tracing_subscriber::EnvFilter;

use super::Failure;
use super::cli::{Format, Logging};

/// Starts to log.
pub(crate) fn start(logging: &Logging) -> Result<(), Failure> {
    let filter =
        EnvFilter::builder().parse(&logging.log).map_err(|error| format!("--log {:?}: {error}", logging.log))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match logging.log_format {
        Format::Text => {
            use std::io::IsTerminal;
            builder.with_ansi(std::io::stderr().is_terminal()).init();
        }
        Format::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}
