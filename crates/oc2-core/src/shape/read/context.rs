//! What a reader knows besides the value: how tolerant to be, how deep it is, and where it failed.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

/// How tolerant a reader is (DECISIONS, general policy).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Accepts what peers in the field send, where that is safe, and notes it.
    #[default]
    Lenient,
    /// Accepts what the standard defines and nothing else.
    Strict,
}

/// Bounds on what is read (DECISIONS L24).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Objects and lists within each other. Default 32.
    pub depth: usize,
    /// Items of a list, members of an object that no table defines. Default 1000.
    pub items: usize,
    /// Parents of a process above each other (LS 3.4.1.15). Default 16.
    pub parents: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 32, items: 1000, parents: 16 }
    }
}

/// Strict or lenient, limits, the place of an error, and what was tolerated.
#[derive(Debug, Default)]
pub struct Context {
    mode: Mode,
    limits: Limits,
    depth: usize,
    parents: usize,
    last_object_was_empty: bool,
    place: Place,
    notes: Vec<Note>,
}

impl Context {
    /// A context with the default limits.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        Self { mode, ..Self::default() }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// How tolerant this reader is.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether only what the standard defines is accepted.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.mode == Mode::Strict
    }

    /// The bounds of this reader.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// What was tolerated so far, and what is legal and worth a look; in strict mode only the latter.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Accepts a deviation in lenient mode and notes it; refuses it in strict mode.
    ///
    /// # Errors
    /// The deviation, in strict mode.
    pub fn tolerate<E: Error>(&mut self, deviation: &str) -> Result<(), E> {
        if self.is_strict() {
            return Err(E::custom(deviation));
        }
        self.remark(deviation);
        Ok(())
    }

    /// Notes something that is legal and worth a look.
    pub(crate) fn remark(&mut self, text: &str) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(Note { place: Place::default(), text: text.into() });
        }
    }

    /// Reads at a place below the present one; an error or a note within learns where it happened.
    ///
    /// # Errors
    /// Those of `read`, and a nesting beyond the limit.
    pub fn at<T, E: Error>(
        &mut self,
        segment: Segment<'_>,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let n_notes = self.notes.len();
        self.depth += 1;
        let res = if self.depth > self.limits.depth {
            Err(E::custom(format_args!("nested more than {} levels deep", self.limits.depth)))
        } else {
            read(self)
        };
        self.depth -= 1;
        if res.is_err() {
            self.place.push(segment);
        }
        for note in &mut self.notes[n_notes..] {
            note.place.push(segment);
        }
        res
    }

    /// Reads something whose places are told from its own top, whatever it is wrapped in.
    pub(crate) fn as_top<T, E>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        let n_notes = self.notes.len();
        let res = read(self);
        if res.is_err() {
            self.place.complete = true;
        }
        for note in &mut self.notes[n_notes..] {
            note.place.complete = true;
        }
        res
    }

    /// Remembers of an object that was read whether it had no members, whatever they were worth.
    pub fn leave_object(&mut self, is_empty: bool) {
        self.last_object_was_empty = is_empty;
    }

    /// Whether the object that was read last had no members.
    pub(crate) fn last_object_was_empty(&self) -> bool {
        self.last_object_was_empty
    }

    /// Reads one more parent of a process.
    pub(crate) fn as_parent<T, E: Error>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        if self.parents == self.limits.parents {
            return Err(E::custom(format_args!("more than {} parents above each other", self.limits.parents)));
        }
        self.parents += 1;
        let res = read(self);
        self.parents -= 1;
        res
    }

    /// The error with its place, for the caller that started the reading.
    #[must_use]
    pub fn fail(&mut self, message: impl Into<String>) -> ReadError {
        ReadError { place: std::mem::take(&mut self.place), ..ReadError::new(message) }
    }
}

/// One step from an object or a list to a value in it.
#[derive(Clone, Copy, Debug)]
pub enum Segment<'a> {
    /// A member by its name.
    Name(&'a str),
    /// An item by its position, counted from 0.
    Index(usize),
}

/// A value could not be read: where, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    place: Place,
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
    place: Place,
    text: Box<str>,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.introduce(f)?;
        f.write_str(&self.text)
    }
}

/// Segments from the inside out, as unwinding finds them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    segments: Vec<Box<str>>,
    complete: bool,
}

impl Place {
    fn push(&mut self, segment: Segment<'_>) {
        if self.complete {
            return;
        }
        self.segments.push(match segment {
            Segment::Index(index) => format!("[{index}]").into(),
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
const MAX_NOTES: usize = 20;
const MAX_SEGMENT: usize = 40;
