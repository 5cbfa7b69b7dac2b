//! Reading a typed value: [`Read`] with its [`Context`], and what the macros of [`crate::shape`] build readers from.
//!
//! Strict or lenient is decided here and nowhere else.

mod choice;
pub(crate) mod clauses;
mod context;
mod error;
mod fields;
mod keys;
mod scalars;

use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer};

pub(crate) use choice::OnlyKey;
pub use choice::{ForeignField, NoForeignField, choice, choice_to};
pub use context::{Context, Limits, Mode};
pub use error::{Note, ReadError, Segment};
pub(crate) use fields::{NULL, Seen, member_value, read_items, read_members, stands_twice};
pub use fields::{
    Order, ReadMembers, Source, defaulted_value, foreign_field, members, of_whole, optional_value, other_member,
    required, unknown_member, value,
};
pub(crate) use keys::{AnyKey, decimal};
pub use keys::{KeyText, MemberKey, next_key};
pub(crate) use scalars::{MAX_INTEGER, Shown, each, from_base64url, read_each_by, refuse_noncharacters, too_large};
pub use scalars::{integer, list, number, octets, row_of, text, unique};

use super::{Format, Kind, Shape};

/// A type that can be read in one pass from anything that describes itself.
pub trait Read: Sized {
    /// The type as the standard defines it.
    fn shape() -> &'static Shape;

    /// Reads a value.
    ///
    /// # Errors
    /// The deserializer's, with what is wrong; the context knows the place.
    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error>;

    /// Reads a value to its place; after an error nobody looks there.
    ///
    /// # Errors
    /// As `read`.
    #[inline(always)]
    fn read_to<'de, D: Deserializer<'de>>(
        context: &mut Context,
        deserializer: D,
        place: &mut impl Place<Self>,
    ) -> Result<(), D::Error> {
        Self::read(context, deserializer).map(|value| place.put(value))
    }

    /// Reads the value of an optional member to its slot, which stays empty for a value that means absence.
    ///
    /// # Errors
    /// As `read`.
    #[inline(always)]
    fn read_optional<'de, D: Deserializer<'de>>(
        context: &mut Context,
        deserializer: D,
        slot: &mut Option<Self>,
    ) -> Result<(), D::Error> {
        Self::read_to(context, deserializer, slot)
    }
}

/// Where a value is to be: at the end of a list, or in the slot of a member. A short text is put there at once, because a
/// processor waits for the bytes of one that is handed up from call to call.
pub trait Place<T> {
    /// Puts the value there.
    fn put(&mut self, value: T);
}

impl<T> Place<T> for Vec<T> {
    #[inline(always)]
    fn put(&mut self, value: T) {
        self.push(value);
    }
}

impl<T> Place<T> for Option<T> {
    #[inline(always)]
    fn put(&mut self, value: T) {
        *self = Some(value);
    }
}

/// Whoever takes the values one by one.
pub(crate) struct Taker<F>(pub(crate) F);

impl<T, F: FnMut(T)> Place<T> for Taker<F> {
    fn put(&mut self, value: T) {
        (self.0)(value);
    }
}

impl Read for String {
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain("String", "", Kind::String { format: Format::Free, min: 0, max: None });
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        text(context, deserializer, "a string", |text| Ok(text.to_owned()))
    }
}

impl Read for bool {
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain("Boolean", "", Kind::Boolean);
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(_: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        scalars::boolean(deserializer)
    }
}

impl Read for i64 {
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain("Integer", "", Kind::Integer { min: -MAX_INTEGER, max: MAX_INTEGER });
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        integer(context, deserializer, -MAX_INTEGER, MAX_INTEGER, "an integer")
    }
}

impl<T: Read> Read for Vec<T> {
    fn shape() -> &'static Shape {
        const { &Shape::plain("ArrayOf", "", Kind::ArrayOf { item: T::shape, min: 0, max: None, unique: false }) }
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        list(context, deserializer, T::shape().name)
    }
}

impl<T: Read> Read for Box<T> {
    fn shape() -> &'static Shape {
        T::shape()
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        T::read(context, deserializer).map(Self::new)
    }
}

impl Read for Box<str> {
    fn shape() -> &'static Shape {
        String::shape()
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        text(context, deserializer, "a string", |text| Ok(text.into()))
    }
}

/// A type to read, as serde's collections ask for it.
#[derive(Debug)]
pub struct Seed<'c, T> {
    context: &'c mut Context,
    value: PhantomData<T>,
}

impl<'c, T> Seed<'c, T> {
    /// Reads a `T` in this context.
    #[must_use]
    pub fn new(context: &'c mut Context) -> Self {
        Self { context, value: PhantomData }
    }
}

impl<'de, T: Read> DeserializeSeed<'de> for Seed<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::read(self.context, deserializer).inspect_err(|error| self.context.blame_shape(T::shape(), error))
    }
}

/// The same, and the place where it is to be.
struct PlaceSeed<'c, T, P> {
    context: &'c mut Context,
    place: &'c mut P,
    value: PhantomData<T>,
}

impl<'de, T: Read, P: Place<T>> DeserializeSeed<'de> for PlaceSeed<'_, T, P> {
    type Value = ();

    #[inline(always)]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let res = T::read_to(self.context, deserializer, self.place);
        if let Err(error) = &res {
            self.context.blame_shape(T::shape(), error);
        }
        res
    }
}
