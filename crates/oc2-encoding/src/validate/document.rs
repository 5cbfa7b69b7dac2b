//! A document as it came, with every value held apart, so that a reader goes on after an error.

use std::fmt;

use oc2_core::shape::read::ReadError;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};

/// A value of JSON or CBOR. Nothing of it is checked: a member may stand twice, a number be too large.
#[derive(Clone, Debug)]
pub(super) enum Document {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    /// An integer of CBOR below those of 64 bits.
    Wide(i128),
    Float(f64),
    Text(String),
    Octets(Vec<u8>),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Keep)
    }
}

struct Keep;

impl<'de> Visitor<'de> for Keep {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Document, E> {
        Ok(Document::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Document, E> {
        Ok(Document::Unsigned(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Document, E> {
        Ok(Document::Signed(value))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Document, E> {
        Ok(Document::Wide(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Document, E> {
        Ok(Document::Float(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Document, E> {
        Ok(Document::Text(text.to_owned()))
    }

    fn visit_bytes<E: Error>(self, octets: &[u8]) -> Result<Document, E> {
        Ok(Document::Octets(octets.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Document, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Document::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Document::Map(members))
    }
}

impl<'de> Deserializer<'de> for &Document {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self {
            Document::Null => visitor.visit_unit(),
            Document::Bool(value) => visitor.visit_bool(*value),
            Document::Unsigned(value) => visitor.visit_u64(*value),
            Document::Signed(value) => visitor.visit_i64(*value),
            Document::Wide(value) => visitor.visit_i128(*value),
            Document::Float(value) => visitor.visit_f64(*value),
            Document::Text(text) => visitor.visit_str(text),
            Document::Octets(octets) => visitor.visit_bytes(octets),
            Document::List(items) => visitor.visit_seq(SeqDeserializer::new(items.iter())),
            Document::Map(members) => {
                visitor.visit_map(MapDeserializer::new(members.iter().map(|(key, value)| (key, value))))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self {
            Document::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, ReadError> for &Document {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
