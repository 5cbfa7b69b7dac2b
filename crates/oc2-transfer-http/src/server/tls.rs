//! The Consumer's side of TLS (HTTPS 3.2.3, 3.2.4, DECISIONS H6): nobody is let in unknown.

use std::fmt;
use std::sync::Arc;

use oc2_tls::{Authorities, Identity, TlsError, VERSIONS, provider};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::ClientCertVerifier;
use tokio::sync::watch;

use crate::headers::ALPN;

#[cfg(feature = "jwt")]
use super::tokens::Tokens;

use super::name;

/// How an [`HttpListener`](super::HttpListener) speaks TLS, and how Producers prove who they are.
///
/// TLS 1.2 and 1.3, suites with ephemeral keys and authenticated encryption only, HTTP/1.1 by ALPN. No session is resumed, so
/// there are no tickets and there is no early data: each connection proves anew who its peer is.
#[derive(Clone)]
pub struct ServerTls {
    pub(super) config: Arc<ServerConfig>,
    pub(super) admission: Admission,
}

/// How Producers prove who they are. There is no way to let in anybody (HTTPS 3.2.4).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientAuth {
    /// By a certificate, which the handshake asks for.
    Certificates(ClientCertificates),
    /// By a token in each request (RFC 6750).
    #[cfg(feature = "jwt")]
    Tokens(Tokens),
}

/// Which certificates of Producers are accepted, and how they name their owner.
///
/// The name of a Producer is the first of these in its certificate: the first URI of its subject alternative names, the first
/// DNS name (in lower case), the first e-mail address. If the one that counts does not look like its kind, there is no name. A
/// certificate that says what it is for (extended key usage) has to be for clients.
///
/// Name constraints in the certificate of an authority bind each kind of name by itself (RFC 5280 4.2.1.10): one that may issue
/// certain DNS names only may still issue any URI. URIs and e-mail addresses that are constrained at all are refused.
#[derive(Clone, Debug)]
pub struct ClientCertificates {
    authorities: Authorities,
    takes_common_name: bool,
}

impl ClientCertificates {
    /// Accepts the certificates that these authorities issue.
    #[must_use]
    pub fn new(authorities: Authorities) -> Self {
        Self { authorities, takes_common_name: false }
    }

    /// Takes the common name for the name of a Producer whose certificate has no subject alternative name of those kinds. Name
    /// constraints of an authority do not bind common names: choose it only if every authority may name everybody.
    #[must_use]
    pub fn with_common_name(self) -> Self {
        Self { takes_common_name: true, ..self }
    }
}

impl ServerTls {
    /// Shows this identity, and lets in who can prove theirs.
    ///
    /// # Errors
    /// A revocation list cannot be used.
    pub fn new(identity: &Identity, clients: ClientAuth) -> Result<Self, TlsError> {
        let provider = provider()?;
        let admission = match clients {
            ClientAuth::Certificates(clients) => Admission::Certificates(Examiner::new(clients)?),
            #[cfg(feature = "jwt")]
            ClientAuth::Tokens(tokens) => Admission::Tokens(tokens),
        };
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(VERSIONS)
            .map_err(|error| TlsError::unusable("the versions of TLS", error))?;
        let builder = match &admission {
            Admission::Certificates(examiner) => builder.with_client_cert_verifier(Arc::clone(&examiner.verifier)),
            #[cfg(feature = "jwt")]
            Admission::Tokens(_) => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(identity.resolver());
        config.alpn_protocols = vec![ALPN.to_vec()];
        // HTTPS 3.2.3: no early data. And no resumption: rustls would not look at the certificate of a session it knows.
        config.max_early_data_size = 0;
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self { config: Arc::new(config), admission })
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").field("admission", &self.admission).finish_non_exhaustive()
    }
}

/// Changes how a listener speaks TLS while it serves. All its clones are the same.
///
/// Connections that are there go on. But their next request is judged by what holds then: a Producer whose certificate was
/// revoked meanwhile, or whose authority is gone, is refused.
#[derive(Clone, Debug)]
pub struct TlsHandle(watch::Sender<Arc<ServerTls>>);

impl TlsHandle {
    /// A handle that begins with this.
    #[must_use]
    pub fn new(tls: ServerTls) -> Self {
        Self(watch::Sender::new(Arc::new(tls)))
    }

    /// From now on this.
    pub fn reload(&self, tls: ServerTls) {
        self.0.send_replace(Arc::new(tls));
    }

    pub(super) fn current(&self) -> Arc<ServerTls> {
        Arc::clone(&self.0.borrow())
    }
}

/// [`ClientAuth`], ready to judge.
#[derive(Clone, Debug)]
pub(super) enum Admission {
    Certificates(Examiner),
    #[cfg(feature = "jwt")]
    Tokens(Tokens),
}

/// Judges certificates.
#[derive(Clone, Debug)]
pub(super) struct Examiner {
    verifier: Arc<dyn ClientCertVerifier>,
    takes_common_name: bool,
}

impl Examiner {
    fn new(clients: ClientCertificates) -> Result<Self, TlsError> {
        let verifier = clients.authorities.verifier_of_clients()?;
        Ok(Self { verifier, takes_common_name: clients.takes_common_name })
    }

    /// Whether a chain is good at this moment.
    pub(super) fn verify(&self, chain: &[CertificateDer<'_>]) -> Result<(), rustls::Error> {
        let (certificate, chain) = chain.split_first().ok_or(rustls::Error::NoCertificatesPresented)?;
        self.verifier.verify_client_cert(certificate, chain, UnixTime::now()).map(|_| ())
    }

    /// Who owns the certificate at the end of a chain that is good.
    pub(super) fn name(&self, chain: &[CertificateDer<'_>]) -> Option<String> {
        name::of_owner(chain.first()?, self.takes_common_name)
    }
}
