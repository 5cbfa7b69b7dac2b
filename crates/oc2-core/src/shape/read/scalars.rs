//! Readers of single values and lists.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use data_encoding::{BASE64URL, BASE64URL_NOPAD};
use serde::de::{Deserializer, Error, SeqAccess, Unexpected, Visitor};

use super::{Context, Place, PlaceSeed, Read, Segment, clauses};
use crate::invalid::{Invalid, Quoted};
use crate::shape::{Kind, Shape};
use crate::types::text::noncharacter;

/// The largest integer every I-JSON peer can represent, 2^53 - 1 (LS-048).
pub(crate) const MAX_INTEGER: i64 = (1 << 53) - 1;

/// Reads a value of an enumeration and returns its position in the table: a name, or where ids are used an id.
///
/// # Errors
/// The deserializer's: neither, or not in the table.
pub fn row_of<'de, D: Deserializer<'de>>(
    shape: &'static Shape,
    context: &mut Context,
    deserializer: D,
) -> Result<usize, D::Error> {
    match shape.kind {
        Kind::EnumeratedId => id_of(shape, context, deserializer),
        _ if context.is_by_name() => deserializer.deserialize_str(Row(context, shape)),
        _ => deserializer.deserialize_identifier(Row(context, shape)),
    }
}

struct Row<'c>(&'c mut Context, &'static Shape);

impl<'de> Visitor<'de> for Row<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {}", self.1.names())
    }

    #[inline(always)]
    fn visit_str<E: Error>(self, text: &str) -> Result<usize, E> {
        let Some((index, _)) = self.1.by_name(text) else {
            return Err(E::custom(Invalid::not_one_of(text, self.1)));
        };
        if !self.0.is_by_name() {
            self.0.meet_name()?;
        }
        Ok(index)
    }

    #[inline(always)]
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<usize, E> {
        self.visit_str(text)
    }

    fn visit_u64<E: Error>(self, id: u64) -> Result<usize, E> {
        if !self.0.may_have_ids() {
            return Err(E::invalid_type(Unexpected::Unsigned(id), &self));
        }
        let Some((index, _)) = self.1.by_id(id) else { return Err(not_an_id(&id, self.1)) };
        self.0.meet_id()?;
        Ok(index)
    }

    fn visit_i64<E: Error>(self, id: i64) -> Result<usize, E> {
        match u64::try_from(id) {
            Ok(id) => self.visit_u64(id),
            Err(_) => Err(E::invalid_type(Unexpected::Signed(id), &self)),
        }
    }
}

fn id_of<'de, D: Deserializer<'de>>(shape: &Shape, context: &mut Context, deserializer: D) -> Result<usize, D::Error> {
    let id = integer(context, deserializer, 0, MAX_INTEGER, shape.name)?;
    let row = u64::try_from(id).ok().and_then(|id| shape.by_id(id));
    row.map(|(index, _)| index).ok_or_else(|| not_an_id(&id, shape))
}

fn not_an_id<E: Error>(id: &dyn fmt::Display, shape: &Shape) -> E {
    let ids: Vec<_> = shape.fields.iter().map(|field| field.id.to_string()).collect();
    E::custom(format_args!("{id} is not one of {}", ids.join(", ")))
}

/// Reads an Integer between two bounds; `what` completes "... is not".
///
/// # Errors
/// The deserializer's: not a number, not integral, out of bounds. An integral value spelled as a fraction (`80.0`) is
/// accepted in lenient mode (DECISIONS L22), except in CBOR (DECISIONS E7).
pub fn integer<'de, D: Deserializer<'de>>(
    context: &mut Context,
    deserializer: D,
    low: i64,
    high: i64,
    what: &'static str,
) -> Result<i64, D::Error> {
    struct Integer<'c> {
        context: &'c mut Context,
        low: i64,
        high: i64,
        what: &'static str,
    }

    impl Integer<'_> {
        fn within<E: Error>(self, value: Option<i64>, shown: &dyn fmt::Display) -> Result<i64, E> {
            match value {
                Some(value) if (self.low..=self.high).contains(&value) => Ok(value),
                _ => {
                    if value.is_none_or(|value| value.unsigned_abs() > MAX_INTEGER.unsigned_abs())
                        && self.high == MAX_INTEGER
                    {
                        self.context.blame(clauses::NUMBERS);
                    }
                    Err(E::custom(format_args!("{shown} is not {} ({}..{})", self.what, self.low, self.high)))
                }
            }
        }
    }

    impl Visitor<'_> for Integer<'_> {
        type Value = i64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{} ({}..{})", self.what, self.low, self.high)
        }

        fn visit_i64<E: Error>(self, value: i64) -> Result<i64, E> {
            self.within(Some(value), &value)
        }

        fn visit_u64<E: Error>(self, value: u64) -> Result<i64, E> {
            self.within(i64::try_from(value).ok(), &value)
        }

        fn visit_f64<E: Error>(self, value: f64) -> Result<i64, E> {
            // CBOR tells integers from fractions (DECISIONS E7).
            if self.context.is_binary() {
                return Err(E::invalid_type(Unexpected::Float(value), &self));
            }
            if value.fract() != 0.0 {
                self.context.blame(clauses::of_kind(&Kind::Integer { min: self.low, max: self.high }));
                return self.within(None, &Shown(value));
            }
            if value.abs() > MAX_INTEGER as f64 {
                return self.within(None, &Shown(value));
            }
            // The one integer of JSON that arrives as a fraction.
            if value == 0.0 && value.is_sign_negative() {
                return self.within(Some(0), &value);
            }
            let res = self.context.tolerate("an Integer is spelled as a fraction");
            res.inspect_err(|_| self.context.blame(clauses::SPELLING))?;
            self.within(Some(value as i64), &value)
        }
    }

    deserializer.deserialize_i64(Integer { context, low, high, what })
}

