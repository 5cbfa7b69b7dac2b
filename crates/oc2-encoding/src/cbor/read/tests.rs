//! The reader beside `serde_cbor`.

use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_cbor::Value;

use super::*;
use crate::cbor::items;

fn ours<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, String> {
    let mut reader = Reader::new(bytes);
    let value = T::deserialize(&mut reader).map_err(|error| error.to_string())?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(value)
}

#[track_caller]
fn check(bytes: &[u8]) {
    match items::untagged(bytes) {
        // A tag in front is for the caller to take off.
        Ok(item) if item.len() == bytes.len() => {}
        Ok(item) => return check(item),
        Err(_) => {
            assert!(ours::<IgnoredAny>(bytes).is_err(), "{bytes:02x?}");
            return;
        }
    }
    let theirs = serde_cbor::from_slice::<Value>(bytes).map_err(|error| error.to_string());
    // NaN is not equal to itself, but it looks the same.
    assert_eq!(format!("{:?}", ours::<Value>(bytes)), format!("{theirs:?}"), "{bytes:02x?}");
    let theirs = serde_cbor::from_slice::<IgnoredAny>(bytes).map_err(|error| error.to_string());
    assert_eq!(ours::<IgnoredAny>(bytes), theirs, "{bytes:02x?}");
    let theirs = serde_cbor::from_slice::<Option<String>>(bytes).map_err(|error| error.to_string());
    assert_eq!(ours::<Option<String>>(bytes), theirs, "{bytes:02x?}");
    let theirs = serde_cbor::from_slice::<Vec<i64>>(bytes).map_err(|error| error.to_string());
    assert_eq!(ours::<Vec<i64>>(bytes), theirs, "{bytes:02x?}");
    let theirs = serde_cbor::from_slice::<[u8; 2]>(bytes).map_err(|error| error.to_string());
    assert_eq!(ours::<[u8; 2]>(bytes), theirs, "{bytes:02x?}");
}

#[test]
fn what_is_read_and_refused_is_what_serde_cbor_reads_and_refuses() {
    check(b"");
    // Every first byte, with too few bytes behind it, enough, and too many.
    for initial in 0..=u8::MAX {
        for rest in [
            &b""[..],
            b"\x01",
            b"\x00\x02",
            b"\xff",
            b"\x61\x61\xff",
            b"\x00\x00\x00\x03",
            &[0; 12],
            &[0xff; 9],
            b"\xc3\xa4\x61",
        ] {
            check(&[&[initial], rest].concat());
        }
    }
    for bits in 0..=u16::MAX {
        check(&[&b"\xf9"[..], &bits.to_be_bytes()].concat());
    }
    for bytes in [
        &b"\x7f\x61a\x62\xc3\xa4\xff"[..],
        b"\x7f\x61\xc3\x61\xa4\xff",
        b"\x7f\x61a\x61\xc3\xff",
        b"\x7f\x41a\xff",
        b"\x5f\x41a\x58\x01b\xff",
        b"\x7f\x7f\x61a\xff\xff",
        b"\x9f\x01\x9f\xff\x81\x02\xff",
        b"\xbf\x01\x02\x61a\xbf\xff\xff",
        b"\xbf\x01\xff",
        b"\xa1\x01",
        b"\xa2\x01\x02",
        b"\x64ab\xffd",
        b"\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x7b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x3b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\x3b\x80\x00\x00\x00\x00\x00\x00\x00",
    ] {
        check(bytes);
    }
    for depth in [126, 127, 128, 129, 200] {
        check(&[&b"\x81".repeat(depth)[..], b"\x01"].concat());
        check(&[&b"\x9f".repeat(depth)[..], &b"\xff".repeat(depth)].concat());
        check(&[&b"\xa1\x01".repeat(depth)[..], b"\x01"].concat());
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
    let mut n_read = 0;
    for path in index.lines().skip(1).filter_map(|line| line.split('\t').next()) {
        let json = std::fs::read(corpus.join(path)).expect("a document");
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(&json) else { continue };
        let mut bytes = serde_cbor::to_vec(&value).expect("CBOR");
        check(&bytes);
        bytes.truncate(4_000);
        for _ in 0..20 {
            let mut changed = bytes.clone();
            let at = random(changed.len());
            #[allow(clippy::cast_possible_truncation, reason = "any byte")]
            let byte = random(256) as u8;
            match random(4) {
                0 => changed.truncate(at),
                1 => changed[at] = byte,
                2 => changed.insert(at, byte),
                _ => {
                    changed.remove(at);
                }
            }
            check(&changed);
            n_read += 1;
        }
    }
    assert!(n_read > 8_000, "{n_read}");
}
