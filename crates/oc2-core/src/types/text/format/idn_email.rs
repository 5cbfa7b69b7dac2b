//! Internationalized email addresses (LS 3.1.2).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::email::after_local_part;
use super::idn_hostname::idn_hostname;

/// An internationalized email address (LS 3.1.2 `/idn-email`; RFC 6531 3.3): as [`email`], with characters beyond ASCII
/// in the local part, before an [`idn_hostname`] without final dot or the literal of an IP address (RFC 5321 4.1.3).
///
/// [`email`]: super::email::email
pub(crate) fn idn_email(text: &str) -> Result<(), &'static str> {
    let domain = after_local_part(text, is_utf8_non_ascii)?;
    let literal = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match literal {
        Some(literal) if is_address_literal(literal) => Ok(()),
        Some(_) => Err("is not an email address: its domain literal is not an IP address"),
        None if idn_hostname(domain) == Ok(domain) => Ok(()),
        None => Err("is not an email address: its domain is not an internationalized hostname"),
    }
}

/// RFC 6531 3.3 and 6532 3.1, without the control characters U+0080 to U+009F.
fn is_utf8_non_ascii(c: char) -> bool {
    !c.is_ascii() && !c.is_control()
}

/// RFC 5321 4.1.3; `IPv6` is the only tag in its registry.
fn is_address_literal(literal: &str) -> bool {
    match literal.split_once(':') {
        Some((tag, address)) => tag.eq_ignore_ascii_case("IPv6") && address.parse::<Ipv6Addr>().is_ok(),
        None => literal.parse::<Ipv4Addr>().is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::text::format::testing::{LOCAL, QUOTED, VALID, check};

    // LS-023
    #[test]
    fn an_internationalized_email_address_has_an_internationalized_hostname() {
        let not_a_hostname = "its domain is not an internationalized hostname";
        let not_an_address = "its domain literal is not an IP address";
        check(
            idn_email,
            &[
                ("a@b.example", VALID),
                ("ä@b.example", VALID),
                ("用户@例子.广告", VALID),
                ("δοκιμή@παράδειγμα.δοκιμή", VALID),
                ("\"ä b\"@bücher.example", VALID),
                ("a@xn--bcher-kva.example", VALID),
                ("ä@[192.0.2.1]", VALID),
                ("ä@[IPv6:2001:db8::1]", VALID),
                ("ä@[ipv6:::1]", VALID),
                ("ä", "it has no @"),
                ("ä.bücher.example", "it has no @"),
                ("@bücher.example", LOCAL),
                ("ä ö@bücher.example", LOCAL),
                ("ä..ö@bücher.example", LOCAL),
                ("ä\u{85}@bücher.example", LOCAL),
                ("\"ä\u{85}\"@bücher.example", QUOTED),
                ("\"\\ä\"@bücher.example", QUOTED),
                ("ä@", not_a_hostname),
                ("ä@bücher.example.", not_a_hostname),
                ("ä@b.example.", not_a_hostname),
                ("ä@例え。", not_a_hostname),
                ("ä@under_score.example", not_a_hostname),
                ("ä@xn--zzzzzzz99999", not_a_hostname),
                ("ä@b@c", not_a_hostname),
                ("ä@[192.0.2.1", not_a_hostname),
                ("ä@[]", not_an_address),
                ("ä@[192.0.2.256]", not_an_address),
                ("ä@[192.0.2.01]", not_an_address),
                ("ä@[2001:db8::1]", not_an_address),
                ("ä@[IPv6:fe80::1%1]", not_an_address),
                ("ä@[tag:content]", not_an_address),
                ("ä@[ä]", not_an_address),
            ],
        );
    }
}
