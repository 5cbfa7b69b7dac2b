//! Command-IDs (LS 3.4.2.16).

use super::character::has_more_than;

/// A Command-ID (LS 3.4.2.16), `^\S{0,36}$`. White space is what ECMAScript takes for it (DECISIONS L33).
pub(crate) fn command_id(text: &str) -> Result<(), &'static str> {
    if has_more_than(36, text) {
        return Err("is not a Command-ID: it has more than 36 characters");
    }
    let has_space = match text.is_ascii() {
        true => text.bytes().any(|byte| matches!(byte, b'\t'..=b'\r' | b' ')),
        false => text.chars().any(is_ecmascript_space),
    };
    if has_space {
        return Err("is not a Command-ID: it has white space");
    }
    Ok(())
}

/// `WhiteSpace` and `LineTerminator` of ECMA-262: with U+FEFF and without U+0085, else as Unicode has it.
fn is_ecmascript_space(c: char) -> bool {
    c == '\u{FEFF}' || (c.is_whitespace() && c != '\u{0085}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::text::format::testing::{VALID, check};

    // LS-202
    #[test]
    fn a_command_id_has_at_most_36_characters() {
        let too_long = "it has more than 36 characters";
        check(
            command_id,
            &[
                ("", VALID),
                ("a", VALID),
                ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", VALID),
                ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6f", too_long),
                (&"a".repeat(36), VALID),
                (&"a".repeat(37), too_long),
                (&"ä".repeat(36), VALID),
                (&"ä".repeat(37), too_long),
                (&"\u{1F600}".repeat(36), VALID),
                (&"\u{1F600}".repeat(37), too_long),
            ],
        );
    }

    // LS-202
    #[test]
    fn a_command_id_has_no_white_space_of_ecmascript() {
        let ecmascript = "\t\n\u{B}\u{C}\r \u{A0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\
                          \u{2007}\u{2008}\u{2009}\u{200A}\u{2028}\u{2029}\u{202F}\u{205F}\u{3000}\u{FEFF}";
        for c in '\0'..=char::MAX {
            let expected = if ecmascript.contains(c) { "it has white space" } else { VALID };
            check(command_id, &[(&format!("a{c}"), expected)]);
        }
    }
}
