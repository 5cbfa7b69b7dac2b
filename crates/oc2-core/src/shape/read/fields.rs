//! Readers of tables: the members of a Map or Record.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    DeserializeSeed, Deserializer, Error, Expected, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor,
};

use super::keys::{KeySeed, KeyText, MemberKey};
use super::{Context, PlaceSeed, Read, Seed, Segment, clauses};
use crate::any::{Any, Members, Others};
use crate::invalid::Quoted;
use crate::shape::{Field, Shape};

/// A struct that is read row by row; the macros implement it.
pub trait ReadMembers: Read {
    /// Its table.
    const TABLE: &'static Shape;
    /// What it [announces](crate::shape::Announced) where names are keys.
    const NAMES: &'static [&'static str];
    /// The same where ids are, as JSON has them for keys.
    const IDS: &'static [&'static str];
    /// How it may stand.
    const ORDER: Order;
    /// What was read so far.
    type Slots: Default;

    /// Reads the value of one row.
    ///
    /// # Errors
    /// The deserializer's, with what is wrong.
    fn read_row<'de, S: Source<'de>>(
        context: &mut Context,
        slots: &mut Self::Slots,
        field: &'static Field,
        source: &mut S,
    ) -> Result<(), S::Error>;

    /// Reads a member that the table does not have.
    ///
    /// # Errors
    /// It is unknown, or the deserializer's.
    fn read_other<'de, A: MapAccess<'de>>(
        context: &mut Context,
        slots: &mut Self::Slots,
        key: &KeyText<'de>,
        map: &mut A,
    ) -> Result<(), A::Error>;

    /// Whether members that the table does not have were read.
    fn has_others(slots: &Self::Slots) -> bool;

    /// The value, when nothing is left to read: what was read is taken out of its slots, all of it.
    ///
    /// # Errors
    /// A row is missing, or the values do not go together.
    fn finish<E: Error>(context: &mut Context, slots: &mut Self::Slots) -> Result<Self, E>;
}

/// How a table stands in a form by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As an object in every form: a Map.
    Keyed,
    /// As an array: a Record.
    Positional,
    /// As either: a Map that later versions of the language made a Record (DECISIONS E5).
    Either,
}

/// Where the value of a row comes from.
pub trait Source<'de> {
    /// The deserializer's error.
    type Error: Error;
    /// Whether null stands for absence, because positions count.
    const IS_POSITIONAL: bool;

    /// The next value; `None` if there is no more.
    ///
    /// # Errors
    /// The deserializer's.
    fn next<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<Option<V::Value>, Self::Error>;
}

struct OfMember<'m, A>(&'m mut A);

impl<'de, A: MapAccess<'de>> Source<'de> for OfMember<'_, A> {
    type Error = A::Error;
    const IS_POSITIONAL: bool = false;

    #[inline(always)]
    fn next<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<Option<V::Value>, A::Error> {
        self.0.next_value_seed(seed).map(Some)
    }
}

struct OfItems<A> {
    seq: A,
    is_over: bool,
}

impl<'de, A: SeqAccess<'de>> Source<'de> for OfItems<A> {
    type Error = A::Error;
    const IS_POSITIONAL: bool = true;

    #[inline(always)]
    fn next<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<Option<V::Value>, A::Error> {
        let value = self.seq.next_element_seed(seed)?;
        self.is_over = value.is_none();
        Ok(value)
    }
}

