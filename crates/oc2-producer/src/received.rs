//! Responses as they arrive.

use std::time::Duration;

use oc2_core::{Headers, Response};

/// A Response as it arrived, and what is known about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Received {
    /// The Response; where no message came, one with nothing but the status of the transfer (DECISIONS R5).
    pub response: Response,
    /// The headers of its message; empty where there is none.
    pub headers: Headers,
    /// The signature of its message, as it came and not checked.
    pub signature: Option<String>,
    /// Whether a message came, or only the status of the transfer.
    pub has_message: bool,
    /// Whether this is the Consumer's last word: any status but 102, and 102 where `ack` or `status` was wanted.
    pub is_final: bool,
    /// What was tolerated, in sentences for people.
    pub notes: Vec<String>,
    /// How long it took from sending the Command.
    pub elapsed: Duration,
}

impl Received {
    /// Who says that they answered (`headers.from`).
    #[must_use]
    pub fn from(&self) -> Option<&str> {
        self.headers.from().map(String::as_str)
    }
}
