//! Versions (LS 3.4.2.17).

use super::character::has_more_than;

/// A Version (LS 3.4.2.17) as others may send it: the form stands only in a description (DECISIONS L10, L37).
pub(crate) fn version_received(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("is not a Version: it is empty");
    }
    if has_more_than(16, text) {
        return Err("is not a Version: it has more than 16 characters");
    }
    Ok(())
}

/// A Version (LS 3.4.2.17) as we send it, `^\d+\.\d+$` (DECISIONS L10, L37).
pub(crate) fn version_emitted(text: &str) -> Result<(), &'static str> {
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
    match text.split_once('.') {
        Some((major, minor)) if is_number(major) && is_number(minor) => Ok(()),
        _ => Err("is not a Version: it is not two decimal numbers with a dot between them"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::text::format::testing::{VALID, check};

    // LS-203
    #[test]
    fn a_version_is_received_loosely() {
        check(
            version_received,
            &[
                ("1.0", VALID),
                ("1", VALID),
                ("v1.0-draft", VALID),
                (&"ä".repeat(16), VALID),
                (&"ä".repeat(17), "it has more than 16 characters"),
                ("", "it is empty"),
            ],
        );
    }

    // LS-203
    #[test]
    fn a_version_is_emitted_as_major_and_minor() {
        let other = "it is not two decimal numbers with a dot between them";
        check(
            version_emitted,
            &[
                ("1.0", VALID),
                ("12.034", VALID),
                ("", other),
                (".", other),
                ("1", other),
                ("1.", other),
                (".0", other),
                ("1.0.0", other),
                ("1.0\n", other),
                (" 1.0", other),
                ("+1.0", other),
                ("1.a", other),
                ("\u{661}.\u{660}", other),
            ],
        );
    }
}
