//! The position of a key that a table announced.

use std::marker::PhantomData;

use serde::de::{self, Deserializer, Visitor};

/// The position of a key among those that were announced, which oc2-core takes as a number that no key can be
/// (`shape/read/keys.rs`).
pub(crate) struct Position<E>(u8, PhantomData<E>);

impl<E> Position<E> {
    #[inline(always)]
    pub(crate) fn new(position: u8) -> Self {
        Self(position, PhantomData)
    }
}

impl<'de, E: de::Error> Deserializer<'de> for Position<E> {
    type Error = E;

    #[inline(always)]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_u128(self.0.into())
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
