//! Keys of members that nobody has typed yet.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;

use compact_str::CompactString;
use serde::{Deserializer, Serialize, Serializer};

use crate::form::Form;
use crate::invalid::Quoted;
use crate::nsid::Nsid;
use crate::shape::Shape;
use crate::shape::read::{Context, Place, Read, Segment, text};
use crate::shape::write::Write;

/// The key of a member: its name, or in CBOR and concise JSON its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A name.
    Name(Name),
    /// An id.
    Number(u64),
}

impl Key {
    /// The name; `None` for an id.
    #[must_use]
    pub fn as_name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Number(_) => None,
        }
    }

    /// The step to its member.
    pub(crate) fn segment(&self) -> Segment<'_> {
        match self {
            Self::Name(name) => Segment::Name(name),
            Self::Number(number) => Segment::Id(*number),
        }
    }

    /// The key as a text: its name, or its id in decimal.
    #[must_use]
    pub fn text(&self) -> Name {
        match self {
            Self::Name(name) => name.clone(),
            Self::Number(number) => Name(compact_str::format_compact!("{number}")),
        }
    }
}

impl From<&str> for Key {
    fn from(name: &str) -> Self {
        Self::Name(name.into())
    }
}

impl From<Nsid> for Key {
    fn from(nsid: Nsid) -> Self {
        nsid.as_str().into()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => Quoted(name).fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// In the order of deterministic CBOR: ids first, then names, the shorter before the longer (RFC 8949 4.2.1).
impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::Number(_), Self::Name(_)) => Ordering::Less,
            (Self::Name(_), Self::Number(_)) => Ordering::Greater,
            (Self::Name(a), Self::Name(b)) => a.len().cmp(&b.len()).then_with(|| a.0.cmp(&b.0)),
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// JSON writes an id as its decimal text.
impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Name(name) => serializer.serialize_str(name),
            Self::Number(number) => serializer.serialize_u64(*number),
        }
    }
}

/// A text that is kept in place while it is short.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(CompactString);

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        self
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl Read for Name {
    fn shape() -> &'static Shape {
        String::shape()
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        text(context, deserializer, "a string", |text| Ok(text.into()))
    }

    fn read_to<'de, D: Deserializer<'de>>(
        context: &mut Context,
        deserializer: D,
        place: &mut impl Place<Self>,
    ) -> Result<(), D::Error> {
        text(context, deserializer, "a string", |text| {
            place.put(text.into());
            Ok(())
        })
    }
}

impl Write for Name {
    fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}
