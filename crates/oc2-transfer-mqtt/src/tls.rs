//! TLS to a broker (MQTT B): 1.2 and 1.3, certificates always verified, no early data.

use std::fmt;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::error::SetupError;

/// Whom to trust, and our own certificate. All of it is PEM.
#[derive(Clone, Default)]
pub struct Tls {
    authorities: Option<Arc<RootCertStore>>,
    identity: Option<Arc<Identity>>,
}

impl Tls {
    /// Trusts these authorities, and not those of the system.
    ///
    /// # Errors
    /// There is no certificate in it, or one that is none.
    pub fn with_authorities(self, pem: &[u8]) -> Result<Self, SetupError> {
        let mut authorities = RootCertStore::empty();
        for certificate in certificates(pem, "the authorities")? {
            authorities.add(certificate).map_err(|error| SetupError::Tls(format!("an authority: {error}")))?;
        }
        Ok(Self { authorities: Some(Arc::new(authorities)), ..self })
    }

    /// Shows this certificate, with its chain, to a broker that asks for one.
    ///
    /// # Errors
    /// There is no certificate or no key in it.
    pub fn with_identity(self, chain_pem: &[u8], key_pem: &[u8]) -> Result<Self, SetupError> {
        let chain = certificates(chain_pem, "our certificate")?;
        let key = PrivateKeyDer::from_pem_slice(key_pem);
        let key = key.map_err(|error| SetupError::Tls(format!("our key cannot be read: {error}")))?;
        Ok(Self { identity: Some(Arc::new(Identity { chain, key })), ..self })
    }

    /// What rustls makes connections with. Early data stays off, which is its default (MQTT-119), and there is no way to leave a
    /// certificate unverified.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, SetupError> {
        let wrong = |error: rustls::Error| SetupError::Tls(error.to_string());
        let authorities = match &self.authorities {
            Some(authorities) => Arc::clone(authorities),
            None => Arc::new(authorities_of_system()?),
        };
        let builder = ClientConfig::builder_with_provider(provider()?)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(wrong)?
            .with_root_certificates(authorities);
        let mut config = match &self.identity {
            Some(identity) => {
                let Identity { chain, key } = &**identity;
                builder.with_client_auth_cert(chain.clone(), key.clone_key()).map_err(wrong)?
            }
            None => builder.with_no_client_auth(),
        };
        // One connection at a time: a few tickets are enough.
        config.resumption = Resumption::in_memory_sessions(4);
        Ok(Arc::new(config))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("has_authorities", &self.authorities.is_some())
            .field("has_identity", &self.identity.is_some())
            .finish()
    }
}

struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|error| SetupError::Tls(format!("{what} cannot be read: {error}")))?;
    if certificates.is_empty() {
        return Err(SetupError::Tls(format!("{what}: there is no certificate in it")));
    }
    Ok(certificates)
}

fn authorities_of_system() -> Result<RootCertStore, SetupError> {
    let mut authorities = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    // Some systems carry certificates that nobody can use.
    let (n_usable, _) = authorities.add_parsable_certificates(found.certs);
    if n_usable == 0 {
        let reason = found.errors.first().map_or_else(|| "there are none".to_owned(), ToString::to_string);
        return Err(SetupError::Tls(format!("the certificates of the system: {reason}")));
    }
    Ok(authorities)
}

#[cfg(feature = "aws-lc-rs")]
#[expect(clippy::unnecessary_wraps, reason = "without a provider there is an error")]
fn provider() -> Result<Arc<CryptoProvider>, SetupError> {
    Ok(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
}

#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
#[expect(clippy::unnecessary_wraps, reason = "without a provider there is an error")]
fn provider() -> Result<Arc<CryptoProvider>, SetupError> {
    Ok(Arc::new(rustls::crypto::ring::default_provider()))
}

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
fn provider() -> Result<Arc<CryptoProvider>, SetupError> {
    Err(SetupError::Tls("this program was built without cryptography".to_owned()))
}

#[cfg(all(test, any(feature = "ring", feature = "aws-lc-rs")))]
mod tests {
    use rustls::CipherSuite;

    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused() {
        for pem in [&b""[..], b"no PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(Tls::default().with_authorities(pem).is_err());
        }
        assert!(Tls::default().with_identity(b"", b"").is_err());
    }

    #[test]
    fn there_is_no_early_data() {
        // MQTT-119
        let authority = oc2_tests_broker::Authority::new("authority");
        let tls = Tls::default().with_authorities(authority.pem().as_bytes()).unwrap();
        assert!(!tls.config().unwrap().enable_early_data);
    }

    #[test]
    fn suites_are_those_that_http_2_allows() {
        // MQTT-113, MQTT-116, MQTT-118: of TLS 1.2 those with ephemeral keys and authenticated encryption, none without
        // encryption, none of RFC 7540 appendix A.
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
