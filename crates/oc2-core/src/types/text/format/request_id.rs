//! The `request_id` and the `from` of a Message.

use super::character::has_more_than;

/// A `request_id` of a Message (DECISIONS M9). The empty one passes; the caller takes it for absent.
pub(crate) fn request_id(text: &str) -> Result<(), &'static str> {
    if has_more_than(256, text) {
        return Err("is not a request_id: it has more than 256 characters");
    }
    if text.chars().any(char::is_control) {
        return Err("is not a request_id: it has a control character");
    }
    Ok(())
}

/// Who sent a Message (DECISIONS M16).
pub(crate) fn identifier(text: &str) -> Result<(), &'static str> {
    request_id(text).map_err(|_| "has more than 256 characters, or a control character")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::text::format::testing::{VALID, check};

    #[test]
    fn a_request_id_has_at_most_256_characters_and_no_controls() {
        check(
            request_id,
            &[
                ("", VALID),
                ("two words", VALID),
                ("ä\u{A0}\u{FEFF}\u{1F600}", VALID),
                (&"ä".repeat(256), VALID),
                (&"ä".repeat(257), "it has more than 256 characters"),
                ("a\n", "it has a control character"),
                ("\0", "it has a control character"),
                ("\u{7F}", "it has a control character"),
                ("\u{85}", "it has a control character"),
            ],
        );
    }
}
