//! A server whose handler remembers what it was given.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oc2_core::StatusCode;
use oc2_transfer::conform::Probe;
use oc2_transfer::{Encoded, Handler, Listener, Peer, Refusal, Reply, Request, TransferError};
use oc2_transfer_http::{HttpListener, Settings};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

#[cfg(feature = "tls")]
use crate::authority::{Authority, Certificate, Issues, Order, mutual};
use crate::raw::{Answer, PATIENCE, Raw, Wire, post};

pub(crate) const MEDIA_TYPE: &str = "application/openc2+json;version=1.0";

/// Answers as the body says: `status N` has a message, the rest is up to the [`Probe`].
#[derive(Clone, Default)]
pub(crate) struct Witness {
    pub(crate) probe: Probe,
    requests: Arc<Mutex<Vec<Request>>>,
    refusals: Arc<Mutex<Vec<Refusal>>>,
}

impl Witness {
    /// The requests since the last look.
    pub(crate) fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    /// The refusals since the last look.
    pub(crate) fn refusals(&self) -> Vec<Refusal> {
        std::mem::take(&mut self.refusals.lock().unwrap())
    }
}

impl Handler for Witness {
    async fn handle(&self, request: Request) -> Reply {
        self.requests.lock().unwrap().push(request.clone());
        let status = str::from_utf8(&request.body).ok().and_then(|body| body.strip_prefix("status ")?.parse().ok());
        match status.and_then(StatusCode::from_u16) {
            Some(status) => Reply::new(status, Encoded { bytes: request.body, media_type: MEDIA_TYPE }),
            None => self.probe.handle(request).await,
        }
    }

    fn refuse(&self, refusal: Refusal) -> Reply {
        self.refusals.lock().unwrap().push(refusal.clone());
        assert_ne!(refusal.request_id.as_deref(), Some("panic"), "a request id told the witness to panic");
        self.probe.refuse(refusal)
    }
}

/// A server that runs.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) witness: Witness,
    shutdown: Option<oneshot::Sender<()>>,
    served: JoinHandle<Result<(), TransferError>>,
    secure: Option<Secure>,
}

/// No TLS.
#[cfg(not(feature = "tls"))]
enum Secure {}

/// TLS on both sides.
#[cfg(feature = "tls")]
pub(crate) struct Secure {
    pub(crate) handle: oc2_transfer_http::TlsHandle,
    pub(crate) connector: tokio_rustls::TlsConnector,
}

#[cfg(feature = "tls")]
impl Secure {
    pub(crate) fn new() -> Self {
        Self::by(&Authority::new("everybody"))
    }

    /// Both sides have certificates of this authority, and trust nobody else.
    pub(crate) fn by(authority: &Authority) -> Self {
        let tls = mutual(&authority.consumer(), authority.trusted());
        let paper = authority.fill(Order::client("producer.example.net"));
        Self { handle: oc2_transfer_http::TlsHandle::new(tls), connector: connector(authority.pem(), Some(&paper)) }
    }

    pub(crate) async fn shake_hands(&self, stream: TcpStream) -> std::io::Result<Wire> {
        // What follows the handshake at once would wait for the answer to it.
        stream.set_nodelay(true)?;
        let name = "localhost".try_into().expect("a name");
        Ok(Wire::Tls(Box::new(self.connector.connect(name, stream).await?)))
    }
}

/// A client that is none of ours.
#[cfg(feature = "tls")]
pub(crate) fn connector(authority: &str, paper: Option<&Certificate>) -> tokio_rustls::TlsConnector {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    #[cfg(feature = "aws-lc-rs")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    let provider = rustls::crypto::ring::default_provider();
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match paper {
        Some(paper) => {
            let chain = CertificateDer::pem_slice_iter(paper.pem.as_bytes()).map(Result::unwrap).collect();
            let key = PrivateKeyDer::from_pem_slice(paper.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    Arc::new(config).into()
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    /// A server without TLS; with it where the tests run again over TLS (see `again.rs`).
    pub(crate) async fn with(settings: Settings) -> Self {
        #[cfg(feature = "tls")]
        if crate::again::is_over_tls() {
            let secure = Secure::new();
            return Self::serving(settings, Some(secure)).await;
        }
        Self::serving(settings, None).await
    }

    /// A server with TLS, and a Producer that it accepts.
    #[cfg(feature = "tls")]
    pub(crate) async fn secure(settings: Settings, secure: Secure) -> Self {
        Self::serving(settings, Some(secure)).await
    }

    async fn serving(settings: Settings, secure: Option<Secure>) -> Self {
        let listener = HttpListener::bind("127.0.0.1:0".parse().unwrap(), settings).await.expect("there is a port");
        #[cfg(feature = "tls")]
        let listener = match &secure {
            Some(secure) => listener.with_tls(secure.handle.clone()),
            None => listener,
        };
        let address = listener.local_addr();
        let witness = Witness::default();
        let (shutdown, told) = oneshot::channel::<()>();
        let served = tokio::spawn(listener.serve(witness.clone(), async move { told.await.unwrap_or_default() }));
        Self { address, witness, shutdown: Some(shutdown), served, secure }
    }

    pub(crate) async fn connect(&self) -> Raw {
        self.speak(TcpStream::connect(self.address).await.expect("it listens")).await
    }

    /// A connection over this socket.
    pub(crate) async fn speak(&self, stream: TcpStream) -> Raw {
        #[cfg(feature = "tls")]
        if let Some(secure) = &self.secure {
            return Raw::over(secure.shake_hands(stream).await.expect("it accepts the Producer"));
        }
        Raw::over(Wire::Plain(stream))
    }

    #[cfg(feature = "tls")]
    pub(crate) fn secure_client(&self) -> Option<&Secure> {
        self.secure.as_ref()
    }

    /// Whom the server takes its peer for.
    pub(crate) fn peer(&self) -> Peer {
        match &self.secure {
            Some(_) => Peer::Authenticated("producer.example.net".into()),
            None => Peer::Unauthenticated("127.0.0.1".into()),
        }
    }

    /// Sends something over a new connection; the answer, and the connection after it.
    pub(crate) async fn ask(&self, octets: impl AsRef<[u8]>) -> (Answer, Raw) {
        let mut raw = self.connect().await;
        raw.send(octets).await;
        (raw.answer().await, raw)
    }

    /// Posts over a new connection with these header lines beside `Host` and `Content-Length`.
    pub(crate) async fn post(&self, lines: &str, body: &str) -> Answer {
        self.ask(post(lines, body)).await.0
    }

    pub(crate) fn begin_shutdown(&mut self) {
        self.shutdown = None;
    }

    pub(crate) fn has_returned(&self) -> bool {
        self.served.is_finished()
    }

    pub(crate) async fn stop(mut self) {
        self.begin_shutdown();
        let served = timeout(PATIENCE, self.served).await.expect("it returns in time");
        served.expect("it does not panic").expect("it ends well");
    }
}

/// A short time for tests of what takes too long.
pub(crate) const SHORT: Duration = Duration::from_millis(200);
