//! Shapes: the standard's tables as data, and the macros that turn one declaration into a Rust type, its reader and its
//! writer (LS 3.1.1).
//!
//! [`enumerated!`](crate::enumerated), [`map!`](crate::map), [`record!`](crate::record) and [`choice!`](crate::choice)
//! are also for authors of profiles; `tests/outside` in the repository shows them used by a stranger.

mod macros;
mod names;
pub mod read;
pub mod write;

use std::fmt;

#[doc(hidden)]
pub use self::names::{Announced, SLOTS, sixteen};
use self::names::{Ids, Names};
use crate::invalid::Invalid;

/// One type of the standard: its name, how it is serialised, and the rows of its table if it has one.
#[derive(Clone)]
pub struct Shape {
    /// The name of the type as the standard prints it, for instance `IPv4-Connection`.
    pub name: &'static str,
    /// Where the standard defines it, with the id of the requirement: `LS 3.4.1.10 (LS-170)`. Empty for a type of no standard.
    pub clause: &'static str,
    /// How values of the type are serialised (LS 3.1.5).
    pub kind: Kind,
    /// The rows of the table in the order of the standard; none for a type without a table.
    pub fields: &'static [Field],
    /// What may stand beside the rows.
    pub room: Room,
    names: Names,
    ids: Ids,
}

impl Shape {
    /// A type with a table.
    ///
    /// # Panics
    /// The table has more than 255 rows; in a constant that is an error of compilation.
    #[must_use]
    pub const fn table(name: &'static str, clause: &'static str, kind: Kind, fields: &'static [Field]) -> Self {
        Self { name, clause, kind, fields, room: Room::None, names: Names::of(fields), ids: Ids::of(fields) }
    }

    /// A type without a table.
    #[must_use]
    pub const fn plain(name: &'static str, clause: &'static str, kind: Kind) -> Self {
        Self::table(name, clause, kind, &[])
    }

    /// The same type with room for more than its rows.
    #[must_use]
    pub const fn with_room(mut self, room: Room) -> Self {
        self.room = room;
        self
    }

    /// The row with this name, and its position.
    #[must_use]
    #[inline]
    pub fn by_name(&self, name: &str) -> Option<(usize, &'static Field)> {
        self.names.find(self.fields, name).map(|index| (index, &self.fields[index]))
    }

    /// The row with this id, or with another id that is read for it, and its position.
    #[must_use]
    #[inline]
    pub fn by_id(&self, id: u64) -> Option<(usize, &'static Field)> {
        match self.ids.find(self.fields, id) {
            Some(index) => Some((index, self.fields.get(index)?)),
            None => self.search_id(id),
        }
    }

    /// The row with this id, for constants.
    #[doc(hidden)]
    #[must_use]
    pub const fn row(&self, id: u32) -> Option<&'static Field> {
        let mut rest = self.fields;
        while let [field, others @ ..] = rest {
            if field.id == id {
                return Some(field);
            }
            rest = others;
        }
        None
    }

    #[inline(never)]
    fn search_id(&self, id: u64) -> Option<(usize, &'static Field)> {
        self.fields
            .iter()
            .enumerate()
            .find(|(_, field)| u64::from(field.id) == id || field.also.iter().any(|also| u64::from(*also) == id))
    }

    /// The names of the rows for error texts: `both, ingress, egress`.
    #[must_use]
    pub fn names(&self) -> String {
        let names: Vec<_> = self.fields.iter().map(|field| field.name).collect();
        names.join(", ")
    }
}

/// By its name: a table may lead back to itself.
impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shape({})", self.name)
    }
}

/// How values of a type are serialised (LS 3.1.1, 3.1.2, 3.1.5).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Kind {
    /// One of a list of names, written by name.
    Enumerated,
    /// One of a list of ids, written as a number in every form (`Enumerated.ID`).
    EnumeratedId,
    /// Exactly one of several fields.
    Choice,
    /// Fields in any order, known by id.
    Map {
        /// How many of them must be present.
        min: u32,
    },
    /// Fields in the order of the table, known by position.
    Record {
        /// How many of them must be present.
        min: u32,
    },
    /// Values of one type.
    ArrayOf {
        /// The type.
        item: fn() -> &'static Shape,
        /// How many there are at least.
        min: u32,
        /// How many there are at most; `None` for any number.
        max: Option<u32>,
        /// Whether no value stands twice.
        unique: bool,
    },
    /// Keys of one type, each with a value of another.
    MapOf {
        /// The type of the keys.
        key: fn() -> &'static Shape,
        /// The type of the values.
        value: fn() -> &'static Shape,
        /// How many there are at least.
        min: u32,
    },
    /// A text.
    String {
        /// What it follows.
        format: Format,
        /// How many characters it has at least.
        min: u32,
        /// How many characters it has at most; `None` for any number.
        max: Option<u32>,
    },
    /// A whole number between two bounds.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// A number of at least this.
    Number {
        /// The least.
        min: f64,
    },
    /// True or false.
    Boolean,
    /// Octets.
    Binary {
        /// How they are written in a form for people.
        text: Octets,
        /// The numbers of octets there may be; none for any.
        lengths: &'static [u32],
    },
    /// An address and how many of its leading bits count (LS 3.4.1.9, 3.4.1.11).
    Net {
        /// The bits of an address.
        width: u32,
    },
    /// What a profile defines.
    Any,
}

