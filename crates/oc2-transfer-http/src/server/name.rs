//! Whom a certificate names.
//!
//! Names of all kinds become one kind of text, which policies compare. So a name has to look like its kind: none passes for
//! one of a kind that the authority would have looked at more closely.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// The name of the owner of a certificate that was verified: a URI, else a DNS name, else an e-mail address, else, if that is
/// taken, its only common name.
pub(super) fn of_owner(certificate: &[u8], takes_common_name: bool) -> Option<String> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    match alternative(&certificate)? {
        Found::Name(name) => Some(name),
        Found::Nothing => takes_common_name.then(|| common(&certificate)).flatten(),
    }
}

enum Found {
    Name(String),
    Nothing,
}

/// The subject alternative name that counts; `None` if that is no name.
fn alternative(certificate: &X509Certificate<'_>) -> Option<Found> {
    let Some(extension) = certificate.subject_alternative_name().ok()? else { return Some(Found::Nothing) };
    let names = &extension.value.general_names;
    let uri = names.iter().find_map(|name| if let GeneralName::URI(uri) = name { Some(*uri) } else { None });
    let dns = names.iter().find_map(|name| if let GeneralName::DNSName(dns) = name { Some(*dns) } else { None });
    let mail = names.iter().find_map(|name| if let GeneralName::RFC822Name(mail) = name { Some(*mail) } else { None });
    match (uri, dns, mail) {
        (Some(uri), _, _) => is_uri(uri).then(|| Found::Name(uri.to_owned())),
        (None, Some(dns), _) => is_dns(dns).then(|| Found::Name(dns.to_ascii_lowercase())),
        (None, None, Some(mail)) => is_mail(mail).then(|| Found::Name(mail.to_owned())),
        (None, None, None) => Some(Found::Nothing),
    }
}

fn common(certificate: &X509Certificate<'_>) -> Option<String> {
    let mut names = certificate.subject().iter_common_name();
    let name = names.next()?.as_str().ok()?;
    let is_plain = is_legal(name) && !name.contains([':', '@']) && names.next().is_none();
    is_plain.then(|| name.to_owned())
}

fn is_uri(text: &str) -> bool {
    is_legal(text) && text.contains(':') && text.bytes().all(|octet| octet.is_ascii_graphic())
}

/// A host, and no pattern for hosts.
fn is_dns(text: &str) -> bool {
    is_legal(text) && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-._".contains(&octet))
}

fn is_mail(text: &str) -> bool {
    is_legal(text) && text.contains('@') && !text.contains(':') && text.bytes().all(|octet| octet.is_ascii_graphic())
}

/// What may be in logs and records (DECISIONS M16).
pub(super) fn is_legal(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= 256 && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn uri(text: &str) -> SanType {
        SanType::URI(text.try_into().expect("ASCII"))
    }

    fn dns(text: &str) -> SanType {
        SanType::DnsName(text.try_into().expect("ASCII"))
    }

    fn mail(text: &str) -> SanType {
        SanType::Rfc822Name(text.try_into().expect("ASCII"))
    }

    fn ip() -> SanType {
        SanType::IpAddress([192, 0, 2, 1].into())
    }

    fn certificate(common: Option<&str>, names: Vec<SanType>) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(common) = common {
            params.distinguished_name.push(DnType::CommonName, common);
        }
        params.subject_alt_names = names;
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn check(common: Option<&str>, names: Vec<SanType>, expected: Option<&str>, with_common: Option<&str>) {
        let certificate = certificate(common, names);
        assert_eq!(of_owner(&certificate, false).as_deref(), expected);
        assert_eq!(of_owner(&certificate, true).as_deref(), with_common);
    }

    #[test]
    fn a_uri_counts_before_a_dns_name_before_an_address() {
        let both = |name| (Some(name), Some(name));
        for (names, (expected, with_common)) in [
            (
                vec![mail("a@b"), dns("Soc-1.Example.NET"), uri("spiffe://soc/1"), uri("spiffe://2")],
                both("spiffe://soc/1"),
            ),
            (vec![ip(), mail("a@b"), dns("Soc-1.Example.NET"), dns("other")], both("soc-1.example.net")),
            (vec![ip(), mail("Soc@example.net"), mail("other@b")], both("Soc@example.net")),
            (vec![ip()], (None, Some("soc-1"))),
            (vec![], (None, Some("soc-1"))),
        ] {
            check(Some("soc-1"), names, expected, with_common);
        }
    }

    #[test]
    fn what_does_not_look_like_its_kind_is_no_name() {
        for names in [
            vec![dns("*.example.net")],
            vec![dns("spiffe://soc/1")],
            vec![dns("a@b")],
            vec![mail("not an address")],
            vec![mail("a:b@c")],
            vec![uri("no-scheme")],
            vec![uri("a: b")],
            vec![dns("")],
            vec![uri(&format!("a:{}", "x".repeat(255)))],
            // The next kind does not step in for it.
            vec![uri("no-scheme"), dns("good.example.net")],
        ] {
            check(Some("soc-1"), names, None, None);
        }
    }

    #[test]
    fn a_common_name_passes_for_nothing_else() {
        check(Some("soc 1"), vec![], None, Some("soc 1"));
        for common in [None, Some("spiffe://soc/1"), Some("a@b"), Some("a\nb"), Some("")] {
            check(common, vec![], None, None);
        }
        assert_eq!(of_owner(b"rubbish", true), None);
    }
}
