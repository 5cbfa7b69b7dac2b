//! IRIs (LS 3.1.2).

use iri_string::types::IriStr;

use super::uri::{has_scheme, is_plain};

/// An IRI (LS 3.1.2 `/iri`; RFC 3987 2.2): with a scheme, and without the characters that only direct the display
/// (RFC 3987 4.1, DECISIONS L35).
pub(crate) fn iri(text: &str) -> Result<(), &'static str> {
    if !has_scheme(text) {
        return Err("is not an IRI: it does not start with a scheme and a colon");
    }
    if is_plain(text) {
        return Ok(());
    }
    if text.chars().any(is_bidi_formatting) {
        return Err("is not an IRI: it has a bidirectional formatting character");
    }
    match IriStr::new(text) {
        Ok(_) => Ok(()),
        Err(_) => Err("is not an IRI: what follows the scheme is not in the syntax of RFC 3987"),
    }
}

fn is_bidi_formatting(c: char) -> bool {
    matches!(
        c,
        '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::text::format::testing::{NO_SCHEME, VALID, check};

    // LS-025
    #[test]
    fn an_iri_has_a_scheme_and_may_leave_ascii() {
        check(
            iri,
            &[
                ("http://exämple.org/ä", VALID),
                ("http://例え.テスト/道?質問=答え#節", VALID),
                ("http://example.com/?\u{E000}", VALID),
                ("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", VALID),
                ("urn:ä", VALID),
                ("", NO_SCHEME),
                ("//exämple.org/ä", NO_SCHEME),
                ("/ä", NO_SCHEME),
                ("ä", NO_SCHEME),
                ("ä:b", NO_SCHEME),
                ("a bare string", NO_SCHEME),
                ("http://exämple.org/a b", NOT_3987),
                ("http://exämple.org/<ä>", NOT_3987),
                ("http://exämple.org/%", NOT_3987),
                ("http://exämple.org/\u{E000}", NOT_3987),
                ("http://exämple.org/\u{FDD0}", NOT_3987),
                ("http://exämple.org/\u{FFFD}", NOT_3987),
                ("http://exämple.org/\u{85}", NOT_3987),
            ],
        );
    }

    // LS-025
    #[test]
    fn an_iri_has_no_bidirectional_formatting() {
        let formatting =
            "\u{061C}\u{200E}\u{200F}\u{202A}\u{202B}\u{202C}\u{202D}\u{202E}\u{2066}\u{2067}\u{2068}\u{2069}";
        for c in formatting.chars() {
            let text = format!("http://example.com/{c}");
            check(iri, &[(&text, "it has a bidirectional formatting character")]);
        }
        check(iri, &[("http://example.com/%E2%80%8E", VALID), ("http://example.com/\u{2065}", VALID)]);
    }

    const NOT_3987: &str = "what follows the scheme is not in the syntax of RFC 3987";
}