impl Kind {
    /// The structure of LS 3.1.1 that it is, in the words of JADN 3.1.
    #[must_use]
    pub const fn base(&self) -> &'static str {
        match self {
            Self::Enumerated => "Enumerated",
            Self::EnumeratedId => "Enumerated.ID",
            Self::Choice => "Choice",
            Self::Map { .. } => "Map",
            Self::Record { .. } => "Record",
            Self::ArrayOf { .. } => "ArrayOf",
            Self::MapOf { .. } => "MapOf",
            Self::String { .. } => "String",
            Self::Integer { .. } => "Integer",
            Self::Number { .. } => "Number",
            Self::Boolean => "Boolean",
            Self::Binary { .. } => "Binary",
            Self::Net { .. } => "Array",
            Self::Any => "Any",
        }
    }
}

/// What may stand in a value beside the rows of its table, in strict mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Room {
    /// Nothing.
    None,
    /// Members of any name, with any value.
    Any,
    /// What profiles add, under their namespace identifiers (LS 3.1.4).
    Profiles(Part),
}

/// A part of a Command or Response that profiles add to (LS 3.1.4); each is a type of [`Profile`](crate::Profile).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Targets, each under `nsid:name`.
    Target,
    /// Arguments, in an object under `nsid`.
    Args,
    /// Specifiers, in an object under `nsid`.
    Specifiers,
    /// Results, in an object under `nsid`.
    Results,
}

/// What a text follows (LS 3.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Nothing.
    Free,
    /// One of the formats with a name: `hostname`, `email`, `uri`.
    Named(&'static str),
    /// A pattern, as ECMAScript has them.
    Pattern(&'static str),
    /// One of several formats with a name.
    OneOf(&'static [&'static str]),
}

/// How octets are written in a form for people (LS 3.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Octets {
    /// base64url (RFC 4648 section 5).
    Base64Url,
    /// Base16 (RFC 4648 section 8).
    Base16,
    /// Pairs of hexadecimal digits with colons between them.
    Eui,
}

/// One row of a table.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The id; in a Record the position, counted from 1.
    pub id: u32,
    /// Other ids that are read for it and never written.
    pub also: &'static [u32],
    /// The name on the wire.
    pub name: &'static str,
    /// The name in quotation marks and with a colon, as JSON has a key, and 32 spaces, so that a writer in a hurry copies as many
    /// bytes of every name; it may be missing.
    pub quoted: Option<&'static str>,
    /// The type of the field; `None` in enumerations.
    pub shape: Option<fn() -> &'static Shape>,
    /// Whether the field must be present (multiplicity 1).
    pub required: bool,
}

/// Refuses a table of which no row is present, where at least one must be.
#[doc(hidden)]
pub fn at_least_one(shape: &Shape, is_empty: bool) -> Result<(), Invalid> {
    if is_empty {
        return Err(Invalid::new(format!("at least one of {} is due", shape.names())));
    }
    Ok(())
}

/// The name on the wire of a field of Rust: the same, without the mark of a raw identifier (`r#type`).
#[doc(hidden)]
#[must_use]
pub const fn wire_name(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

/// The same in quotation marks, with a colon and spaces; `None` for a raw identifier.
#[doc(hidden)]
#[must_use]
pub const fn wire_quoted(quoted: &'static str) -> Option<&'static str> {
    match quoted.as_bytes() {
        [_, b'r', b'#', ..] => None,
        _ => Some(quoted),
    }
}

/// A type with exactly one of several fields; [`choice!`](crate::choice) implements it.
pub trait Choice: read::Read + write::Write {
    /// The table.
    const TABLE: &'static Shape;
    /// What it [announces](Announced) where names are keys.
    const NAMES: &'static [&'static str] = &[];
    /// The same where ids are, as JSON has them for keys.
    const IDS: &'static [&'static str] = &[];

    /// The row of the field that is present; `None` for a field that a profile defines.
    fn field(&self) -> Option<&'static Field>;

    /// Reads the value of one field.
    ///
    /// # Errors
    /// The deserializer's, with what is wrong with the value.
    fn read_field<'de, D: serde::Deserializer<'de>>(
        context: &mut read::Context,
        field: &Field,
        deserializer: D,
    ) -> Result<Self, D::Error>;

    /// Writes the value of the field that is present, without its name.
    ///
    /// # Errors
    /// The serializer's.
    fn write_field<S: serde::Serializer>(&self, form: crate::form::Form, serializer: S) -> Result<S::Ok, S::Error>;
}
