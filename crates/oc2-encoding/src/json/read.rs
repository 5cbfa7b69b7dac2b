//! Reading JSON (RFC 8259): one pass over a text, which it lends to whoever reads.
//!
//! A reader of our own, because a message is mostly short names: they are found many bytes at a time and handed on without a copy.
//! It takes what `serde_json` takes and refuses what that refuses, in the same words; a test compares the two.

use std::fmt;

use oc2_core::shape::is_same_name;
use serde::de::{self, DeserializeSeed, Deserializer, Expected, Unexpected, Visitor};

use crate::foreseen::{Foreseen, Position};

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

    /// Reads a string, of which the first quote was read.
    #[inline(always)]
    fn string(&mut self) -> Result<Text<'de, '_>, JsonError> {
        let start = self.at;
        self.at = end_of_plain(self.text.as_bytes(), start);
        if self.text.as_bytes().get(self.at) == Some(&b'"') {
            let text = &self.text[start..self.at];
            self.at += 1;
            return Ok(Text::Lent(text));
        }
        self.escaped_string(start)?;
        Ok(Text::Decoded(&self.scratch))
    }

    /// The rest of a string that is plain up to here.
    #[cold]
    fn escaped_string(&mut self, start: usize) -> Result<(), JsonError> {
        self.scratch.clear();
        self.scratch.push_str(&self.text[start..self.at]);
        loop {
            match self.text.as_bytes().get(self.at) {
                None => return Err(self.behind("EOF while parsing a string")),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    let char = self.escape()?;
                    self.scratch.push(char);
                }
                Some(_) => {
                    self.at += 1;
                    return Err(self.behind("control character (\\u0000-\\u001F) found while parsing a string"));
                }
            }
            let plain = self.at;
            self.at = end_of_plain(self.text.as_bytes(), plain);
            self.scratch.push_str(&self.text[plain..self.at]);
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let Some(byte) = self.text.as_bytes().get(self.at) else {
            return Err(self.behind("EOF while parsing a string"));
        };
        self.at += 1;
        Ok(match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.code_point(),
            _ => return Err(self.behind("invalid escape")),
        })
    }

    fn code_point(&mut self) -> Result<char, JsonError> {
        let unit = self.code_unit()?;
        let lone = |reader: &Self| reader.behind("lone leading surrogate in hex escape");
        if !(0xd800..0xdc00).contains(&unit) {
            return char::from_u32(unit).ok_or_else(|| lone(self));
        }
        for expected in [b'\\', b'u'] {
            match self.text.as_bytes().get(self.at) {
                None => return Err(self.behind("EOF while parsing a string")),
                Some(byte) if *byte == expected => self.at += 1,
                Some(_) => {
                    self.at += 1;
                    return Err(self.behind("unexpected end of hex escape"));
                }
            }
        }
        let second = self.code_unit()?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(lone(self));
        }
        char::from_u32(0x1_0000 + ((unit - 0xd800) << 10 | (second - 0xdc00))).ok_or_else(|| lone(self))
    }

    fn code_unit(&mut self) -> Result<u32, JsonError> {
        let Some(digits) = self.text.as_bytes().get(self.at..self.at + 4) else {
            self.at = self.text.len();
            return Err(self.behind("EOF while parsing a string"));
        };
        let unit = digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?));
        self.at += 4;
        unit.ok_or_else(|| self.behind("invalid escape"))
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

    /// Skips a string, of which the first quote was read; whether its escapes are characters is of no interest.
    fn skip_string(&mut self) -> Result<(), JsonError> {
        loop {
            self.at = end_of_plain(self.text.as_bytes(), self.at);
            match self.text.as_bytes().get(self.at..) {
                Some([b'\\', b'u', ..]) => {
                    self.at += 2;
                    self.code_unit()?;
                }
                Some([b'\\', ..]) => {
                    self.at += 1;
                    self.escape()?;
                }
                // The end, or what ends a string too soon.
                _ => return self.string().map(|_| ()),
            }
        }
    }

    /// Reads a number of one digit with something behind it, as most ids and many numbers are.
    #[inline(always)]
    fn digit(&mut self) -> Option<u64> {
        match self.text.as_bytes().get(self.at..)? {
            [digit @ b'0'..=b'9', b',' | b']' | b'}', ..] => {
                self.at += 1;
                Some((digit - b'0').into())
            }
            _ => None,
        }
    }

    /// Reads a number and tells the visitor.
    fn number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, JsonError> {
        let start = self.at;
        let is_negative = self.text.as_bytes()[start] == b'-';
        match self.scan_number()? {
            Some(value) if !is_negative => visitor.visit_u64(value),
            // Zero has a sign as a fraction only.
            Some(0) | None => self.float(start, visitor),
            Some(value) => match 0i64.checked_sub_unsigned(value) {
                Some(value) => visitor.visit_i64(value),
                None => self.float(start, visitor),
            },
        }
    }

    /// Skips a number; its digits, if it is an integer that fits.
    fn scan_number(&mut self) -> Result<Option<u64>, JsonError> {
        let bytes = self.text.as_bytes();
        let is_negative = bytes[self.at] == b'-';
        self.at += usize::from(is_negative);
        let first = self.at;
        let mut value = 0u64;
        while let Some(digit) = bytes.get(self.at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
            value = value.wrapping_mul(10).wrapping_add(digit.into());
            self.at += 1;
        }
        // 19 digits fit, whichever they are.
        let value = if self.at - first <= 19 { Some(value) } else { self.text[first..self.at].parse().ok() };
        match self.at - first {
            0 if self.at == bytes.len() => return Err(self.behind("EOF while parsing a value")),
            0 => {
                self.at += 1;
                return Err(self.behind("invalid number"));
            }
            1 => {}
            _ if bytes[first] == b'0' => {
                self.at = first + 2;
                return Err(self.behind("invalid number"));
            }
            _ => {}
        }
        if matches!(bytes.get(self.at), Some(b'.' | b'e' | b'E')) {
            return self.fraction().map(|()| None);
        }
        Ok(value)
    }

    /// Skips the part of a number behind its integer.
    fn fraction(&mut self) -> Result<(), JsonError> {
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(bytes.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let n = self.text.as_bytes()[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += n;
        match n {
            0 if self.at == self.text.len() => Err(self.behind("EOF while parsing a value")),
            0 => Err(self.ahead("invalid number")),
            _ => Ok(()),
        }
    }

    fn float<V: Visitor<'de>>(&mut self, start: usize, visitor: V) -> Result<V::Value, JsonError> {
        match self.text[start..self.at].parse::<f64>() {
            Ok(value) if value.is_finite() => visitor.visit_f64(value),
            _ => Err(self.behind("number out of range")),
        }
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
                match (Members { reader: self, is_first, foreseen: Foreseen::NOTHING }).next(bracket)? {
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

/// The contents of a string.
enum Text<'de, 's> {
    Lent(&'de str),
    Decoded(&'s str),
}

impl<'de> Text<'de, '_> {
    #[inline(always)]
    fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self {
            Self::Lent(text) => visitor.visit_borrowed_str(text),
            Self::Decoded(text) => visitor.visit_str(text),
        }
    }
}

/// Where the bytes end that stand for themselves in a string: at a quote, a backslash or a control character.
#[inline(always)]
fn end_of_plain(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let hits = not_plain(*chunk);
        if hits != 0 {
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
        if at - start == LONG {
            at = end_of_plain_chunks(bytes, at);
        }
    }
    end_of_rest(bytes, at)
}

/// The same for a long text, to the last chunk before that end.
#[inline(never)]
fn end_of_plain_chunks(bytes: &[u8], start: usize) -> usize {
    let (chunks, _) = bytes[start..].as_chunks::<LONG>();
    let is_plain = |chunk: &&[u8; LONG]| {
        chunk.iter().fold(true, |plain, byte| plain & (*byte >= 0x20) & (*byte != b'"') & (*byte != b'\\'))
    };
    start + chunks.iter().take_while(is_plain).count() * LONG
}

/// A text that is longer than so many bytes is looked at so many bytes at a time.
const LONG: usize = 64;

/// The high bit of each byte that does not stand for itself; above the first there may be false ones.
#[inline(always)]
pub(super) fn not_plain(chunk: [u8; 8]) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    let chunk = u64::from_le_bytes(chunk);
    let is_zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    let is_control = chunk.wrapping_sub(ONES * 0x20) & !chunk;
    (is_zero(chunk ^ (ONES * 0x22)) | is_zero(chunk ^ (ONES * 0x5c)) | is_control) & (ONES << 7)
}

/// The same near the end, where there are no eight bytes to be had.
#[inline(never)]
fn end_of_rest(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len())
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
                let res = visitor.visit_map(Members { reader: self, is_first: true, foreseen: Foreseen::NOTHING });
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
                let foreseen = Foreseen::new(expected);
                let res = visitor.visit_map(Members { reader: self, is_first: true, foreseen });
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
                let res = visitor.visit_seq(Members { reader: self, is_first: true, foreseen: Foreseen::NOTHING });
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
        if let Some(digit) = self.digit() {
            return visitor.visit_u64(digit);
        }
        match self.peek() {
            Some(b'0'..=b'9') => self.number(visitor),
            _ => self.something_else(visitor),
        }
    }

    /// A name or an id.
    #[inline(always)]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.digit() {
            Some(digit) => visitor.visit_u64(digit),
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
    foreseen: Foreseen,
}

