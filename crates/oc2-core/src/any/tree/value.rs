//! What a tree is made of: each value is a head, and behind it what it contains.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::{Key, Tree};
use crate::shape::read::ReadError;

/// What a value is, and a word: the number that it is, or how many bytes it contains.
#[derive(Clone, Copy)]
pub(super) struct Head {
    sort: Sort,
    word: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Null,
    Bool,
    Integer,
    Number,
    Text,
    Octets,
    List,
    Map,
}

impl Head {
    pub(super) const NULL: Self = Self { sort: Sort::Null, word: 0 };

    pub(super) const fn bool(value: bool) -> Self {
        Self { sort: Sort::Bool, word: value as u64 }
    }

    pub(super) const fn integer(value: i64) -> Self {
        Self { sort: Sort::Integer, word: value.cast_unsigned() }
    }

    pub(super) const fn number(value: f64) -> Self {
        Self { sort: Sort::Number, word: value.to_bits() }
    }

    pub(super) const fn text(n_bytes: usize) -> Self {
        Self { sort: Sort::Text, word: n_bytes as u64 }
    }

    pub(super) const fn octets(n_bytes: usize) -> Self {
        Self { sort: Sort::Octets, word: n_bytes as u64 }
    }

    pub(super) const fn list(n_bytes: usize) -> Self {
        Self { sort: Sort::List, word: n_bytes as u64 }
    }

    pub(super) const fn map(n_bytes: usize) -> Self {
        Self { sort: Sort::Map, word: n_bytes as u64 }
    }

    /// The key of a member that has no name.
    pub(super) const fn id(number: u64) -> Self {
        Self { sort: Sort::Integer, word: number }
    }

    pub(super) fn is_map(self) -> bool {
        self.sort == Sort::Map
    }

    pub(super) fn is_null(self) -> bool {
        self.sort == Sort::Null
    }

    /// How many bytes stand behind it.
    fn n_bytes(self) -> usize {
        match self.sort {
            Sort::Null | Sort::Bool | Sort::Integer | Sort::Number => 0,
            // It was the length of something that was there.
            Sort::Text | Sort::Octets | Sort::List | Sort::Map => usize::try_from(self.word).unwrap_or_default(),
        }
    }

    fn to_bytes(self) -> [u8; HEAD] {
        let mut bytes = [self.sort as u8; HEAD];
        bytes[1..].copy_from_slice(&self.word.to_le_bytes());
        bytes
    }

    fn of_bytes([sort, word @ ..]: [u8; HEAD]) -> Self {
        let sort = SORTS.get(usize::from(sort)).copied().unwrap_or(Sort::Null);
        Self { sort, word: u64::from_le_bytes(word) }
    }
}

const HEAD: usize = 9;
const SORTS: [Sort; 8] =
    [Sort::Null, Sort::Bool, Sort::Integer, Sort::Number, Sort::Text, Sort::Octets, Sort::List, Sort::Map];

/// The bytes that values contain.
#[derive(Clone)]
pub(super) struct Content(Vec<u8>);

impl Content {
    pub(super) const NOTHING: Self = Self(Vec::new());

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What stands behind the first so many bytes.
    pub(super) fn behind(&self, start: usize) -> &[u8] {
        self.0.get(start..).unwrap_or_default()
    }

    /// Takes back what stands behind the first so many bytes.
    pub(super) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// Appends bytes of a text or of octets.
    #[inline]
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Appends a head, and says where it is.
    #[inline]
    pub(super) fn push(&mut self, head: Head) -> usize {
        if self.0.capacity() == 0 {
            self.0 = Vec::with_capacity(TYPICAL);
        }
        let at = self.0.len();
        self.0.extend_from_slice(&head.to_bytes());
        at
    }

    /// Puts another head in the place of one.
    #[inline]
    pub(super) fn set(&mut self, at: usize, head: Head) {
        if let Some(place) = self.0.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
            *place = head.to_bytes();
        }
    }

    /// Appends a whole value.
    pub(super) fn append_tree(&mut self, tree: &Tree) {
        self.push(tree.head);
        self.append(tree.content.as_slice());
    }
}

/// Most extensions take no more.
const TYPICAL: usize = 128;

