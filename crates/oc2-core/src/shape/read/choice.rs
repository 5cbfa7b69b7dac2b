//! Readers of a Choice: an object of one member.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::keys::{Found, KeySeed, KeyText, MemberKey, next_key};
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
            let mut only = OnlyKey::read(context, T::TABLE, &mut map)?;
            let res = match only.key() {
                None => Err(A::Error::custom("exactly one member is due, there is none")),
                Some(Ok(field)) => context.at(Segment::Name(field.name), |context| {
                    map.next_value_seed(FieldSeed(context, field, place, PhantomData))
                }),
                Some(Err(key)) => X::read_foreign(context, key, &mut map).map(|value| place.put(value)),
            };
            if let Err(error) = res {
                context.blame(T::TABLE.clause);
                context.recover(error)?;
            }
            only.refuse_others(context, "exactly one member", &mut map)?;
            context.settle(n_faults)
        }
    }

    let keys = context.announced(T::NAMES, T::IDS);
    deserializer.deserialize_struct(T::TABLE.name, keys, One::<T, X, P>(context, place, PhantomData))
}

/// The key of an object that has one member. It stays as it was found, because it is looked at again only if there is a second.
pub(crate) struct OnlyKey<'de> {
    shape: &'static Shape,
    found: Option<Found>,
    /// The key, if the table does not have it.
    foreign: Option<KeyText<'de>>,
}

impl<'de> OnlyKey<'de> {
    /// Reads the first key; there may be none.
    ///
    /// # Errors
    /// The deserializer's.
    #[inline(always)]
    pub(crate) fn read<A: MapAccess<'de>>(
        context: &mut Context,
        shape: &'static Shape,
        map: &mut A,
    ) -> Result<Self, A::Error> {
        let mut foreign = None;
        let found = map.next_key_seed(KeySeed { context, shape, foreign: &mut foreign })?;
        Ok(Self { shape, found, foreign })
    }

    /// The row of the table, or the key that the table does not have.
    #[inline(always)]
    pub(crate) fn key(&self) -> Option<Result<&'static Field, &KeyText<'de>>> {
        match self.found? {
            Found::Row(row) => Some(Ok(&self.shape.fields[usize::from(row)])),
            Found::None => self.foreign.as_ref().map(Err),
        }
    }

    /// Refuses a second member and all that follow; `due` says what is due.
    ///
    /// # Errors
    /// There is a second one.
    #[inline(always)]
    pub(crate) fn refuse_others<A: MapAccess<'de>>(
        &mut self,
        context: &mut Context,
        due: &str,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let mut foreign = None;
        let second = map.next_key_seed(KeySeed { context, shape: self.shape, foreign: &mut foreign })?;
        match (self.found, second) {
            (Some(first), Some(second)) => {
                let first = first.key(self.shape, &mut self.foreign);
                refuse_others(context, self.shape, due, first, second.key(self.shape, &mut foreign), map)
            }
            _ => Ok(()),
        }
    }
}

#[cold]
#[inline(never)]
fn refuse_others<'de, A: MapAccess<'de>>(
    context: &mut Context,
    shape: &'static Shape,
    due: &str,
    first: Option<MemberKey<'de>>,
    second: Option<MemberKey<'de>>,
    map: &mut A,
) -> Result<(), A::Error> {
    let first = first.map(|first| first.to_string());
    let mut other = second;
    while let Some(second) = other {
        let is_same = first.as_ref() == Some(&second.to_string());
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
