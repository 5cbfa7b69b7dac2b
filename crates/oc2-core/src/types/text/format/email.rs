//! Email addresses (LS 3.1.2).

/// An email address (LS 3.1.2 `/email`): the addr-spec of RFC 5322 3.4.1 without comments, folding and obsolete forms
/// (DECISIONS L35). A quoted local part may have spaces, a domain literal not.
pub(crate) fn email(text: &str) -> Result<(), &'static str> {
    let domain = after_local_part(text, |_| false)?;
    let literal = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match literal {
        Some(literal) if literal.chars().all(is_dtext) => Ok(()),
        Some(_) => Err("is not an email address: its domain literal has a character that is not allowed there"),
        None if is_dot_atom(domain, is_atext) => Ok(()),
        None => Err("is not an email address: its domain is neither atoms with dots between them nor a literal"),
    }
}

/// What follows the local part of an address and its `@`. `beyond_ascii` says which further characters are letters.
pub(super) fn after_local_part(text: &str, beyond_ascii: fn(char) -> bool) -> Result<&str, &'static str> {
    if let Some(quoted) = text.strip_prefix('"') {
        let Some(domain) = after_quoted_string(quoted, beyond_ascii)?.strip_prefix('@') else {
            return Err("is not an email address: its quoted local part is not followed by an @");
        };
        return Ok(domain);
    }
    let Some((local, domain)) = text.split_once('@') else {
        return Err("is not an email address: it has no @");
    };
    if !is_dot_atom(local, |c| is_atext(c) || beyond_ascii(c)) {
        return Err("is not an email address: its local part is neither atoms with dots between them nor quoted");
    }
    Ok(domain)
}

/// What follows the closing quote (RFC 5322 3.2.4), for a text that starts behind the opening one.
fn after_quoted_string(text: &str, beyond_ascii: fn(char) -> bool) -> Result<&str, &'static str> {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let is_allowed = match c {
            '"' => return Ok(chars.as_str()),
            '\\' => matches!(chars.next(), Some(' '..='~')),
            ' '..='~' => true,
            c => beyond_ascii(c),
        };
        if !is_allowed {
            return Err("is not an email address: its quoted local part has a character that is not allowed there");
        }
    }
    Err("is not an email address: its quoted local part does not end")
}

fn is_dot_atom(text: &str, is_atext: impl Fn(char) -> bool) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(&is_atext))
}

fn is_atext(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '!' | '#'..='\'' | '*' | '+' | '-' | '/' | '=' | '?' | '^'..='`' | '{'..='~')
}

fn is_dtext(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '[' | '\\' | ']')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::text::format::testing::{LOCAL, QUOTED, VALID, check};

    // LS-020
    #[test]
    fn an_email_address_is_an_addr_spec() {
        check(
            email,
            &[
                ("a@b.example", VALID),
                ("a@b", VALID),
                ("first.last+tag@b.example", VALID),
                ("!#$%&'*+-/=?^_`{|}~@b.example", VALID),
                ("a@under_score.example", VALID),
                ("a@[192.0.2.1]", VALID),
                ("a@[IPv6:2001:db8::1]", VALID),
                ("a@[x@y]", VALID),
                (r#""a b"@c.example"#, VALID),
                (r#""a@b"@c.example"#, VALID),
                (r#""a\"b\\"@c.example"#, VALID),
                (r#"".."@c.example"#, VALID),
                (r#"""@c.example"#, VALID),
                ("", "it has no @"),
                ("a", "it has no @"),
                ("a@", DOMAIN),
                ("@b", LOCAL),
                ("@", LOCAL),
                ("a b@c", LOCAL),
                (" a@c", LOCAL),
                (".a@c", LOCAL),
                ("a.@c", LOCAL),
                ("a..b@c", LOCAL),
                ("a(comment)@c", LOCAL),
                ("Name <a@c>", LOCAL),
                (r#"a."b"@c"#, LOCAL),
                ("ä@c.example", LOCAL),
                ("a@ä.example", DOMAIN),
                ("a@b@c", DOMAIN),
                ("a@.b", DOMAIN),
                ("a@b.", DOMAIN),
                ("a@b..c", DOMAIN),
                ("a@b c", DOMAIN),
                ("a@b\r\n", DOMAIN),
                ("a@(comment)b", DOMAIN),
                ("a@[192.0.2.1", DOMAIN),
                ("a@192.0.2.1]", DOMAIN),
                ("a@[", DOMAIN),
                ("a@[192.0.2.1] ", DOMAIN),
                ("a@[a b]", "its domain literal has a character that is not allowed there"),
                ("a@[a[b]", "its domain literal has a character that is not allowed there"),
                (r"a@[a\b]", "its domain literal has a character that is not allowed there"),
                (r#""a"#, "its quoted local part does not end"),
                (r#"""#, "its quoted local part does not end"),
                (r#""a\"@c"#, "its quoted local part does not end"),
                (r#""a""#, "its quoted local part is not followed by an @"),
                (r#""a"b@c"#, "its quoted local part is not followed by an @"),
                (r#""a".b@c"#, "its quoted local part is not followed by an @"),
                ("\"a\tb\"@c", QUOTED),
                ("\"a\r\n b\"@c", QUOTED),
                ("\"a\\\tb\"@c", QUOTED),
                ("\"a\u{7F}\"@c", QUOTED),
                ("\"ä\"@c", QUOTED),
                ("\"\\", QUOTED),
            ],
        );
    }

    const DOMAIN: &str = "its domain is neither atoms with dots between them nor a literal";
}