/// Reads a Number of at least 0.
///
/// # Errors
/// The deserializer's: not a number, negative, or beyond 2^53 - 1 (DECISIONS L34).
pub fn number<'de, D: Deserializer<'de>>(deserializer: D, what: &'static str) -> Result<f64, D::Error> {
    struct Number(&'static str);

    impl Visitor<'_> for Number {
        type Value = f64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
            match u64::try_from(value) {
                Ok(value) => self.visit_u64(value),
                Err(_) => Err(E::custom(format_args!("{value} is not {}", self.0))),
            }
        }

        fn visit_u64<E: Error>(self, value: u64) -> Result<f64, E> {
            if value > MAX_INTEGER as u64 { Err(too_large(&value)) } else { self.visit_f64(value as f64) }
        }

        fn visit_f64<E: Error>(self, value: f64) -> Result<f64, E> {
            if !value.is_finite() || value < 0.0 {
                return Err(E::custom(format_args!("{value} is not {}", self.0)));
            }
            if value > MAX_INTEGER as f64 { Err(too_large(&Shown(value))) } else { Ok(value) }
        }
    }

    deserializer.deserialize_any(Number(what))
}

/// A number as people write it: one with hundreds of digits by its exponent.
pub(crate) struct Shown(pub(crate) f64);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.abs() < 1e40 { self.0.fmt(f) } else { write!(f, "{:e}", self.0) }
    }
}

/// The error for a number that not every I-JSON peer can represent (DECISIONS L34).
pub(crate) fn too_large<E: Error>(value: &dyn fmt::Display) -> E {
    E::custom(format_args!("{value} is beyond plus or minus 2^53 - 1"))
}

/// Reads a String and makes a value of it; noncharacters are refused in strict mode (DECISIONS L34).
///
/// # Errors
/// The deserializer's: not a string, or what `make` objects to.
#[inline(always)]
pub fn text<'de, D: Deserializer<'de>, T>(
    context: &mut Context,
    deserializer: D,
    what: &'static str,
    make: impl FnOnce(&str) -> Result<T, Invalid>,
) -> Result<T, D::Error> {
    struct Text<'c, F> {
        context: &'c mut Context,
        what: &'static str,
        make: F,
    }

    impl<'de, T, F: FnOnce(&str) -> Result<T, Invalid>> Visitor<'de> for Text<'_, F> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.what)
        }

        #[inline(always)]
        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            if self.context.is_strict() {
                refuse_noncharacters(self.context, text)?;
            }
            (self.make)(text).map_err(E::custom)
        }

        #[inline(always)]
        fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<T, E> {
            self.visit_str(text)
        }
    }

    deserializer.deserialize_str(Text { context, what, make })
}