impl<'de> Members<'_, 'de> {
    /// Which of the next few names the key is, of which the first quote was read.
    #[inline(always)]
    fn foreseen(&mut self) -> Option<Position<JsonError>> {
        let text = self.reader.text.as_bytes().get(self.reader.at..)?;
        let is_key = |name: &str| match (text.get(..name.len()), text.get(name.len())) {
            (Some(start), Some(b'"')) => is_same_name(start, name.as_bytes()),
            _ => false,
        };
        let (name, position) = self.foreseen.find(is_key)?;
        self.reader.at += name.len() + 1;
        Some(position)
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
        match self.foreseen() {
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

    /// An object that ends here takes no call.
    #[inline(always)]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, JsonError> {
        if self.reader.is_at(b'}') { Ok(None) } else { self.next_key(seed) }
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

/// Why a text is not what is due.
#[derive(Debug)]
pub(crate) struct JsonError(Box<Cause>);

#[derive(Debug)]
enum Cause {
    /// It is no JSON.
    Syntax(String),
    /// It is JSON of something else.
    Data(String),
}

impl JsonError {
    fn syntax(message: &'static str, text: &str, at: usize) -> Self {
        let before = &text.as_bytes()[..at];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count();
        Self(Box::new(Cause::Syntax(format!("{message} at line {line} column {column}"))))
    }

    /// Whether the text is JSON, as far as it was read.
    pub(crate) fn is_data(&self) -> bool {
        matches!(*self.0, Cause::Data(_))
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Cause::Syntax(message) | Cause::Data(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for JsonError {}

impl de::Error for JsonError {
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

/// Objects and lists within each other, whatever they are in.
const MAX_DEPTH: u8 = 128;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde::Deserialize;
    use serde_json::Value;

    use super::*;

    fn ours(text: &str) -> Result<Value, String> {
        let mut reader = Reader::new(text);
        let value = Value::deserialize(&mut reader).map_err(|error| error.to_string())?;
        reader.end().map_err(|error| error.to_string())?;
        Ok(value)
    }

    fn skipped(text: &str) -> Result<(), String> {
        let mut reader = Reader::new(text);
        de::IgnoredAny::deserialize(&mut reader).map_err(|error| error.to_string())?;
        reader.end().map_err(|error| error.to_string())
    }

    #[track_caller]
    fn check(text: &str) {
        let theirs = serde_json::from_str::<Value>(text);
        match (ours(text), theirs) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!(ours, theirs, "{text}");
                assert_eq!(ours.to_string(), theirs.to_string(), "{text}");
            }
            // The place of a number that is too large is its end; serde_json's is where it noticed.
            (Err(ours), Err(theirs)) if ours.starts_with("number out of range") => {
                assert!(theirs.to_string().starts_with("number out of range"), "{text}: {ours}, {theirs}");
            }
            (Err(ours), Err(theirs)) => assert_eq!(ours, theirs.to_string(), "{text}"),
            (ours, theirs) => panic!("{text}: {ours:?}, {theirs:?}"),
        }
        let theirs = serde_json::from_str::<de::IgnoredAny>(text);
        assert_eq!(skipped(text).is_ok(), theirs.is_ok(), "{text}: {:?} {theirs:?}", skipped(text));
    }

    // LS-005, LS-048
    #[test]
    fn what_is_read_and_refused_is_what_serde_json_reads_and_refuses() {
        for text in [
            "",
            " ",
            "null",
            "nul",
            "nulx",
            "true",
            "tru",
            "false",
            "fals",
            "-",
            "-0",
            "0",
            "00",
            "01",
            "-01",
            "-0.0",
            "1.",
            "1.e",
            "1.5",
            ".5",
            "1e",
            "1e+",
            "1e5",
            "1E-5",
            "1e400",
            "-1e400",
            "1e-400",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "-9223372036854775808",
            "-9223372036854775809",
            "1x",
            "1 2",
            "+1",
            "123456789012345678901234567890",
            "0.1234567890123456789",
            "\"\"",
            "\"a",
            "\"\\",
            "\"\\n\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u0041\"",
            "\"\\ud800\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83d\\u0041\"",
            "\"\\ud83dx\"",
            "\"\\udc00\"",
            "\"\\u00g0\"",
            "\"\\ud83d\\n\"",
            "\"\u{1}\"",
            "\"12345678\"",
            "\"1234567\\t8\"",
            "\"1234567\u{1f}8\"",
            "\"\u{7f}\u{80}\u{10ffff}\"",
            "[]",
            "[ ]",
            "[",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1]]",
            "{}",
            "{ }",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{1:2}",
            "{\"a\":1 \"b\":2}",
            "{\"a\":{\"b\":[null,true,{}]},\"c\":\"d\"}",
            "{\"a\\u0062\":1}",
            "\u{feff}1",
            "\n\r\t 1 \n",
            "[1]\n\nx",
            "{\"a\":1,\"a\":2}",
            "x",
            "}",
            "]",
            ",",
            ":",
            "{\"a\":]",
            "[}",
            "{\"a\":1]",
            "[1}",
        ] {
            check(text);
        }
        for depth in [126, 127, 128, 129, 200] {
            check(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
            check(&format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)));
        }
    }

    #[test]
    fn documents_with_anything_changed_are_read_and_refused_alike() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus");
        let index = std::fs::read_to_string(corpus.join("corpus.tsv")).expect("the corpus");
        // xorshift: the same changes in every run.
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut random = move |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below as u64).expect("small")
        };
        let pieces = [
            "\"",
            "\\",
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "0",
            "-",
            ".",
            "e",
            " ",
            "\n",
            "\u{1}",
            "\\u",
            "d8",
            "null",
            "ä",
            "\u{1f600}",
        ];
        let mut n_read = 0;
        for path in index.lines().skip(1).filter_map(|line| line.split('\t').next()) {
            let bytes = std::fs::read(corpus.join(path)).expect("a document");
            let Ok(text) = String::from_utf8(bytes) else { continue };
            check(&text);
            for _ in 0..12.min(text.len()) {
                let mut chars: Vec<String> = text.chars().take(4_000).map(String::from).collect();
                let at = random(chars.len());
                match random(4) {
                    0 => chars.truncate(at),
                    1 => chars[at] = pieces[random(pieces.len())].to_owned(),
                    2 => chars.insert(at, pieces[random(pieces.len())].to_owned()),
                    _ => {
                        chars.remove(at);
                    }
                }
                check(&chars.concat());
                n_read += 1;
            }
        }
        assert!(n_read > 8_000, "{n_read}");
    }
}
