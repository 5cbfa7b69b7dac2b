//! Why a policy cannot be used.

use std::fmt;
use std::ops::Range;
use std::path::Path;

/// A policy that cannot be used: where, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError(String);

impl PolicyError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What is wrong at a place in the text.
    pub(super) fn at(span: &Range<usize>, text: &str, reason: impl fmt::Display) -> Self {
        let before = &text[..span.start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |start| start.chars().count()) + 1;
        Self(format!("line {line}, column {column}: {reason}"))
    }

    pub(super) fn within(self, path: &Path) -> Self {
        Self(format!("{}: {self}", path.display()))
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PolicyError {}
