//! The error of constructors: why a value may not exist.

use std::fmt;

use crate::shape::Shape;

/// Why a value is not one of its type: a phrase that names the value, made for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(Box<str>);

impl Invalid {
    /// An error with this phrase.
    #[must_use]
    pub fn new(phrase: impl Into<Box<str>>) -> Self {
        Self(phrase.into())
    }

    /// `"up" is not one of both, ingress, egress`
    #[must_use]
    pub fn not_one_of(text: &str, shape: &Shape) -> Self {
        Self::new(format!("{} is not one of {}", Quoted(text), shape.names()))
    }

    /// `"a b" is not a hostname: ...`
    pub(crate) fn text(text: &str, reason: &str) -> Self {
        Self::new(format!("{} {reason}", Quoted(text)))
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}

/// A text from outside, quoted, escaped, and cut to a length that suits a log line.
#[derive(Debug)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(MAX_QUOTED) {
            None => write!(f, "{:?}", self.0),
            Some((end, _)) => write!(f, "{:?}...", &self.0[..end]),
        }
    }
}

/// A name from outside, escaped and cut likewise, without quotes: for sentences that a standard prints.
#[derive(Debug)]
pub(crate) struct Cut<'a>(pub(crate) &'a str);

impl fmt::Display for Cut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(MAX_QUOTED) {
            None => self.0.escape_debug().fmt(f),
            Some((end, _)) => write!(f, "{}...", self.0[..end].escape_debug()),
        }
    }
}

const MAX_QUOTED: usize = 60;
