//! Reading CBOR (RFC 8949): one pass over bytes, which it lends to whoever reads.
//!
//! A reader of our own, because `serde_cbor` takes half the time of a message: its results and errors travel through memory, and
//! its one way to read a value is every way. It takes what `serde_cbor` takes and refuses what that refuses, in the same words; a
//! test compares the two. Tags and undefined, which no type has, it refuses wherever they stand; [`items`](super::items) words it.

use std::fmt;

use oc2_core::shape::{Announced, sixteen};
use serde::de::{self, DeserializeSeed, Deserializer, Expected, Unexpected, Visitor};

use super::items::{
    BREAK, DOUBLE, FALSE, HALF, INFORMATION, LIST, MAP, NEGATIVE, NULL, OCTETS, SIMPLE, SINGLE, TEXT, TRUE, UNKNOWN,
    UNSIGNED,
};
use crate::position::Position;

/// Bytes of CBOR, and how far they were read.
#[derive(Debug)]
pub(crate) struct Reader<'de> {
    bytes: &'de [u8],
    at: usize,
    /// How much deeper values may be within each other.
    depth_left: u8,
}

impl<'de> Reader<'de> {
    pub(crate) fn new(bytes: &'de [u8]) -> Self {
        Self { bytes, at: 0, depth_left: MAX_DEPTH }
    }

    /// Insists that nothing follows.
    ///
    /// # Errors
    /// Something does.
    pub(crate) fn end(&mut self) -> Result<(), CborError> {
        match self.next() {
            None => Ok(()),
            Some(_) => Err(self.fail("trailing data")),
        }
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline(always)]
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// An error at what comes next.
    #[cold]
    fn fail(&self, message: &'static str) -> CborError {
        CborError::syntax(message, self.at)
    }

    #[cold]
    fn end_of_file(&self) -> CborError {
        CborError::syntax("EOF while parsing a value", self.bytes.len())
    }

    /// So many bytes.
    #[inline(always)]
    fn take(&mut self, n_bytes: u64) -> Result<&'de [u8], CborError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match usize::try_from(n_bytes).ok().and_then(|n_bytes| rest.get(..n_bytes)) {
            Some(taken) => {
                self.at += taken.len();
                Ok(taken)
            }
            None => Err(self.end_of_file()),
        }
    }

    /// The argument of a head, of which the first byte was read: a number or a length.
    #[inline(always)]
    fn argument(&mut self, initial: u8) -> Result<u64, CborError> {
        match initial & INFORMATION {
            argument @ 0..24 => Ok(argument.into()),
            24 => self.next().map(u64::from).ok_or_else(|| self.end_of_file()),
            information => self.long_argument(information),
        }
    }

    #[inline(never)]
    fn long_argument(&mut self, information: u8) -> Result<u64, CborError> {
        let n_bytes = match information {
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return Err(self.fail("unassigned type")),
        };
        Ok(self.take(n_bytes)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// Reads a text of known length and tells the visitor.
    #[inline(always)]
    fn text<V: Visitor<'de>>(&mut self, initial: u8, visitor: V) -> Result<V::Value, CborError> {
        let n_bytes = self.argument(initial)?;
        let start = self.at;
        if n_bytes.checked_add(start as u64).is_none() {
            return Err(self.fail("length out of range"));
        }
        match str::from_utf8(self.take(n_bytes)?) {
            Ok(text) => visitor.visit_borrowed_str(text),
            Err(error) => Err(CborError::syntax("invalid UTF-8", start + error.valid_up_to())),
        }
    }

    #[cold]
    fn text_in_parts<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, CborError> {
        let octets = self.parts(TEXT)?;
        match str::from_utf8(&octets) {
            Ok(text) => visitor.visit_str(text),
            Err(error) => Err(CborError::syntax("invalid UTF-8", self.at - (octets.len() - error.valid_up_to()))),
        }
    }

    /// The parts of a string of no known length, which are strings of the same kind.
    fn parts(&mut self, kind: u8) -> Result<Vec<u8>, CborError> {
        let mut octets = Vec::new();
        loop {
            match self.next() {
                None => return Err(self.end_of_file()),
                Some(BREAK) => return Ok(octets),
                Some(initial) if initial >> 5 == kind && initial & INFORMATION < 28 => {
                    let n_bytes = self.argument(initial)?;
                    octets.extend_from_slice(self.take(n_bytes)?);
                }
                Some(_) => return Err(self.fail("unexpected code")),
            }
        }
    }

    fn negative<V: Visitor<'de>>(&mut self, initial: u8, visitor: V) -> Result<V::Value, CborError> {
        let argument = self.argument(initial)?;
        match i64::try_from(argument) {
            Ok(argument) => visitor.visit_i64(-1 - argument),
            Err(_) => visitor.visit_i128(-1 - i128::from(argument)),
        }
    }

    /// What is neither a number nor contains anything.
    fn simple<V: Visitor<'de>>(&mut self, initial: u8, visitor: V) -> Result<V::Value, CborError> {
        match initial {
            FALSE => visitor.visit_bool(false),
            TRUE => visitor.visit_bool(true),
            NULL => visitor.visit_unit(),
            HALF => visitor.visit_f64(half(self.fixed().map(u16::from_be_bytes)?)),
            SINGLE => visitor.visit_f64(self.fixed().map(f32::from_be_bytes)?.into()),
            DOUBLE => visitor.visit_f64(self.fixed().map(f64::from_be_bytes)?),
            BREAK => Err(self.fail("unexpected code")),
            _ => Err(self.fail("unassigned type")),
        }
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        self.take(N as u64)?.first_chunk().copied().ok_or_else(|| self.end_of_file())
    }

    /// Reads what is within a list or an object, of which the first byte was read.
    #[inline(always)]
    fn within<T>(
        &mut self,
        initial: u8,
        announced: Announced,
        read: impl FnOnce(&mut Within<'_, 'de>) -> Result<T, CborError>,
    ) -> Result<T, CborError> {
        let left = if initial & INFORMATION == UNKNOWN { None } else { Some(self.argument(initial)?) };
        self.depth_left -= 1;
        if self.depth_left == 0 {
            return Err(self.fail("recursion limit exceeded"));
        }
        let mut within = Within { reader: self, left, announced };
        let res = read(&mut within);
        // The value stays where it is: it may be large.
        if res.is_ok() {
            match within.left {
                Some(0) => {}
                Some(_) => return Err(self.fail("trailing data")),
                None => self.leave(initial)?,
            }
        }
        self.depth_left += 1;
        res
    }

    /// The end of a list or an object of no known length.
    #[cold]
    fn leave(&mut self, initial: u8) -> Result<(), CborError> {
        match self.next() {
            Some(BREAK) => Ok(()),
            Some(_) => Err(self.fail("trailing data")),
            None => Err(self.fail(end_of_file_within(initial >> 5))),
        }
    }

    /// A value of another kind than the one that is due.
    #[cold]
    #[inline(never)]
    fn something_else<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, CborError> {
        self.deserialize_any(visitor)
    }
}

