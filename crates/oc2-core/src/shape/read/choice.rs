//! Readers of a Choice: an object of one member.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::keys::{KeyText, MemberKey, next_key};
use super::{Context, Place, Segment, clauses};
use crate::shape::{Choice, Field, Shape};

/// How a Choice reads a field that its table does not have.
pub trait ForeignField<T> {
    /// Reads the value of the field `key`.
    ///
    /// # Errors
    /// The field is unknown, or its value cannot be read.
    fn read_foreign<'de, A: MapAccess<'de>>(
        context: &mut Context,
        key: &KeyText<'de>,
        map: &mut A,
    ) -> Result<T, A::Error>;
}

/// No field beyond the table.
#[derive(Debug)]
pub enum NoForeignField {}

impl<T: Choice> ForeignField<T> for NoForeignField {
    fn read_foreign<'de, A: MapAccess<'de>>(_: &mut Context, key: &KeyText<'de>, _: &mut A) -> Result<T, A::Error> {
        Err(A::Error::custom(format_args!(
            "unknown member {key}; {} is a choice of {}",
            T::TABLE.name,
            T::TABLE.names()
        )))
    }
}

/// Reads a Choice.
///
/// # Errors
/// The deserializer's, with what is wrong.
pub fn choice<'de, T: Choice, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<T, D::Error> {
    let mut slot = None;
    T::read_to(context, deserializer, &mut slot)?;
    slot.ok_or_else(|| D::Error::custom("exactly one member is due"))
}

/// Reads a Choice to its place.
///
/// # Errors
/// The deserializer's, with what is wrong.
pub fn choice_to<'de, T: Choice, X: ForeignField<T>, D: Deserializer<'de>, P: Place<T>>(
    context: &mut Context,
    deserializer: D,
    place: &mut P,
) -> Result<(), D::Error> {
    struct One<'c, T, X, P>(&'c mut Context, &'c mut P, PhantomData<(T, X)>);

    impl<'de, T: Choice, X: ForeignField<T>, P: Place<T>> Visitor<'de> for One<'_, T, X, P> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "an object of one member ({})", T::TABLE.name)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            let Self(context, place, _) = self;
            let n_faults = context.n_faults();
            let first = next_key(context, T::TABLE, &mut map)?;
            let res = match &first {
                None => Err(A::Error::custom("exactly one member is due, there is none")),
                Some(MemberKey::Known(_, field)) => context.at(Segment::Name(field.name), |context| {
                    map.next_value_seed(FieldSeed(context, field, place, PhantomData))
                }),
                Some(MemberKey::Foreign(key)) => X::read_foreign(context, key, &mut map).map(|value| place.put(value)),
            };
            if let Err(error) = res {
                context.blame(T::TABLE.clause);
                context.recover(error)?;
            }
            if let (Some(first), Some(second)) = (first, next_key(context, T::TABLE, &mut map)?) {
                refuse_others(context, T::TABLE, "exactly one member", &first, second, &mut map)?;
            }
            context.settle(n_faults)
        }
    }

    deserializer.deserialize_map(One::<T, X, P>(context, place, PhantomData))
}

/// Refuses the second member of an object that has one, and all that follow; `due` says what is due.
///
/// # Errors
/// There is a second one.
#[cold]
#[inline(never)]
pub(crate) fn refuse_others<'de, A: MapAccess<'de>>(
    context: &mut Context,
    shape: &'static Shape,
    due: &str,
    first: &MemberKey<'de>,
    second: MemberKey<'de>,
    map: &mut A,
) -> Result<(), A::Error> {
    let mut other = Some(second);
    while let Some(second) = other {
        let is_same = first.to_string() == second.to_string();
        context.blame(if is_same { clauses::DISTINCT } else { shape.clause });
        context.recover(A::Error::custom(format_args!("{due} is due, {second} is a second")))?;
        other = next_key(context, shape, map)?;
    }
    Ok(())
}

struct FieldSeed<'c, T, P>(&'c mut Context, &'static Field, &'c mut P, PhantomData<T>);

impl<'de, T: Choice, P: Place<T>> DeserializeSeed<'de> for FieldSeed<'_, T, P> {
    type Value = ();

    #[inline(always)]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self(context, field, place, _) = self;
        match T::read_field(context, field, deserializer) {
            Ok(value) => place.put(value),
            Err(error) => {
                if let Some(shape) = field.shape {
                    context.blame_shape(shape(), &error);
                }
                return Err(error);
            }
        }
        Ok(())
    }
}
