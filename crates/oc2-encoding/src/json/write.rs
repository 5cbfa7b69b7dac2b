//! Writing I-JSON (RFC 7493): what it does not have is an error, not a surprise for the reader.
//!
//! A writer of our own, because it is half of what a message costs: texts are looked at once, many bytes at a time, and numbers
//! that not every peer can represent are refused where they would be written (DECISIONS L34).

mod key;

use std::fmt::{self, Write as _};

use serde::ser::{self, Error as _, Serialize, Serializer};

use self::key::KeyWriter;
use super::read::not_plain;
use crate::write::{Appended, WriteError, append_start};

/// Appends a value to `out`.
///
/// # Errors
/// The value has what I-JSON does not.
pub(super) fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), WriteError> {
    value.serialize(&mut Writer(out))
}

/// Appends a text, escaped no more than it must be.
#[cfg(feature = "signature")]
pub(crate) fn append_text(out: &mut Vec<u8>, text: &str) {
    Writer(out).text(text);
}

struct Writer<'b>(&'b mut Vec<u8>);

impl Writer<'_> {
    fn integer(&mut self, value: i64) -> Result<(), WriteError> {
        if value.unsigned_abs() > MAX_INTEGER {
            return Err(too_large(&value));
        }
        match u64::try_from(value).ok().and_then(digit_of) {
            Some(digit) => self.0.push(digit),
            None => self.0.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if needs_escape(text.as_bytes()) {
            self.0.push(b'"');
            escape(self.0, text);
            self.0.push(b'"');
        } else {
            self.plain(text);
        }
    }

    /// A text that needs no escape.
    #[inline]
    fn plain(&mut self, text: &str) {
        self.0.reserve(text.len() + 2);
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
    }

    fn shown(&mut self, value: &(impl fmt::Display + ?Sized)) -> Result<(), WriteError> {
        self.0.push(b'"');
        let start = self.0.len();
        write!(Appended(self.0), "{value}").map_err(|_| WriteError::custom("a value that does not show itself"))?;
        if needs_escape(&self.0[start..]) {
            let text = String::from_utf8_lossy(&self.0[start..]).into_owned();
            self.0.truncate(start);
            escape(self.0, &text);
        }
        self.0.push(b'"');
        Ok(())
    }
}

/// The one digit that a number has.
#[inline(always)]
fn digit_of(value: u64) -> Option<u8> {
    u8::try_from(value).ok().filter(|digit| *digit < 10).map(|digit| b'0' + digit)
}

/// Looks at eight bytes at a time, at some of them twice; at all bytes of a long text, because that takes no decisions.
fn needs_escape(bytes: &[u8]) -> bool {
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => {
            let found = not_plain(*first) | not_plain(*last);
            match bytes.len() {
                ..=16 => found != 0,
                17..=64 => bytes.as_chunks::<8>().0.iter().fold(found, |found, chunk| found | not_plain(*chunk)) != 0,
                _ => {
                    bytes.iter().fold(false, |found, byte| found | (*byte < 0x20) | (*byte == b'"') | (*byte == b'\\'))
                }
            }
        }
        _ => not_plain(short_word(bytes)) != 0,
    }
}

/// A text of fewer than eight bytes, some of them twice, and spaces.
#[inline(always)]
fn short_word(bytes: &[u8]) -> [u8; 8] {
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some([a, b, c, d]), Some([e, f, g, h])) => [*a, *b, *c, *d, *e, *f, *g, *h],
        _ => match bytes {
            [] => [b' '; 8],
            [first, ..] => {
                let (middle, last) = (bytes[bytes.len() / 2], bytes[bytes.len() - 1]);
                [*first, middle, last, b' ', b' ', b' ', b' ', b' ']
            }
        },
    }
}

#[cold]
fn escape(out: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            0..0x20 => {
                let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 0xf)]);
                continue;
            }
            _ => {
                out.push(byte);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
}

fn too_large(value: &dyn fmt::Display) -> WriteError {
    WriteError::custom(format_args!("{value} is beyond plus or minus 2^53 - 1"))
}

impl<'w, 'b> Serializer for &'w mut Writer<'b> {
    type Ok = ();
    type Error = WriteError;
    type SerializeSeq = Members<'w, 'b>;
    type SerializeMap = Members<'w, 'b>;

    oc2_core::as_shapes_do!();

