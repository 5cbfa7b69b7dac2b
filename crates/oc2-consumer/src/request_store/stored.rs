//! A row as bytes: 1, which is this layout; when the request was taken on, with the highest octet first; the two fingerprints;
//! then 0 if there is no outcome, or 1 and the outcome to the end.

use crate::journal::Row;
use crate::key::Fingerprint;

/// The bytes of a row.
pub(super) fn write(row: &Row) -> Vec<u8> {
    let Row { admitted, key, content, outcome } = row;
    let mut out = Vec::with_capacity(74 + outcome.as_ref().map_or(0, Vec::len));
    out.push(LAYOUT);
    out.extend(admitted.to_be_bytes());
    out.extend(key.0);
    out.extend(content.0);
    out.push(u8::from(outcome.is_some()));
    out.extend_from_slice(outcome.as_deref().unwrap_or_default());
    out
}

/// The row of bytes that were written so.
pub(super) fn read(bytes: &[u8]) -> Option<Row> {
    let (&[LAYOUT], rest) = bytes.split_first_chunk()? else { return None };
    let (admitted, rest) = rest.split_first_chunk()?;
    let (key, rest) = rest.split_first_chunk()?;
    let (content, rest) = rest.split_first_chunk()?;
    let outcome = match rest.split_first()? {
        (0, []) => None,
        (1, outcome) => Some(outcome.to_vec()),
        _ => return None,
    };
    Some(Row {
        admitted: u64::from_be_bytes(*admitted),
        key: Fingerprint(*key),
        content: Fingerprint(*content),
        outcome,
    })
}

const LAYOUT: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back_and_nothing_else() {
        for outcome in [None, Some(Vec::new()), Some(b"done".to_vec())] {
            let row = Row { admitted: 1 << 40, key: Fingerprint([1; 32]), content: Fingerprint([2; 32]), outcome };
            let bytes = write(&row);
            assert_eq!(read(&bytes), Some(row.clone()));
            (0..74).for_each(|len| assert_eq!(read(&bytes[..len]), None, "{len}"));
            for (at, octet) in [(0, 0), (0, 2), (73, 2)] {
                let mut other = bytes.clone();
                other[at] = octet;
                assert_eq!(read(&other), None);
            }
            if row.outcome.is_none() {
                assert_eq!(read(&[&bytes[..], b"x"].concat()), None);
            }
        }
    }
}
