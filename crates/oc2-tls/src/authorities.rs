//! Whom we trust.

use std::fmt;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use crate::error::TlsError;
use crate::identity::certificates;
use crate::provider::provider;

/// Who is trusted to issue certificates, and what they revoked.
#[derive(Clone)]
pub struct Authorities {
    roots: Arc<RootCertStore>,
    revocations: Vec<CertificateRevocationListDer<'static>>,
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

    /// What judges the certificates of clients.
    ///
    /// # Errors
    /// A revocation list cannot be used.
    pub fn verifier_of_clients(self) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        WebPkiClientVerifier::builder_with_provider(self.roots, provider()?)
            .with_crls(self.revocations)
            .enforce_revocation_expiration()
            .build()
            .map_err(|error| TlsError::unusable("the authorities of clients", error))
    }

    /// What judges the certificates of servers.
    pub(crate) fn verifier_of_servers(self) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
        WebPkiServerVerifier::builder_with_provider(self.roots, provider()?)
            .with_crls(self.revocations)
            .enforce_revocation_expiration()
            .build()
            .map_err(|error| TlsError::unusable("the authorities of servers", error))
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
