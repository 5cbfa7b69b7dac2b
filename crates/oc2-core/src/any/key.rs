//! Keys of members that nobody has typed yet.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;

use compact_str::CompactString;
use serde::de::{Deserializer, Error, IntoDeserializer, Visitor};
use serde::{Serialize, Serializer};

use crate::form::Form;
use crate::invalid::Quoted;
use crate::nsid::Nsid;
use crate::shape::Shape;
use crate::shape::read::{Context, MAX_INTEGER, Place, Read, ReadError, Segment, text, too_large};
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

impl<'de> Deserializer<'de> for &Key {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self {
            Key::Name(name) => visitor.visit_str(name),
            Key::Number(number) => visitor.visit_u64(*number),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, ReadError> for &Key {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Reads the key of a member that no table tells about.
pub(crate) struct AnyKey {
    pub(crate) is_binary: bool,
}

impl<'de> serde::de::DeserializeSeed<'de> for AnyKey {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        if self.is_binary { deserializer.deserialize_identifier(self) } else { deserializer.deserialize_str(self) }
    }
}

impl Visitor<'_> for AnyKey {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_binary { "the name or id of a member" } else { "the name of a member" })
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Key, E> {
        Ok(name.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Key, E> {
        if number > MAX_INTEGER.unsigned_abs() { Err(too_large(&number)) } else { Ok(Key::Number(number)) }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Key, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::custom(format_args!("{number} is no id of a member"))),
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
