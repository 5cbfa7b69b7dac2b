//! The Consumer's side: takes Commands from the topics of a device, and publishes its Responses (MQTT 2.2).

mod desk;
mod intake;
mod standing;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use oc2_core::{Mode, Nsid};
use oc2_transfer::{Handler, Listener, TransferError};
use tokio::select;
use tokio::time::{Instant, sleep_until};
use tracing::warn;

use self::desk::Desk;
pub use self::standing::Standing;
use crate::connection::{Connection, Happening};
use crate::error::SetupError;
use crate::options::Options;
use crate::topics::{DeviceId, Topic};

/// Receives Commands through a broker.
///
/// The peer of a request is [`Peer::Unauthenticated`](oc2_transfer::Peer::Unauthenticated) with the address of the broker: MQTT
/// does not tell who published a message.
///
/// It connects when it is served, and comes back by itself when it is cut off. It ends with an error only if it never had a
/// connection and others would fail as well: a user or certificate that is refused, a subscription that is not granted.
#[derive(Debug)]
pub struct MqttListener {
    options: Options,
    settings: Settings,
    standing: Standing,
}

/// Who an [`MqttListener`] is, and how it protects itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// What Producers know this device by.
    pub device_id: DeviceId,
    /// The profiles it has.
    pub profiles: Vec<Nsid>,
    /// Where Responses are published to. Default `oc2/rsp`.
    pub respond_to: RespondTo,
    /// How messages are read. Default strict. Lenient, what stands beside a message may be missing (DECISIONS Q7), and the flat
    /// layout of some peers is understood and answered in kind.
    pub mode: Mode,
    /// Whether requests are performed that were published as retained, which come again with each subscription. Default no
    /// (DECISIONS Q6).
    pub serves_retained: bool,
    /// Whether Producers are told by 102 that a Command takes long, before its Response. Default no: they hear of it when it is
    /// done (DECISIONS L7).
    pub tells_processing: bool,
    /// How many Commands are handled at once; the others wait. Default 64. Those whose Response follows later do not count.
    pub max_commands: usize,
    /// How long a shutdown waits for Commands under way and for the broker to take their Responses. Default 30 seconds. A
    /// request whose Response did not get away is given again to the next process under the same ClientID.
    pub grace: Duration,
}

/// Where Responses are published to (DECISIONS Q1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RespondTo {
    /// `oc2/rsp`, which every Producer subscribes to.
    #[default]
    All,
    /// `oc2/rsp/[producer_id]` with `from` of the request; `oc2/rsp` if `from` cannot be a level of a topic.
    Individual,
}

impl Settings {
    /// The defaults, for this device and its profiles.
    #[must_use]
    pub fn new(device_id: DeviceId, profiles: impl IntoIterator<Item = Nsid>) -> Self {
        Self {
            device_id,
            profiles: profiles.into_iter().collect(),
            respond_to: RespondTo::default(),
            mode: Mode::Strict,
            serves_retained: false,
            tells_processing: false,
            max_commands: 64,
            grace: Duration::from_secs(30),
        }
    }

    /// What is subscribed to (MQTT 3.3).
    fn topics(&self) -> Vec<Topic> {
        let mut topics = vec![Topic::All];
        for nsid in &self.profiles {
            let topic = Topic::Profile(*nsid);
            if !topics.contains(&topic) {
                topics.push(topic);
            }
        }
        topics.push(Topic::Device(self.device_id.clone()));
        topics
    }
}

impl MqttListener {
    /// A listener that is not connected yet.
    ///
    /// # Errors
    /// TLS is asked for, and the settings for it do not do.
    pub fn new(options: Options, settings: Settings) -> Result<Self, SetupError> {
        if options.broker.is_secure() {
            options.tls.config()?;
        }
        Ok(Self { options, settings, standing: Standing::default() })
    }

    /// Has it tell how it stands with its broker.
    #[must_use]
    pub fn reports_to(self, standing: &Standing) -> Self {
        Self { standing: standing.clone(), ..self }
    }
}

impl Listener for MqttListener {
    async fn serve<H: Handler>(
        self,
        handler: H,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), TransferError> {
        let broker = self.options.broker.to_string();
        let topics = self.settings.topics().iter().map(ToString::to_string).collect();
        let failed = |reason: String| TransferError::Unreachable { peer: broker.clone(), reason };
        let connection = Connection::new(self.options, topics).map_err(|error| failed(error.to_string()))?;
        let grace = self.settings.grace;
        let mut desk = Desk::new(connection, Arc::new(handler), self.settings, broker.as_str().into())
            .reporting_to(self.standing.clone());
        let _end = End(self.standing);
        let mut shutdown = pin!(shutdown);
        let mut has_been_ready = false;
        loop {
            select! {
                () = &mut shutdown => break,
                happening = desk.next() => match happening {
                    Happening::Ready { .. } => has_been_ready = true,
                    Happening::Cut { reason, is_lasting: true } if !has_been_ready => return Err(failed(reason)),
                    happening => desk.take(happening),
                },
            }
        }
        desk.stops();
        let until = Instant::now() + grace;
        while !desk.is_idle() {
            select! {
                happening = desk.next() => desk.take(happening),
                () = sleep_until(until) => {
                    warn!(broker, "Commands took longer than the shutdown waits; the broker gives them again.");
                    break;
                }
            }
        }
        desk.close().await;
        Ok(())
    }
}

/// However serving ends, nobody takes Commands afterwards.
struct End(Standing);

impl Drop for End {
    fn drop(&mut self) {
        self.0.ends();
    }
}
