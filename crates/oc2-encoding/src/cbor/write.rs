//! Writing CBOR, deterministic (RFC 8949 4.2.1, DECISIONS E7), but for floats: they are 64 bits wide (JADN 4.4).
//!
//! A writer of our own, because a name of a table takes `serde_cbor` two calls and a copy of unknown length. It writes what that
//! writes; a test compares the two.

use std::fmt::{self, Write as _};

use serde::ser::{self, Error as _, Serialize, Serializer};

use super::items::{BREAK, DOUBLE, FALSE, LIST, MAP, NEGATIVE, NULL, OCTETS, TEXT, TRUE, UNKNOWN, UNSIGNED};
use crate::write::{Appended, WriteError, append_start};

/// Appends a value to `out`.
pub(super) struct Writer<'b>(pub(super) &'b mut Vec<u8>);

impl Writer<'_> {
    /// Appends the first bytes of an item: its kind, and a number or a length.
    #[inline(always)]
    fn head(&mut self, kind: u8, argument: u64) {
        match argument {
            #[allow(clippy::cast_possible_truncation, reason = "it is below 24")]
            0..24 => self.0.push(kind << 5 | argument as u8),
            _ => self.long_head(kind, argument),
        }
    }

    #[inline(never)]
    fn long_head(&mut self, kind: u8, argument: u64) {
        let bytes = argument.to_be_bytes();
        let (information, n_bytes) = match argument {
            0..0x100 => (24, 1),
            0x100..0x1_0000 => (25, 2),
            0x1_0000..0x1_0000_0000 => (26, 4),
            _ => (27, 8),
        };
        self.0.push(kind << 5 | information);
        self.0.extend_from_slice(&bytes[bytes.len() - n_bytes..]);
    }

    /// Starts a list or an object of so many items or members.
    #[inline(always)]
    fn within(&mut self, kind: u8, len: Option<usize>) -> bool {
        match len {
            Some(len) => self.head(kind, len as u64),
            None => self.0.push(kind << 5 | UNKNOWN),
        }
        len.is_none()
    }

    fn shown(&mut self, value: &(impl fmt::Display + ?Sized)) -> Result<(), WriteError> {
        let start = self.0.len();
        self.0.push(TEXT << 5);
        write!(Appended(self.0), "{value}").map_err(|_| WriteError::custom("a value that does not show itself"))?;
        match self.0.len() - start - 1 {
            #[allow(clippy::cast_possible_truncation, reason = "it is below 24")]
            len @ 0..24 => self.0[start] = TEXT << 5 | len as u8,
            _ => {
                let text = self.0.split_off(start + 1);
                self.0.truncate(start);
                self.head(TEXT, text.len() as u64);
                self.0.extend_from_slice(&text);
            }
        }
        Ok(())
    }
}

impl<'w, 'b> Serializer for &'w mut Writer<'b> {
    type Ok = ();
    type Error = WriteError;
    type SerializeSeq = Within<'w, 'b>;
    type SerializeMap = Within<'w, 'b>;

    oc2_core::as_shapes_do!();

    fn serialize_bool(self, value: bool) -> Result<(), WriteError> {
        self.0.push(if value { TRUE } else { FALSE });
        Ok(())
    }