/// Reads a Map or Record.
///
/// # Errors
/// The deserializer's, with what is wrong.
pub fn members<'de, T: ReadMembers, D: Deserializer<'de>>(
    context: &mut Context,
    deserializer: D,
) -> Result<T, D::Error> {
    struct Visit<'c, T: ReadMembers>(&'c mut Context, &'c mut Table<T>);

    impl<'de, T: ReadMembers> Visitor<'de> for Visit<'_, T> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let what =
                if T::ORDER == Order::Positional && self.0.notation().is_positional() { "a list" } else { "an object" };
            write!(f, "{what} ({})", T::TABLE.name)
        }

        #[inline]
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
            if T::ORDER == Order::Positional {
                self.0.meet_object(T::TABLE.name)?;
            }
            self.1.read_members(self.0, None, map)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
            if T::ORDER == Order::Keyed {
                return Err(A::Error::invalid_type(Unexpected::Seq, &self));
            }
            self.0.meet_list(&ObjectOf(T::TABLE.name))?;
            self.1.read_items(self.0, seq)
        }
    }

    let mut table = Table::start(context);
    let keys = context.announced(T::NAMES, T::IDS);
    deserializer.deserialize_struct(T::TABLE.name, keys, Visit(context, &mut table))?;
    table.finish(context)
}

/// What is expected of a Record by name.
struct ObjectOf(&'static str);

impl Expected for ObjectOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object ({})", self.0)
    }
}

/// Reads the members of an object, of which a key may have been read already.
///
/// # Errors
/// The deserializer's, with what is wrong.
pub(crate) fn read_members<'de, T: ReadMembers, A: MapAccess<'de>>(
    context: &mut Context,
    first: Option<MemberKey<'de>>,
    map: A,
) -> Result<T, A::Error> {
    let mut table = Table::start(context);
    table.read_members(context, first, map)?;
    table.finish(context)
}

/// Reads the items of an array as the rows of a Record.
///
/// # Errors
/// The deserializer's, with what is wrong.
pub(crate) fn read_items<'de, T: ReadMembers, A: SeqAccess<'de>>(context: &mut Context, seq: A) -> Result<T, A::Error> {
    let mut table = Table::start(context);
    table.read_items(context, seq)?;
    table.finish(context)
}

/// What was read of a table; it stays in its place until it is finished.
struct Table<T: ReadMembers> {
    slots: T::Slots,
    seen: Seen,
    /// How many faults there were before.
    n_faults: usize,
}

impl<T: ReadMembers> Table<T> {
    #[inline]
    fn start(context: &Context) -> Self {
        Self { slots: T::Slots::default(), seen: Seen::default(), n_faults: context.n_faults() }
    }

    #[inline]
    fn read_members<'de, A: MapAccess<'de>>(
        &mut self,
        context: &mut Context,
        first: Option<MemberKey<'de>>,
        mut map: A,
    ) -> Result<(), A::Error> {
        if let Some(key) = first {
            self.read_member(context, key, &mut map).or_else(|error| context.recover(error))?;
        }
        let mut foreign = None;
        let shape = T::TABLE;
        while let Some(found) = map.next_key_seed(KeySeed { context, shape, foreign: &mut foreign })? {
            let Some(key) = found.key(shape, &mut foreign) else { break };
            if let Err(error) = self.read_member(context, key, &mut map) {
                context.recover(error)?;
            }
        }
        context.leave_object(self.seen.is_empty() && !T::has_others(&self.slots));
        Ok(())
    }

