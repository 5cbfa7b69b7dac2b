//! Where a value could not be read, and why.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

/// One step from an object or a list to a value in it.
#[derive(Clone, Copy, Debug)]
pub enum Segment<'a> {
    /// A member by its name.
    Name(&'a str),
    /// A member by its id.
    Id(u64),
    /// An item by its position, counted from 0.
    Index(usize),
}

/// A value could not be read: where, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    pub(super) place: Place,
    message: String,
}

impl ReadError {
    /// An error without a place.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        let mut message = message.into();
        // Deserializers repeat what they did not expect, however long it is.
        if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
            message.truncate(end);
            message.push_str("...");
        }
        Self { place: Place::default(), message }
    }

    /// The same error, there.
    pub(super) fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    /// The path to the value, `target.ipv4_connection.dst_port`; empty for the whole.
    #[must_use]
    pub fn place(&self) -> String {
        self.place.to_string()
    }

    /// What is wrong there.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The clause that is offended, with the id of the requirement: `LS 3.4.2.14 (LS-200)`. Empty if no one clause is.
    #[must_use]
    pub fn clause(&self) -> &'static str {
        self.place.clause
    }

    /// The same error against this clause, unless it has one.
    #[must_use]
    pub fn against(mut self, clause: &'static str) -> Self {
        if self.place.clause.is_empty() {
            self.place.clause = clause;
        }
        self
    }

    /// The same error, its place told from within `prefix` where it lies there.
    #[must_use]
    pub fn relative_to(mut self, prefix: &[&str]) -> Self {
        let outermost = self.place.segments.iter().rev().take(prefix.len()).map(|segment| &**segment);
        if outermost.eq(prefix.iter().copied()) {
            self.place.segments.truncate(self.place.segments.len() - prefix.len());
        }
        self
    }

    /// The same error, seen from one level further out.
    #[must_use]
    pub fn within(mut self, segment: Segment<'_>) -> Self {
        self.place.push(segment);
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.introduce(f)?;
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    /// As JSON calls it.
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Unit => Self::new(format!("invalid type: null, expected {expected}")),
            _ => Self::new(format!("invalid type: {found}, expected {expected}")),
        }
    }
}

impl serde::ser::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}

/// A deviation from the standard that was tolerated, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub(super) place: Place,
    pub(super) text: Box<str>,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.introduce(f)?;
        f.write_str(&self.text)
    }
}

/// Segments from the inside out, as unwinding finds them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    segments: Vec<Box<str>>,
    /// It is told from the top; what is further out is of no interest.
    pub(super) complete: bool,
    pub(super) clause: &'static str,
}

impl Place {
    pub(super) fn push(&mut self, segment: Segment<'_>) {
        if self.complete {
            return;
        }
        self.segments.push(match segment {
            Segment::Index(index) => format!("[{index}]").into(),
            Segment::Id(id) => id.to_string().into(),
            Segment::Name(name) => match name.char_indices().nth(MAX_SEGMENT) {
                None => name.escape_debug().to_string().into(),
                Some((end, _)) => format!("{}...", name[..end].escape_debug()).into(),
            },
        });
    }

    /// Writes `place: `, or nothing for the whole.
    fn introduce(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.segments.is_empty() { Ok(()) } else { write!(f, "{self}: ") }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.segments.iter().rev().enumerate() {
            if i > 0 && !segment.starts_with('[') {
                f.write_str(".")?;
            }
            f.write_str(segment)?;
        }
        Ok(())
    }
}

const MAX_MESSAGE: usize = 500;
const MAX_SEGMENT: usize = 40;
