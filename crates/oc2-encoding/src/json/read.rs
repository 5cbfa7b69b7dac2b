//! Reading JSON (RFC 8259): one pass over a text, which it lends to whoever reads.
//!
//! A reader of our own, because a message is mostly short names: they are found many bytes at a time and handed on without a copy.
//! It takes what `serde_json` takes and refuses what that refuses, in the same words; a test compares the two.

mod error;
mod number;
mod string;

use oc2_core::shape::{Announced, sixteen};
use serde::de::{self, DeserializeSeed, Deserializer, Visitor};

pub(crate) use self::error::JsonError;
pub(super) use self::string::not_plain;
use self::string::quote;
use crate::position::Position;

/// A text of JSON, and how far it was read.
#[derive(Debug)]
pub(crate) struct Reader<'de> {
    text: &'de str,
    at: usize,
    depth: u8,
    /// A string that had escapes, decoded.
    scratch: String,
}

impl<'de> Reader<'de> {
    pub(crate) fn new(text: &'de str) -> Self {
        Self { text, at: 0, depth: 0, scratch: String::new() }
    }

    /// Insists that nothing follows but white space.
    ///
    /// # Errors
    /// Something does.
    pub(crate) fn end(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.ahead("trailing characters")),
        }
    }

    /// The next byte that is no white space.
    #[inline(always)]
    fn peek(&mut self) -> Option<u8> {
        match self.text.as_bytes().get(self.at) {
            Some(&byte) if byte > b' ' => Some(byte),
            _ => self.peek_behind_space(),
        }
    }

    /// Whether this byte comes next, without white space before it.
    #[inline(always)]
    fn is_at(&self, byte: u8) -> bool {
        self.text.as_bytes().get(self.at) == Some(&byte)
    }

    /// Whether this byte comes next.
    #[inline(always)]
    fn comes(&mut self, byte: u8) -> bool {
        self.is_at(byte) || self.peek_behind_space() == Some(byte)
    }

    #[inline(never)]
    fn peek_behind_space(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.at += 1,
                byte => return byte.copied(),
            }
        }
    }

    /// An error in what was read just now.
    #[cold]
    fn behind(&self, message: &'static str) -> JsonError {
        JsonError::syntax(message, self.text, self.at)
    }

    /// An error in what comes next.
    #[cold]
    fn ahead(&self, message: &'static str) -> JsonError {
        JsonError::syntax(message, self.text, (self.at + 1).min(self.text.len()))
    }

    /// A key, of which the first quote was read.
    #[inline(never)]
    fn key<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<K::Value, JsonError> {
        seed.deserialize(KeyReader(self))
    }

    /// A value of another kind than the one that is due.
    #[cold]
    #[inline(never)]
    fn something_else<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, JsonError> {
        self.deserialize_any(visitor)
    }

    fn word(&mut self, word: &'static str) -> Result<(), JsonError> {
        let bytes = self.text.as_bytes();
        for expected in word.bytes() {
            match bytes.get(self.at) {
                None => return Err(self.behind("EOF while parsing a value")),
                Some(byte) => {
                    self.at += 1;
                    if *byte != expected {
                        return Err(self.behind("expected ident"));
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads a value that is of no interest, however deep it is.
    fn skip(&mut self) -> Result<(), JsonError> {
        let mut open = Vec::new();
        loop {
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    self.at += 1;
                    open.push(if bracket == b'{' { b'}' } else { b']' });
                }
                Some(b'"') => {
                    self.at += 1;
                    self.skip_string()?;
                }
                Some(b'-' | b'0'..=b'9') => {
                    self.scan_number()?;
                }
                _ => {
                    self.deserialize_any(de::IgnoredAny)?;
                }
            }
            let mut is_first = matches!(self.text.as_bytes()[self.at - 1], b'{' | b'[') && !open.is_empty();
            // What ends here, and what comes next.
            loop {
                let Some(&bracket) = open.last() else { return Ok(()) };
                match (Members { reader: self, is_first, announced: Announced::NOTHING }).next(bracket)? {
                    Some(b'"') if bracket == b'}' => {
                        self.at += 1;
                        self.skip_string()?;
                        self.colon()?;
                        break;
                    }
                    Some(_) if bracket == b'}' => return Err(self.ahead("key must be a string")),
                    Some(_) => break,
                    None => {
                        self.at += 1;
                        open.pop();
                        is_first = false;
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn colon(&mut self) -> Result<(), JsonError> {
        if self.comes(b':') {
            self.at += 1;
            return Ok(());
        }
        Err(self.other_than("expected `:`", b'}'))
    }

    /// An error, where something else was due within an object or a list.
    #[cold]
    fn other_than(&mut self, message: &'static str, bracket: u8) -> JsonError {
        match self.peek() {
            None => self.behind(end_of_file(bracket)),
            Some(_) => self.ahead(message),
        }
    }

    fn enter(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        self.depth += 1;
        if self.depth == MAX_DEPTH { Err(self.behind("recursion limit exceeded")) } else { Ok(()) }
    }

    /// Ends an object or a list of which the visitor has read all there is.
    #[inline(always)]
    fn leave(&mut self, bracket: u8) -> Result<(), JsonError> {
        self.depth -= 1;
        if self.comes(bracket) {
            self.at += 1;
            return Ok(());
        }
        Err(self.other_than("trailing characters", bracket))
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = JsonError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.peek() {
            Some(b'"') => self.deserialize_str(visitor),
            Some(b'{') => self.deserialize_map(visitor),
            Some(b'[') => self.deserialize_seq(visitor),
            Some(b'-' | b'0'..=b'9') => self.number(visitor),
            Some(b't') => self.word("true").and_then(|()| visitor.visit_bool(true)),
            Some(b'f') => self.word("false").and_then(|()| visitor.visit_bool(false)),
            Some(b'n') => self.word("null").and_then(|()| visitor.visit_unit()),
            Some(_) => Err(self.ahead("expected value")),
            None => Err(self.behind("EOF while parsing a value")),
        }
    }

    #[inline(always)]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.peek() {
            Some(b'n') => self.word("null").and_then(|()| visitor.visit_none()),
            _ => visitor.visit_some(self),
        }
    }

    #[inline(always)]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        if !self.comes(b'"') {
            return self.something_else(visitor);
        }
        self.at += 1;
        self.string()?.visit(visitor)
    }

    #[inline(always)]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.peek() {
            Some(b'{') => {
                self.enter()?;
                let res = visitor.visit_map(Members { reader: self, is_first: true, announced: Announced::NOTHING });
                // The value stays where it is: it may be large.
                if res.is_ok() {
                    self.leave(b'}')?;
                }
                res
            }
            _ => self.something_else(visitor),
        }
    }

    #[inline(always)]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        expected: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        match self.peek() {
            Some(b'{') => {
                self.enter()?;
                let announced = Announced::new(expected);
                let res = visitor.visit_map(Members { reader: self, is_first: true, announced });
                if res.is_ok() {
                    self.leave(b'}')?;
                }
                res
            }
            _ => self.deserialize_seq(visitor),
        }
    }

    #[inline(always)]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.peek() {
            Some(b'[') => {
                self.enter()?;
                let res = visitor.visit_seq(Members { reader: self, is_first: true, announced: Announced::NOTHING });
                if res.is_ok() {
                    self.leave(b']')?;
                }
                res
            }
            _ => self.something_else(visitor),
        }
    }

    #[inline(always)]
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        if let Some(number) = self.natural() {
            return visitor.visit_u64(number);
        }
        match self.peek() {
            Some(b'0'..=b'9') => self.number(visitor),
            _ => self.something_else(visitor),
        }
    }

    /// A name or an id.
    #[inline(always)]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.natural() {
            Some(id) => visitor.visit_u64(id),
            None => self.deserialize_str(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.skip().and_then(|()| visitor.visit_unit())
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 f64 char string bytes byte_buf unit unit_struct
        newtype_struct tuple tuple_struct enum
    }
}

