//! Who we are.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use crate::error::TlsError;
use crate::provider::provider;

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

    /// What rustls shows it with.
    #[must_use]
    pub fn resolver(&self) -> Arc<SingleCertAndKey> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

pub(crate) fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|error| TlsError::unreadable(what, error))?;
    if certificates.is_empty() {
        return Err(TlsError::unreadable(what, "there is no certificate in it"));
    }
    Ok(certificates)
}

#[cfg(all(test, any(feature = "ring", feature = "aws-lc-rs")))]
mod tests {
    use super::*;
    use crate::Authorities;

    #[test]
    fn what_is_no_certificate_is_refused() {
        for pem in [&b""[..], b"no PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(Authorities::from_pem(pem).is_err());
            assert!(Identity::from_pem(pem, pem).is_err());
        }
    }
}
