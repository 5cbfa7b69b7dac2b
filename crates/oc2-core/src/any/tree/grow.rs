//! Reading a tree: every value is checked, and written behind the one before it.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::value::{Content, Head, Items};
use crate::any::key::Key;
use crate::shape::read::{
    AnyKey, Context, KeyText, MAX_INTEGER, Shown, clauses, read_each_by, refuse_noncharacters, stands_twice, too_large,
};

/// Reads a value: appends what it contains, and says what it is.
pub(super) struct Grow<'c> {
    pub(super) context: &'c mut Context,
    pub(super) content: &'c mut Content,
}

impl Grow<'_> {
    fn too_large<E: Error>(self, value: &dyn fmt::Display) -> E {
        self.context.blame(clauses::NUMBERS);
        too_large(value)
    }
}

/// The same for a value within another: its head stands before what it contains.
struct GrowWithin<'c>(Grow<'c>);

impl<'de> DeserializeSeed<'de> for GrowWithin<'_> {
    type Value = ();

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self(Grow { context, content }) = self;
        let at = content.push(Head::NULL);
        let head = deserializer.deserialize_any(Grow { context, content: &mut *content })?;
        content.set(at, head);
        Ok(())
    }
}

impl<'de> Visitor<'de> for Grow<'_> {
    type Value = Head;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Head, E> {
        Ok(Head::NULL)
    }

    fn visit_none<E: Error>(self) -> Result<Head, E> {
        Ok(Head::NULL)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Head, E> {
        Ok(Head::bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Head, E> {
        if (-MAX_INTEGER..=MAX_INTEGER).contains(&value) {
            Ok(Head::integer(value))
        } else {
            Err(self.too_large(&value))
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Head, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Err(self.too_large(&value)),
        }
    }

    /// An integer too long for 64 bits arrives here too and is refused as one (DECISIONS L34).
    fn visit_f64<E: Error>(self, value: f64) -> Result<Head, E> {
        if !value.is_finite() {
            return Err(E::custom(format_args!("{value} is no number (RFC 8259 6)")));
        }
        if value.fract() == 0.0 && value.abs() > MAX_INTEGER as f64 {
            return Err(self.too_large(&Shown(value)));
        }
        Ok(Head::number(value))
    }

    #[inline]
    fn visit_str<E: Error>(self, text: &str) -> Result<Head, E> {
        if self.context.is_strict() {
            refuse_noncharacters(self.context, text)?;
        }
        self.content.append(text.as_bytes());
        Ok(Head::text(text.len()))
    }

    fn visit_bytes<E: Error>(self, octets: &[u8]) -> Result<Head, E> {
        self.content.append(octets);
        Ok(Head::octets(octets.len()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Head, A::Error> {
        let Self { context, content } = self;
        let start = content.len();
        read_each_by(context, |context| {
            let end = content.len();
            let res = seq.next_element_seed(GrowWithin(Grow { context, content }));
            // What was begun and is no item.
            if !matches!(res, Ok(Some(()))) {
                content.truncate(end);
            }
            res
        })?;
        Ok(Head::list(content.len() - start))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Head, A::Error> {
        let Self { context, content } = self;
        let limit = context.limits().items;
        let n_faults = context.n_faults();
        let start = content.len();
        let mut keys = Keys::default();
        while let Some(key) = map.next_key_seed(AnyKey { is_binary: context.is_binary() })? {
            if keys.n_keys == limit {
                context.blame(clauses::BOUNDS);
                return Err(A::Error::custom(format_args!("more than {limit} members")));
            }
            let is_new = keys.adds(content.behind(start), &key);
            let end = content.len();
            let (head, name) = parts(&key);
            content.push(head);
            content.append(name);
            let res = context
                .at(key.segment(), |context| map.next_value_seed(GrowWithin(Grow { context, content: &mut *content })));
            let res = match res {
                _ if !is_new => {
                    context.blame(clauses::DISTINCT);
                    Err(stands_twice(&key.to_key().text()))
                }
                Ok(()) => key.refuse_noncharacters(context),
                res => res,
            };
            match res {
                Ok(()) => keys.n_keys += 1,
                Err(error) => {
                    content.truncate(end);
                    context.recover(error)?;
                }
            }
        }
        context.settle(n_faults)?;
        Ok(Head::map(content.len() - start))
    }
}

/// The keys of an object, in linear time however many there are.
#[derive(Default)]
struct Keys {
    /// How many members were kept.
    n_keys: usize,
    /// The keys beyond the first few.
    others: Option<HashSet<Key>>,
}

impl Keys {
    /// Whether the key stands not yet among the members, all of whose keys this has seen coming.
    #[inline]
    fn adds(&mut self, members: &[u8], key: &KeyText<'_>) -> bool {
        // A search through so few is faster than hashing.
        let (head, name) = parts(key);
        if Items::new(members).have_key(self.n_keys.min(FEW), head, name) {
            return false;
        }
        self.n_keys < FEW || self.others.get_or_insert_default().insert(key.to_key())
    }
}

/// The head of a key and what stands behind it.
fn parts<'k>(key: &'k KeyText<'_>) -> (Head, &'k [u8]) {
    match key {
        KeyText::Name(name) => (Head::text(name.len()), name.as_bytes()),
        KeyText::Number(number) => (Head::id(*number), &[]),
    }
}

const FEW: usize = 16;