fn end_of_file_within(kind: u8) -> &'static str {
    if kind == MAP { "EOF while parsing a map" } else { "EOF while parsing an array" }
}

/// A float of 16 bits (RFC 8949 appendix D).
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let value = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (fraction + 1024.0) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 0 { value } else { -value }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = CborError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
        let Some(initial) = self.next() else { return Err(self.end_of_file()) };
        let is_of_unknown_length = initial & INFORMATION == UNKNOWN;
        match initial >> 5 {
            UNSIGNED => visitor.visit_u64(self.argument(initial)?),
            NEGATIVE => self.negative(initial, visitor),
            OCTETS if is_of_unknown_length => visitor.visit_bytes(&self.parts(OCTETS)?),
            OCTETS => {
                let n_bytes = self.argument(initial)?;
                visitor.visit_borrowed_bytes(self.take(n_bytes)?)
            }
            TEXT if is_of_unknown_length => self.text_in_parts(visitor),
            TEXT => self.text(initial, visitor),
            LIST => self.within(initial, Announced::NOTHING, |items| visitor.visit_seq(items)),
            MAP => self.within(initial, Announced::NOTHING, |members| visitor.visit_map(members)),
            SIMPLE => self.simple(initial, visitor),
            // A tag.
            _ => self.argument(initial).and_then(|_| Err(self.fail("unexpected code"))),
        }
    }

    #[inline(always)]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
        if self.peek() == Some(NULL) {
            self.at += 1;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    #[inline(always)]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
        match self.peek() {
            Some(initial @ 0x60..0x7c) => {
                self.at += 1;
                self.text(initial, visitor)
            }
            _ => self.something_else(visitor),
        }
    }

    #[inline(always)]
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
        match self.peek() {
            Some(initial @ 0..0x1c) => {
                self.at += 1;
                visitor.visit_u64(self.argument(initial)?)
            }
            _ => self.something_else(visitor),
        }
    }

    /// A name or an id.
    #[inline(always)]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
        match self.peek() {
            Some(id @ 0..24) => {
                self.at += 1;
                visitor.visit_u64(id.into())
            }
            _ => self.deserialize_str(visitor),
        }
    }

    #[inline(always)]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
        match self.peek() {
            Some(initial) if initial >> 5 == LIST => {
                self.at += 1;
                self.within(initial, Announced::NOTHING, |items| visitor.visit_seq(items))
            }
            _ => self.something_else(visitor),
        }
    }

    #[inline(always)]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
        match self.peek() {
            Some(initial) if initial >> 5 == MAP => {
                self.at += 1;
                self.within(initial, Announced::NOTHING, |members| visitor.visit_map(members))
            }
            _ => self.something_else(visitor),
        }
    }

    #[inline(always)]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CborError> {
        match self.peek() {
            Some(initial) if initial >> 5 == MAP => {
                self.at += 1;
                self.within(initial, Announced::new(names), |members| visitor.visit_map(members))
            }
            _ => self.deserialize_seq(visitor),
        }
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 f64 char string bytes byte_buf unit unit_struct
        newtype_struct tuple tuple_struct enum ignored_any
    }
}

