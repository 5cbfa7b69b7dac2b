//! TLS: the client that carries messages, and hellos by hand that offer what no library offers any more.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, NamedGroup, RootCertStore, ServerConfig, SignatureScheme,
    SupportedProtocolVersion,
};

use crate::exchange::Exchange;

/// What is told of a client of TLS.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    /// Authorities, as PEM; without, whoever answers is taken for the subject.
    pub(crate) authorities: Option<Vec<u8>>,
    /// Certificate and key, as PEM.
    pub(crate) identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl Files {
    /// The client that these files make.
    pub(crate) fn config(&self) -> Result<ClientConfig, String> {
        self.config_for(rustls::DEFAULT_VERSIONS, true)
    }

    fn config_for(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        with_identity: bool,
    ) -> Result<ClientConfig, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(|error| error.to_string())?;
        let builder = match &self.authorities {
            None => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider))),
            Some(pem) => builder.with_root_certificates(roots(pem)?),
        };
        let Some((certificate, key)) = self.identity.as_ref().filter(|_| with_identity) else {
            return Ok(builder.with_no_client_auth());
        };
        let (chain, key) = pair(certificate, key)?;
        builder.with_client_auth_cert(chain, key).map_err(|error| error.to_string())
    }
}

/// A server with this certificate and key; it lets in who has a certificate of the authorities, or everybody where there is none.
pub(crate) fn server(certificate: &[u8], key: &[u8], files: &Files) -> Result<ServerConfig, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match &files.authorities {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(pem)?), provider);
            builder.with_client_cert_verifier(verifier.build().map_err(|error| error.to_string())?)
        }
    };
    let (chain, key) = pair(certificate, key)?;
    builder.with_single_cert(chain, key).map_err(|error| error.to_string())
}

fn roots(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.map_err(|error| error.to_string())?).map_err(|error| error.to_string())?;
    }
    Ok(roots)
}

fn pair(certificate: &[u8], key: &[u8]) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>();
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| error.to_string())?;
    Ok((chain.map_err(|error| error.to_string())?, key))
}

/// A question to whatever listens, below messages.
#[derive(Clone, Debug)]
pub(crate) enum Probe {
    /// A hello that offers up to a version and these suites only: is it taken?
    Hello { version: u16, suites: Vec<u16> },
    /// A whole handshake of this version (0x0303, 0x0304) by a library, with the files of the run.
    Handshake { version: u16, files: Files },
    /// A handshake and a POST without a certificate and without a token.
    Stranger { files: Files, request: Vec<u8> },
    /// A request without TLS.
    Plain { request: Vec<u8> },
    /// A connection to another port.
    Port { port: u16 },
    /// Whether tickets of TLS 1.3 let early data in.
    EarlyData { files: Files },
}