/// What is within an object or a list.
struct Members<'r, 'de> {
    reader: &'r mut Reader<'de>,
    is_first: bool,
    announced: Announced,
}

impl<'de> Members<'_, 'de> {
    /// The key that comes next in the table, if it comes next here, without white space.
    #[inline(always)]
    fn in_order(&mut self) -> Option<Position<JsonError>> {
        let text = self.reader.text.as_bytes();
        // What stands before the quote was read only if it is the bracket of the object.
        let quote = self.reader.at + usize::from(!self.is_first);
        let [before, b'"', ahead @ ..] = text.get(quote - 1..)?.first_chunk::<18>()? else { return None };
        let n = self.announced.in_order(u128::from_le_bytes(*ahead))?;
        if text.get(quote + 1 + n) != Some(&b'"') || !(self.is_first || *before == b',') {
            return None;
        }
        self.is_first = false;
        self.reader.at = quote + n + 2;
        Some(Position::new(self.announced.pass()))
    }

    /// Which of the keys that were announced the key is, of which the first quote was read.
    #[inline(always)]
    fn announced(&mut self) -> Option<Position<JsonError>> {
        if self.announced.is_nothing() {
            return None;
        }
        let (text, at) = (self.reader.text.as_bytes(), self.reader.at);
        let ahead = sixteen(text, at);
        let n = match quote(ahead) {
            16 => self.reader.n_plain(),
            n => n,
        };
        let position = self.announced.find(text, at, n, ahead)?;
        self.reader.at += n + 1;
        Some(Position::new(position))
    }

    #[inline(never)]
    fn next_key<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, JsonError> {
        // As most are written, without white space.
        let quote = self.reader.at + usize::from(!self.is_first);
        if (self.is_first || self.reader.is_at(b',')) && self.reader.text.as_bytes().get(quote) == Some(&b'"') {
            self.is_first = false;
            self.reader.at = quote + 1;
        } else if !self.next_quote()? {
            return Ok(None);
        }
        match self.announced() {
            Some(position) => seed.deserialize(position).map(Some),
            None => self.reader.key(seed).map(Some),
        }
    }

    /// Whether there is another key; reads its first quote.
    #[inline(never)]
    fn next_quote(&mut self) -> Result<bool, JsonError> {
        match self.next(b'}')? {
            None => Ok(false),
            Some(b'"') => {
                self.reader.at += 1;
                Ok(true)
            }
            Some(_) => Err(self.reader.ahead("key must be a string")),
        }
    }

    /// Whether there is another one, and its first byte.
    #[inline(always)]
    fn next(&mut self, bracket: u8) -> Result<Option<u8>, JsonError> {
        let byte = self.reader.peek();
        if byte == Some(bracket) {
            return Ok(None);
        }
        if std::mem::take(&mut self.is_first) {
            return match byte {
                None => Err(self.reader.behind(end_of_file(bracket))),
                byte => Ok(byte),
            };
        }
        match byte {
            Some(b',') => self.reader.at += 1,
            None => return Err(self.reader.behind(end_of_file(bracket))),
            Some(_) if bracket == b'}' => return Err(self.reader.ahead("expected `,` or `}`")),
            Some(_) => return Err(self.reader.ahead("expected `,` or `]`")),
        }
        match self.reader.peek() {
            None => Err(self.reader.behind("EOF while parsing a value")),
            Some(byte) if byte == bracket => Err(self.reader.ahead("trailing comma")),
            byte => Ok(byte),
        }
    }
}

