//! Hostnames (LS 3.1.2).

/// A hostname (LS 3.1.2 `/hostname`; RFC 1034 3.5, RFC 1123 2.1). Gives the name without its final dot, if it has one.
///
/// A label may start with a digit, so a dotted quad is a hostname. A wildcard is not one, nor a label with an
/// underscore (DECISIONS L20, L32).
pub(crate) fn hostname(text: &str) -> Result<&str, &'static str> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if is_hostname(name) { Ok(name) } else { explain(name) }
}

/// Whether it is one, in one pass.
fn is_hostname(name: &str) -> bool {
    // A dot before the first label and behind the last would be alike.
    let (mut last, mut start) = (DOT, 0);
    for (at, octet) in name.bytes().enumerate() {
        let class = CLASSES[usize::from(octet)];
        if class != LETTER {
            let is_within = last == LETTER || (last == HYPHEN && class == HYPHEN);
            if class == NONE || !is_within || at - start > MAX_LABEL {
                return false;
            }
            if class == DOT {
                start = at + 1;
            }
        }
        last = class;
    }
    last == LETTER && name.len() - start <= MAX_LABEL && name.len() <= MAX_NAME
}

/// What an octet is in a name: a letter or digit, a hyphen, a dot, or none of these.
const CLASSES: [u8; 256] = {
    let mut classes = [NONE; 256];
    let mut octet = 0;
    while octet < 256 {
        #[allow(clippy::cast_possible_truncation, reason = "it is below 256")]
        let (class, is_letter) = (octet as u8, (octet as u8).is_ascii_alphanumeric());
        classes[octet] = match class {
            b'-' => HYPHEN,
            b'.' => DOT,
            _ if is_letter => LETTER,
            _ => NONE,
        };
        octet += 1;
    }
    classes
};
const NONE: u8 = 0;
const LETTER: u8 = 1;
const HYPHEN: u8 = 2;
const DOT: u8 = 3;

/// What is wrong with one that is none.
fn explain(name: &str) -> Result<&str, &'static str> {
    if name.is_empty() {
        return Err("is not a hostname: it has no label");
    }
    if !name.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.')) {
        return Err("is not a hostname: it has a character other than letters, digits, hyphens and dots");
    }
    if name.len() > MAX_NAME {
        return Err("is not a hostname: it has more than 253 characters");
    }
    for label in name.split('.') {
        if label.is_empty() {
            return Err("is not a hostname: a label is empty");
        }
        if label.len() > MAX_LABEL {
            return Err("is not a hostname: a label has more than 63 characters");
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err("is not a hostname: a label starts or ends with a hyphen");
        }
    }
    Ok(name)
}

/// RFC 1034 3.1: 255 octets on the wire, which has one for the first length and one for the root.
pub(super) const MAX_NAME: usize = 253;

const MAX_LABEL: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::text::format::idn_hostname::idn_hostname;
    use crate::types::text::format::testing::{HYPHEN, OTHER_CHARACTER, VALID, check};

    // LS-022, LS-155, LS-191
    #[test]
    fn a_hostname_has_letters_digits_and_hyphens() {
        check(
            hostname,
            &[
                ("a", VALID),
                ("a.example", VALID),
                ("A.EXAMPLE", VALID),
                ("localhost", VALID),
                ("a-b.example", VALID),
                ("r3---sn-4g5e6n7k.example", VALID),
                ("xn--bcher-kva.example", VALID),
                ("xn--zzzzzzz99999.example", VALID),
                ("3com.example", VALID),
                ("example.123", VALID),
                ("192.0.2.1", VALID),
                ("", "it has no label"),
                ("-a.example", HYPHEN),
                ("a-.example", HYPHEN),
                ("a.-", HYPHEN),
                ("a..example", "a label is empty"),
                (".example", "a label is empty"),
                ("_dmarc.example", OTHER_CHARACTER),
                ("*.example", OTHER_CHARACTER),
                ("a b.example", OTHER_CHARACTER),
                ("a.example\n", OTHER_CHARACTER),
                ("a.example:80", OTHER_CHARACTER),
                ("2001:db8::1", OTHER_CHARACTER),
                ("bücher.example", OTHER_CHARACTER),
                ("a\u{3002}example", OTHER_CHARACTER),
            ],
        );
    }

    // LS-022
    #[test]
    fn a_label_has_at_most_63_characters_and_a_name_253() {
        let label = |length: usize| "a".repeat(length);
        let name = |last: usize| [label(63), label(63), label(63), label(last)].join(".");
        let too_long = "it has more than 253 characters";
        assert_eq!((name(61).len(), name(62).len()), (253, 254));
        for format in [hostname, idn_hostname] {
            check(
                format,
                &[
                    (&label(63), VALID),
                    (&label(64), "a label has more than 63 characters"),
                    (&format!("{}.example", label(63)), VALID),
                    (&format!("example.{}", label(64)), "a label has more than 63 characters"),
                    (&name(61), VALID),
                    (&name(62), too_long),
                    (&format!("{}.", name(61)), VALID),
                    (&format!("{}.", name(62)), too_long),
                    (&format!("{}..", name(61)), too_long),
                ],
            );
        }
    }
}
