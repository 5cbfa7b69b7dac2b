//! JSON in ASCII: what is beyond it is escaped (RFC 8259 7), for peers that take no other octets.

/// The same JSON without octets beyond ASCII. They stand in strings only, so that no more than characters has to be known.
pub(super) fn escaped(json: Vec<u8>) -> Vec<u8> {
    if json.is_ascii() {
        return json;
    }
    let mut out = Vec::with_capacity(json.len() * 2);
    for chunk in json.utf8_chunks() {
        for char in chunk.valid().chars() {
            append(&mut out, char);
        }
        // A serializer writes texts, which are UTF-8; what is not would be refused by every reader.
        out.extend_from_slice(chunk.invalid());
    }
    out
}

fn append(out: &mut Vec<u8>, char: char) {
    if let Ok(octet) = u8::try_from(char)
        && octet.is_ascii()
    {
        return out.push(octet);
    }
    for unit in char.encode_utf16(&mut [0; 2]) {
        out.extend_from_slice(b"\\u");
        out.extend([12, 8, 4, 0].map(|shift| HEX[usize::from(*unit >> shift & 0xf)]));
    }
}

const HEX: [u8; 16] = *b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: &str) {
        let escaped = escaped(json.as_bytes().to_vec());
        assert_eq!(str::from_utf8(&escaped).unwrap(), expected);
        let value = |json: &[u8]| serde_json::from_slice::<serde_json::Value>(json).unwrap();
        assert_eq!(value(&escaped), value(json.as_bytes()));
    }

    #[test]
    fn what_is_beyond_ascii_is_escaped_and_nothing_else() {
        check(r#"{"a":"plain \" \u00e9 \\"}"#, r#"{"a":"plain \" \u00e9 \\"}"#);
        check(r#"{"Zürich":"é"}"#, r#"{"Z\u00fcrich":"\u00e9"}"#);
        check("\"\u{7f}\u{80}\u{ffff}\"", "\"\u{7f}\\u0080\\uffff\"");
    }

    #[test]
    fn beyond_the_first_plane_there_are_two_escapes() {
        check(r#"["🔥"]"#, r#"["\ud83d\udd25"]"#);
    }
}
