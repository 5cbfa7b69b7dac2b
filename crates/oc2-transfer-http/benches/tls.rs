//! Round trips over TLS 1.3 with certificates on both sides, and the ratio to bare hyper and tokio-rustls measured in the same
//! run: `cargo bench -p oc2-transfer-http --bench tls`.
//!
//! Servers run on one thread, clients on another. Rounds take turns, so that what else the machine does meets both.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use oc2_transfer::conform::Probe;
use oc2_transfer::{Listener, Outgoing, Transfer};
use oc2_transfer_http::{
    Authorities, ClientAuth, ClientCertificates, ClientTls, HttpListener, HttpTransfer, Identity, ServerTls, Settings,
    TlsHandle,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::{TlsAcceptor, TlsConnector};

fn main() {
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let papers = Papers::new();
    let servers = runtime();
    let bare = servers.block_on(bare_server(papers.bare_server()));
    let ours = servers.block_on(our_server(Some(&papers)));
    let bare_plain = servers.block_on(bare_plain_server());
    let our_plain = servers.block_on(our_server(None));
    thread::spawn(move || servers.block_on(std::future::pending::<()>()));
    let clients = runtime();
    let connector = TlsConnector::from(Arc::new(papers.bare_client()));
    let tls = ClientTls::new(papers.authorities(), Some(papers.identity())).expect("it can be set up");

    println!("{:<44}{:>10}{:>10}{:>8}", "microseconds each (median of rounds)", "bare", "ours", "ratio");
    let mut kept = clients.block_on(bare_connect(&connector, bare));
    let transfer = our_transfer(ours, &tls);
    for (name, size) in
        [("a message of 300 octets, kept connection", 300), ("a message of 64 KiB, kept connection", 64 << 10)]
    {
        let body = Bytes::from(vec![b'x'; size]);
        compare(
            name,
            200,
            || clients.block_on(bare_exchange(&mut kept, body.clone())),
            || clients.block_on(our_exchange(&transfer, body.clone())),
        );
    }
    let body = Bytes::from(vec![b'x'; 300]);
    // What of the difference is not that of TLS.
    let mut kept = clients.block_on(bare_plain_connect(bare_plain));
    let plain = HttpTransfer::new(&format!("http://{our_plain}")).expect("it is an address");
    compare(
        "a message of 300 octets, kept, without TLS",
        200,
        || clients.block_on(bare_exchange(&mut kept, body.clone())),
        || clients.block_on(our_exchange(&plain, body.clone())),
    );
    compare(
        "a message of 300 octets, new connection",
        40,
        || clients.block_on(async { bare_exchange(&mut bare_connect(&connector, bare).await, body.clone()).await }),
        || clients.block_on(our_exchange(&our_transfer(ours, &tls), body.clone())),
    );
}

/// Times both in turn.
fn compare(name: &str, n_times: u32, mut bare: impl FnMut(), mut ours: impl FnMut()) {
    let time = |work: &mut dyn FnMut()| {
        let began = Instant::now();
        (0..n_times).for_each(|_| work());
        began.elapsed().as_secs_f64() * 1e6 / f64::from(n_times)
    };
    let (mut bare_times, mut our_times): (Vec<_>, Vec<_>) =
        (0..N_ROUNDS).map(|_| (time(&mut bare), time(&mut ours))).unzip();
    bare_times.sort_by(f64::total_cmp);
    our_times.sort_by(f64::total_cmp);
    let (bare, ours) = (bare_times[N_ROUNDS / 2], our_times[N_ROUNDS / 2]);
    println!("{name:<44}{bare:>10.1}{ours:>10.1}{:>8.2}", ours / bare);
}

/// One authority, and one certificate for both sides.
struct Papers {
    authority: String,
    certificate: String,
    key: String,
}

impl Papers {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("they are names");
        let certificate = params.signed_by(&key, &issuer).expect("a certificate");
        Self { authority: issuer.pem(), certificate: certificate.pem(), key: key.serialize_pem() }
    }

    fn authorities(&self) -> Authorities {
        Authorities::from_pem(self.authority.as_bytes()).expect("it is an authority")
    }

    fn identity(&self) -> Identity {
        Identity::from_pem(self.certificate.as_bytes(), self.key.as_bytes()).expect("they are a pair")
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.as_bytes()).expect("PEM")).expect("an authority");
        roots
    }

    fn pair(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let certificate = CertificateDer::from_pem_slice(self.certificate.as_bytes()).expect("PEM");
        (vec![certificate], PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("PEM"))
    }

    fn bare_server(&self) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(self.roots()), Arc::clone(&provider));
        let (chain, key) = self.pair();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("it is a version")
            .with_client_cert_verifier(verifier.build().expect("there is an authority"))
            .with_single_cert(chain, key)
            .expect("they are a pair");
        // As ours: what resumption would save is another question.
        config.send_tls13_tickets = 0;
        config
    }

    fn bare_client(&self) -> ClientConfig {
        let (chain, key) = self.pair();
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("it is a version")
            .with_root_certificates(self.roots())
            .with_client_auth_cert(chain, key)
            .expect("they are a pair")
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

async fn bare_server(config: ServerConfig) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
    let address = listener.local_addr().expect("it has an address");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                stream.set_nodelay(true).expect("it is there");
                let stream = acceptor.accept(stream).await.expect("the handshake succeeds");
                // The end of a connection is no fault.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(echo)).await;
            });
        }
    });
    address
}