    fn serialize_i64(self, value: i64) -> Result<(), WriteError> {
        match u64::try_from(value) {
            Ok(value) => self.head(UNSIGNED, value),
            Err(_) => self.head(NEGATIVE, !value as u64),
        }
        Ok(())
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Result<(), WriteError> {
        self.head(UNSIGNED, value);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), WriteError> {
        self.0.push(DOUBLE);
        self.0.extend_from_slice(&value.to_be_bytes());
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), WriteError> {
        self.0.reserve(text.len() + 1);
        self.head(TEXT, text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, octets: &[u8]) -> Result<(), WriteError> {
        self.head(OCTETS, octets.len() as u64);
        self.0.extend_from_slice(octets);
        Ok(())
    }

    /// A name of a table, of which the quotation mark in front gives way to the head.
    #[inline(always)]
    fn serialize_unit_variant(self, quoted: &'static str, _: u32, name: &'static str) -> Result<(), WriteError> {
        let start = self.0.len();
        match u8::try_from(name.len()) {
            Ok(len @ 0..24) if append_start(self.0, quoted, name.len() + 1) => {
                self.0[start] = TEXT << 5 | len;
                Ok(())
            }
            _ => self.serialize_str(name),
        }
    }

    fn collect_str<T: ?Sized + fmt::Display>(self, value: &T) -> Result<(), WriteError> {
        self.shown(value)
    }

    fn serialize_unit(self) -> Result<(), WriteError> {
        self.0.push(NULL);
        Ok(())
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Within<'w, 'b>, WriteError> {
        let is_open = self.within(LIST, len);
        Ok(Within { writer: self, is_open })
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Within<'w, 'b>, WriteError> {
        let is_open = self.within(MAP, len);
        Ok(Within { writer: self, is_open })
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// What is within an object or a list.
pub(super) struct Within<'w, 'b> {
    writer: &'w mut Writer<'b>,
    /// Its length was not told, so that its end has to be.
    is_open: bool,
}

impl Within<'_, '_> {
    #[inline(always)]
    fn end(self) {
        if self.is_open {
            self.writer.0.push(BREAK);
        }
    }
}

impl ser::SerializeSeq for Within<'_, '_> {
    type Ok = ();
    type Error = WriteError;

    #[inline]
    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), WriteError> {
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn end(self) -> Result<(), WriteError> {
        self.end();
        Ok(())
    }
}

impl ser::SerializeMap for Within<'_, '_> {
    type Ok = ();
    type Error = WriteError;

    #[inline]
    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), WriteError> {
        key.serialize(&mut *self.writer)
    }

    #[inline]
    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), WriteError> {
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn end(self) -> Result<(), WriteError> {
        self.end();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn ours<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
        let mut out = Vec::new();
        value.serialize(&mut Writer(&mut out)).expect("a value");
        out
    }

    #[track_caller]
    fn check<T: Serialize + ?Sized>(value: &T) {
        assert_eq!(ours(value), serde_cbor::to_vec(&value).expect("a value"));
    }

    #[test]
    fn what_is_written_is_what_serde_cbor_writes() {
        for number in [0u64, 1, 23, 24, 0xff, 0x100, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, u64::MAX] {
            check(&number);
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            for number in [number, -number, -1 - number] {
                check(&number);
            }
        }
        for length in [0, 1, 23, 24, 31, 32, 255, 256, 65_535, 65_536] {
            let text = "a".repeat(length);
            check(&text);
            check(&vec![7u8; length]);
            check(&BTreeMap::from([(text.as_str(), true)]));
            struct Shown<'a>(&'a str);
            impl Serialize for Shown<'_> {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self.0)
                }
            }
            check(&Shown(&text));
            struct Raw<'a>(&'a [u8]);
            impl Serialize for Raw<'_> {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_bytes(self.0)
                }
            }
            check(&Raw(text.as_bytes()));
        }
        check(&(0..300).map(|key| (key, -key)).collect::<BTreeMap<i32, i32>>());
        check(&[Some(false), None, Some(true)][..]);
        check("\u{e4}\u{1f600}");
    }

    #[test]
    fn names_of_tables_are_texts_however_long_they_are() {
        struct Name(&'static str, &'static str);
        impl Serialize for Name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_unit_variant(self.0, 0, self.1)
            }
        }
        const SPACES: &str = "                                ";
        for length in [1, 2, 22, 23, 24, 30, 31, 40] {
            let name: &'static str = "n".repeat(length).leak();
            let quoted: &'static str = format!("\"{name}\":{SPACES}").leak();
            assert_eq!(ours(&Name(quoted, name)), ours(name), "{length}");
            assert_eq!(ours(&Name("", name)), ours(name), "{length}");
        }
    }

    // JADN-030
    #[test]
    fn floats_are_64_bits_wide() {
        assert_eq!(ours(&1.5f64), b"\xfb\x3f\xf8\0\0\0\0\0\0");
        assert_eq!(ours(&100_000f32), b"\xfb\x40\xf8\x6a\0\0\0\0\0");
    }

    #[test]
    fn what_does_not_tell_its_length_ends_all_the_same() {
        struct Open(bool);
        impl Serialize for Open {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if self.0 {
                    return ser::SerializeMap::end(serializer.serialize_map(None)?);
                }
                ser::SerializeSeq::end(serializer.serialize_seq(None)?)
            }
        }
        check(&Open(true));
        check(&Open(false));
    }
}
