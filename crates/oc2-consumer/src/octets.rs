//! Parts of a row on disk, one after the other. Numbers are big-endian, and so are the lengths before parts of any length.

/// Adds a part of any length, which is empty if it is longer than 2^32 - 1 octets.
pub(crate) fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    let length = u32::try_from(part.len()).unwrap_or_default();
    bytes.extend(length.to_be_bytes());
    bytes.extend(&part[..usize::try_from(length).unwrap_or_default()]);
}

/// Takes such a part off the front.
pub(crate) fn get<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(u32::from_be_bytes(*take(bytes)?)).ok()?;
    let (part, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(part)
}

/// Takes a part of a fixed length off the front.
pub(crate) fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (part, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(part)
}

/// Takes a text off the front.
pub(crate) fn get_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    std::str::from_utf8(get(bytes)?).ok()
}

/// Takes a number off the front.
#[cfg(any(feature = "durable", test))]
pub(crate) fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*take(bytes)?))
}
