//! Why a task ended without success.

use std::fmt;

/// What every step of a task returns.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a task ended without success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// This signal asked the task to end.
    Interrupted(i32),
    /// The place and the remedy, for the person at the terminal.
    Said(String),
    /// Everything there is to say stands in the output already.
    Reported,
    /// A program that was run has said it, and has ended with this status.
    Status(u8),
}

impl Failure {
    /// A failure in words: what went wrong where, and what to do.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::Said(text.into())
    }

    /// The exit status of the process: 128 + n after signal n as shells have it, else 1.
    pub(crate) fn exit_status(&self) -> u8 {
        match self {
            Self::Interrupted(signal) => 128 + u8::try_from(*signal).unwrap_or(0),
            Self::Said(_) | Self::Reported => 1,
            Self::Status(status) => *status,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted(signal) => write!(f, "ended by signal {signal}; everything started was stopped"),
            Self::Said(text) => f.write_str(text),
            Self::Status(status) => write!(f, "ended with status {status}"),
            Self::Reported => f.write_str("not everything was as expected, see above"),
        }
    }
}

/// Adds the place to an error of the layer below.
pub(crate) trait Place<T> {
    /// Prefixes the error with what was being done.
    fn place(self, place: impl fmt::Display) -> Result<T>;
}

// `Failure` is no `Error` on purpose: it has its place already, and an interruption must stay one.
impl<T, E: std::error::Error> Place<T> for Result<T, E> {
    fn place(self, place: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Failure::Said(format!("{place}: {error}")))
    }
}
