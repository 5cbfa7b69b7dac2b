//! The listener that metrics and health are read from: `GET /metrics`, `GET /healthz`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use oc2_transfer::TransferError;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::Metrics;

/// Shows metrics and health to whoever reaches it: keep it on loopback.
#[derive(Debug)]
pub struct MetricsListener {
    listener: TcpListener,
    address: SocketAddr,
    metrics: Metrics,
}

impl MetricsListener {
    /// Takes a port.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn bind(address: SocketAddr, metrics: Metrics) -> Result<Self, TransferError> {
        let listen = |source| TransferError::Listen { address: address.to_string(), source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self { listener, address, metrics })
    }

    /// Where it listens: tells the port if port 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` is ready; then it closes at once, since nothing is lost.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        // Beyond the limit a connection is closed unheard; whoever scrapes comes again.
                        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
                            let metrics = self.metrics.clone();
                            connections.spawn(async move {
                                serve(stream, metrics).await;
                                drop(place);
                            });
                        }
                    }
                    Err(error) => {
                        debug!(%error, "No connection for metrics could be accepted; trying again.");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

/// One request and its answer, within a bounded time.
async fn serve(stream: TcpStream, metrics: Metrics) {
    let service = service_fn(move |request| answer(request, metrics.clone()));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WAIT).keep_alive(false).max_buf_size(MAX_HEAD);
    let served = timeout(CONNECTION_WAIT, http.serve_connection(TokioIo::new(stream), service)).await;
    if let Ok(Err(error)) = served {
        debug!(%error, "A connection for metrics failed.");
    }
}

async fn answer(request: Request<Incoming>, metrics: Metrics) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, content_type, body) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => (StatusCode::OK, OPEN_METRICS, metrics.text().await),
        (&Method::GET | &Method::HEAD, "/healthz") => {
            let faults = metrics.faults();
            match faults.is_empty() {
                true => (StatusCode::OK, PLAIN, "ok\n".to_owned()),
                false => (StatusCode::SERVICE_UNAVAILABLE, PLAIN, faults.join("\n") + "\n"),
            }
        }
        (_, "/metrics" | "/healthz") => (StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET and HEAD\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, PLAIN, "here are /metrics and /healthz\n".to_owned()),
    };
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    Ok(response)
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";
const MAX_CONNECTIONS: usize = 16;
const MAX_HEAD: usize = 16 << 10;
const HEAD_WAIT: Duration = Duration::from_secs(5);
const CONNECTION_WAIT: Duration = Duration::from_secs(30);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
