//! TLS to a broker (MQTT B): 1.2 and 1.3, certificates always verified, no early data.

use std::sync::Arc;

use oc2_tls::{Authorities, Identity, client_config};
use rustls::ClientConfig;
use rustls::client::Resumption;

use crate::error::SetupError;

/// Whom to trust, and our own certificate. All of it is PEM.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    authorities: Option<Authorities>,
    identity: Option<Identity>,
}

impl Tls {
    /// Trusts these authorities, and not those of the system.
    ///
    /// # Errors
    /// There is no certificate in it, or one that is none.
    pub fn with_authorities(self, pem: &[u8]) -> Result<Self, SetupError> {
        Ok(Self { authorities: Some(Authorities::from_pem(pem)?), ..self })
    }

    /// Shows this certificate, with its chain, to a broker that asks for one.
    ///
    /// # Errors
    /// There is no certificate or no key in it, or the key is that of another certificate.
    pub fn with_identity(self, chain_pem: &[u8], key_pem: &[u8]) -> Result<Self, SetupError> {
        Ok(Self { identity: Some(Identity::from_pem(chain_pem, key_pem)?), ..self })
    }

    /// What rustls makes connections with. Early data stays off (MQTT-119), and there is no way to leave a certificate
    /// unverified.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, SetupError> {
        let authorities = match &self.authorities {
            Some(authorities) => authorities.clone(),
            None => Authorities::of_system()?,
        };
        let mut config = client_config(authorities, self.identity.as_ref())?;
        // One connection at a time: a few tickets are enough.
        config.resumption = Resumption::in_memory_sessions(4);
        Ok(Arc::new(config))
    }
}

#[cfg(all(test, any(feature = "ring", feature = "aws-lc-rs")))]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert!(Tls::default().with_authorities(b"no PEM").is_err());
        assert!(Tls::default().with_identity(b"", b"").is_err());
    }

    #[test]
    fn there_is_no_early_data() {
        // MQTT-119
        let authority = oc2_tests_broker::Authority::new("authority");
        let tls = Tls::default().with_authorities(authority.pem().as_bytes()).unwrap();
        assert!(!tls.config().unwrap().enable_early_data);
    }
}
