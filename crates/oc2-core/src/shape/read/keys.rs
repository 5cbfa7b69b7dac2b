//! The keys of members: rows of a table, by name or id, or what it does not have.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::scalars::{MAX_INTEGER, refuse_noncharacters, too_large};
use super::{Context, Segment, clauses};
use crate::any::Key;
use crate::invalid::Quoted;
use crate::nsid::Nsid;
use crate::shape::{Field, Shape};

/// The key of a member: in the table, or not.
#[derive(Debug)]
pub enum MemberKey<'de> {
    /// A row of the table and its position.
    Known(usize, &'static Field),
    /// A key that the table does not have.
    Foreign(KeyText<'de>),
}

impl fmt::Display for MemberKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(_, field) => Quoted(field.name).fmt(f),
            Self::Foreign(key) => key.fmt(f),
        }
    }
}

/// A key as it was read; a name is lent where it can be, because most are compared and forgotten.
#[derive(Clone, Debug)]
pub enum KeyText<'de> {
    /// A name.
    Name(Cow<'de, str>),
    /// An id.
    Number(u64),
}

impl KeyText<'_> {
    /// The step to its member.
    pub(crate) fn segment(&self) -> Segment<'_> {
        match self {
            Self::Name(name) => Segment::Name(name),
            Self::Number(number) => Segment::Id(*number),
        }
    }

    /// The key, for keeps.
    #[must_use]
    pub fn to_key(&self) -> Key {
        match self {
            Self::Name(name) => Key::from(&**name),
            Self::Number(number) => Key::Number(*number),
        }
    }

    /// I-JSON has no noncharacters (RFC 7493 2.1).
    pub(crate) fn refuse_noncharacters<E: Error>(&self, context: &mut Context) -> Result<(), E> {
        match self {
            Self::Name(name) if context.is_strict() => refuse_noncharacters(context, name),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for KeyText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => Quoted(name).fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// Reads the next key of an object.
///
/// # Errors
/// The deserializer's.
#[inline(always)]
pub fn next_key<'de, A: MapAccess<'de>>(
    context: &mut Context,
    shape: &'static Shape,
    map: &mut A,
) -> Result<Option<MemberKey<'de>>, A::Error> {
    let mut foreign = None;
    let found = map.next_key_seed(KeySeed { context, shape, foreign: &mut foreign })?;
    Ok(found.and_then(|found| found.key(shape, &mut foreign)))
}

/// What a key was found to be. It is small, because it is handed up through several calls.
#[derive(Clone, Copy)]
pub(crate) enum Found {
    /// The row of the table at this position.
    Row(u8),
    /// None of its rows; the key is kept aside.
    None,
}

impl Found {
    /// The key; one that is kept aside is taken from there.
    #[inline(always)]
    pub(super) fn key<'de>(self, shape: &'static Shape, aside: &mut Option<KeyText<'de>>) -> Option<MemberKey<'de>> {
        match self {
            Self::Row(row) => Some(MemberKey::Known(row.into(), &shape.fields[usize::from(row)])),
            Self::None => aside.take().map(MemberKey::Foreign),
        }
    }
}

pub(super) struct KeySeed<'c, 'de> {
    pub(super) context: &'c mut Context,
    pub(super) shape: &'static Shape,
    /// Where a key is kept that the table does not have.
    pub(super) foreign: &'c mut Option<KeyText<'de>>,
}

impl<'de> KeySeed<'_, 'de> {
    fn number<E: Error>(self, id: u64) -> Result<Found, E> {
        match self.shape.by_id(id) {
            Some((index, _)) => {
                self.context.meet_id()?;
                Ok(row(index))
            }
            None if id > MAX_INTEGER.unsigned_abs() => {
                self.context.blame(clauses::NUMBERS);
                Err(too_large(&id))
            }
            None => Ok(self.foreign(KeyText::Number(id))),
        }
    }

    /// A name where a name can be nothing else.
    #[inline(always)]
    fn name(self, name: &str, keep: impl FnOnce() -> Cow<'de, str>) -> Found {
        match self.shape.by_name(name) {
            Some((index, _)) => row(index),
            None => self.foreign(KeyText::Name(keep())),
        }
    }

    /// A name or an id.
    #[inline(never)]
    fn any<E: Error>(self, name: &str, keep: impl FnOnce() -> Cow<'de, str>) -> Result<Found, E> {
        let Self { context, shape, .. } = &self;
        if !context.is_binary() && context.may_have_ids() {
            match decimal(name) {
                Some(id) if context.is_concise() || shape.by_id(id).is_some() => return self.number(id),
                // A list that started with a status tells nothing yet of names and ids.
                Some(id) if Nsid::registered(id).is_some() => return self.number(id),
                _ => {}
            }
        }
        if shape.by_name(name).is_some() {
            self.context.meet_name()?;
        }
        Ok(self.name(name, keep))
    }

    #[inline(always)]
    fn text<E: Error>(self, name: &str, keep: impl FnOnce() -> Cow<'de, str>) -> Result<Found, E> {
        if self.context.is_by_name() { Ok(self.name(name, keep)) } else { self.any(name, keep) }
    }

    fn foreign(self, key: KeyText<'de>) -> Found {
        *self.foreign = Some(key);
        Found::None
    }
}