async fn bare_plain_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
    let address = listener.local_addr().expect("it has an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).expect("it is there");
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(echo)));
        }
    });
    address
}

async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.expect("it arrives").to_bytes();
    Ok(Response::new(Full::new(body)))
}

async fn our_server(papers: Option<&Papers>) -> SocketAddr {
    let listener = HttpListener::bind("127.0.0.1:0".parse().expect("an address"), Settings::default()).await;
    let mut listener = listener.expect("there is a port");
    if let Some(papers) = papers {
        let clients = ClientAuth::Certificates(ClientCertificates::new(papers.authorities()));
        let tls = ServerTls::new(&papers.identity(), clients).expect("it can be set up");
        listener = listener.with_tls(TlsHandle::new(tls));
    }
    let address = listener.local_addr();
    tokio::spawn(listener.serve(Probe::default(), std::future::pending()));
    address
}

async fn bare_connect(connector: &TlsConnector, address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.expect("it listens");
    stream.set_nodelay(true).expect("it is there");
    let name = "localhost".try_into().expect("a name");
    let stream = connector.connect(name, stream).await.expect("the handshake succeeds");
    let (connection, driver) = handshake(TokioIo::new(stream)).await.expect("it speaks HTTP");
    tokio::spawn(driver);
    connection
}

async fn bare_plain_connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.expect("it listens");
    stream.set_nodelay(true).expect("it is there");
    let (connection, driver) = handshake(TokioIo::new(stream)).await.expect("it speaks HTTP");
    tokio::spawn(driver);
    connection
}

async fn bare_exchange(connection: &mut SendRequest<Full<Bytes>>, body: Bytes) {
    let length = body.len();
    connection.ready().await.expect("it is open");
    let request = Request::post("/").header("host", "localhost").body(Full::new(body)).expect("a request");
    let answer = connection.send_request(request).await.expect("it is answered");
    assert_eq!(answer.into_body().collect().await.expect("it arrives").to_bytes().len(), length);
}

fn our_transfer(address: SocketAddr, tls: &ClientTls) -> HttpTransfer {
    let transfer = HttpTransfer::new(&format!("https://{address}")).expect("it is an address");
    transfer.with_tls(tls.clone()).expect("it is secure")
}

async fn our_exchange(transfer: &HttpTransfer, body: Bytes) {
    let length = body.len();
    let outgoing = Outgoing::new(body, "application/openc2+json;version=1.0");
    let mut answers = transfer.exchange(outgoing).await.expect("it is answered");
    assert_eq!(answers.next().await.expect("one answer").expect("it arrives").body.len(), length);
}

const N_ROUNDS: usize = 31;
