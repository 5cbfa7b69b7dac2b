//! One client of a broker: connects, comes back when it is cut off, keeps its subscriptions, and loses nothing that was given to
//! it. It is driven by [`Connection::next`]; everything else returns at once, so that whoever drives it cannot wait for itself.

mod alarm;
mod pause;
mod pulse;

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use bytes::BytesMut;
use rustls::ClientConfig;
use tokio::select;
use tokio::time::{Instant, timeout};
use tracing::{debug, error, info, warn};

pub(crate) use self::alarm::Alarm;
use self::pause::Pause;
use self::pulse::Pulse;
use crate::error::SetupError;
use crate::link::{Delivery, Event, Greeting, Link, LinkError, Publication, Reach, Refused, Rumqtt, Ticket, Welcome};
use crate::options::{Options, Qos, Renewal};
use crate::wire::Wire;

/// One client of a broker.
pub(crate) struct Connection {
    options: Options,
    tls: Option<Arc<ClientConfig>>,
    topics: Vec<String>,
    link: Box<dyn Link>,
    phase: Phase,
    input: BytesMut,
    output: BytesMut,
    happenings: VecDeque<Happening>,
    /// What is to be published, in order.
    waiting: VecDeque<(Token, Publication)>,
    /// What was published and is not acknowledged, by the id of the packet.
    in_flight: HashMap<u16, (Token, Publication)>,
    /// What arrived over this network connection and is not acknowledged, in order.
    arrived: VecDeque<Arrived>,
    n_tokens: u64,
    n_arrived: u64,
    /// Counts network connections: what arrived over an earlier one cannot be acknowledged over this one.
    generation: u64,
    /// Whether the broker is known to have our subscriptions, if it has our session.
    is_subscribed: bool,
    /// Whether the broker refused us as we are.
    is_refused: bool,
    max_qos: u8,
    pulse: Pulse,
    pause: Pause,
    alarm: Alarm,
}

/// Something whoever drives a connection wants to know.
#[derive(Debug)]
pub(crate) enum Happening {
    /// The connection stands, subscriptions included.
    Ready {
        /// Whether the broker had no session for us.
        is_new_session: bool,
    },
    /// The connection is lost, or an attempt to connect failed; others follow.
    Cut {
        /// Why.
        reason: String,
        /// Whether other attempts are in vain unless somebody changes something.
        is_lasting: bool,
    },
    /// A message arrived.
    Delivery(Delivery, Receipt),
    /// A message was published, or never will be.
    Published(Token, Result<Reach, Unpublished>),
}

/// What a published message is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Token(u64);

/// What a message that arrived is acknowledged with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receipt {
    generation: u64,
    /// `None` at QoS 0.
    number: Option<u64>,
}

/// Why a message was not published.
#[derive(Debug)]
pub(crate) enum Unpublished {
    /// It is larger than the broker takes.
    TooLarge(String),
    /// The broker refused it.
    Refused(String),
}

struct Arrived {
    number: u64,
    ticket: Ticket,
    size: usize,
    is_done: bool,
}

enum Phase {
    /// Waits before the next attempt.
    Resting(Instant),
    /// Opens a network connection.
    Opening(Pin<Box<dyn Future<Output = io::Result<Wire>> + Send>>),
    /// Has one.
    Open { wire: Wire, stage: Stage, is_new_session: bool },
}

#[derive(Clone, Copy)]
enum Stage {
    /// CONNECT was sent; the answer is due by then.
    Greeting(Instant),
    /// SUBSCRIBE was sent; the answer is due by then.
    Subscribing(Instant),
    Ready,
}

impl Connection {
    /// A client that subscribes to these topics. It connects when it is driven.
    ///
    /// # Errors
    /// TLS is asked for, and what it needs is not there.
    pub(crate) fn new(options: Options, topics: Vec<String>) -> Result<Self, SetupError> {
        let tls = if options.broker.is_secure() { Some(options.tls.config()?) } else { None };
        if tls.is_none() {
            // MQTT-107, MQTT-121
            warn!(broker = %options.broker, "No TLS: for testing only. Anybody on the way can read and forge Commands.");
        }
        Ok(Self {
            tls,
            topics,
            link: Box::new(Rumqtt::new(options.max_in_flight)),
            phase: Phase::Resting(Instant::now()),
            input: BytesMut::new(),
            output: BytesMut::new(),
            happenings: VecDeque::new(),
            waiting: VecDeque::new(),
            in_flight: HashMap::new(),
            arrived: VecDeque::new(),
            n_tokens: 0,
            n_arrived: 0,
            generation: 0,
            is_subscribed: false,
            is_refused: false,
            max_qos: 2,
            pulse: Pulse::new(options.keep_alive, options.answer_timeout),
            pause: Pause::new(options.min_pause, options.max_pause),
            alarm: Alarm::default(),
            options,
        })
    }

