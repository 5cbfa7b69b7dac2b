//! The items of CBOR (RFC 8949 3), and the tags among them, which have to be seen below serde.

use oc2_core::shape::read::ReadError;

/// The item itself, without the tag that says it is CBOR (RFC 8949 3.4.6).
pub(crate) fn untagged(bytes: &[u8]) -> Result<&[u8], ReadError> {
    // Most messages have no byte that could start a tag, wherever it stands.
    if !bytes.iter().fold(false, |found, byte| found | matches!(byte, 0xc0..=0xdb | &UNDEFINED)) {
        return Ok(bytes);
    }
    let mut start = 0;
    for item in Items::of(bytes) {
        match item.initial >> 5 {
            TAG if item.argument == SELF_DESCRIBED && item.at == 0 => start = item.end,
            TAG => {
                return Err(ReadError::new(format!(
                    "not CBOR of OpenC2: tag {} at byte {}; no type has one",
                    item.argument, item.at
                )));
            }
            SIMPLE if item.initial == UNDEFINED => {
                return Err(ReadError::new(format!("not CBOR of OpenC2: undefined at byte {}", item.at)));
            }
            _ => {}
        }
    }
    Ok(&bytes[start..])
}

/// The items of CBOR in the order of their bytes, those within others too; it ends where the bytes end or are none.
struct Items<'b> {
    bytes: &'b [u8],
    at: usize,
}

/// The head of an item, and where its own bytes end; what it contains comes next.
struct Item {
    at: usize,
    initial: u8,
    argument: u64,
    end: usize,
}

impl<'b> Items<'b> {
    fn of(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }
}

impl Iterator for Items<'_> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        let at = self.at;
        let initial = *self.bytes.get(at)?;
        let n_bytes = match initial & INFORMATION {
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => 0,
        };
        let head_end = at + 1 + n_bytes;
        let argument = match n_bytes {
            0 => u64::from(initial & INFORMATION),
            _ => self.bytes.get(at + 1..head_end)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)),
        };
        let is_definite_string = matches!(initial >> 5, OCTETS | TEXT) && initial & INFORMATION != UNKNOWN;
        let length = if is_definite_string { usize::try_from(argument).ok()? } else { 0 };
        self.at = head_end.checked_add(length)?;
        Some(Item { at, initial, argument, end: self.at })
    }
}

/// The kinds of items (RFC 8949 3.1).
pub(super) const UNSIGNED: u8 = 0;
pub(super) const NEGATIVE: u8 = 1;
pub(super) const OCTETS: u8 = 2;
pub(super) const TEXT: u8 = 3;
pub(super) const LIST: u8 = 4;
pub(super) const MAP: u8 = 5;
pub(super) const TAG: u8 = 6;
pub(super) const SIMPLE: u8 = 7;

/// The part of a first byte that is not the kind: the argument, how long it is, or that a length is not known.
pub(super) const INFORMATION: u8 = 0x1f;
pub(super) const UNKNOWN: u8 = 31;

pub(super) const FALSE: u8 = 0xf4;
pub(super) const TRUE: u8 = 0xf5;
pub(super) const NULL: u8 = 0xf6;
pub(super) const BREAK: u8 = 0xff;
pub(super) const HALF: u8 = 0xf9;
pub(super) const SINGLE: u8 = 0xfa;
pub(super) const DOUBLE: u8 = 0xfb;

const SELF_DESCRIBED: u64 = 55_799;
const UNDEFINED: u8 = 0xf7;

#[cfg(test)]
mod tests {
    use super::*;

    // JADN-038
    #[test]
    fn one_tag_may_stand_and_in_front_only() {
        assert_eq!(untagged(b"\xd9\xd9\xf7\xa1\x01\x02").ok(), Some(&b"\xa1\x01\x02"[..]));
        assert_eq!(untagged(b"\x62\xc0\xf7").ok(), Some(&b"\x62\xc0\xf7"[..]));
        for tagged in [
            &b"\xc0\x01"[..],
            b"\x81\xc1\x01",
            b"\xd9\xd9\xf7\xd9\xd9\xf7\x01",
            b"\xdb\0\0\0\0\0\0\0\x01\x01",
            b"\x81\xf7",
        ] {
            assert!(untagged(tagged).is_err(), "{tagged:02x?}");
        }
        // What ends too soon is for the reader to say.
        for cut in [&b""[..], b"\xd9\xd9", b"\x7b\xff\xff\xff\xff\xff\xff\xff\xff", b"\x42\x01", b"\x1b\x01"] {
            assert!(untagged(cut).is_ok(), "{cut:02x?}");
        }
    }
}