    fn serialize_bool(self, value: bool) -> Result<(), WriteError> {
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_i64(self, value: i64) -> Result<(), WriteError> {
        self.integer(value)
    }

    fn serialize_u64(self, value: u64) -> Result<(), WriteError> {
        i64::try_from(value).map_err(|_| too_large(&value)).and_then(|value| self.integer(value))
    }

    fn serialize_f64(self, value: f64) -> Result<(), WriteError> {
        // A number beyond 2^53 has no fraction.
        if !value.is_finite() || value.abs() > MAX_INTEGER as f64 {
            return Err(too_large(&value));
        }
        serde_json::to_writer(&mut *self.0, &value).map_err(WriteError::custom)
    }

    fn serialize_str(self, text: &str) -> Result<(), WriteError> {
        self.text(text);
        Ok(())
    }

    fn collect_str<T: ?Sized + fmt::Display>(self, value: &T) -> Result<(), WriteError> {
        self.shown(value)
    }

    fn serialize_unit(self) -> Result<(), WriteError> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Members<'w, 'b>, WriteError> {
        self.0.push(b'[');
        Ok(Members(self))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'w, 'b>, WriteError> {
        self.0.push(b'{');
        Ok(Members(self))
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), WriteError> {
        Err(WriteError::custom("JSON has no octets"))
    }

    /// A name of a table: letters, digits and underscores.
    #[inline]
    fn serialize_unit_variant(self, quoted: &'static str, _: u32, name: &'static str) -> Result<(), WriteError> {
        if !append_start(self.0, quoted, name.len() + 2) {
            self.plain(name);
        }
        Ok(())
    }
}

/// What is within an object or a list. A comma follows each of the members; the end takes the place of the last one.
struct Members<'w, 'b>(&'w mut Writer<'b>);

impl Members<'_, '_> {
    #[inline(always)]
    fn end(self, bracket: u8) {
        match self.0.0.last_mut() {
            Some(comma @ b',') => *comma = bracket,
            _ => self.0.0.push(bracket),
        }
    }
}

impl ser::SerializeSeq for Members<'_, '_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), WriteError> {
        value.serialize(&mut *self.0)?;
        self.0.0.push(b',');
        Ok(())
    }

    fn end(self) -> Result<(), WriteError> {
        self.end(b']');
        Ok(())
    }
}

impl ser::SerializeMap for Members<'_, '_> {
    type Ok = ();
    type Error = WriteError;

    #[inline]
    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), WriteError> {
        key.serialize(KeyWriter(self.0.0))
    }

    #[inline]
    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), WriteError> {
        value.serialize(&mut *self.0)?;
        self.0.0.push(b',');
        Ok(())
    }

    fn end(self) -> Result<(), WriteError> {
        self.end(b'}');
        Ok(())
    }
}

/// 2^53 - 1, the largest integer every peer can represent.
const MAX_INTEGER: u64 = (1 << 53) - 1;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn written<T: Serialize + ?Sized>(value: &T) -> String {
        let mut out = Vec::new();
        write(&mut out, value).expect("a value");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn texts_are_escaped_as_far_as_they_must_be() {
        let all: String = (0..0x300u32).filter_map(char::from_u32).collect();
        for text in ["", "plain", "\"", "\\", "\0\u{1f}\u{7f}", "\u{8}\t\n\u{c}\r", "ä\u{2028}\u{1f600}", &all] {
            assert_eq!(written(text), serde_json::to_string(text).expect("a text"));
            struct Shown<'a>(&'a str);
            impl Serialize for Shown<'_> {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self.0)
                }
            }
            assert_eq!(written(&Shown(text)), serde_json::to_string(text).expect("a text"));
        }
    }

    // LS-048
    #[test]
    fn numbers_are_those_of_i_json() {
        for (value, text) in
            [(0i64, "0"), (-1, "-1"), ((1 << 53) - 1, "9007199254740991"), (1 - (1 << 53), "-9007199254740991")]
        {
            assert_eq!(written(&value), text);
        }
        assert_eq!((written(&0.5), written(&-1e-7), written(&30.0)), ("0.5".into(), "-1e-7".into(), "30.0".into()));
        for refused in [1i64 << 53, -(1 << 53), i64::MAX, i64::MIN] {
            assert!(write(&mut Vec::new(), &refused).is_err(), "{refused}");
        }
        assert!(write(&mut Vec::new(), &u64::MAX).is_err());
        for refused in [f64::NAN, f64::INFINITY, 9_007_199_254_740_992.0, -1e300] {
            assert!(write(&mut Vec::new(), &refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn objects_and_lists_hold_what_was_put_in() {
        assert_eq!(written(&BTreeMap::from([(7, vec![1, 2]), (1024, vec![])])), r#"{"7":[1,2],"1024":[]}"#);
        assert_eq!(written(&BTreeMap::from([("a\n", Some(true)), ("b", None)])), r#"{"a\n":true,"b":null}"#);
        assert_eq!(written(&BTreeMap::<&str, u8>::new()), "{}");
        assert!(write(&mut Vec::new(), &BTreeMap::from([(-1, 0)])).is_err());
        assert!(write(&mut Vec::new(), &(1, 2)).is_err());
    }
}