    /// What happens next. Nothing is lost when it is given up.
    pub(crate) async fn next(&mut self) -> Happening {
        loop {
            self.publish_waiting();
            if let Some(happening) = self.happenings.pop_front() {
                return happening;
            }
            match &mut self.phase {
                Phase::Resting(until) => {
                    self.alarm.at(*until).await;
                    if std::mem::take(&mut self.is_refused) {
                        self.renew();
                    }
                    self.open();
                }
                Phase::Opening(opening) => match opening.await {
                    Ok(wire) => self.greet(wire),
                    Err(error) => drop(self.cut(error.to_string(), is_lasting(&error))),
                },
                Phase::Open { .. } => self.turn().await,
            }
        }
    }

    /// Publishes a message as soon as may be, whatever happens to connections meanwhile.
    pub(crate) fn publish(&mut self, publication: Publication) -> Token {
        self.n_tokens += 1;
        let token = Token(self.n_tokens);
        self.waiting.push_back((token, publication));
        token
    }

    /// Forgets a message that did not go out yet.
    pub(crate) fn withdraw(&mut self, token: Token) {
        self.waiting.retain(|(waiting, _)| *waiting != token);
    }

    /// How many messages are neither acknowledged nor given up.
    pub(crate) fn n_unpublished(&self) -> usize {
        self.waiting.len() + self.in_flight.len()
    }

    /// Whether a message can still be acknowledged. If not, the broker gives it again.
    pub(crate) fn is_current(&self, receipt: Receipt) -> bool {
        receipt.generation == self.generation
    }

    /// Whether the broker will soon give nothing new before older messages are acknowledged.
    pub(crate) fn is_crowded(&self) -> bool {
        self.arrived.len() * 2 >= usize::from(self.options.receive_maximum)
    }

    /// Acknowledges a message: to the broker as soon as all that arrived before it are done, because acknowledgements go out in
    /// the order in which messages came in (MQTT 5 4.6).
    pub(crate) fn acknowledge(&mut self, receipt: Receipt) {
        if !self.is_current(receipt) {
            return;
        }
        if let Ok(position) = self.arrived.binary_search_by_key(&receipt.number, |arrived| Some(arrived.number)) {
            self.arrived[position].is_done = true;
        }
        while self.arrived.front().is_some_and(|arrived| arrived.is_done) {
            let Some(Arrived { ticket, .. }) = self.arrived.pop_front() else { return };
            if let Err(error) = self.link.acknowledge(ticket, &mut self.output) {
                return self.break_off(&error);
            }
        }
    }

    /// Takes back a subscription that we do not know of.
    pub(crate) fn unsubscribe(&mut self, topic: &str) {
        if let Err(error) = self.link.unsubscribe(topic, &mut self.output) {
            self.break_off(&error);
        }
    }

    /// Writes what there is to write and says goodbye to the broker, which keeps the session.
    pub(crate) async fn close(mut self) {
        let Phase::Open { wire, .. } = &mut self.phase else { return };
        let said = self.link.disconnect(&mut self.output);
        let finished = timeout(self.options.answer_timeout, wire.finish(&mut self.output)).await;
        if said.is_err() || !matches!(finished, Ok(Ok(()))) {
            debug!(broker = %self.options.broker, "The connection was cut instead of closed.");
        }
    }

    /// Takes credentials and certificates as they are by now.
    fn renew(&mut self) {
        let Some(fresh) = self.options.renewal.as_ref().and_then(Renewal::ask) else { return };
        if self.tls.is_some() {
            match fresh.tls.config() {
                Ok(config) => self.tls = Some(config),
                Err(error) => {
                    return error!(broker = %self.options.broker, %error, "The certificates do not do as they are now.");
                }
            }
        }
        self.options.credentials = fresh.credentials;
    }

    fn open(&mut self) {
        let (broker, tls, time) = (self.options.broker.clone(), self.tls.clone(), self.options.connect_timeout);
        self.phase = Phase::Opening(Box::pin(async move {
            let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no connection in time");
            timeout(time, Wire::open(&broker, tls)).await.map_err(late)?
        }));
    }

    fn greet(&mut self, wire: Wire) {
        let stage = Stage::Greeting(Instant::now() + self.options.connect_timeout);
        self.phase = Phase::Open { wire, stage, is_new_session: false };
        self.pulse.begin();
        let greeting = Greeting::of(&self.options);
        if let Err(error) = self.link.connect(&greeting, &mut self.output) {
            self.break_off(&error);
        }
    }

