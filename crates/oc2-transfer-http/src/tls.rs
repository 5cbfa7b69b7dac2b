//! TLS for both sides (HTTPS 3.2.3): what is shown, who is trusted, and with which cryptography. All of it is PEM.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, RootCertStore};
use thiserror::Error;

/// Our certificate with its chain, and its key.
#[derive(Clone)]
pub struct Identity(Arc<SingleCertAndKey>);

impl Identity {
    /// Reads a certificate, with the chain below it, and its key.
    ///
    /// # Errors
    /// There is no certificate or no key in it, or the key is that of another certificate.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = certificates(chain, "our certificate")?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| TlsError::unreadable("our key", error))?;
        let certified = CertifiedKey::from_der(chain, key, &*provider()?);
        let certified = certified.map_err(|error| TlsError::unusable("our certificate with our key", error))?;
        Ok(Self(Arc::new(certified.into())))
    }

    pub(crate) fn resolver(&self) -> Arc<SingleCertAndKey> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

/// Who is trusted to issue certificates, and what they revoked.
#[derive(Clone)]
pub struct Authorities {
    pub(crate) roots: Arc<RootCertStore>,
    pub(crate) revocations: Vec<CertificateRevocationListDer<'static>>,
}

impl Authorities {
    /// Trusts these, and nobody else.
    ///
    /// # Errors
    /// There is no certificate in it, or one that is none.
    pub fn from_pem(pem: &[u8]) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(pem, "the authorities")? {
            roots.add(certificate).map_err(|error| TlsError::unusable("an authority", error))?;
        }
        Ok(Self { roots: Arc::new(roots), revocations: Vec::new() })
    }

    /// Trusts whom the system trusts.
    ///
    /// # Errors
    /// The system trusts nobody, or does not say so.
    pub fn of_system() -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        // Some systems carry certificates that nobody can use.
        let (n_usable, _) = roots.add_parsable_certificates(found.certs);
        if n_usable == 0 {
            let reason = found.errors.first().map_or_else(|| "there are none".to_owned(), ToString::to_string);
            return Err(TlsError::unreadable("the authorities of the system", reason));
        }
        Ok(Self { roots: Arc::new(roots), revocations: Vec::new() })
    }

    /// Refuses what these lists revoke. From then on every certificate of a chain needs a list of its issuer that is not past
    /// its next update: who cannot be told from a revoked peer is refused as one.
    ///
    /// # Errors
    /// There is no list in it, or one that is none.
    pub fn with_revocations(self, pem: &[u8]) -> Result<Self, TlsError> {
        let what = "the revocation lists";
        let lists = CertificateRevocationListDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        let lists = lists.map_err(|error| TlsError::unreadable(what, error))?;
        if lists.is_empty() {
            return Err(TlsError::unreadable(what, "there is none in it"));
        }
        Ok(Self { revocations: self.revocations.into_iter().chain(lists).collect(), ..self })
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorities")
            .field("n_roots", &self.roots.len())
            .field("n_revocation_lists", &self.revocations.len())
            .finish()
    }
}

/// TLS or tokens cannot be set up like this.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Something is not what it should be.
    #[error("{what} cannot be read: {reason}")]
    Unreadable {
        /// What.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// Something can be read, and nothing can be done with it.
    #[error("{what} cannot be used: {reason}")]
    Unusable {
        /// What.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// There is neither of the features `aws-lc-rs` and `ring`.
    #[error("this program was built without cryptography")]
    NoCryptography,
}

impl TlsError {
    pub(crate) fn unreadable(what: &'static str, reason: impl ToString) -> Self {
        Self::Unreadable { what, reason: reason.to_string() }
    }

    pub(crate) fn unusable(what: &'static str, reason: impl ToString) -> Self {
        Self::Unusable { what, reason: reason.to_string() }
    }
}

/// What is wrong with a certificate: the end of a sentence about it.
pub(crate) fn in_words(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired".into(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "is not valid yet".into(),
        CertificateError::Revoked => "was revoked".into(),
        CertificateError::UnknownIssuer => "was not issued by an authority that is trusted here".into(),
        CertificateError::UnknownRevocationStatus => "may have been revoked: there is no list of its issuer".into(),
        CertificateError::ExpiredRevocationList | CertificateError::ExpiredRevocationListContext { .. } => {
            "may have been revoked: the list of its issuer is out of date".into()
        }
        CertificateError::NotValidForName => "is for another name".into(),
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => "names no host".into(),
        CertificateError::NotValidForNameContext { presented, .. } => {
            // They come as `DnsName("fw1")`.
            let names: Vec<_> = presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name)).collect();
            format!("is for another name: {}", names.join(", "))
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "is for another purpose".into()
        }
        error => format!("cannot be used: {error}"),
    }
}

fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|error| TlsError::unreadable(what, error))?;
    if certificates.is_empty() {
        return Err(TlsError::unreadable(what, "there is no certificate in it"));
    }
    Ok(certificates)
}

#[cfg(feature = "aws-lc-rs")]
#[expect(clippy::unnecessary_wraps, reason = "without a provider there is an error")]
pub(crate) fn provider() -> Result<Arc<CryptoProvider>, TlsError> {
    Ok(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
}

#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
#[expect(clippy::unnecessary_wraps, reason = "without a provider there is an error")]
pub(crate) fn provider() -> Result<Arc<CryptoProvider>, TlsError> {
    Ok(Arc::new(rustls::crypto::ring::default_provider()))
}

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
pub(crate) fn provider() -> Result<Arc<CryptoProvider>, TlsError> {
    Err(TlsError::NoCryptography)
}

/// What is spoken (HTTPS 3.2.3).
pub(crate) const VERSIONS: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

/// HTTP/1.1 is all there is (HTTPS 3.2.1, DECISIONS H8).
pub(crate) const ALPN: &[u8] = b"http/1.1";

#[cfg(all(test, any(feature = "ring", feature = "aws-lc-rs")))]
mod tests {
    use rustls::CipherSuite;

    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused() {
        for pem in [&b""[..], b"no PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(Authorities::from_pem(pem).is_err());
            assert!(Identity::from_pem(pem, pem).is_err());
        }
    }

    // HTTPS-023, HTTPS-025
    #[test]
    fn suites_are_those_that_http_2_allows() {
        // Of TLS 1.2 those with ephemeral keys and authenticated encryption, none without encryption, none of RFC 7540
        // appendix A.
        use CipherSuite::{
            TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
            TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256,
        };
        let allowed = [
            TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
            TLS13_AES_128_GCM_SHA256,
            TLS13_AES_256_GCM_SHA384,
            TLS13_CHACHA20_POLY1305_SHA256,
        ];
        for suite in &provider().unwrap().cipher_suites {
            assert!(allowed.contains(&suite.suite()), "{:?}", suite.suite());
        }
    }
}