/// What is within an object or a list.
struct Within<'r, 'de> {
    reader: &'r mut Reader<'de>,
    /// How many members or items are still to come, if that was told.
    left: Option<u64>,
    announced: Announced,
}

impl Within<'_, '_> {
    /// Which of the keys that were announced the key is, if it is a short text.
    #[inline(always)]
    fn announced(&mut self) -> Option<Position<CborError>> {
        if self.announced.is_nothing() {
            return None;
        }
        let (bytes, at) = (self.reader.bytes, self.reader.at + 1);
        let initial @ 0x60..0x78 = self.reader.peek()? else { return None };
        let n = usize::from(initial & INFORMATION);
        let ahead = sixteen(bytes, at);
        let position = match self.announced.in_order(ahead) {
            Some(expected) if expected == n => self.announced.pass(),
            _ => self.announced.find(bytes, at, n, ahead)?,
        };
        self.reader.at = at + n;
        Some(Position::new(position))
    }

    /// Whether there is another one.
    #[inline(always)]
    fn has_next(&mut self, kind: u8) -> Result<bool, CborError> {
        match &mut self.left {
            Some(0) => Ok(false),
            Some(left) => {
                *left -= 1;
                Ok(true)
            }
            None => match self.reader.peek() {
                None => Err(self.reader.fail(end_of_file_within(kind))),
                Some(byte) => Ok(byte != BREAK),
            },
        }
    }
}

impl<'de> de::MapAccess<'de> for &mut Within<'_, 'de> {
    type Error = CborError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, CborError> {
        if !self.has_next(MAP)? {
            return Ok(None);
        }
        match self.announced() {
            Some(position) => seed.deserialize(position).map(Some),
            None => seed.deserialize(&mut *self.reader).map(Some),
        }
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, CborError> {
        seed.deserialize(&mut *self.reader)
    }
}

impl<'de> de::SeqAccess<'de> for &mut Within<'_, 'de> {
    type Error = CborError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, CborError> {
        if self.has_next(LIST)? { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }
}

/// Why bytes are not what is due.
#[derive(Debug)]
pub(crate) struct CborError(Box<Cause>);

#[derive(Debug)]
enum Cause {
    /// They are no CBOR, from this one on.
    Syntax(&'static str, usize),
    /// They are CBOR of something else.
    Data(String),
}

impl CborError {
    fn syntax(message: &'static str, at: usize) -> Self {
        Self(Box::new(Cause::Syntax(message, at)))
    }

    /// Whether the bytes are CBOR, as far as they were read.
    pub(crate) fn is_data(&self) -> bool {
        matches!(*self.0, Cause::Data(_))
    }
}

impl fmt::Display for CborError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Cause::Data(message) => f.write_str(message),
            Cause::Syntax(message, 0) => f.write_str(message),
            Cause::Syntax(message, at) => write!(f, "{message} at offset {at}"),
        }
    }
}

impl std::error::Error for CborError {}

impl de::Error for CborError {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Box::new(Cause::Data(message.to_string())))
    }

    /// As JSON calls it.
    #[cold]
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Unit => Self::custom(format_args!("invalid type: null, expected {expected}")),
            found => Self::custom(format_args!("invalid type: {found}, expected {expected}")),
        }
    }
}

/// One more than objects and lists within each other, whatever they are in.
const MAX_DEPTH: u8 = 128;

#[cfg(test)]
mod tests;
