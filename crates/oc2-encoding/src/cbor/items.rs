//! What has to be seen of CBOR below serde: tags, and how long a float is.

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
            6 if item.argument == SELF_DESCRIBED && item.at == 0 => start = item.end,
            6 => {
                return Err(ReadError::new(format!(
                    "not CBOR of OpenC2: tag {} at byte {}; no type has one",
                    item.argument, item.at
                )));
            }
            7 if item.initial == UNDEFINED => {
                return Err(ReadError::new(format!("not CBOR of OpenC2: undefined at byte {}", item.at)));
            }
            _ => {}
        }
    }
    Ok(&bytes[start..])
}

/// The same with every float in 64 bits, as JADN 4.4 has it; the writer below makes them as short as they can be.
pub(crate) fn widen(bytes: Vec<u8>) -> Vec<u8> {
    // Most messages have no byte that could start a float of fewer, wherever it stands.
    if !bytes.iter().fold(false, |found, byte| found | matches!(*byte, HALF | SINGLE)) {
        return bytes;
    }
    let mut wide: Vec<u8> = Vec::new();
    let mut copied = 0;
    for item in Items::of(&bytes) {
        if item.initial != HALF && item.initial != SINGLE {
            continue;
        }
        if let Ok(float) = serde_cbor::from_slice::<f64>(&bytes[item.at..item.end]) {
            wide.extend_from_slice(&bytes[copied..item.at]);
            wide.push(DOUBLE);
            wide.extend_from_slice(&float.to_be_bytes());
            copied = item.end;
        }
    }
    if copied == 0 {
        return bytes;
    }
    wide.extend_from_slice(&bytes[copied..]);
    wide
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
        let n_bytes = match initial & 0x1f {
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => 0,
        };
        let head_end = at + 1 + n_bytes;
        let argument = match n_bytes {
            0 => u64::from(initial & 0x1f),
            _ => self.bytes.get(at + 1..head_end)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)),
        };
        let is_definite_string = matches!(initial >> 5, 2 | 3) && initial & 0x1f != 31;
        let length = if is_definite_string { usize::try_from(argument).ok()? } else { 0 };
        self.at = head_end.checked_add(length)?;
        Some(Item { at, initial, argument, end: self.at })
    }
}

const SELF_DESCRIBED: u64 = 55_799;
const UNDEFINED: u8 = 0xf7;
const HALF: u8 = 0xf9;
const SINGLE: u8 = 0xfa;
const DOUBLE: u8 = 0xfb;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_become_64_bits_wide_wherever_they_stand() {
        // [1.5, "\u{3a9}", h'f93e00', {1: 100000.0}, 1.1]
        let short = b"\x85\xf9\x3e\x00\x62\xce\xa9\x43\xf9\x3e\x00\xa1\x01\xfa\x47\xc3\x50\x00\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a";
        let long = b"\x85\xfb\x3f\xf8\0\0\0\0\0\0\x62\xce\xa9\x43\xf9\x3e\x00\xa1\x01\xfb\x40\xf8\x6a\0\0\0\0\0\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a";
        assert_eq!(widen(short.to_vec()), long);
        assert_eq!(widen(b"\x82\x01\x43\xf9\x3e\x00".to_vec()), b"\x82\x01\x43\xf9\x3e\x00");
    }

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
