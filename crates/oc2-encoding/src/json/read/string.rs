//! Reading strings of JSON (RFC 8259 7).

use serde::de::Visitor;

use super::{JsonError, Reader};

impl<'de> Reader<'de> {
    /// Reads a string, of which the first quote was read.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<Text<'de, '_>, JsonError> {
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

    /// How many bytes of a string stand for themselves, up to its end; 0 if something else ends them.
    #[inline(never)]
    pub(super) fn n_plain(&self) -> usize {
        let end = end_of_plain(self.text.as_bytes(), self.at);
        if self.text.as_bytes().get(end) == Some(&b'"') { end - self.at } else { 0 }
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

    /// Skips a string, of which the first quote was read; whether its escapes are characters is of no interest.
    pub(super) fn skip_string(&mut self) -> Result<(), JsonError> {
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
}

/// The contents of a string.
pub(super) enum Text<'de, 's> {
    Lent(&'de str),
    Decoded(&'s str),
}

impl<'de> Text<'de, '_> {
    #[inline(always)]
    pub(super) fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self {
            Self::Lent(text) => visitor.visit_borrowed_str(text),
            Self::Decoded(text) => decoded(text, visitor),
        }
    }
}

#[cold]
#[inline(never)]
fn decoded<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, JsonError> {
    visitor.visit_str(text)
}

/// How many of 16 bytes stand before the first quote.
#[inline(always)]
pub(super) fn quote(bytes: u128) -> usize {
    let is_quote = |word: u64| {
        let word = word ^ (ONES * 0x22);
        word.wrapping_sub(ONES) & !word & (ONES << 7)
    };
    #[allow(clippy::cast_possible_truncation, reason = "one half, and the other")]
    let (low, high) = (bytes as u64, (bytes >> 64) as u64);
    (u128::from(is_quote(low)) | u128::from(is_quote(high)) << 64).trailing_zeros() as usize / 8
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
pub(in crate::json) fn not_plain(chunk: [u8; 8]) -> u64 {
    let chunk = u64::from_le_bytes(chunk);
    let is_zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    let is_control = chunk.wrapping_sub(ONES * 0x20) & !chunk;
    (is_zero(chunk ^ (ONES * 0x22)) | is_zero(chunk ^ (ONES * 0x5c)) | is_control) & (ONES << 7)
}

const ONES: u64 = u64::MAX / 0xff;

/// The same near the end, where there are no eight bytes to be had: those that are there are the last ones of eight.
#[inline(never)]
fn end_of_rest(bytes: &[u8], at: usize) -> usize {
    let n_left = bytes.len().saturating_sub(at);
    let Some(last) = bytes.last_chunk::<8>().filter(|_| (1..8).contains(&n_left)) else {
        let rest = bytes.get(at..).unwrap_or_default();
        return at + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len());
    };
    // What is shifted in is a control character, so that the text ends there at the latest.
    let rest = u64::from_le_bytes(*last) >> (8 * (8 - n_left));
    at + not_plain(rest.to_le_bytes()).trailing_zeros() as usize / 8
}
