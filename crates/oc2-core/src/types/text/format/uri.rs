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
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet))
    })
}

/// Whether a text that has a scheme is a URI at first sight, as most are: nothing is escaped in it, and an authority is a name and
/// a port. What is not plain the library looks at.
pub(super) fn is_plain(text: &str) -> bool {
    let behind = text.split_once(':').map_or("", |(_, behind)| behind);
    let path = match behind.strip_prefix("//") {
        None => behind,
        Some(behind) => {
            let (authority, path) = behind.split_at(behind.find(['/', '?', '#']).unwrap_or(behind.len()));
            let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
            let is_of_name = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'.' || octet == b'-';
            if !host.bytes().all(is_of_name) || !port.bytes().all(|octet| octet.is_ascii_digit()) {
                return false;
            }
            path
        }
    };
    let (path, fragment) = path.split_once('#').unwrap_or((path, ""));
    let is_of_path = |octet: u8| PLAIN[usize::from(octet)];
    path.bytes().all(is_of_path) && fragment.bytes().all(is_of_path)
}

/// What stands for itself in a path, a query and a fragment (RFC 3986 3.3 to 3.5).
const PLAIN: [bool; 256] = {
    let plain = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/?";
    let mut table = [false; 256];
    let mut i = 0;
    while i < plain.len() {
        table[plain[i] as usize] = true;
        i += 1;
    }
    table
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
