//! Keys that a table announced, in the order in which most writers have them.

use std::marker::PhantomData;

use serde::de::{self, Deserializer, Visitor};

/// The names that a visitor announced, but for those that are past.
pub(crate) struct Foreseen {
    left: &'static [&'static str],
    /// How many it announced.
    n_names: u8,
}

impl Foreseen {
    pub(crate) const NOTHING: Self = Self { left: &[], n_names: 0 };

    #[inline(always)]
    pub(crate) fn new(names: &'static [&'static str]) -> Self {
        match u8::try_from(names.len()) {
            Ok(n_names) => Self { left: names, n_names },
            // So many are not foreseen.
            Err(_) => Self::NOTHING,
        }
    }

    /// Whether there is nothing to compare a key with.
    #[inline(always)]
    pub(crate) fn is_nothing(&self) -> bool {
        self.left.is_empty()
    }

    /// Which of the next few names comes next, and its position. It saves to look for its end and to look it up.
    #[inline(always)]
    pub(crate) fn find<E>(&mut self, comes_next: impl Fn(&'static str) -> bool) -> Option<(&'static str, Position<E>)> {
        let mut rest = self.left;
        for _ in 0..FEW {
            let (name, others) = rest.split_first()?;
            if comes_next(name) {
                self.left = others;
                #[allow(clippy::cast_possible_truncation, reason = "fewer than were announced")]
                return Some((name, Position(self.n_names - 1 - others.len() as u8, PhantomData)));
            }
            rest = others;
        }
        None
    }
}

/// The position of a key among those that were announced, which oc2-core takes as a number that no key can be
/// (`shape/read/fields.rs`).
pub(crate) struct Position<E>(u8, PhantomData<E>);

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

/// How many names are tried before the key is read as any other.
const FEW: usize = 4;
