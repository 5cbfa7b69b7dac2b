//! The formats of texts (LS 3.1.2, 3.1.5), as strictly as whoever sends them has to be.

use std::net::{Ipv4Addr, Ipv6Addr};

/// What is wrong with the text of a type: its base, the format or pattern behind it, its size.
pub(crate) fn fault(base: &str, format: &str, size: Option<&str>, text: &str) -> Option<String> {
    let is_right = match (base, format) {
        ("String", "") => true,
        ("String", "/hostname") => is_hostname(text),
        ("String", "/idn-hostname") => !text.is_empty() && !text.contains(char::is_whitespace),
        ("String", "/email") => text.is_ascii() && is_email(text),
        ("String", "/idn-email") => is_email(text),
        ("String", "/uri") => text.is_ascii() && is_iri(text),
        ("String", "/iri") => is_iri(text),
        ("String", "/hostname /ipv4 /ipv6") => is_hostname(text) || text.parse::<Ipv6Addr>().is_ok(),
        ("String", pattern) => matches_pattern(pattern, text),
        ("Array", "/ipv4-net") => is_net(text, 32, |address| address.parse::<Ipv4Addr>().is_ok()),
        ("Array", "/ipv6-net") => {
            is_net(text, 128, |address| address.parse::<Ipv6Addr>().is_ok_and(|own| own.to_string() == address))
        }
        ("Binary", "/x") => {
            text.len().is_multiple_of(2)
                && is_all(text, |c| matches!(c, '0'..='9' | 'A'..='F'))
                && has_octets(text.len() / 2, size)
        }
        ("Binary", "/eui") => is_eui(text),
        ("Binary", _) => is_all(text, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')),
        // A type that no table defines.
        _ => false,
    };
    (!is_right).then(|| format!("{text:?} is no {base}{}{format}", if format.is_empty() { "" } else { " " }))
}

/// The three patterns that the tables have.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    if pattern.contains(r"\S") {
        text.chars().count() <= 36 && !text.contains(char::is_whitespace)
    } else if pattern.contains("u0000") {
        !text.contains(char::is_control)
    } else {
        is_all(text, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) && !text.starts_with(['-', '_'])
    }
}

fn is_hostname(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && is_all(label, |c| c.is_ascii_alphanumeric() || c == '-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_quoted = local.len() > 1 && local.starts_with('"') && local.ends_with('"');
    !local.is_empty()
        && !domain.is_empty()
        && !domain.contains(char::is_whitespace)
        && (is_quoted || !local.contains([' ', '@']))
}

fn is_iri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && is_all(scheme, |c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    is_scheme && !rest.contains(|c: char| c.is_whitespace() || c.is_control() || "<>\"{}|\\^`".contains(c))
}

fn is_net(text: &str, most: u8, is_address: impl Fn(&str) -> bool) -> bool {
    let (address, prefix) = text.split_once('/').unwrap_or((text, "0"));
    is_address(address) && prefix.parse().is_ok_and(|length: u8| length <= most && length.to_string() == prefix)
}

fn is_eui(text: &str) -> bool {
    let octets: Vec<_> = text.split(':').collect();
    let is_octet = |octet: &&str| octet.len() == 2 && is_all(octet, |c| c.is_ascii_hexdigit());
    matches!(octets.len(), 6 | 8) && octets.iter().all(is_octet)
}

fn has_octets(n: usize, size: Option<&str>) -> bool {
    size.is_none_or(|size| size.split(',').any(|own| own.parse() == Ok(n)))
}

fn is_all(text: &str, is_right: impl Fn(char) -> bool) -> bool {
    text.chars().all(is_right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_judged_by_their_format() {
        let is_right = |base, format, size, text| fault(base, format, size, text).is_none();
        for (base, format, size, good, bad) in [
            ("String", "/hostname", None, "3com.example", "-a.example"),
            ("String", "/email", None, "a@b.example", "a@"),
            ("String", "/uri", None, "urn:uuid:1", "//host/x"),
            ("Array", "/ipv4-net", None, "192.0.2.0/24", "192.0.2.0/024"),
            ("Array", "/ipv6-net", None, "2001:db8::/32", "2001:DB8::/32"),
            ("Binary", "/x", Some("2"), "00FF", "00ff"),
            ("Binary", "/eui", Some("6,8"), "00:1A:2B:3C:4D:5E", "00-1A-2B-3C-4D-5E"),
            ("Binary", "", None, "-_8", "+/8="),
            ("String", r"%^\S{0,36}$%", None, "abc-1", "a b"),
        ] {
            assert!(is_right(base, format, size, good), "{good}");
            assert!(!is_right(base, format, size, bad), "{bad}");
        }
    }
}