fn end_of_file(bracket: u8) -> &'static str {
    if bracket == b'}' { "EOF while parsing an object" } else { "EOF while parsing a list" }
}

impl<'de> de::MapAccess<'de> for Members<'_, 'de> {
    type Error = JsonError;

    /// An object that ends here takes no call, nor a key that is in order.
    #[inline(always)]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, JsonError> {
        if self.reader.is_at(b'}') {
            return Ok(None);
        }
        match self.in_order() {
            Some(position) => seed.deserialize(position).map(Some),
            None => self.next_key(seed),
        }
    }

    #[inline(always)]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, JsonError> {
        self.reader.colon()?;
        seed.deserialize(&mut *self.reader)
    }
}

impl<'de> de::SeqAccess<'de> for Members<'_, 'de> {
    type Error = JsonError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, JsonError> {
        match self.next(b']')? {
            None => Ok(None),
            Some(_) => seed.deserialize(&mut *self.reader).map(Some),
        }
    }
}

/// A key, of which the first quote was read.
struct KeyReader<'r, 'de>(&'r mut Reader<'de>);

impl<'de> Deserializer<'de> for KeyReader<'_, 'de> {
    type Error = JsonError;

    #[inline(always)]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.0.string()?.visit(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Objects and lists within each other, whatever they are in.
const MAX_DEPTH: u8 = 128;

#[cfg(test)]
mod tests;
