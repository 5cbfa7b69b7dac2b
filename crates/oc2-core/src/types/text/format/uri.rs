//! URIs (LS 3.1.2).

use iri_string::types::UriStr;

/// A URI (LS 3.1.2 `/uri`; RFC 3986 3): with a scheme, in ASCII (DECISIONS L35).
pub(crate) fn uri(text: &str) -> Result<(), &'static str> {
    if !text.is_ascii() {
        return Err("is not a URI: it has a character outside ASCII");
    }
    if !has_scheme(text) {
        return Err("is not a URI: it does not start with a scheme and a colon");
    }
    if is_plain(text) {
        return Ok(());
    }
    match UriStr::new(text) {
        Ok(_) => Ok(()),
        Err(_) => Err("is not a URI: what follows the scheme is not in the syntax of RFC 3986"),
    }
}

/// RFC 3986 3.1.
pub(super) fn has_scheme(text: &str) -> bool {
    let (scheme, behind) = split_behind(text.as_bytes(), SCHEME);
    scheme.first().is_some_and(u8::is_ascii_alphabetic) && behind.first() == Some(&b':')
}

/// Whether a text that has a scheme is a URI at first sight, as most are: nothing is escaped in it, and an authority is a name and
/// a port. What is not plain the library looks at.
pub(super) fn is_plain(text: &str) -> bool {
    let (_, behind) = split_behind(text.as_bytes(), SCHEME);
    let path = match behind {
        [b':', b'/', b'/', authority @ ..] => {
            let (_, behind) = split_behind(authority, NAME);
            let (_, path) = behind.strip_prefix(b":").map_or((behind, behind), |port| split_behind(port, DIGIT));
            if !matches!(path, [] | [b'/' | b'?' | b'#', ..]) {
                return false;
            }
            path
        }
        [b':', path @ ..] => path,
        _ => return false,
    };
    match split_behind(path, PATH) {
        (_, []) => true,
        (_, [b'#', fragment @ ..]) => split_behind(fragment, PATH).1.is_empty(),
        _ => false,
    }
}

/// The octets of a class that a text starts with, and what comes behind them.
fn split_behind(text: &[u8], class: u8) -> (&[u8], &[u8]) {
    let is_other = |octet: &u8| CLASSES[usize::from(*octet)] & class == 0;
    text.split_at(text.iter().position(is_other).unwrap_or(text.len()))
}

/// What stands in a scheme (RFC 3986 3.1).
const SCHEME: u8 = 1;
/// What stands in a name that an authority has for a host.
const NAME: u8 = 2;
/// What stands in a port (RFC 3986 3.2.3).
const DIGIT: u8 = 4;
/// What stands for itself in a path, a query and a fragment (RFC 3986 3.3 to 3.5).
const PATH: u8 = 8;

/// The classes of each octet.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let rows: [(&[u8], u8); 4] = [
        (b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.-", SCHEME | NAME | PATH),
        (b"0123456789", SCHEME | NAME | DIGIT | PATH),
        (b"+", SCHEME | PATH),
        (b"_~!$&'()*,;=:@/?", PATH),
    ];
    let mut row = 0;
    while row < rows.len() {
        let mut i = 0;
        while i < rows[row].0.len() {
            classes[rows[row].0[i] as usize] = rows[row].1;
            i += 1;
        }
        row += 1;
    }
    classes
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::text::format::testing::{NO_SCHEME, VALID, check};

    // LS-026
    #[test]
    fn a_uri_has_a_scheme_and_is_ascii() {
        check(
            uri,
            &[
                ("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", VALID),
                ("http://example.com", VALID),
                ("HTTPS://user:pw@example.com:8443/a/b?c=d&e#f", VALID),
                ("http://[2001:db8::1]:80/", VALID),
                ("http://192.0.2.1/%C3%A4", VALID),
                ("mailto:a@b.example", VALID),
                ("file:///etc/hosts", VALID),
                ("a:", VALID),
                ("x-y+z.1:/", VALID),
                ("", NO_SCHEME),
                ("//host/x", NO_SCHEME),
                ("/a:b", NO_SCHEME),
                ("example.com/path", NO_SCHEME),
                ("?a", NO_SCHEME),
                ("#a", NO_SCHEME),
                (":a", NO_SCHEME),
                ("1http://example.com", NO_SCHEME),
                (" http://example.com", NO_SCHEME),
                ("ht_tp://example.com", NO_SCHEME),
                ("http://exämple.org/", "it has a character outside ASCII"),
                ("http://example.com/ä", "it has a character outside ASCII"),
                ("http://example.com/a b", NOT_3986),
                ("http://example.com/\n", NOT_3986),
                ("http://example.com/%", NOT_3986),
                ("http://example.com/%2", NOT_3986),
                ("http://example.com/%GG", NOT_3986),
                ("http://example.com/<a>", NOT_3986),
                ("http://example.com/\"a\"", NOT_3986),
                (r"http://example.com\a", NOT_3986),
                ("http://example.com/{a}", NOT_3986),
                ("http://example.com/#a#b", NOT_3986),
                ("http://example.com:port/", NOT_3986),
                ("http://[2001:db8::1/", NOT_3986),
                ("http://[2001:db8::1::2]/", NOT_3986),
                ("http://a@b@example.com/", NOT_3986),
            ],
        );
    }

    #[test]
    fn what_is_plain_is_a_uri_for_the_library_too() {
        let parts = ["a", "/", "//", ":", "8", "?", "#", "%41", "@", "[", ".", "-", "~", "=", "ä", " ", "\\"];
        let mut texts = vec!["s:".to_owned()];
        let mut n_plain = 0;
        for _ in 0..4 {
            texts = texts.iter().flat_map(|text| parts.iter().map(move |part| format!("{text}{part}"))).collect();
            for text in texts.iter().filter(|text| is_plain(text)) {
                assert!(UriStr::new(text).is_ok(), "{text:?}");
                n_plain += 1;
            }
        }
        assert!(n_plain > 1_000, "{n_plain}");
    }

    const NOT_3986: &str = "what follows the scheme is not in the syntax of RFC 3986";
}
