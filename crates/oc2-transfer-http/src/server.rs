//! The Consumer's side: an HTTP/1.1 server for the one path of OpenC2 (HTTPS 3.2, 3.4).

mod answer;
mod gate;
mod head;

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
use oc2_transfer::{Handler, Listener, Peer, TransferError};
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use self::answer::Desk;
use self::gate::Gate;

/// Receives Commands by HTTP.
///
/// Every final status is one of 200, 400, 401, 403, 404, 500, 501, 503 (HTTPS 4.2.1-8, DECISIONS H2). The peer of a request
/// is [`Peer::Unauthenticated`] with its IP address as text.
#[derive(Debug)]
pub struct HttpListener {
    listener: TcpListener,
    address: SocketAddr,
    settings: Settings,
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
    /// How many connections are served at once. Default 1024. On a connection beyond that the first request is 503, so that
    /// the Producer learns at once why nothing happens; when too many wait even for that, new ones are closed.
    pub max_connections: usize,
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
            max_head: 16 << 10,
            max_headers: 100,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            max_connections: 1024,
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
        Ok(Self { listener, address, settings })
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
            places: Arc::new(Semaphore::new(self.settings.max_connections.min(Semaphore::MAX_PERMITS))),
            waiting_room: Arc::new(Semaphore::new(MAX_TURNED_AWAY)),
            handler: Arc::new(handler),
            settings: Arc::new(self.settings),
            stopping,
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
    places: Arc<Semaphore>,
    waiting_room: Arc<Semaphore>,
    handler: Arc<H>,
    settings: Arc<Settings>,
    stopping: watch::Receiver<()>,
}

impl<H: Handler> Reception<H> {
    fn receive(&self, stream: TcpStream, address: SocketAddr, connections: &mut JoinSet<()>) {
        let (permit, is_turned_away) = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(permit) => (permit, false),
            Err(_) => match Arc::clone(&self.waiting_room).try_acquire_owned() {
                Ok(permit) => (permit, true),
                Err(_) => return warn!(%address, "Too many connections; one was closed unheard."),
            },
        };
        let peer = Peer::Unauthenticated(address.ip().to_canonical().to_string().into());
        let desk = Arc::new(Desk::new(Arc::clone(&self.handler), peer, Arc::clone(&self.settings), is_turned_away));
        connections.spawn(serve(stream, desk, self.stopping.clone(), permit));
    }
}

/// Serves one connection to its end. TLS belongs here, between the stream and the gate: its handshake is the peer's to pace,
/// and it tells who the peer is.
async fn serve<H: Handler>(
    stream: TcpStream,
    desk: Arc<Desk<H>>,
    mut stopping: watch::Receiver<()>,
    _place: OwnedSemaphorePermit,
) {
    if let Err(error) = stream.set_nodelay(true) {
        // The peer is gone already; reading will say so.
        debug!(peer = %desk.peer(), %error, "TCP_NODELAY could not be set.");
    }
    let mut http = http1::Builder::new();
    // The gate has these two limits already. A peer that closes its sending half still gets its answer, and a Command is
    // not cut off because the peer left.
    http.header_read_timeout(None).half_close(true);
    if desk.settings().max_headers > MAX_HEADERS_ON_STACK {
        http.max_headers(desk.settings().max_headers);
    }
    let gate = Gate::new(stream, Arc::clone(&desk));
    let service = service_fn(|request| answer::answer(Arc::clone(&desk), request));
    let mut connection = pin!(http.serve_connection(TokioIo::new(gate), service));
    let ended = select! {
        ended = connection.as_mut() => ended,
        // Nothing is ever sent: the sender goes when the listener stops.
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(peer = %desk.peer(), %error, "A connection failed.");
    }
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

/// How many connections at once are told that there are too many.
const MAX_TURNED_AWAY: usize = 64;

/// So many header fields hyper keeps on its stack; asking for fewer would move them to the heap.
const MAX_HEADERS_ON_STACK: usize = 100;