/// Reads octets and makes a value of them: as such in the concise notation (base64url where the encoding has no octets),
/// else as text. `what` completes "expected".
///
/// # Errors
/// The deserializer's: neither, or what `from_text` or `from_octets` objects to.
pub fn octets<'de, D: Deserializer<'de>, T>(
    context: &mut Context,
    deserializer: D,
    what: &'static str,
    from_text: impl FnOnce(&mut Context, &str) -> Result<T, Invalid>,
    from_octets: impl FnOnce(&[u8]) -> Result<T, Invalid>,
) -> Result<T, D::Error> {
    struct Binary<'c, F, G> {
        context: &'c mut Context,
        what: &'static str,
        from_text: F,
        from_octets: G,
    }

    impl<T, F, G> Visitor<'_> for Binary<'_, F, G>
    where
        F: FnOnce(&mut Context, &str) -> Result<T, Invalid>,
        G: FnOnce(&[u8]) -> Result<T, Invalid>,
    {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.what)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            if self.context.is_strict() {
                refuse_noncharacters(self.context, text)?;
            }
            if self.context.is_concise() && !self.context.is_binary() {
                let mut buffer = [0; 64];
                let octets = octets_of_base64url(text, &mut buffer).map_err(E::custom)?;
                return (self.from_octets)(&octets).map_err(E::custom);
            }
            if self.context.is_concise() {
                self.context.tolerate("a text, where octets are due (JADN 4.4)")?;
            }
            (self.from_text)(self.context, text).map_err(E::custom)
        }

        fn visit_bytes<E: Error>(self, octets: &[u8]) -> Result<T, E> {
            if !self.context.is_concise() {
                self.context.tolerate("octets, where a text is due")?;
            }
            (self.from_octets)(octets).map_err(E::custom)
        }
    }

    let visitor = Binary { context, what, from_text, from_octets };
    if visitor.context.is_binary() {
        deserializer.deserialize_any(visitor)
    } else {
        deserializer.deserialize_str(visitor)
    }
}

/// Octets from base64url, with or without padding (DECISIONS L15).
pub(crate) fn from_base64url(text: &str) -> Result<Vec<u8>, Invalid> {
    let not_base64url = || Invalid::text(text, "is not base64url");
    // The decoder takes several padded texts in a row for one.
    if text.trim_end_matches('=').contains('=') {
        return Err(not_base64url());
    }
    let encoding = if text.ends_with('=') { BASE64URL } else { BASE64URL_NOPAD };
    encoding.decode(text.as_bytes()).map_err(|_| not_base64url())
}

/// The same without an allocation, while they are as few as those of an address or a hash.
fn octets_of_base64url<'b>(text: &str, buffer: &'b mut [u8; 64]) -> Result<Cow<'b, [u8]>, Invalid> {
    let Some(octets) = BASE64URL_NOPAD.decode_len(text.len()).ok().and_then(|n_octets| buffer.get_mut(..n_octets))
    else {
        return from_base64url(text).map(Cow::Owned);
    };
    match BASE64URL_NOPAD.decode_mut(text.as_bytes(), octets) {
        Ok(_) => Ok(Cow::Borrowed(octets)),
        // It has padding, or is none.
        Err(_) => from_base64url(text).map(Cow::Owned),
    }
}

/// I-JSON has no noncharacters (RFC 7493 2.1).
#[inline]
pub(crate) fn refuse_noncharacters<E: Error>(context: &mut Context, text: &str) -> Result<(), E> {
    if text.is_ascii() {
        return Ok(());
    }
    let Some(char) = noncharacter(text) else { return Ok(()) };
    context.blame(clauses::CHARACTERS);
    Err(E::custom(format_args!("{} holds the noncharacter U+{:04X}", Quoted(text), u32::from(char))))
}

/// Reads a Boolean; nothing converts to one.
pub(super) fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    struct Boolean;

    impl Visitor<'_> for Boolean {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("true or false")
        }

        fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
            Ok(value)
        }
    }

    deserializer.deserialize_any(Boolean)
}

/// Reads a list; `what` completes "a list of".
///
/// # Errors
/// The deserializer's: not a list, longer than the limit, or an item that cannot be read.
pub fn list<'de, D: Deserializer<'de>, T: Read>(
    context: &mut Context,
    deserializer: D,
    what: &'static str,
) -> Result<Vec<T>, D::Error> {
    let mut items = Vec::new();
    each(context, deserializer, what, &mut items)?;
    Ok(items)
}

/// Reads a list and hands on its items, one by one.
///
/// # Errors
/// As [`list`].
pub(crate) fn each<'de, D: Deserializer<'de>, T: Read, P: Place<T>>(
    context: &mut Context,
    deserializer: D,
    what: &'static str,
    place: &mut P,
) -> Result<(), D::Error> {
    struct List<'c, T, P> {
        context: &'c mut Context,
        what: &'static str,
        place: &'c mut P,
        item: PhantomData<T>,
    }

    impl<'de, T: Read, P: Place<T>> Visitor<'de> for List<'_, T, P> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of {}", self.what)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
            read_each(self.context, seq, self.place)
        }
    }

    deserializer.deserialize_seq(List { context, what, place, item: PhantomData })
}

