//! Tables of texts, for the tests of the forms.

/// Each row has a text and how its refusal ends.
#[track_caller]
pub(super) fn check<'a, T>(format: impl Fn(&'a str) -> Result<T, &'static str>, rows: &[(&'a str, &str)]) {
    for &(text, expected) in rows {
        match format(text) {
            Ok(_) => assert_eq!(VALID, expected, "{text:?} is accepted"),
            Err(phrase) => {
                assert_ne!(VALID, expected, "{text:?} {phrase}");
                assert!(phrase.starts_with("is not a"), "{text:?} {phrase}");
                assert!(phrase.ends_with(&format!(": {expected}")), "{text:?} {phrase}, not: {expected}");
            }
        }
    }
}

/// What [`check`] expects for a text that is accepted.
pub(super) const VALID: &str = "";

// Refusals that two forms share.
pub(super) const OTHER_CHARACTER: &str = "it has a character other than letters, digits, hyphens and dots";
pub(super) const HYPHEN: &str = "a label starts or ends with a hyphen";
pub(super) const LOCAL: &str = "its local part is neither atoms with dots between them nor quoted";
pub(super) const QUOTED: &str = "its quoted local part has a character that is not allowed there";
pub(super) const NO_SCHEME: &str = "it does not start with a scheme and a colon";