impl Probe {
    /// Asks, and says in the remark what came of it. The first word is `taken`, `refused`, `answered`, `open` or `closed`.
    pub(crate) fn run(
        &self,
        host: &str,
        port: u16,
        connect: impl Fn() -> io::Result<TcpStream>,
        _usual: Option<&Arc<ClientConfig>>,
    ) -> io::Result<Exchange> {
        match self {
            Self::Hello { version, suites } => hello(&mut connect()?, *version, suites),
            Self::Handshake { version, files } => {
                let versions: &[_] =
                    if *version == 0x0304 { &[&rustls::version::TLS13] } else { &[&rustls::version::TLS12] };
                let config = files.config_for(versions, true).map_err(io::Error::other)?;
                let mut stream = connect()?;
                let remark = match handshake(config, host, &mut stream) {
                    Ok(client) => format!("taken: {:?}", client.negotiated_cipher_suite().map(|suite| suite.suite())),
                    Err(error) => format!("refused: {error}"),
                };
                Ok(remarked(remark))
            }
            Self::Stranger { files, request } => {
                let config = files.config_for(rustls::DEFAULT_VERSIONS, false).map_err(io::Error::other)?;
                let mut stream = connect()?;
                let Ok(mut client) = handshake(config, host, &mut stream) else {
                    return Ok(remarked("refused: the handshake failed".into()));
                };
                let mut tls = rustls::Stream::new(&mut client, &mut stream);
                let written = tls.write_all(request).and_then(|()| tls.flush());
                let patience = std::time::Duration::from_secs(5);
                let (received, answer) = super::http::receive(&mut tls, false, patience)?;
                let remark = match (&answer, written) {
                    (Some(answer), _) => format!("answered: {}", answer.code.unwrap_or_default()),
                    (None, _) => "refused: the connection was closed".into(),
                };
                let answers = answer.into_iter().collect();
                Ok(Exchange { sent: request.clone(), received, answers, remark: Some(remark) })
            }
            Self::Plain { request } => {
                let mut stream = connect()?;
                stream.write_all(request)?;
                let mut received = Vec::new();
                let mut chunk = [0; 4096];
                while let Ok(n_read @ 1..) = stream.read(&mut chunk) {
                    received.extend_from_slice(&chunk[..n_read]);
                }
                let is_http = received.starts_with(b"HTTP/");
                let remark = if is_http { "answered: HTTP without TLS" } else { "refused: no answer of HTTP" };
                Ok(Exchange { sent: request.clone(), received, answers: Vec::new(), remark: Some(remark.into()) })
            }
            Self::Port { port: other } => {
                let here = connect()?.peer_addr()?;
                let there = std::net::SocketAddr::new(here.ip(), *other);
                let limit = std::time::Duration::from_secs(3);
                Ok(remarked(match TcpStream::connect_timeout(&there, limit) {
                    Ok(_) if *other != port => format!("open: port {other}"),
                    Ok(_) => format!("open: port {other} is that of the subject"),
                    Err(error) => format!("closed: port {other}: {error}"),
                }))
            }
            Self::EarlyData { files } => {
                let mut config = files.config_for(&[&rustls::version::TLS13], true).map_err(io::Error::other)?;
                let tickets = Arc::new(Tickets::default());
                config.resumption = rustls::client::Resumption::store(Arc::clone(&tickets) as _);
                let mut stream = connect()?;
                let Ok(mut client) = handshake(config, host, &mut stream) else {
                    return Ok(remarked("refused: the handshake failed".into()));
                };
                // Tickets come behind the handshake: with the first answer at the latest.
                let mut tls = rustls::Stream::new(&mut client, &mut stream);
                let _ =
                    tls.write_all(format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes());
                let _ = tls.read(&mut [0; 4096]);
                let largest = tickets.0.lock().map_or(0, |sizes| sizes.iter().copied().max().unwrap_or(0));
                Ok(remarked(format!(
                    "{}: tickets let {largest} octets of early data in",
                    if largest > 0 { "taken" } else { "refused" }
                )))
            }
        }
    }

    /// What it asks, in a few words.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Hello { version, suites } => format!("a ClientHello of {}, {} suites", name(*version), suites.len()),
            Self::Handshake { version, .. } => format!("a handshake of {} alone", name(*version)),
            Self::Stranger { .. } => "a handshake without a certificate, and a POST".into(),
            Self::Plain { .. } => "a POST without TLS".into(),
            Self::Port { port } => format!("a connection to port {port}"),
            Self::EarlyData { .. } => "a handshake of TLS 1.3, to look at the tickets".into(),
        }
    }
}

fn remarked(remark: String) -> Exchange {
    Exchange { remark: Some(remark), ..Exchange::default() }
}

fn handshake(config: ClientConfig, host: &str, stream: &mut TcpStream) -> io::Result<ClientConnection> {
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(io::Error::other)?;
    let mut client = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    while client.is_handshaking() {
        client.complete_io(stream)?;
    }
    Ok(client)
}

