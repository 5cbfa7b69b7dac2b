//! The Consumer's side: an HTTP/1.1 server for the one path of OpenC2 (HTTPS 3.2, 3.4).

mod answer;
mod direct;
mod entrance;
mod gate;
mod head;
#[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "without TLS there are no handshakes to count"))]
mod limits;
#[cfg(feature = "tls")]
mod name;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "jwt")]
mod tokens;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use oc2_encoding::{Encodings, MAX_MESSAGE};
use oc2_transfer::{Handler, Listener, TransferError};
use tokio::io::{AsyncRead, AsyncWrite};
#[cfg(feature = "tls")]
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
#[cfg(feature = "tls")]
use tokio_rustls::TlsAcceptor;
#[cfg(feature = "tls")]
use tokio_rustls::server::TlsStream;
#[cfg(feature = "tls")]
use tracing::info;
use tracing::{debug, warn};

#[cfg(feature = "tls")]
pub use self::tls::{ClientAuth, ClientCertificates, ServerTls, TlsHandle};
#[cfg(feature = "jwt")]
pub use self::tokens::Tokens;

use self::answer::Desk;
use self::entrance::Entrance;
#[cfg(feature = "tls")]
use self::entrance::Secured;
use self::gate::Gate;
use self::limits::{Place, Places};

/// Receives Commands by HTTP.
///
/// Every final status is one of 200, 400, 401, 403, 404, 500, 501, 503 (HTTPS 4.2.1-8, DECISIONS H2). With TLS (the Operations
/// target) the peer of a request is [`Peer::Authenticated`](oc2_transfer::Peer::Authenticated), and whoever does not prove who
/// they are is refused; without (the Testing target) it is
/// [`Peer::Unauthenticated`](oc2_transfer::Peer::Unauthenticated) with its IP address as text. A listener is one or the other.
#[derive(Debug)]
pub struct HttpListener {
    listener: TcpListener,
    address: SocketAddr,
    settings: Settings,
    #[cfg(feature = "tls")]
    tls: Option<TlsHandle>,
}

/// How an [`HttpListener`] protects itself.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The largest body in octets; more is 400. Default 1 MiB.
    pub max_body: usize,
    /// The largest request line with headers in octets; more is 400. Default 16 KiB; no more than 65,000 count.
    pub max_head: usize,
    /// The most header fields; more is 400. Default 100.
    pub max_headers: usize,
    /// How long a head may take from its first octet on, and a new connection until its first octet. Default 10 seconds. A
    /// head that takes longer is 503; a connection that stays silent is closed.
    pub head_timeout: Duration,
    /// How long a body may take in all; longer is 503. Default 10 seconds.
    pub body_timeout: Duration,
    /// How long a peer may take nothing of an answer before the connection is cut. Default 10 seconds.
    pub write_timeout: Duration,
    /// How long a connection may rest between two requests. Default 75 seconds.
    pub idle_timeout: Duration,
    /// How many octets of bodies are held at once, of all connections together; a body beyond that is 503. Default 64 MiB. One
    /// address, or one /64 of IPv6, has a quarter of it, but always room for one body.
    pub max_bodies: usize,
    /// How many connections are served at once. Default 1024. On a connection beyond that the first request is 503, so that
    /// the Producer learns at once why nothing happens; when too many wait even for that, new ones are closed.
    pub max_connections: usize,
    /// How many of them one address may have, or one /64 of IPv6. Default 256. It learns of it in the same way.
    pub max_connections_per_address: usize,
    /// How long a TLS handshake may take. Default 5 seconds.
    pub handshake_timeout: Duration,
    /// How many handshakes are made at once; more wait for their turn. Default 256.
    pub max_handshakes: usize,
    /// How many of them one address may make, or one /64 of IPv6. Default 16. Who stalls its handshakes holds up nobody else.
    pub max_handshakes_per_address: usize,
    /// How long a shutdown waits for Commands under way. Default 30 seconds. Then the connections are cut; a Command that
    /// still runs is not.
    pub grace: Duration,
    /// What an `Accept` header is compared with. Default JSON.
    pub encodings: Encodings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_body: MAX_MESSAGE,
            max_bodies: 64 << 20,
            max_head: 16 << 10,
            max_headers: 100,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            max_connections: 1024,
            max_connections_per_address: 256,
            handshake_timeout: Duration::from_secs(5),
            max_handshakes: 256,
            max_handshakes_per_address: 16,
            grace: Duration::from_secs(30),
            encodings: Encodings::default(),
        }
    }
}

impl HttpListener {
    /// Takes a port.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn bind(address: SocketAddr, mut settings: Settings) -> Result<Self, TransferError> {
        settings.max_head = settings.max_head.min(MAX_HEAD);
        let listen = |source| TransferError::Listen { address: address.to_string(), source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self {
            listener,
            address,
            settings,
            #[cfg(feature = "tls")]
            tls: None,
        })
    }

    /// The same with TLS, and nothing without.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(self, tls: TlsHandle) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Where it listens: tells the port if port 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

impl Listener for HttpListener {
    async fn serve<H: Handler>(
        self,
        handler: H,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), TransferError> {
        let grace = self.settings.grace;
        let (stop, stopping) = watch::channel(());
        let reception = Reception {
            places: Places::new(&self.settings),
            handler: Arc::new(handler),
            settings: Arc::new(self.settings),
            stopping,
            #[cfg(feature = "tls")]
            tls: self.tls,
        };
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            select! {
                () = &mut shutdown => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, address)) => reception.receive(stream, address, &mut connections),
                    Err(error) => after_failed_accept(error).await,
                },
                // Forgets the connections that ended.
                Some(_) = connections.join_next() => {}
            }
        }
        drop(self.listener);
        // Connections that rest close at once, the others after their answer.
        drop(stop);
        let all_done = async { while connections.join_next().await.is_some() {} };
        if timeout(grace, all_done).await.is_err() {
            warn!(
                n_connections = connections.len(),
                "Commands took longer than the shutdown waits; their connections are cut."
            );
            connections.shutdown().await;
        }
        Ok(())
    }
}

