//! What is wrong with a document, and where.

use std::fmt;

use oc2_core::Rejection;
use oc2_core::shape::read::ReadError;

/// One thing that is wrong with a document. It shows as one line: the place, the reason, and the clause in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The path to the value (`target.ipv4_connection.dst_port`); where there are no values, `line 1 column 5` or `byte 4`.
    /// Empty for the whole.
    pub place: String,
    /// What is wrong there.
    pub reason: String,
    /// The clause that is offended and the id of its requirement: `LS 3.4.2.14 (LS-200)`.
    pub clause: &'static str,
}

impl Fault {
    pub(super) fn new(place: impl Into<String>, reason: impl Into<String>, clause: &'static str) -> Self {
        Self { place: place.into(), reason: reason.into(), clause }
    }

    /// What a profile says of a Command whose members lie below `prefix`.
    pub(super) fn of_rejection(rejection: &Rejection, prefix: &str) -> Self {
        let text = rejection.text();
        let (place, reason) = match text.split_once(": ") {
            Some((place, reason)) if is_path(place) => (format!("{prefix}{place}"), reason),
            _ => (String::new(), text),
        };
        Self::new(place, reason, rejection.clause())
    }
}

fn is_path(text: &str) -> bool {
    ["target.", "args.", "actuator."].iter().any(|member| text.starts_with(member)) && !text.contains(' ')
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        Self::new(error.place(), error.message(), error.clause())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.reason)?;
        if !self.clause.is_empty() {
            write!(f, " [{}]", self.clause)?;
        }
        Ok(())
    }
}
