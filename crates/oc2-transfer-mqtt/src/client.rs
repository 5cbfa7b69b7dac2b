//! The Producer's side: publishes Commands to the topics of Consumers, and brings the Responses to whoever waits for them (MQTT
//! 2.2).

mod driver;
mod pending;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use oc2_core::{Mode, Nsid};
use oc2_transfer::{Answers, Outgoing, Transfer, TransferError};
use tokio::sync::{mpsc, oneshot};

use self::driver::{Driver, Order};
use self::pending::Waiting;
use crate::connection::Connection;
use crate::error::SetupError;
use crate::flat;
use crate::options::Options;
use crate::properties::Coding;
use crate::topics::{DeviceId, ProducerId, Topic, responses_of_peers};

/// Publishes Commands for one Consumer, for those with a profile, or for all. Clones, and what [`to`](Self::to) gives, are one
/// client of the broker.
///
/// It connects with the first message, and comes back by itself when it is cut off. An exchange begins when the broker has the
/// message. Its answers end when as many Consumers as [expected](Outgoing::expected) have given their last word (any status but
/// 102), or when its time is over; of a device one is expected. Answers are told apart by `from` and status, and no pair of these
/// is given twice. While answers are due, a broker that lost our session is given the message again, under the same request id.
///
/// Responses are matched by request id and nothing else (MQTT 2.4.2), so a message without one has no answers.
#[derive(Clone)]
pub struct MqttTransfer {
    hub: Arc<Hub>,
    destination: Destination,
    topic: Arc<str>,
    is_flat: bool,
}

/// Whom Commands are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// One device.
    Device(DeviceId),
    /// All devices with this profile.
    Profile(Nsid),
    /// All devices.
    All,
}

impl Destination {
    /// Where Commands for it are published.
    #[must_use]
    pub fn topic(&self) -> Topic {
        match self {
            Self::Device(device) => Topic::Device(device.clone()),
            Self::Profile(nsid) => Topic::Profile(*nsid),
            Self::All => Topic::All,
        }
    }

    fn expected(&self) -> Option<usize> {
        match self {
            Self::Device(_) => Some(1),
            Self::Profile(_) | Self::All => None,
        }
    }
}

impl MqttTransfer {
    /// A transfer that is not connected yet. The Producer's id is a level of a topic that it listens to, and should be the `from` of
    /// its messages (DECISIONS Q2).
    ///
    /// # Errors
    /// TLS is asked for, and the settings for it do not do.
    pub fn new(options: Options, producer: ProducerId, destination: Destination) -> Result<Self, SetupError> {
        Self::reading(options, producer, destination, Mode::Lenient)
    }

