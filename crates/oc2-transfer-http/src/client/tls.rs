//! The Producer's side of TLS (HTTPS 3.2.3, 3.2.4): the Consumer is always verified, and its name with it.

use std::fmt;
use std::io;
use std::sync::Arc;

use oc2_tls::{Authorities, Identity, TlsError, client_config, in_words};
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ClientConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::headers::ALPN;

/// Which Consumers an [`HttpTransfer`](super::HttpTransfer) trusts, and what it shows them.
///
/// TLS 1.2 and 1.3. Each connection verifies the certificate of its Consumer and the name in it; there is no way around it. No
/// session is resumed and nothing is sent early.
#[derive(Clone)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
}

impl ClientTls {
    /// Trusts the Consumers these authorities vouch for, and shows this identity, if there is one, to those that ask for it.
    ///
    /// # Errors
    /// A revocation list cannot be used.
    pub fn new(authorities: Authorities, identity: Option<Identity>) -> Result<Self, TlsError> {
        let mut config = client_config(authorities, identity.as_ref())?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self { config: Arc::new(config) })
    }

    /// Trusts whom the system trusts, and shows nothing.
    pub(super) fn of_system() -> Result<Self, TlsError> {
        Self::new(Authorities::of_system()?, None)
    }

    pub(super) async fn connect(&self, stream: TcpStream, host: &str) -> Result<TlsStream<TcpStream>, Failed> {
        let name = name(host).ok_or_else(|| Failed::Refused("no certificate can be for that name".to_owned()))?;
        TlsConnector::from(Arc::clone(&self.config)).connect(name, stream).await.map_err(|error| {
            why(&error).map_or_else(
                || match error.kind() {
                    io::ErrorKind::UnexpectedEof => {
                        Failed::Lost("it ended the connection in the TLS handshake".to_owned())
                    }
                    _ => Failed::Lost(format!("the TLS handshake failed: {error}")),
                },
                Failed::Refused,
            )
        })
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").field("has_identity", &self.config.client_auth_cert_resolver.has_certs()).finish()
    }
}

/// How a handshake failed.
pub(super) enum Failed {
    /// One side refused the other; it will do so again.
    Refused(String),
    /// The connection was lost.
    Lost(String),
}

/// The name a certificate has to have.
fn name(host: &str) -> Option<ServerName<'static>> {
    ServerName::try_from(host.to_owned()).ok()
}

/// Why TLS failed, in plain words; `None` if it is not TLS that failed.
pub(super) fn why(error: &io::Error) -> Option<String> {
    use AlertDescription as Alert;
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match error {
        rustls::Error::InvalidCertificate(error) => format!("its certificate {}", in_words(error)),
        rustls::Error::AlertReceived(alert) => match alert {
            Alert::CertificateRequired => "it wants a certificate, and none was shown".into(),
            Alert::CertificateExpired => "it refuses our certificate: it is not valid now".into(),
            Alert::CertificateRevoked => "it refuses our certificate: it was revoked".into(),
            Alert::UnknownCA => "it refuses our certificate: its authority is not trusted there".into(),
            Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateUnknown
            | Alert::AccessDenied
            | Alert::DecryptError => format!("it refuses our certificate ({alert:?})"),
            Alert::ProtocolVersion => "it speaks neither TLS 1.2 nor 1.3".into(),
            Alert::HandshakeFailure | Alert::InsufficientSecurity => {
                "it has no cipher suite that is accepted here, or wants a certificate that was not shown".into()
            }
            Alert::NoApplicationProtocol => "it does not speak HTTP/1.1".into(),
            Alert::UnrecognisedName => "it does not know that name".into(),
            alert => format!("it ended the TLS handshake ({alert:?})"),
        },
        rustls::Error::PeerIncompatible(reason) => format!("it speaks no TLS that is accepted here ({reason:?})"),
        rustls::Error::InvalidMessage(_) => "it does not speak TLS".into(),
        error => format!("the TLS handshake failed: {error}"),
    })
}

/// Whether the other side ended TLS in a way that says: what was sent was not looked at. With TLS 1.3 a client can send before
/// it learns that its certificate is refused.
pub(super) fn refused(error: &hyper::Error) -> Option<String> {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<io::Error>()
            && let Some(rustls::Error::AlertReceived(alert)) = error.get_ref().and_then(|e| e.downcast_ref())
            && is_about_certificates(*alert)
        {
            return why(error);
        }
        source = cause.source();
    }
    None
}

fn is_about_certificates(alert: AlertDescription) -> bool {
    use AlertDescription as Alert;
    matches!(
        alert,
        Alert::CertificateRequired
            | Alert::CertificateExpired
            | Alert::CertificateRevoked
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::AccessDenied
            | Alert::DecryptError
    )
}
