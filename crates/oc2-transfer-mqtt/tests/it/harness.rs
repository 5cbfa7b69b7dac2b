//! Consumers and Producers for tests.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oc2_core::{Nsid, StatusCode};
use oc2_encoding::Glimpse;
use oc2_tests_broker::{PATIENCE, wait_until};
use oc2_transfer::{
    Answer, Answers, Encoded, Handler, Listener, Outgoing, Refusal, Reply, Request, Transfer, TransferError,
};
use oc2_transfer_mqtt::{Destination, MqttListener, MqttTransfer, Options, Session, Settings};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

pub(crate) const JSON: &str = "application/openc2+json;version=1.0";
pub(crate) const CBOR: &str = "application/openc2+cbor;version=1.0";

/// Options that come back quickly.
pub(crate) fn options(port: u16) -> Options {
    options_with(port, Session::ephemeral())
}

pub(crate) fn options_with(port: u16, session: Session) -> Options {
    let mut options = Options::new(&format!("mqtt://127.0.0.1:{port}"), session).unwrap();
    (options.min_pause, options.max_pause) = (Duration::from_millis(20), Duration::from_millis(200));
    options
}

/// A session with this ClientID.
pub(crate) fn session_of(client_id: &str) -> Session {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("client_id"), client_id).unwrap();
    Session::open(directory.path()).unwrap()
}

/// The settings of a device with SLPF.
pub(crate) fn settings(device: &str) -> Settings {
    Settings::new(device.parse().unwrap(), [Nsid::SLPF])
}

pub(crate) fn transfer(options: Options, device: &str) -> MqttTransfer {
    MqttTransfer::new(options, "omega".parse().unwrap(), Destination::Device(device.parse().unwrap())).unwrap()
}

/// A Command under this id. The transfer does not look into it.
pub(crate) fn command(request_id: &str) -> String {
    format!(
        r#"{{"headers":{{"request_id":"{request_id}","created":1610483630000,"from":"omega"}},"body":{{"openc2":{{"request":{{"action":"query","target":{{"features":[]}}}}}}}}}}"#
    )
}

pub(crate) fn response(request_id: &str, from: &str, status: u16) -> String {
    format!(
        r#"{{"headers":{{"request_id":"{request_id}","from":"{from}"}},"body":{{"openc2":{{"response":{{"status":{status}}}}}}}}}"#
    )
}

pub(crate) fn outgoing(request_id: &str) -> Outgoing {
    Outgoing { request_id: Some(request_id.to_owned()), timeout: PATIENCE, ..Outgoing::new(command(request_id), JSON) }
}

/// The first answer.
pub(crate) async fn ask(transfer: &MqttTransfer, request_id: &str) -> Result<Answer, TransferError> {
    transfer.exchange(outgoing(request_id)).await?.next().await.expect("there is an answer")
}

/// All answers there are, as text.
pub(crate) async fn all(mut answers: Answers) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some(answer) = answers.next().await {
        texts.push(String::from_utf8(answer.unwrap().body.to_vec()).unwrap());
    }
    texts
}

/// A handler that answers what it is asked with 200, remembers it, and can be held up.
#[derive(Clone, Debug)]
pub(crate) struct Doer(Arc<State>);

#[derive(Debug)]
struct State {
    name: String,
    requests: Mutex<Vec<Request>>,
    refusals: Mutex<Vec<Refusal>>,
    is_held: AtomicBool,
    n_begun: AtomicUsize,
    released: Semaphore,
    is_mute: AtomicBool,
}

impl Doer {
    pub(crate) fn new(name: &str) -> Self {
        Self(Arc::new(State {
            name: name.to_owned(),
            requests: Mutex::default(),
            refusals: Mutex::default(),
            is_held: AtomicBool::new(false),
            n_begun: AtomicUsize::new(0),
            released: Semaphore::new(0),
            is_mute: AtomicBool::new(false),
        }))
    }

    /// One whose Commands wait until they are released.
    pub(crate) fn held(name: &str) -> Self {
        let doer = Self::new(name);
        doer.0.is_held.store(true, Ordering::SeqCst);
        doer
    }

    /// One that gives no Responses.
    pub(crate) fn mute(name: &str) -> Self {
        let doer = Self::new(name);
        doer.0.is_mute.store(true, Ordering::SeqCst);
        doer
    }

    pub(crate) fn release(&self, n_commands: usize) {
        self.0.released.add_permits(n_commands);
    }

    /// How many Commands have begun.
    pub(crate) fn n_begun(&self) -> usize {
        self.0.n_begun.load(Ordering::SeqCst)
    }

    #[track_caller]
    pub(crate) fn wait_begun(&self, n_commands: usize) {
        wait_until(&format!("{n_commands} commands began"), || self.n_begun() >= n_commands);
    }

    /// What was handled, to the end.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.0.requests.lock().unwrap().clone()
    }

    /// The ids of what was handled, to the end.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.requests().iter().map(|request| id(&request.body)).collect()
    }

    pub(crate) fn refusals(&self) -> Vec<Refusal> {
        self.0.refusals.lock().unwrap().clone()
    }
}

impl Handler for Doer {
    async fn handle(&self, request: Request) -> Reply {
        self.0.n_begun.fetch_add(1, Ordering::SeqCst);
        if self.0.is_held.load(Ordering::SeqCst) {
            self.0.released.acquire().await.unwrap().forget();
        }
        let body = response(&id(&request.body), &self.0.name, 200);
        let media_type = if request.content_type.as_deref() == Some(CBOR) { CBOR } else { JSON };
        self.0.requests.lock().unwrap().push(request);
        let body = (!self.0.is_mute.load(Ordering::SeqCst)).then(|| Encoded { bytes: body.into(), media_type });
        Reply { status: StatusCode::Ok, body, later: None }
    }

    fn refuse(&self, refusal: Refusal) -> Reply {
        let status = refusal.rejection.status();
        let body = response(refusal.request_id.as_deref().unwrap_or_default(), &self.0.name, status.as_u16());
        self.0.refusals.lock().unwrap().push(refusal);
        Reply::new(status, Encoded { bytes: body.into(), media_type: JSON })
    }
}

fn id(body: &[u8]) -> String {
    let json = Glimpse::of_json(body).request_id;
    json.or_else(|| Glimpse::of_cbor(body).request_id).map(|id| id.to_string()).unwrap_or_default()
}

/// A Consumer that runs.
pub(crate) struct Consumer {
    shutdown: Option<oneshot::Sender<()>>,
    served: JoinHandle<Result<(), TransferError>>,
}

impl Consumer {
    pub(crate) fn start(options: Options, settings: Settings, handler: impl Handler) -> Self {
        let listener = MqttListener::new(options, settings).unwrap();
        let (shutdown, told) = oneshot::channel();
        let served = tokio::spawn(listener.serve(handler, async move { told.await.unwrap_or_default() }));
        Self { shutdown: Some(shutdown), served }
    }

    /// Stops it as an operator does.
    pub(crate) async fn stop(mut self) {
        self.begin_stop();
        self.ends().await.unwrap();
    }

    pub(crate) fn begin_stop(&mut self) {
        self.shutdown = None;
    }

    /// How it ends.
    pub(crate) async fn ends(self) -> Result<(), TransferError> {
        tokio::time::timeout(PATIENCE, self.served).await.expect("it ends").expect("it does not panic")
    }

    /// Ends it as a power failure does.
    pub(crate) async fn kill(self) {
        self.served.abort();
        let _ = self.served.await;
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.served.is_finished()
    }
}