/// The same for a list that was begun.
///
/// # Errors
/// Longer than the limit, or an item that cannot be read.
#[inline]
fn read_each<'de, A: SeqAccess<'de>, T: Read, P: Place<T>>(
    context: &mut Context,
    mut seq: A,
    place: &mut P,
) -> Result<(), A::Error> {
    read_each_by(context, |context| {
        seq.next_element_seed(PlaceSeed { context, place: &mut *place, value: PhantomData })
    })
}

/// Reads the items of a list by `read`, which says when there are no more.
///
/// # Errors
/// Longer than the limit, or an item that cannot be read.
#[inline]
pub(crate) fn read_each_by<E: Error>(
    context: &mut Context,
    mut read: impl FnMut(&mut Context) -> Result<Option<()>, E>,
) -> Result<(), E> {
    let limit = context.limits().items;
    let n_faults = context.n_faults();
    context.within_list(|context| {
        for index in 0.. {
            match context.placed(Segment::Index(index), &mut read) {
                Ok(None) => break,
                Ok(Some(())) if index == limit => {
                    context.blame(clauses::BOUNDS);
                    return Err(E::custom(format_args!("more than {limit} items")));
                }
                Ok(Some(())) => {}
                Err(error) => context.recover(error)?,
            }
        }
        Ok(())
    })?;
    context.settle(n_faults)
}

/// Refuses a list in which a value stands twice.
///
/// # Errors
/// The value that does.
pub fn unique<T: Ord + Hash + fmt::Display>(items: &[T]) -> Result<(), Invalid> {
    if !may_repeat(items) {
        return Ok(());
    }
    let mut sorted: Vec<_> = items.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(Invalid::new(format!("{} stands twice", Quoted(&pair[0].to_string())))),
    }
}

/// Whether two items are the same, or too many of one hash. Whoever provokes that makes us sort them, and that is all.
fn may_repeat<T: Eq + Hash>(items: &[T]) -> bool {
    if items.len() <= FEW {
        return items.iter().enumerate().any(|(i, item)| items[..i].contains(item));
    }
    // The positions of the items, one more each, by their hashes; more than half of the slots stay free.
    let mut slots = vec![0u32; 2 * items.len().next_power_of_two()];
    let mask = slots.len() - 1;
    let mut n_steps = 0;
    for (position, item) in (1..).zip(items) {
        let mut hasher = Quick(0);
        item.hash(&mut hasher);
        #[allow(clippy::cast_possible_truncation, reason = "the upper half of it")]
        let mut slot = (hasher.0 >> 32) as usize & mask;
        while slots[slot] != 0 {
            n_steps += 1;
            if items[slots[slot] as usize - 1] == *item || n_steps > MANY * items.len() {
                return true;
            }
            slot = (slot + 1) & mask;
        }
        slots[slot] = position;
    }
    false
}

/// Eight bytes at a time, and multiplied: for the short texts it is for. Whoever finds many of one hash gains nothing.
struct Quick(u64);

impl Hasher for Quick {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        self.write_u64(rest.iter().fold(bytes.len() as u64, |word, byte| word << 8 | u64::from(*byte)));
    }

    /// What parts one text from the next.
    #[inline]
    fn write_u8(&mut self, byte: u8) {
        self.0 ^= u64::from(byte);
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// So many steps for each item, and the search for one hash gives way to sorting.
const MANY: usize = 8;

/// So few are compared each with each other.
const FEW: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_stands_twice_is_found_wherever_it_stands() {
        for length in [2usize, FEW, FEW + 1, 1000] {
            let texts: Vec<String> = (0..length).map(|number| format!("p{number}")).collect();
            assert!(unique(&texts).is_ok(), "{length}");
            for (from, to) in [(0, length - 1), (length - 1, 0), (length / 2, length / 2 - 1)] {
                let mut texts = texts.clone();
                texts[to] = texts[from].clone();
                let expected = format!("\"{}\" stands twice", texts[from]);
                assert_eq!(unique(&texts).map_err(|invalid| invalid.to_string()), Err(expected));
            }
        }
    }

    /// Values that all have the same hash.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    struct Alike(u32);

    impl Hash for Alike {
        fn hash<H: Hasher>(&self, _: &mut H) {}
    }

    impl fmt::Display for Alike {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fmt(f)
        }
    }

    #[test]
    fn values_of_one_hash_are_sorted_instead() {
        let mut values: Vec<_> = (0..1000).map(Alike).collect();
        assert!(may_repeat(&values), "it gives up");
        assert!(unique(&values).is_ok());
        values[999] = Alike(0);
        assert!(unique(&values).is_err());
    }
}
