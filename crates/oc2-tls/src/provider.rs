//! The cryptography.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

use crate::error::TlsError;

/// The cryptography that was compiled in.
///
/// # Errors
/// There is none.
#[cfg(feature = "aws-lc-rs")]
pub fn provider() -> Result<Arc<CryptoProvider>, TlsError> {
    Ok(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
}

/// The cryptography that was compiled in.
///
/// # Errors
/// There is none.
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
pub fn provider() -> Result<Arc<CryptoProvider>, TlsError> {
    Ok(Arc::new(rustls::crypto::ring::default_provider()))
}

/// The cryptography that was compiled in.
///
/// # Errors
/// There is none.
#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
pub fn provider() -> Result<Arc<CryptoProvider>, TlsError> {
    Err(TlsError::NoCryptography)
}

/// What is spoken (HTTPS 3.2.3, MQTT B).
pub const VERSIONS: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

#[cfg(all(test, any(feature = "ring", feature = "aws-lc-rs")))]
mod tests {
    use rustls::CipherSuite;

    use super::*;

    // HTTPS-023, HTTPS-025, MQTT-113, MQTT-116, MQTT-118
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