/// Gives each connection a place, or turns it away.
struct Reception<H> {
    places: Places,
    handler: Arc<H>,
    settings: Arc<Settings>,
    stopping: watch::Receiver<()>,
    #[cfg(feature = "tls")]
    tls: Option<TlsHandle>,
}

impl<H: Handler> Reception<H> {
    fn receive(&self, stream: TcpStream, address: SocketAddr, connections: &mut JoinSet<()>) {
        let Some(place) = self.places.take(address.ip(), self.settings.max_connections_per_address) else {
            return warn!(%address, "Too many connections; one was closed unheard.");
        };
        if let Err(error) = stream.set_nodelay(true) {
            // The peer is gone already; reading will say so.
            debug!(%address, %error, "TCP_NODELAY could not be set.");
        }
        let connection = Connection {
            handler: Arc::clone(&self.handler),
            settings: Arc::clone(&self.settings),
            stopping: self.stopping.clone(),
            place,
        };
        #[cfg(feature = "tls")]
        if let Some(tls) = self.tls.clone() {
            connections.spawn(connection.secure(stream, address, tls));
            return;
        }
        let entrance = Entrance::open(address.ip());
        connections.spawn(connection.serve(stream, entrance));
    }
}

/// One connection, to its end.
struct Connection<H> {
    handler: Arc<H>,
    settings: Arc<Settings>,
    stopping: watch::Receiver<()>,
    place: Place,
}

impl<H: Handler> Connection<H> {
    /// Shakes hands, then serves.
    #[cfg(feature = "tls")]
    async fn secure(self, stream: TcpStream, address: SocketAddr, handle: TlsHandle) {
        let mut stopping = self.stopping.clone();
        let shaken = select! {
            shaken = self.shake_hands(stream, address, &handle) => shaken,
            _ = stopping.changed() => None,
        };
        if let Some((stream, secured)) = shaken {
            let entrance = Entrance::secured(address.ip(), secured);
            self.serve(stream, entrance).await;
        }
    }

    /// A TLS connection, and who is on the other side.
    #[cfg(feature = "tls")]
    async fn shake_hands(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        handle: &TlsHandle,
    ) -> Option<(TlsStream<TcpStream>, Secured)> {
        let turn = self.place.handshake().await?;
        let tls = handle.current();
        let accept = TlsAcceptor::from(Arc::clone(&tls.config)).accept(stream).into_fallible();
        let shaken = timeout(self.settings.handshake_timeout, accept).await;
        drop(turn);
        match shaken {
            Ok(Ok(stream)) => {
                let chain = stream.get_ref().1.peer_certificates().unwrap_or_default().to_vec();
                let secured = Secured::new(handle.clone(), tls, chain);
                Some((stream, secured))
            }
            Ok(Err((error, stream))) => {
                info!(%address, %error, "A TLS handshake failed.");
                linger(stream).await;
                None
            }
            Err(_) => {
                info!(%address, "A TLS handshake took too long.");
                None
            }
        }
    }

    async fn serve<S: AsyncRead + AsyncWrite + Send + Unpin>(mut self, stream: S, entrance: Entrance) {
        let desk = Arc::new(Desk::new(self.handler, entrance, self.settings, &self.place));
        let mut http = http1::Builder::new();
        // The gate has these two limits already. A peer that closes its sending half still gets its answer, and a Command is
        // not cut off because the peer left.
        http.header_read_timeout(None).half_close(true);
        if desk.settings().max_headers > MAX_HEADERS_ON_STACK {
            http.max_headers(desk.settings().max_headers);
        }
        let (gate, stopped) = (Gate::new(stream, Arc::clone(&desk)), Arc::clone(&desk));
        let service = service_fn(|request| answer::answer(Arc::clone(&desk), request));
        let mut connection = pin!(http.serve_connection(TokioIo::new(gate), service));
        let ended = select! {
            ended = connection.as_mut() => ended,
            // Nothing is ever sent: the sender goes when the listener stops.
            _ = self.stopping.changed() => {
                stopped.stop();
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            debug!(peer = %desk.peer(), %error, "A connection failed.");
        }
    }
}

/// Lets a peer read why it was refused: the kernel resets a connection that is closed with something unread, and the reset can
/// overtake the alert.
#[cfg(feature = "tls")]
async fn linger(mut stream: TcpStream) {
    let drained = async {
        stream.shutdown().await?;
        let mut rest = [0; 1024];
        while stream.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    // Whatever comes of it, the connection ends.
    let _ = timeout(LINGER, drained).await;
}

/// A connection that was lost before it was taken is no reason to wait; everything else, such as too many open files, lasts
/// a while.
async fn after_failed_accept(error: io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        warn!(%error, "No connection could be accepted; trying again.");
        sleep(Duration::from_millis(100)).await;
    }
}

/// From here on hyper has a refusal of its own for request targets (414), and field names that it takes for a fault of its own.
const MAX_HEAD: usize = 65_000;

/// How long a peer may go on sending what nobody reads.
const LINGER: Duration = Duration::from_secs(2);

/// So many header fields hyper keeps on its stack; asking for fewer would move them to the heap.
const MAX_HEADERS_ON_STACK: usize = 100;
