//! Readers of objects: the members of a Map or Record, and the one member of a Choice.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::scalars::refuse_noncharacters;
use super::{Context, Read, Seed, Segment};
use crate::any::{Any, Members};
use crate::invalid::Quoted;
use crate::shape::{Choice, Field, Shape};

/// A struct that reads itself from the members of an object; the macros implement it.
pub trait ReadMembers: Read {
    /// Its table.
    const TABLE: &'static Shape;

    /// Reads the members that are left.
    ///
    /// # Errors
    /// The deserializer's, with what is wrong.
    fn read_members<'de, A: MapAccess<'de>>(context: &mut Context, map: A) -> Result<Self, A::Error>;
}

/// Reads an object as a Map or Record.
///
/// # Errors
/// The deserializer's, with what is wrong.
pub fn members<'de, T: ReadMembers, D: Deserializer<'de>>(
    context: &mut Context,
    deserializer: D,
) -> Result<T, D::Error> {
    struct Object<'c, T>(&'c mut Context, PhantomData<T>);

    impl<'de, T: ReadMembers> Visitor<'de> for Object<'_, T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "an object ({})", T::TYPE)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::read_members(self.0, map)
        }
    }

    deserializer.deserialize_any(Object(context, PhantomData))
}

/// The key of a member: in the table, or not.
#[derive(Debug)]
pub enum MemberKey {
    /// A row of the table and its position.
    Known(usize, &'static Field),
    /// A name that the table does not have.
    Foreign(Box<str>),
}

/// Reads the next key of an object.
///
/// # Errors
/// The deserializer's.
pub fn next_key<'de, A: MapAccess<'de>>(shape: &'static Shape, map: &mut A) -> Result<Option<MemberKey>, A::Error> {
    struct Key(&'static Shape);

    impl<'de> DeserializeSeed<'de> for Key {
        type Value = MemberKey;

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<MemberKey, D::Error> {
            deserializer.deserialize_str(self)
        }
    }

    impl Visitor<'_> for Key {
        type Value = MemberKey;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the name of a member")
        }

        fn visit_str<E: Error>(self, name: &str) -> Result<MemberKey, E> {
            Ok(match self.0.by_name(name) {
                Some((index, field)) => MemberKey::Known(index, field),
                None => MemberKey::Foreign(name.into()),
            })
        }
    }

    map.next_key_seed(Key(shape))
}

/// Which rows of a table were met.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen(u64);

impl Seen {
    /// Remembers a row.
    ///
    /// # Errors
    /// The member stands twice.
    pub fn insert<E: Error>(&mut self, index: usize, field: &Field) -> Result<(), E> {
        let bit = 1 << index;
        if self.0 & bit != 0 {
            return Err(stands_twice(field.name));
        }
        self.0 |= bit;
        Ok(())
    }

    /// Whether none was met.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Reads the value of a member that may not be null.
///
/// # Errors
/// The deserializer's, with the place.
pub fn value<'de, A: MapAccess<'de>, T: Read>(context: &mut Context, map: &mut A, name: &str) -> Result<T, A::Error> {
    context.at(Segment::Name(name), |context| map.next_value_seed(Seed::new(context)))
}

/// Reads the value of a member that may be absent; null is absence in lenient mode (DECISIONS M8, L36).
///
/// # Errors
/// The deserializer's, with the place.
pub fn optional_value<'de, A: MapAccess<'de>, T: Read>(
    context: &mut Context,
    map: &mut A,
    name: &str,
) -> Result<Option<T>, A::Error> {
    struct Optional<'c, T>(&'c mut Context, PhantomData<T>);

    impl<'de, T: Read> DeserializeSeed<'de> for Optional<'_, T> {
        type Value = Option<T>;

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
            deserializer.deserialize_option(self)
        }
    }

    impl<'de, T: Read> Visitor<'de> for Optional<'_, T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(T::TYPE)
        }

        fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
            self.0.tolerate("null where the member is to be left out")?;
            Ok(None)
        }

        fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
            self.visit_none()
        }

        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
            T::read_optional(self.0, deserializer)
        }
    }

    context.at(Segment::Name(name), |context| map.next_value_seed(Optional(context, PhantomData)))
}

/// Reads the value of a member whose empty value means absence; an object without members is tolerated in lenient mode
/// (DECISIONS M7, L31). One whose members all mean absence (`"profiles": []`) is as legal as they are.
///
/// # Errors
/// The deserializer's, with the place.
pub fn defaulted_value<'de, A: MapAccess<'de>, T: Read>(
    context: &mut Context,
    map: &mut A,
    name: &str,
    is_empty: impl FnOnce(&T) -> bool,
) -> Result<Option<T>, A::Error> {
    let value = optional_value(context, map, name)?;
    if value.as_ref().is_some_and(is_empty) && context.last_object_was_empty() {
        context.at(Segment::Name(name), |context| context.tolerate("must hold at least one member"))?;
    }
    Ok(value)
}

