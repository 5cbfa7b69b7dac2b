//! The side that connects.

use rustls::ClientConfig;
use rustls::client::Resumption;

use crate::authorities::Authorities;
use crate::error::TlsError;
use crate::identity::Identity;
use crate::provider::{VERSIONS, provider};

/// What rustls makes connections with: it trusts these authorities, and shows this identity, if there is one, to those that ask
/// for it. No session is resumed unless the caller changes that, and nothing is sent early (HTTPS 3.2.3, MQTT B).
///
/// # Errors
/// A revocation list cannot be used.
pub fn client_config(authorities: Authorities, identity: Option<&Identity>) -> Result<ClientConfig, TlsError> {
    let verifier = authorities.verifier_of_servers()?;
    let builder = ClientConfig::builder_with_provider(provider()?)
        .with_protocol_versions(VERSIONS)
        .map_err(|error| TlsError::unusable("the versions of TLS", error))?
        .with_webpki_verifier(verifier);
    let mut config = match identity {
        Some(identity) => builder.with_client_cert_resolver(identity.resolver()),
        None => builder.with_no_client_auth(),
    };
    config.enable_early_data = false;
    config.resumption = Resumption::disabled();
    Ok(config)
}

#[cfg(all(test, any(feature = "ring", feature = "aws-lc-rs")))]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    // HTTPS-026, MQTT-119
    #[test]
    fn nothing_is_sent_early_and_nothing_is_shown_unasked() {
        let paper = CertificateParams::default().self_signed(&KeyPair::generate().unwrap()).unwrap();
        let authorities = Authorities::from_pem(paper.pem().as_bytes()).unwrap();
        let config = client_config(authorities, None).unwrap();
        assert!(!config.enable_early_data && !config.client_auth_cert_resolver.has_certs());
    }
}
