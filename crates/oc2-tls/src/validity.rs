//! When certificates and revocation lists count.

use std::fmt;
use std::time::{Duration, SystemTime};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Name;
use x509_parser::{parse_x509_certificate, parse_x509_crl};

/// From when to when a certificate or a revocation list counts.
///
/// It is for telling an operator in time. Whether a certificate is good is decided anew in each handshake, and not by this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validity {
    what: &'static str,
    owner: String,
    begins: i64,
    /// A list need not say when the next one comes.
    ends: Option<i64>,
}

impl Validity {
    /// What is said in all certificates of a PEM text. One that cannot be read says nothing.
    #[must_use]
    pub fn of_certificates(pem: &[u8]) -> Vec<Self> {
        let read = |der: CertificateDer<'_>| {
            let (_, certificate) = parse_x509_certificate(&der).ok()?;
            let validity = certificate.validity();
            Some(Self::new("the certificate of", certificate.subject(), validity.not_before, Some(validity.not_after)))
        };
        CertificateDer::pem_slice_iter(pem).flatten().filter_map(read).collect()
    }

    /// What is said in all revocation lists of a PEM text. One that cannot be read says nothing.
    #[must_use]
    pub fn of_revocations(pem: &[u8]) -> Vec<Self> {
        let read = |der: CertificateRevocationListDer<'_>| {
            let (_, list) = parse_x509_crl(&der).ok()?;
            Some(Self::new("the revocation list of", list.issuer(), list.last_update(), list.next_update()))
        };
        CertificateRevocationListDer::pem_slice_iter(pem).flatten().filter_map(read).collect()
    }

    /// What an operator has to know of it at this time: that it does not count, or not for much longer than `notice`.
    #[must_use]
    pub fn remark(&self, now: SystemTime, notice: Duration) -> Option<String> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, seconds);
        let left = self.ends.map(|end| end.saturating_sub(now));
        match left {
            _ if now < self.begins => Some(format!("{self} is not valid yet")),
            Some(..0) => Some(format!("{self} has expired")),
            Some(left) if left <= seconds(notice) => Some(match left / DAY {
                0 => format!("{self} expires within a day"),
                1 => format!("{self} expires in a day"),
                days => format!("{self} expires in {days} days"),
            }),
            Some(_) | None => None,
        }
    }

    fn new(what: &'static str, owner: &X509Name<'_>, begins: ASN1Time, ends: Option<ASN1Time>) -> Self {
        Self { what, owner: owner.to_string(), begins: begins.timestamp(), ends: ends.map(|time| time.timestamp()) }
    }
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.what, self.owner)
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

const DAY: i64 = 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;

    fn check(day_of_2030: u64, expected: Option<&str>) {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "fw1\n");
        (params.not_before, params.not_after) = (date_time_ymd(2030, 1, 11), date_time_ymd(2030, 3, 2));
        let pem = params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
        let now = SystemTime::from(date_time_ymd(2030, 1, 1)) + Duration::from_secs(day_of_2030 * 86_400 + 1);
        let [validity] = &Validity::of_certificates(pem.as_bytes())[..] else { panic!("one certificate") };
        assert_eq!(validity.remark(now, Duration::from_secs(30 * 86_400)).as_deref(), expected, "{day_of_2030}");
    }

    #[test]
    fn an_operator_is_told_in_time() {
        check(0, Some("the certificate of \"CN=fw1\\n\" is not valid yet"));
        check(10, None);
        check(29, None);
        check(30, Some("the certificate of \"CN=fw1\\n\" expires in 29 days"));
        check(58, Some("the certificate of \"CN=fw1\\n\" expires in a day"));
        check(59, Some("the certificate of \"CN=fw1\\n\" expires within a day"));
        check(60, Some("the certificate of \"CN=fw1\\n\" has expired"));
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        let rubbish = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(Validity::of_certificates(rubbish.as_bytes()).is_empty());
        assert!(Validity::of_certificates(b"no PEM").is_empty());
        assert!(Validity::of_revocations(rubbish.replace("CERTIFICATE", "X509 CRL").as_bytes()).is_empty());
    }
}