/// A value of a tree, to look at.
#[derive(Clone, Copy)]
pub(in crate::any) enum Value<'t> {
    Null,
    Bool(bool),
    /// An integer within plus or minus 2^53 - 1.
    Integer(i64),
    /// A number that is not integral.
    Number(f64),
    Text(&'t str),
    /// Octets, which JSON does not have.
    Octets(&'t [u8]),
    List(Items<'t>),
    /// No key stands twice.
    Map(Members<'t>),
}

impl<'t> Value<'t> {
    pub(super) fn of(head: Head, content: &'t [u8]) -> Self {
        match head.sort {
            Sort::Null => Self::Null,
            Sort::Bool => Self::Bool(head.word != 0),
            Sort::Integer => Self::Integer(head.word.cast_signed()),
            Sort::Number => Self::Number(f64::from_bits(head.word)),
            // It was a text when it was put there.
            Sort::Text => Self::Text(str::from_utf8(content).unwrap_or_default()),
            Sort::Octets => Self::Octets(content),
            Sort::List => Self::List(Items(content)),
            Sort::Map => Self::Map(Members(Items(content))),
        }
    }

    /// The same, as the key of a member.
    pub(in crate::any) fn to_key(self) -> Key {
        match self {
            Self::Integer(id) => Key::Number(id.cast_unsigned()),
            Self::Text(name) => name.into(),
            // Nothing else is put there as a key.
            _ => "".into(),
        }
    }

    /// The same, by itself.
    pub(super) fn to_tree(self) -> Tree {
        let of = |head: fn(usize) -> Head, content: &[u8]| Tree {
            head: head(content.len()),
            content: Content(content.to_vec()),
        };
        let alone = |head| Tree { head, content: Content::NOTHING };
        match self {
            Self::Null => Tree::NULL,
            Self::Bool(value) => alone(Head::bool(value)),
            Self::Integer(value) => alone(Head::integer(value)),
            Self::Number(value) => alone(Head::number(value)),
            Self::Text(text) => of(Head::text, text.as_bytes()),
            Self::Octets(octets) => of(Head::octets, octets),
            Self::List(Items(content)) => of(Head::list, content),
            Self::Map(Members(Items(content))) => of(Head::map, content),
        }
    }

    /// Whether it is the same in JSON and CBOR: names for keys, and no octets.
    pub(in crate::any) fn is_plain(self) -> bool {
        match self {
            Self::Null | Self::Bool(_) | Self::Integer(_) | Self::Number(_) | Self::Text(_) => true,
            Self::Octets(_) => false,
            Self::List(mut items) => items.all(Self::is_plain),
            Self::Map(mut members) => members.all(|(key, value)| matches!(key, Self::Text(_)) && value.is_plain()),
        }
    }

    /// Keys in an order: ids first, then names.
    fn rank(&self) -> (bool, i64, &'t str) {
        match self {
            Self::Integer(id) => (false, *id, ""),
            Self::Text(name) => (true, 0, name),
            _ => (true, 1, ""),
        }
    }
}

/// The order of members has no meaning (LS-004).
impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Octets(a), Self::Octets(b)) => a == b,
            (Self::List(a), Self::List(b)) => a.eq(b),
            (Self::Map(a), Self::Map(b)) => a.sorted() == b.sorted(),
            _ => false,
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Text(text) => text.fmt(f),
            Self::Octets(octets) => octets.fmt(f),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Map(members) => f.debug_map().entries(members).finish(),
        }
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(value),
            Self::Integer(value) => serializer.serialize_i64(value),
            Self::Number(value) => serializer.serialize_f64(value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Octets(octets) => serializer.serialize_bytes(octets),
            Self::List(items) => {
                let mut written = serializer.serialize_seq(Some(items.count()))?;
                { items }.try_for_each(|item| written.serialize_element(&item))?;
                written.end()
            }
            Self::Map(members) => {
                let mut written = serializer.serialize_map(Some(members.count()))?;
                { members }.try_for_each(|(key, value)| written.serialize_entry(&key.to_key(), &value))?;
                written.end()
            }
        }
    }
}

impl<'de> Deserializer<'de> for Value<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            // As the readers of JSON and CBOR call it.
            Self::Integer(value) => match u64::try_from(value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_i64(value),
            },
            Self::Number(value) => visitor.visit_f64(value),
            Self::Text(text) => visitor.visit_str(text),
            Self::Octets(octets) => visitor.visit_bytes(octets),
            Self::List(items) => visitor.visit_seq(SeqDeserializer::new(items)),
            Self::Map(members) => visitor.visit_map(MapDeserializer::new(members)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self {
            Self::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, ReadError> for Value<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Values one behind the other.
#[derive(Clone, Copy)]
pub(in crate::any) struct Items<'t>(&'t [u8]);

impl<'t> Items<'t> {
    pub(super) fn new(content: &'t [u8]) -> Self {
        Self(content)
    }

    /// The next value, not looked into.
    #[inline]
    fn split(&mut self) -> Option<(Head, &'t [u8])> {
        let (head, rest) = self.0.split_first_chunk()?;
        let head = Head::of_bytes(*head);
        let (content, rest) = rest.split_at_checked(head.n_bytes())?;
        self.0 = rest;
        Some((head, content))
    }

    /// Whether one of the next few values that are keys is this one; a value stands behind each.
    pub(super) fn have_key(mut self, n_keys: usize, key: Head, name: &[u8]) -> bool {
        (0..n_keys).any(|_| {
            let is_same = self
                .split()
                .is_some_and(|(head, content)| head.sort == key.sort && head.word == key.word && content == name);
            self.split();
            is_same
        })
    }
}

impl<'t> Iterator for Items<'t> {
    type Item = Value<'t>;

    fn next(&mut self) -> Option<Value<'t>> {
        let (head, content) = self.split()?;
        Some(Value::of(head, content))
    }
}

/// Members: a key, its value, the next key.
#[derive(Clone, Copy)]
pub(in crate::any) struct Members<'t>(Items<'t>);

impl<'t> Members<'t> {
    /// The members by their keys.
    fn sorted(self) -> Vec<(Value<'t>, Value<'t>)> {
        let mut members: Vec<_> = self.collect();
        members.sort_by(|(a, _), (b, _)| a.rank().cmp(&b.rank()));
        members
    }
}

impl<'t> Iterator for Members<'t> {
    type Item = (Value<'t>, Value<'t>);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.next()?, self.0.next()?))
    }
}