    /// Writes, reads, and keeps the time.
    async fn turn(&mut self) {
        let Phase::Open { wire, stage, .. } = &mut self.phase else { return };
        let due = match stage {
            Stage::Greeting(until) | Stage::Subscribing(until) => *until,
            Stage::Ready => self.pulse.due(!self.in_flight.is_empty()),
        };
        if !self.output.is_empty() {
            self.pulse.sends();
        }
        let exchanged = select! {
            biased;
            exchanged = wire.exchange(&mut self.input, &mut self.output) => Some(exchanged),
            () = self.alarm.at(due) => None,
        };
        match exchanged {
            Some(Ok(())) => self.read(),
            Some(Err(error)) => drop(self.cut(error.to_string(), is_lasting(&error))),
            None => self.is_due(),
        }
    }

    fn read(&mut self) {
        self.pulse.receives();
        loop {
            match self.link.read(&mut self.input, &mut self.output) {
                Ok(Some(event)) => self.take(event),
                Ok(None) => break,
                Err(error) => return self.break_off(&error),
            }
            if !matches!(self.phase, Phase::Open { .. }) {
                return;
            }
        }
        if self.input.is_empty() && self.input.capacity() > MAX_REST {
            // One large message should not cost its size forever.
            self.input = BytesMut::new();
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Welcome(welcome) => self.is_welcome(welcome),
            Event::Refused(Refused { reason, is_lasting }) => {
                self.cut(format!("the broker refused the connection: {reason}"), is_lasting);
            }
            Event::Subscribed(granted) => self.is_granted(&granted),
            Event::Delivery(delivery) => self.arrives(delivery),
            Event::Published(id, result) => {
                if let Some((token, _)) = self.in_flight.remove(&id) {
                    self.happenings.push_back(Happening::Published(token, result.map_err(Unpublished::Refused)));
                }
            }
            Event::Unreadable(reason) => warn!(reason, "A message that cannot be read was thrown away."),
            Event::Sign => {}
        }
    }

    fn is_welcome(&mut self, welcome: Welcome) {
        if welcome.max_qos == 0 {
            return drop(self.cut("the broker takes QoS 0 only".to_owned(), true));
        }
        self.max_qos = welcome.max_qos;
        self.pulse.agree(welcome.keep_alive);
        self.generation += 1;
        self.arrived.clear();
        let mut lost = welcome.unresumed.iter().filter_map(|id| self.in_flight.remove(id)).collect::<Vec<_>>();
        if !welcome.is_resumed {
            // What was under way went down with the session.
            lost.extend(self.in_flight.drain().map(|(_, flight)| flight));
            self.is_subscribed = false;
        }
        // It goes out as new, before anything else.
        lost.sort_unstable_by_key(|(token, _)| std::cmp::Reverse(*token));
        lost.into_iter().for_each(|flight| self.waiting.push_front(flight));
        let is_subscribed = self.is_subscribed;
        if let Phase::Open { is_new_session, .. } = &mut self.phase {
            *is_new_session = !welcome.is_resumed;
        }
        if is_subscribed { self.is_ready() } else { self.subscribe() }
    }

    fn subscribe(&mut self) {
        if let Err(error) = self.link.subscribe(&self.topics, &mut self.output) {
            return self.break_off(&error);
        }
        if let Phase::Open { stage, .. } = &mut self.phase {
            *stage = Stage::Subscribing(Instant::now() + self.options.answer_timeout);
        }
    }

    fn is_granted(&mut self, granted: &[Result<u8, String>]) {
        for (topic, granted) in self.topics.iter().zip(granted) {
            let reason = match granted {
                Ok(1..) => continue,
                // DECISIONS Q8
                Ok(0) => "QoS 0 was granted; at least 1 is due".to_owned(),
                Err(reason) => reason.clone(),
            };
            return drop(self.cut(format!("the broker refused the subscription to {topic}: {reason}"), true));
        }
        self.is_subscribed = true;
        self.is_ready();
    }

    fn is_ready(&mut self) {
        let Phase::Open { stage, is_new_session, .. } = &mut self.phase else { return };
        *stage = Stage::Ready;
        let is_new_session = *is_new_session;
        self.pause.succeeds();
        info!(broker = %self.options.broker, is_new_session, topics = self.topics.join(" "), "Connected to the broker, and subscribed.");
        self.happenings.push_back(Happening::Ready { is_new_session });
    }