/// Sends a hello and looks what the first record of the answer is.
fn hello(stream: &mut TcpStream, version: u16, suites: &[u16]) -> io::Result<Exchange> {
    let sent = client_hello(version, suites);
    stream.write_all(&sent)?;
    let (mut received, mut chunk) = (Vec::new(), [0; 4096]);
    while received.len() < 11 {
        match stream.read(&mut chunk) {
            Ok(n_read @ 1..) => received.extend_from_slice(&chunk[..n_read]),
            Ok(0) | Err(_) => break,
        }
    }
    let remark = match received.first() {
        Some(22) if received.get(5) == Some(&2) => {
            let chosen = u16::from_be_bytes([received[9], received[10]]);
            format!("taken: a ServerHello of {}", name(chosen))
        }
        Some(21) => format!("refused: alert {}", received.get(6).copied().unwrap_or_default()),
        None => "refused: the connection was closed".into(),
        Some(_) => "refused: an answer that is no record of TLS".into(),
    };
    Ok(Exchange { sent, received, answers: Vec::new(), remark: Some(remark) })
}

/// A ClientHello (RFC 5246 7.4.1.2), of SSL 3.0 without extensions.
pub(crate) fn client_hello(version: u16, suites: &[u16]) -> Vec<u8> {
    let short = |n: usize| u16::try_from(n).unwrap_or(u16::MAX).to_be_bytes();
    let mut hello = version.to_be_bytes().to_vec();
    hello.extend(uuid::Uuid::new_v4().into_bytes());
    hello.extend(uuid::Uuid::new_v4().into_bytes());
    hello.push(0);
    hello.extend(short(suites.len() * 2));
    hello.extend(suites.iter().flat_map(|suite| suite.to_be_bytes()));
    hello.extend([1, 0]);
    if version > 0x0300 {
        let mut extensions = Vec::new();
        // supported_groups: x25519, secp256r1, secp384r1; point formats; signature_algorithms with SHA-1 for the old ones.
        extensions.extend([0, 10, 0, 8, 0, 6, 0, 29, 0, 23, 0, 24]);
        extensions.extend([0, 11, 0, 2, 1, 0]);
        let schemes: [u16; 8] = [0x0403, 0x0503, 0x0804, 0x0805, 0x0401, 0x0501, 0x0203, 0x0201];
        extensions.extend([0, 13, 0, 18, 0, 16]);
        extensions.extend(schemes.iter().flat_map(|scheme| scheme.to_be_bytes()));
        hello.extend(short(extensions.len()));
        hello.extend(extensions);
    }
    let mut record = vec![22];
    record.extend(if version > 0x0300 { 0x0301_u16 } else { 0x0300 }.to_be_bytes());
    record.extend(short(hello.len() + 4));
    record.extend([1, 0]);
    record.extend(short(hello.len()));
    record.extend(hello);
    record
}

fn name(version: u16) -> &'static str {
    match version {
        0x0300 => "SSL 3.0",
        0x0301 => "TLS 1.0",
        0x0302 => "TLS 1.1",
        0x0303 => "TLS 1.2",
        0x0304 => "TLS 1.3",
        _ => "an unknown version",
    }
}

/// Suites without encryption or authentication.
pub(crate) const NULL_SUITES: [u16; 8] = [0x0001, 0x0002, 0x003b, 0xc006, 0xc010, 0x0034, 0x006c, 0xc018];

/// Suites of RFC 7540 appendix A that servers had: RSA key exchange, and CBC.
pub(crate) const OLD_SUITES: [u16; 14] =
    [0x002f, 0x0035, 0x003c, 0x003d, 0x009c, 0x009d, 0x000a, 0xc009, 0xc00a, 0xc013, 0xc014, 0xc023, 0xc027, 0xc028];

/// What servers of TLS 1.0 and 1.1 could choose from.
pub(crate) const EARLY_SUITES: [u16; 8] = [0xc009, 0xc00a, 0xc013, 0xc014, 0x002f, 0x0035, 0x000a, 0x0005];

/// Notes how much early data each ticket lets in.
#[derive(Debug, Default)]
struct Tickets(Mutex<Vec<u32>>);

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        if let Ok(mut sizes) = self.0.lock() {
            sizes.push(value.max_early_data_size());
        }
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        None
    }
}

/// Takes whoever answers for the subject: the suite judges its answers, and tells it no secrets.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