    #[inline(always)]
    fn read_member<'de, A: MapAccess<'de>>(
        &mut self,
        context: &mut Context,
        key: MemberKey<'de>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match key {
            MemberKey::Known(index, field) => match self.seen.insert(index, field) {
                Ok(()) => T::read_row(context, &mut self.slots, field, &mut OfMember(map))
                    .inspect_err(|error| context.blame_null(T::TABLE, field, error)),
                Err(twice) => {
                    context.blame(clauses::DISTINCT);
                    Err(twice)
                }
            },
            MemberKey::Foreign(key) => {
                T::read_other(context, &mut self.slots, &key, map).inspect_err(|_| context.blame(T::TABLE.clause))
            }
        }
    }

    fn read_items<'de, A: SeqAccess<'de>>(&mut self, context: &mut Context, seq: A) -> Result<(), A::Error> {
        let mut source = OfItems { seq, is_over: false };
        let mut ends_in_null = false;
        for (index, field) in T::TABLE.fields.iter().enumerate() {
            context.leave_item(false);
            let res = T::read_row(context, &mut self.slots, field, &mut source);
            if source.is_over {
                break;
            }
            self.seen.insert(index, field)?;
            if let Err(error) = res {
                context.leave_item(false);
                context.recover(error)?;
            }
            ends_in_null = context.last_item_was_null();
        }
        if !source.is_over && source.next(PhantomData::<IgnoredAny>)?.is_some() {
            let shape = T::TABLE;
            while source.next(PhantomData::<IgnoredAny>)?.is_some() {}
            let too_many = format_args!("more than {} items; {} has {}", shape.fields.len(), shape.name, shape.names());
            context.blame(shape.clause);
            context.recover(A::Error::custom(too_many))?;
        } else if ends_in_null {
            let res = context.tolerate("null at the end of a list, where it is to be left out");
            if let Err(error) = res {
                context.blame(T::TABLE.clause);
                context.recover::<A::Error>(error)?;
            }
        }
        context.leave_object(self.seen.is_empty());
        Ok(())
    }

    /// The value, when nothing is left to read and nothing was wrong.
    #[inline(always)]
    fn finish<E: Error>(mut self, context: &mut Context) -> Result<T, E> {
        if context.finds_all() {
            report_missing::<E>(context, T::TABLE, self.seen)?;
            context.settle(self.n_faults)?;
        }
        // The value is made where it is to be: it may be large.
        let res = T::finish(context, &mut self.slots);
        if res.is_ok() {
            // Nothing is left in it, which is not to be looked for.
            std::mem::forget(self);
        }
        res
    }
}

fn report_missing<E: Error>(context: &mut Context, shape: &Shape, seen: Seen) -> Result<(), E> {
    for (index, field) in shape.fields.iter().enumerate() {
        if field.required && !seen.has(index) {
            context.blame(clauses::of_missing(shape, field.name));
            context.recover(missing::<E>(field.name))?;
        }
    }
    Ok(())
}

/// Which rows of a table were met.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen(u64);

impl Seen {
    /// Remembers a row.
    ///
    /// # Errors
    /// It was met before.
    pub(crate) fn insert<E: Error>(&mut self, index: usize, field: &Field) -> Result<(), E> {
        if self.has(index) {
            return Err(stands_twice(field.name));
        }
        self.0 |= 1 << index;
        Ok(())
    }

    fn has(self, index: usize) -> bool {
        self.0 & (1 << index) != 0
    }

    /// Whether none was met.
    fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Reads the value of a row that may not be null into its slot, which stays as it is if an array ended before it.
///
/// # Errors
/// The deserializer's, with the place.
#[inline(always)]
pub fn value<'de, S: Source<'de>, T: Read>(
    context: &mut Context,
    source: &mut S,
    name: &str,
    slot: &mut Option<T>,
) -> Result<(), S::Error> {
    context
        .at(Segment::Name(name), |context| source.next(PlaceSeed { context, place: slot, value: PhantomData }))
        .map(drop)
}

/// Reads the value of a member that the table does not have.
///
/// # Errors
/// The deserializer's, with the place.
pub(crate) fn member_value<'de, A: MapAccess<'de>, T: Read>(
    context: &mut Context,
    map: &mut A,
    segment: Segment<'_>,
) -> Result<T, A::Error> {
    context.at(segment, |context| map.next_value_seed(Seed::new(context)))
}

/// Reads the value of a row that may be absent into its slot; null is absence where positions count, and in lenient mode
/// everywhere (DECISIONS M8, L36).
///
/// # Errors
/// The deserializer's, with the place.
#[inline(always)]
pub fn optional_value<'de, S: Source<'de>, T: Read>(
    context: &mut Context,
    source: &mut S,
    name: &str,
    slot: &mut Option<T>,
) -> Result<(), S::Error> {
    struct Optional<'c, T> {
        context: &'c mut Context,
        is_positional: bool,
        slot: &'c mut Option<T>,
    }

    impl<'de, T: Read> DeserializeSeed<'de> for Optional<'_, T> {
        type Value = ();