    fn arrives(&mut self, delivery: Delivery) {
        let number = delivery.ticket.map(|ticket| {
            self.n_arrived += 1;
            let size = delivery.payload.len();
            self.arrived.push_back(Arrived { number: self.n_arrived, ticket, size, is_done: false });
            self.n_arrived
        });
        // Some brokers (mosquitto 2.0.11 without a limit of its own) send more than the Receive Maximum. To break off would only
        // bring all of them again, so they are taken as long as there is room.
        if self.arrived.len() > usize::from(self.options.receive_maximum.max(1))
            && self.arrived.iter().map(|arrived| arrived.size).sum::<usize>() > MAX_SURPLUS
        {
            return self
                .break_off(&LinkError::Protocol("far more messages at once than the Receive Maximum".to_owned()));
        }
        let receipt = Receipt { generation: self.generation, number };
        self.happenings.push_back(Happening::Delivery(delivery, receipt));
    }

    /// Publishes what waits, as far as the broker takes it now.
    fn publish_waiting(&mut self) {
        while matches!(self.phase, Phase::Open { stage: Stage::Ready, .. }) && self.link.has_room() {
            let Some((token, publication)) = self.waiting.pop_front() else { return };
            let qos = if self.max_qos < 2 { Qos::AtLeastOnce } else { self.options.qos };
            match self.link.publish(&publication, qos, &mut self.output) {
                Ok(id) => {
                    if self.in_flight.is_empty() {
                        self.pulse.asks();
                    }
                    self.in_flight.insert(id, (token, publication));
                }
                Err(error @ LinkError::TooLarge { .. }) => {
                    let unpublished = Unpublished::TooLarge(error.to_string());
                    self.happenings.push_back(Happening::Published(token, Err(unpublished)));
                }
                Err(error) => {
                    self.waiting.push_front((token, publication));
                    self.break_off(&error);
                }
            }
        }
    }

    /// Something was due and is not there.
    fn is_due(&mut self) {
        let Phase::Open { stage, .. } = &self.phase else { return };
        match stage {
            Stage::Greeting(_) => drop(self.cut("the broker does not answer CONNECT".to_owned(), false)),
            Stage::Subscribing(_) => drop(self.cut("the broker does not answer SUBSCRIBE".to_owned(), false)),
            Stage::Ready if self.pulse.is_asked() => {
                drop(self.cut("the broker does not answer PINGREQ".to_owned(), false))
            }
            Stage::Ready => {
                self.pulse.asks_for_sign();
                if let Err(error) = self.link.ping(&mut self.output) {
                    self.break_off(&error);
                }
            }
        }
    }

    /// Ends a connection that cannot go on, and lets the broker know why if it listens.
    fn break_off(&mut self, error: &LinkError) {
        let (mut output, time) = (std::mem::take(&mut self.output), self.options.answer_timeout);
        let wire = self.cut(error.to_string(), false);
        if let (Some(mut wire), LinkError::Protocol(_)) = (wire, error) {
            tokio::spawn(async move { timeout(time, wire.finish(&mut output)).await });
        }
    }

    /// There is no connection any more, or there was none. Gives back what is left of it.
    fn cut(&mut self, reason: String, is_lasting: bool) -> Option<Wire> {
        if matches!(self.phase, Phase::Open { stage: Stage::Greeting(_), .. }) {
            // The broker may have made a new session of our CONNECT, which the next CONNECT resumes: without subscriptions.
            self.is_subscribed = false;
        }
        self.is_refused = is_lasting;
        let (pause, broker) = (self.pause.next(), &self.options.broker);
        if is_lasting {
            error!(%broker, reason, "No connection to the broker, until somebody changes something.");
        } else if matches!(self.phase, Phase::Open { stage: Stage::Ready, .. }) {
            warn!(%broker, reason, ?pause, "The connection to the broker was lost; trying again.");
        } else {
            warn!(%broker, reason, ?pause, "No connection to the broker; trying again.");
        }
        self.link.cut();
        self.input = BytesMut::new();
        self.output = BytesMut::new();
        self.arrived.clear();
        self.generation += 1;
        // The broker gives them again.
        self.happenings
            .retain(|happening| !matches!(happening, Happening::Delivery(_, Receipt { number: Some(_), .. })));
        self.happenings.push_back(Happening::Cut { reason, is_lasting });
        match std::mem::replace(&mut self.phase, Phase::Resting(Instant::now() + pause)) {
            Phase::Open { wire, .. } => Some(wire),
            Phase::Resting(_) | Phase::Opening(_) => None,
        }
    }
}

/// Whether another attempt is in vain unless somebody changes something: the certificates do not fit.
fn is_lasting(error: &io::Error) -> bool {
    let tls = error.get_ref().and_then(|source| source.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => true,
        Some(rustls::Error::AlertReceived(alert)) => *alert != rustls::AlertDescription::CloseNotify,
        _ => error.kind() == io::ErrorKind::InvalidInput,
    }
}

/// How many octets of messages are taken beyond the Receive Maximum.
const MAX_SURPLUS: usize = 16 << 20;
/// How large a buffer that is not used may be.
const MAX_REST: usize = 64 << 10;