/// Insists on a member of multiplicity 1.
///
/// # Errors
/// The member is missing.
pub fn required<T, E: Error>(value: Option<T>, name: &str) -> Result<T, E> {
    value.ok_or_else(|| E::custom(format_args!("the member {} is missing", Quoted(name))))
}

/// The error for a member that nothing defines (DECISIONS M15).
#[must_use]
pub fn unknown_member<E: Error>(shape: &Shape, name: &str) -> E {
    E::custom(format_args!("unknown member {}; {} has {}", Quoted(name), shape.name, shape.names()))
}

/// The error for a row of another table.
#[must_use]
pub fn foreign_field<E: Error>(shape: &Shape) -> E {
    E::custom(format_args!("not a field of {}", shape.name))
}

/// Reads a member that the table does not have and keeps it, if the policy admits it.
///
/// # Errors
/// The member stands twice, is refused, or cannot be read.
pub fn other_member<'de, A: MapAccess<'de>>(
    context: &mut Context,
    map: &mut A,
    members: &mut Members,
    name: Box<str>,
    policy: fn(&mut Context, &str, &Any) -> Result<(), String>,
) -> Result<(), A::Error> {
    if context.is_strict() {
        refuse_noncharacters(&name)?;
    }
    if members.len() == context.limits().items {
        return Err(A::Error::custom(format_args!("more than {} members", context.limits().items)));
    }
    let any = value::<A, Any>(context, map, &name)?;
    context.at(Segment::Name(&name), |context| policy(context, &name, &any).map_err(A::Error::custom))?;
    if members.insert(&name, any).is_some() {
        return Err(stands_twice(&name));
    }
    Ok(())
}

/// The error for a duplicate member (RFC 7493 2.3, LS-046).
pub(crate) fn stands_twice<E: Error>(name: &str) -> E {
    E::custom(format_args!("the member {} stands twice", Quoted(name)))
}

/// How a Choice reads a field that its table does not have.
pub trait ForeignField<T> {
    /// Reads the value of the field `name`.
    ///
    /// # Errors
    /// The field is unknown, or its value cannot be read.
    fn read_foreign<'de, A: MapAccess<'de>>(context: &mut Context, name: &str, map: &mut A) -> Result<T, A::Error>;
}

/// No field beyond the table.
#[derive(Debug)]
pub enum NoForeignField {}

impl<T: Choice> ForeignField<T> for NoForeignField {
    fn read_foreign<'de, A: MapAccess<'de>>(_: &mut Context, name: &str, _: &mut A) -> Result<T, A::Error> {
        Err(A::Error::custom(format_args!(
            "unknown member {}; {} is a choice of {}",
            Quoted(name),
            T::TYPE,
            T::TABLE.names()
        )))
    }
}

/// Reads an object of exactly one member as a Choice.
///
/// # Errors
/// The deserializer's, with what is wrong.
pub fn choice<'de, T: Choice, X: ForeignField<T>, D: Deserializer<'de>>(
    context: &mut Context,
    deserializer: D,
) -> Result<T, D::Error> {
    struct One<'c, T, X>(&'c mut Context, PhantomData<(T, X)>);

    impl<'de, T: Choice, X: ForeignField<T>> Visitor<'de> for One<'_, T, X> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "an object of one member ({})", T::TYPE)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
            let Self(context, _) = self;
            let value = match next_key(T::TABLE, &mut map)? {
                None => return Err(A::Error::custom("exactly one member is due, there is none")),
                Some(MemberKey::Known(_, field)) => context.at(Segment::Name(field.name), |context| {
                    map.next_value_seed(FieldSeed(context, field, PhantomData))
                })?,
                Some(MemberKey::Foreign(name)) => X::read_foreign(context, &name, &mut map)?,
            };
            match next_key(T::TABLE, &mut map)? {
                None => Ok(value),
                Some(second) => Err(A::Error::custom(format_args!(
                    "exactly one member is due, {} is a second",
                    Quoted(second.name())
                ))),
            }
        }
    }

    deserializer.deserialize_any(One::<T, X>(context, PhantomData))
}

impl MemberKey {
    fn name(&self) -> &str {
        match self {
            Self::Known(_, field) => field.name,
            Self::Foreign(name) => name,
        }
    }
}

struct FieldSeed<'c, T>(&'c mut Context, &'static Field, PhantomData<T>);

impl<'de, T: Choice> DeserializeSeed<'de> for FieldSeed<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::read_field(self.0, self.1, deserializer)
    }
}