        #[inline(always)]
        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
            deserializer.deserialize_option(self)
        }
    }

    impl<'de, T: Read> Visitor<'de> for Optional<'_, T> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(T::shape().name)
        }

        fn visit_none<E: Error>(self) -> Result<(), E> {
            if self.is_positional {
                self.context.leave_item(true);
                return Ok(());
            }
            let res = self.context.tolerate(NULL);
            res.inspect_err(|_| self.context.blame(clauses::NULL))
        }

        fn visit_unit<E: Error>(self) -> Result<(), E> {
            self.visit_none()
        }

        #[inline(always)]
        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
            let res = T::read_optional(self.context, deserializer, self.slot);
            if let Err(error) = &res {
                self.context.blame_shape(T::shape(), error);
            }
            res
        }
    }

    let is_positional = S::IS_POSITIONAL;
    context.at(Segment::Name(name), |context| source.next(Optional { context, is_positional, slot })).map(drop)
}

/// Reads the value of a row whose empty value means absence; an object without members is tolerated in lenient mode
/// (DECISIONS M7, L31). One whose members all mean absence (`"profiles": []`) is as legal as they are.
///
/// # Errors
/// The deserializer's, with the place.
#[inline(always)]
pub fn defaulted_value<'de, S: Source<'de>, T: Read>(
    context: &mut Context,
    source: &mut S,
    name: &str,
    slot: &mut Option<T>,
    is_empty: impl FnOnce(&T) -> bool,
) -> Result<(), S::Error> {
    optional_value(context, source, name, slot)?;
    if slot.as_ref().is_some_and(is_empty) && context.last_object_was_empty() {
        context.at(Segment::Name(name), |context| {
            context
                .tolerate("must hold at least one member")
                .inspect_err(|_| context.blame(clauses::of_empty(T::shape())))
        })?;
    }
    Ok(())
}

/// What is noted of a null that is absence (DECISIONS M8, L36).
pub(crate) const NULL: &str = "null where the member is to be left out";

/// Insists on a member of multiplicity 1.
///
/// # Errors
/// It is missing.
#[inline]
pub fn required<T, E: Error>(
    context: &mut Context,
    shape: &'static Shape,
    value: Option<T>,
    name: &'static str,
) -> Result<T, E> {
    value.ok_or_else(|| of_whole(context, shape, missing(name)))
}

/// The same error about a value, against the clause that has its table.
#[cold]
pub fn of_whole<E>(context: &mut Context, shape: &'static Shape, error: E) -> E {
    context.blame(clauses::of_whole(shape));
    error
}

fn missing<E: Error>(name: &'static str) -> E {
    E::custom(format_args!("the member {} is missing", Quoted(name)))
}

/// The error for a member that nothing defines (DECISIONS M15).
#[must_use]
pub fn unknown_member<E: Error>(shape: &Shape, key: &dyn fmt::Display) -> E {
    E::custom(format_args!("unknown member {key}; {} has {}", shape.name, shape.names()))
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
    key: &KeyText<'de>,
    others: &'static Others,
) -> Result<(), A::Error> {
    key.refuse_noncharacters(context)?;
    if members.len() == context.limits().items {
        context.blame(clauses::BOUNDS);
        return Err(A::Error::custom(format_args!("more than {} members", context.limits().items)));
    }
    let any = member_value::<A, Any>(context, map, key.segment())?;
    let key = key.to_key();
    let kept = context.at(key.segment(), |context| (others.admit)(context, &key, &any).map_err(A::Error::custom))?;
    if !members.is_new(kept.as_ref().unwrap_or(&key)) {
        context.blame(clauses::DISTINCT);
        return Err(stands_twice(&key.text()));
    }
    members.append(kept.unwrap_or(key), any);
    Ok(())
}

/// The error for a duplicate member (RFC 7493 2.3, LS-046).
pub(crate) fn stands_twice<E: Error>(name: &str) -> E {
    E::custom(format_args!("the member {} stands twice", Quoted(name)))
}