/// A table has at most 255 rows.
#[allow(clippy::cast_possible_truncation)]
fn row(index: usize) -> Found {
    Found::Row(index as u8)
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_, 'de> {
    type Value = Found;

    #[inline(always)]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        if self.context.is_binary() {
            deserializer.deserialize_identifier(self)
        } else {
            deserializer.deserialize_str(self)
        }
    }
}

impl<'de> Visitor<'de> for KeySeed<'_, 'de> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.context.is_binary() { "the name or id of a member" } else { "the name of a member" })
    }

    #[inline(always)]
    fn visit_str<E: Error>(self, name: &str) -> Result<Found, E> {
        self.text(name, || Cow::Owned(name.to_owned()))
    }

    #[inline(always)]
    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Found, E> {
        self.text(name, || Cow::Borrowed(name))
    }

    /// The position among the keys that were announced: from a deserializer that knows of it. No encoding has so long a number
    /// for a key, so none can be taken for a position.
    #[inline(always)]
    fn visit_u128<E: Error>(self, position: u128) -> Result<Found, E> {
        match u8::try_from(position) {
            Ok(position) if usize::from(position) < self.shape.fields.len() => Ok(Found::Row(position)),
            _ => Err(E::custom(format_args!("{position} is no position of a member"))),
        }
    }

    fn visit_u64<E: Error>(self, id: u64) -> Result<Found, E> {
        self.number(id)
    }

    fn visit_i64<E: Error>(self, id: i64) -> Result<Found, E> {
        match u64::try_from(id) {
            Ok(id) => self.number(id),
            Err(_) => Err(E::custom(format_args!("{id} is no id of a member"))),
        }
    }
}

/// The key of a member that no table tells about.
pub(crate) struct AnyKey {
    pub(crate) is_binary: bool,
}

impl<'de> DeserializeSeed<'de> for AnyKey {
    type Value = KeyText<'de>;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<KeyText<'de>, D::Error> {
        if self.is_binary { deserializer.deserialize_identifier(self) } else { deserializer.deserialize_str(self) }
    }
}

impl<'de> Visitor<'de> for AnyKey {
    type Value = KeyText<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_binary { "the name or id of a member" } else { "the name of a member" })
    }

    #[inline]
    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<KeyText<'de>, E> {
        Ok(KeyText::Name(Cow::Borrowed(name)))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<KeyText<'de>, E> {
        Ok(KeyText::Name(Cow::Owned(name.to_owned())))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<KeyText<'de>, E> {
        if number > MAX_INTEGER.unsigned_abs() { Err(too_large(&number)) } else { Ok(KeyText::Number(number)) }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<KeyText<'de>, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::custom(format_args!("{number} is no id of a member"))),
        }
    }
}

/// An id as JSON has it for a key: decimal, without sign and leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    match text.as_bytes() {
        [] | [b'0', _, ..] => None,
        // 2^53 has 16 digits, and more of them overflow nothing.
        digits if digits.len() > 16 => None,
        digits => digits
            .iter()
            .try_fold(0, |id, byte| Some(id * 10 + digit(*byte)?))
            .filter(|id| *id <= MAX_INTEGER.unsigned_abs()),
    }
}
