//! A subtree of a message that nobody has typed yet, kept in one piece.

mod build;
mod grow;
mod value;

use std::fmt;

use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::{Serialize, Serializer};

pub(super) use self::build::Build;
use self::grow::Grow;
pub(super) use self::value::Value;
use self::value::{Content, Head};
use super::key::Key;
use crate::form::Form;
use crate::shape::read::{Context, Read, ReadError};
use crate::shape::write::Write;
use crate::shape::{Kind, Shape};

/// A value as JSON and CBOR have them, with every I-JSON rule kept (RFC 7493).
#[derive(Clone)]
pub struct Tree {
    head: Head,
    content: Content,
}

impl Tree {
    pub(super) const NULL: Self = Self { head: Head::NULL, content: Content::NOTHING };

    /// The value, to look at.
    pub(super) fn value(&self) -> Value<'_> {
        Value::of(self.head, self.content.as_slice())
    }

    /// Whether it is an object.
    pub(crate) fn is_object(&self) -> bool {
        self.head.is_map()
    }

    /// Whether it is null.
    pub(crate) fn is_null(&self) -> bool {
        self.head.is_null()
    }

    /// Whether it is an object without members.
    pub(super) fn is_empty_object(&self) -> bool {
        self.is_object() && self.content.as_slice().is_empty()
    }

    /// The one member of an object that has one.
    pub(crate) fn only_member(&self) -> Option<(Key, Self)> {
        let Value::Map(mut members) = self.value() else { return None };
        let (key, value) = members.next()?;
        members.next().is_none().then(|| (key.to_key(), value.to_tree()))
    }
}

/// The order of members has no meaning (LS-004).
impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value()
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

impl Read for Tree {
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain("Any", "", Kind::Any);
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        let mut content = Content::NOTHING;
        let head = deserializer.deserialize_any(Grow { context, content: &mut content })?;
        Ok(Self { head, content })
    }
}

impl Write for Tree {
    fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de> Deserializer<'de> for &Tree {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.value().deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.value().deserialize_option(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, ReadError> for &Tree {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
