//! What can be changed while the Consumer runs.

use std::fmt;
use std::num::NonZeroU32;
#[cfg(feature = "signature")]
use std::sync::Arc;
use std::time::Duration;

use oc2_core::Mode;

#[cfg(feature = "signature")]
use crate::signatures::Signatures;

/// How a Consumer behaves; a reload replaces all of it at once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// How received messages are read. Default lenient.
    pub mode: Mode,
    /// Commands a minute; beyond it the answer is 503 (DECISIONS L12). Default no limit.
    pub rate_limit: Option<NonZeroU32>,
    /// Messages a minute of each peer, as the transfer knows it, whatever becomes of them; beyond it the answer is 503.
    /// Those whom a transfer does not tell apart, as a broker's, are one peer. Default no limit.
    pub rate_limit_per_peer: Option<NonZeroU32>,
    /// How long an answer waits for the end of a Command before it is 102 (DECISIONS L7). Default 30 seconds.
    pub max_wait: Duration,
    /// How long an answer to `response_requested: status` waits for the end of a Command. Default 50 milliseconds.
    pub status_wait: Duration,
    /// Whether a message to others (`headers.to`) is refused (DECISIONS M5). Default no.
    pub enforce_to: bool,
    /// How many commands may run at once; beyond it the answer is 503. Default 1024.
    pub max_commands: usize,
    /// How many commands that were sent ahead of their time may be taken on at once; beyond it the answer is 503. Default
    /// 1024.
    pub max_scheduled: usize,
    /// Which signatures count (DECISIONS M14). Default none: they are ignored.
    #[cfg(feature = "signature")]
    pub signatures: Option<Arc<Signatures>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Lenient,
            rate_limit: None,
            rate_limit_per_peer: None,
            max_wait: Duration::from_secs(30),
            status_wait: Duration::from_millis(50),
            enforce_to: false,
            max_commands: 1024,
            max_scheduled: 1024,
            #[cfg(feature = "signature")]
            signatures: None,
        }
    }
}

impl Settings {
    /// Sets the commands a minute.
    ///
    /// # Errors
    /// Zero, which would refuse everything.
    pub fn with_rate_limit(self, per_minute: u32) -> Result<Self, SettingsError> {
        let rate_limit = NonZeroU32::new(per_minute).ok_or(SettingsError)?;
        Ok(Self { rate_limit: Some(rate_limit), ..self })
    }

    /// Sets which signatures count.
    #[cfg(feature = "signature")]
    #[must_use]
    pub fn with_signatures(self, signatures: Signatures) -> Self {
        Self { signatures: Some(Arc::new(signatures)), ..self }
    }
}

/// A rate limit of zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingsError;

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a rate limit of 0 commands a minute would refuse every command")
    }
}

impl std::error::Error for SettingsError {}
