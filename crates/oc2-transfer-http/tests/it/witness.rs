//! A server whose handler remembers what it was given.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oc2_core::StatusCode;
use oc2_transfer::conform::Probe;
use oc2_transfer::{Encoded, Handler, Listener, Refusal, Reply, Request, TransferError};
use oc2_transfer_http::{HttpListener, Settings};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::raw::{Answer, PATIENCE, Raw, post};

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
            Some(status) => Reply { status, body: Some(Encoded { bytes: request.body, media_type: MEDIA_TYPE }) },
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
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let listener = HttpListener::bind("127.0.0.1:0".parse().unwrap(), settings).await.expect("there is a port");
        let address = listener.local_addr();
        let witness = Witness::default();
        let (shutdown, told) = oneshot::channel::<()>();
        let served = tokio::spawn(listener.serve(witness.clone(), async move { told.await.unwrap_or_default() }));
        Self { address, witness, shutdown: Some(shutdown), served }
    }

    pub(crate) async fn connect(&self) -> Raw {
        Raw::to(self.address).await
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
