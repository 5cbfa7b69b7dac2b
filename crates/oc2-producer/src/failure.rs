//! Why there is no Response to show: a sentence, a remedy, and the exit status.

use std::io::{self, Write};
use std::process::ExitCode;

use oc2_core::Mode;
use oc2_producer::ProducerError;
use oc2_transfer::TransferError;

use crate::render::Plain;

/// What ends the program before there is a Response to show.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    exit_status: u8,
    sentence: String,
    remedy: Option<String>,
}

impl Failure {
    /// The command line asks for something that cannot be sent.
    pub(crate) fn usage(sentence: impl ToString) -> Self {
        Self { exit_status: USAGE, sentence: sentence.to_string(), remedy: None }
    }

    /// Nothing could be exchanged.
    pub(crate) fn exchange(sentence: impl ToString) -> Self {
        Self { exit_status: NO_EXCHANGE, sentence: sentence.to_string(), remedy: None }
    }

    /// Somebody wanted it to end.
    #[cfg(feature = "mqtt")]
    pub(crate) fn interrupted(sentence: impl ToString) -> Self {
        Self { exit_status: INTERRUPTED, sentence: sentence.to_string(), remedy: None }
    }

    /// There is no Response, read in this mode.
    pub(crate) fn of(error: ProducerError, mode: Mode) -> Self {
        let remedy = match &error {
            ProducerError::Forbidden(_) => return Self::usage(error).with_remedy(ANYWAY),
            ProducerError::Encode(_) | ProducerError::Transfer(TransferError::Address { .. }) => {
                return Self::usage(error);
            }
            ProducerError::Transfer(TransferError::Unreachable { .. }) => {
                "Nothing was sent. Does the Consumer run, and is --to right?"
            }
            ProducerError::Transfer(TransferError::Refused { .. }) => {
                "Nothing was performed. --ca says whom to trust; --cert and --key who we are, or --token (https), or \
                 --username and --password-file (mqtts)."
            }
            ProducerError::Transfer(TransferError::Unheard { .. }) => {
                "Nothing was performed. Do the Consumers run, and is --device or --profile right?"
            }
            ProducerError::Transfer(TransferError::Timeout(_)) => {
                "--timeout waits longer. Sent again, it is a new Command."
            }
            ProducerError::Transfer(TransferError::Protocol(_)) => "Is it an OpenC2 Consumer that listens there?",
            ProducerError::Answer(_) if mode == Mode::Strict => {
                "The Command may have been performed. Without --strict, more is accepted."
            }
            ProducerError::Answer(_) => "The Command may have been performed.",
            _ => return Self::exchange(error),
        };
        Self::exchange(error).with_remedy(remedy)
    }

    /// The same with what to do about it.
    pub(crate) fn with_remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    /// The sentence.
    #[cfg(test)]
    pub(crate) fn sentence(&self) -> &str {
        &self.sentence
    }

    /// Says what is wrong and how to go on.
    pub(crate) fn report(self) -> ExitCode {
        let remedy = self.remedy.map(|remedy| format!("\n{remedy}")).unwrap_or_default();
        // Without a place to say it there is still the exit status.
        let _ = writeln!(io::stderr(), "error: {}{remedy}", Plain(&self.sentence));
        ExitCode::from(self.exit_status)
    }
}

/// What to do about a refusal.
pub(crate) const ANYWAY: &str = "To test a Consumer with it, say --anyway.";
const USAGE: u8 = 2;
const NO_EXCHANGE: u8 = 3;
/// What shells say of a program that SIGINT ended.
#[cfg(feature = "mqtt")]
const INTERRUPTED: u8 = 130;