    /// The same, with a choice of how Responses are read. Lenient, what [`new`](Self::new) takes, what stands beside a message may
    /// be missing (DECISIONS Q7), and Responses are also heard on the topic, and understood in the flat layout, of some peers.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn reading(
        options: Options,
        producer: ProducerId,
        destination: Destination,
        mode: Mode,
    ) -> Result<Self, SetupError> {
        let mut topics = vec![Topic::Responses.to_string()];
        if mode == Mode::Lenient {
            topics.push(responses_of_peers(&producer));
        }
        topics.push(Topic::ResponsesTo(producer).to_string());
        let peer = options.broker.to_string();
        let connect_timeout = options.connect_timeout;
        let driver = Driver::new(Connection::new(options, topics)?, peer.as_str().into(), mode, connect_timeout);
        let (orders, ordered) = mpsc::channel(MAX_ORDERS);
        let lost = driver.lost();
        let hub = Hub { orders, idle: Mutex::new(Some((driver, ordered))), peer, lost };
        Ok(Self { hub: Arc::new(hub), topic: destination.topic().to_string().into(), destination, is_flat: false })
    }

    /// The same for Consumers that know nothing but the flat layout: `content`, `request_id`, `created`, `from` and `to` side by side,
    /// which no standard has (DECISIONS Q18). Messages have to be JSON by name, and Responses are read in lenient mode only. What is
    /// in the headers besides these four, and a signature, is left out.
    #[must_use]
    pub fn in_flat_layout(self) -> Self {
        Self { is_flat: true, ..self }
    }

    /// The same client of the broker, for others.
    #[must_use]
    pub fn to(&self, destination: Destination) -> Self {
        let (hub, topic) = (Arc::clone(&self.hub), destination.topic().to_string().into());
        Self { hub, topic, destination, is_flat: self.is_flat }
    }

    /// Whom Commands are for.
    #[must_use]
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Why there is no connection now, if there was one before. Answers to what the broker has already may wait there meanwhile.
    #[must_use]
    pub fn lost(&self) -> Option<String> {
        self.hub.lost.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says goodbye to the broker, which keeps the session. Exchanges under way end, here and in all clones.
    pub async fn close(self) {
        let (done, is_done) = oneshot::channel();
        let is_idle = self.hub.idle.lock().unwrap_or_else(PoisonError::into_inner).take().is_some();
        if !is_idle && self.hub.orders.send(Order::Close(done)).await.is_ok() {
            // A driver that is gone has closed already.
            let _ = is_done.await;
        }
    }

    async fn order(&self, order: Order) -> Result<(), TransferError> {
        let idle = self.hub.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((driver, ordered)) = idle {
            // It ends when the last clone is gone.
            tokio::spawn(driver.run(ordered));
        }
        self.hub.orders.send(order).await.map_err(|_| self.gone())
    }

    fn gone(&self) -> TransferError {
        TransferError::Unreachable { peer: self.hub.peer.clone(), reason: "the transfer was closed".to_owned() }
    }
}

impl Transfer for MqttTransfer {
    async fn exchange(&self, outgoing: Outgoing) -> Result<Answers, TransferError> {
        let outgoing = if self.is_flat { flattened(outgoing)? } else { outgoing };
        let expected = outgoing.expected.or(self.destination.expected());
        let (topic, outgoing) = (Arc::clone(&self.topic), Outgoing { expected, ..outgoing });
        if outgoing.defers_errors {
            let (waiting, answers) = Waiting::with_answers();
            self.order(Order::Exchange { outgoing, topic, waiting }).await?;
            return Ok(answers);
        }
        let (begun, is_begun) = oneshot::channel();
        self.order(Order::Exchange { outgoing, topic, waiting: Waiting::to_begin(begun) }).await?;
        is_begun.await.unwrap_or_else(|_| Err(self.gone()))
    }
}

impl fmt::Debug for MqttTransfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MqttTransfer").field("broker", &self.hub.peer).field("destination", &self.destination).finish()
    }
}

/// The same message in the flat layout; what it is matched by is looked for before.
fn flattened(outgoing: Outgoing) -> Result<Outgoing, TransferError> {
    let coding = Coding::of_media_type(outgoing.media_type);
    let body = Some(coding).filter(|coding| *coding == Coding::Json).and_then(|_| flat::fold(&outgoing.body));
    let Some(body) = body else {
        let reason = "the flat layout is for messages in JSON by name, with headers and body".to_owned();
        return Err(TransferError::Protocol(reason));
    };
    let request_id = outgoing.request_id.or_else(|| coding.glimpse(&outgoing.body).request_id.map(|id| id.to_string()));
    Ok(Outgoing { request_id, body, ..outgoing })
}

struct Hub {
    orders: mpsc::Sender<Order>,
    /// Until the first message there may be no runtime to run it in.
    idle: Mutex<Option<(Driver, mpsc::Receiver<Order>)>>,
    peer: String,
    lost: Lost,
}

/// Why there is no connection any more, if there is none.
#[derive(Clone, Debug, Default)]
struct Lost(Arc<Mutex<Option<String>>>);

impl Lost {
    fn set(&self, reason: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }
}

/// How many callers' messages wait to be looked at.
const MAX_ORDERS: usize = 64;
