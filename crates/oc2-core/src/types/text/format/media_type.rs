//! Media types (LS 3.4.1.1).

/// A media type (LS 3.4.1.1 `mime_type`; RFC 6838 4.2): `type/subtype`. Parameters may follow; their form is not
/// looked into, except that they have no control characters.
pub(crate) fn media_type(text: &str) -> Result<(), &'static str> {
    let (essence, parameters) = match text.split_once(';') {
        Some((essence, parameters)) => (essence.trim_end_matches([' ', '\t']), parameters),
        None => (text, ""),
    };
    match essence.split_once('/') {
        Some((kind, subtype)) if is_restricted_name(kind) && is_restricted_name(subtype) => {}
        Some(_) => return Err("is not a media type: a side of its slash is not a name of RFC 6838"),
        None => return Err("is not a media type: it has no slash"),
    }
    if parameters.chars().any(|c| c.is_control() && c != '\t') {
        return Err("is not a media type: its parameters have a control character");
    }
    Ok(())
}

/// RFC 6838 4.2.
fn is_restricted_name(name: &str) -> bool {
    name.len() <= 127
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&octet))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::text::format::testing::{VALID, check};

    // LS-153
    #[test]
    fn a_media_type_is_two_names_with_a_slash() {
        let not_a_name = "a side of its slash is not a name of RFC 6838";
        check(
            media_type,
            &[
                ("text/plain", VALID),
                ("Application/OpenC2+json", VALID),
                ("application/vnd.a-b_c.d+xml", VALID),
                ("x/!", not_a_name),
                ("x/a!#$&-^_.+", VALID),
                ("text/plain;charset=utf-8", VALID),
                ("text/plain ; charset=\"a b/c\"", VALID),
                ("text/plain;", VALID),
                (&format!("{0}/{0}", "a".repeat(127)), VALID),
                (&format!("a/{}", "a".repeat(128)), not_a_name),
                ("not a type", "it has no slash"),
                ("", "it has no slash"),
                ("text", "it has no slash"),
                ("text;a/b", "it has no slash"),
                ("/plain", not_a_name),
                ("text/", not_a_name),
                ("text/plain/x", not_a_name),
                ("text /plain", not_a_name),
                (" text/plain", not_a_name),
                ("text/plain ", not_a_name),
                ("*/*", not_a_name),
                ("text/plaín", not_a_name),
                ("text/plain;a=\r\n", "its parameters have a control character"),
            ],
        );
    }
}
