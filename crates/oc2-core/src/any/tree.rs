//! A subtree of a message that nobody has typed yet.

mod build;

use std::fmt;

use serde::Serializer;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};

pub(super) use self::build::Build;
use super::distinct::Distinct;
use super::key::{AnyKey, Key, Name};
use crate::form::Form;
use crate::shape::read::{
    Context, MAX_INTEGER, Read, ReadError, Shown, clauses, read_each, refuse_noncharacters, refuse_noncharacters_in,
    stands_twice, too_large,
};
use crate::shape::write::{Write, Written};
use crate::shape::{Kind, Shape};

/// A value as JSON and CBOR have them, with every I-JSON rule kept (RFC 7493).
#[derive(Clone, Debug)]
pub enum Tree {
    /// null
    Null,
    /// true or false
    Bool(bool),
    /// An integer within plus or minus 2^53 - 1.
    Integer(i64),
    /// A number that is not integral.
    Number(f64),
    /// A string.
    Text(Name),
    /// Octets, which JSON does not have.
    Octets(Box<[u8]>),
    /// A list.
    List(Vec<Self>),
    /// An object; no key stands twice.
    Map(Vec<(Key, Self)>),
}

impl Tree {
    /// Whether it is the same in JSON and CBOR: names for keys, and no octets.
    pub(super) fn is_plain(&self) -> bool {
        match self {
            Self::Null | Self::Bool(_) | Self::Integer(_) | Self::Number(_) | Self::Text(_) => true,
            Self::Octets(_) => false,
            Self::List(items) => items.iter().all(Self::is_plain),
            Self::Map(members) => members.iter().all(|(key, value)| key.as_name().is_some() && value.is_plain()),
        }
    }

    /// Whether it is an object without members.
    pub(super) fn is_empty_object(&self) -> bool {
        matches!(self, Self::Map(members) if members.is_empty())
    }
}

/// The order of members has no meaning (LS-004).
impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Octets(a), Self::Octets(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => {
                let sorted = |members: &[(Key, Self)]| {
                    let mut order: Vec<usize> = (0..members.len()).collect();
                    order.sort_by(|&i, &j| members[i].0.cmp(&members[j].0));
                    order
                };
                a.len() == b.len() && sorted(a).into_iter().zip(sorted(b)).all(|(i, j)| a[i] == b[j])
            }
            _ => false,
        }
    }
}

impl Read for Tree {
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain("Any", "", Kind::Any);
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Grow(context))
    }
}

impl Write for Tree {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::Number(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Octets(value) => serializer.serialize_bytes(value),
            Self::List(items) => serializer.collect_seq(items.iter().map(|item| Written(item, form))),
            Self::Map(members) => {
                serializer.collect_map(members.iter().map(|(key, value)| (key, Written(value, form))))
            }
        }
    }
}

struct Grow<'c>(&'c mut Context);

impl Grow<'_> {
    fn too_large<E: Error>(self, value: &dyn fmt::Display) -> E {
        self.0.blame(clauses::NUMBERS);
        too_large(value)
    }
}

impl<'de> DeserializeSeed<'de> for Grow<'_> {
    type Value = Tree;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Grow<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Tree, E> {
        if (-MAX_INTEGER..=MAX_INTEGER).contains(&value) {
            Ok(Tree::Integer(value))
        } else {
            Err(self.too_large(&value))
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Err(self.too_large(&value)),
        }
    }

    /// An integer too long for 64 bits arrives here too and is refused as one (DECISIONS L34).
    fn visit_f64<E: Error>(self, value: f64) -> Result<Tree, E> {
        if !value.is_finite() {
            return Err(E::custom(format_args!("{value} is no number (RFC 8259 6)")));
        }
        if value.fract() == 0.0 && value.abs() > MAX_INTEGER as f64 {
            return Err(self.too_large(&Shown(value)));
        }
        Ok(Tree::Number(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
        if self.0.is_strict() {
            refuse_noncharacters(self.0, text)?;
        }
        Ok(Tree::Text(text.into()))
    }

    fn visit_bytes<E: Error>(self, octets: &[u8]) -> Result<Tree, E> {
        Ok(Tree::Octets(octets.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        read_each(self.0, seq, &mut items)?;
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let Self(context) = self;
        let limit = context.limits().items;
        let n_faults = context.n_faults();
        let mut members = Vec::new();
        let mut distinct = Distinct::default();
        while let Some(key) = map.next_key_seed(AnyKey { is_binary: context.is_binary() })? {
            if members.len() == limit {
                context.blame(clauses::BOUNDS);
                return Err(A::Error::custom(format_args!("more than {limit} members")));
            }
            let is_new = distinct.adds(&members, &key);
            let res = context.at(key.segment(), |context| map.next_value_seed(Grow(context)));
            let res = match res {
                _ if !is_new => {
                    context.blame(clauses::DISTINCT);
                    Err(stands_twice(&key.text()))
                }
                Ok(_) => refuse_noncharacters_in(context, &key).and(res),
                res => res,
            };
            match res {
                Ok(value) => members.push((key, value)),
                Err(error) => context.recover(error)?,
            }
        }
        context.settle(n_faults)?;
        Ok(Tree::Map(members))
    }
}

impl<'de> Deserializer<'de> for &Tree {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self {
            Tree::Null => visitor.visit_unit(),
            Tree::Bool(value) => visitor.visit_bool(*value),
            // As the readers of JSON and CBOR call it.
            Tree::Integer(value) => match u64::try_from(*value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_i64(*value),
            },
            Tree::Number(value) => visitor.visit_f64(*value),
            Tree::Text(text) => visitor.visit_str(text),
            Tree::Octets(octets) => visitor.visit_bytes(octets),
            Tree::List(items) => visitor.visit_seq(SeqDeserializer::new(items.iter())),
            Tree::Map(members) => {
                visitor.visit_map(MapDeserializer::new(members.iter().map(|(key, value)| (key, value))))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self {
            Tree::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
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
