//! The one task of a transfer: drives the connection, sends what it is given, and sorts what comes back.

use std::sync::Arc;
use std::time::Duration;

use oc2_core::Mode;
use oc2_encoding::ContentKind;
use oc2_transfer::{Answer, Outgoing, TransferError};
use tokio::select;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::{debug, warn};
use uuid::Uuid;

use super::Lost;
use super::pending::{Exchange, Pending, Times, Waiting};
use crate::connection::{Alarm, Connection, Happening, Token, Unpublished};
use crate::link::{Delivery, Publication, Reach};
use crate::properties::Coding;

/// What a transfer is told to do.
pub(super) enum Order {
    /// Exchange a message for its answers.
    Exchange {
        /// The message.
        outgoing: Outgoing,
        /// Where it is published.
        topic: Arc<str>,
        /// Who waits for them.
        waiting: Waiting,
    },
    /// Say goodbye to the broker.
    Close(oneshot::Sender<()>),
}

/// The one task of a transfer.
pub(super) struct Driver {
    connection: Connection,
    pending: Pending,
    peer: Arc<str>,
    mode: Mode,
    connect_timeout: Duration,
    state: State,
    lost: Lost,
    /// What is published again, and when.
    again: Vec<(Instant, String)>,
    is_open: bool,
}

/// How the connection is.
enum State {
    /// There was none yet.
    New,
    /// It stands; until when others are expected back that the broker forgot.
    Ready { others_return_until: Instant },
    /// It is lost.
    Lost { reason: String },
}

impl Driver {
    pub(super) fn new(connection: Connection, peer: Arc<str>, mode: Mode, connect_timeout: Duration) -> Self {
        let (pending, again) = (Pending::default(), Vec::new());
        Self {
            connection,
            pending,
            peer,
            mode,
            connect_timeout,
            state: State::New,
            lost: Lost::default(),
            again,
            is_open: true,
        }
    }

    /// Runs until nobody gives orders and nobody waits for answers.
    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut alarm = Alarm::default();
        while self.is_open || !self.pending.is_empty() {
            let due = self.due();
            let mut order = select! {
                happening = self.connection.next() => {
                    self.take(happening);
                    continue;
                }
                order = orders.recv(), if self.is_open && self.has_room() => order,
                () = alarm.at(due) => {
                    self.is_due();
                    continue;
                }
            };
            // Orders that came together go out together.
            loop {
                match order {
                    Some(Order::Exchange { outgoing, topic, waiting }) => self.begin(outgoing, topic, waiting),
                    Some(Order::Close(done)) => {
                        self.connection.close().await;
                        // Whoever asked may be gone.
                        let _ = done.send(());
                        return;
                    }
                    None => self.is_open = false,
                }
                if !self.has_room() {
                    break;
                }
                let Ok(next) = orders.try_recv() else { break };
                order = Some(next);
            }
        }
        self.connection.close().await;
    }

    fn has_room(&self) -> bool {
        self.connection.n_unpublished() < MAX_UNPUBLISHED
    }

    fn begin(&mut self, outgoing: Outgoing, topic: Arc<str>, waiting: Waiting) {
        let coding = Coding::of_media_type(outgoing.media_type);
        let request_id = match outgoing.request_id {
            Some(request_id) => request_id,
            None => match coding.glimpse(&outgoing.body).request_id {
                Some(request_id) => request_id.to_string(),
                // Nothing can be matched with it, so any id does that nobody else has.
                None => Uuid::new_v4().to_string(),
            },
        };
        let now = Instant::now();
        let publication = Publication {
            topic,
            payload: outgoing.body,
            kind: ContentKind::Request,
            coding,
            // DECISIONS Q10
            expiry: u32::try_from(outgoing.timeout.as_secs().saturating_add(1)).ok(),
        };
        let times = Times { begun: now, timeout: outgoing.timeout.min(LONGEST) };
        let exchange = Exchange::new(publication, waiting, outgoing.expected, times);
        match self.pending.insert(&request_id, exchange) {
            Ok(()) => self.publish(&request_id),
            Err(mut exchange) => {
                let reason = format!("the request id {request_id:?} is that of another exchange under way");
                exchange.fails(TransferError::Protocol(reason));
            }
        }
    }

    /// Publishes the message of an exchange, unless it is being published.
    fn publish(&mut self, request_id: &str) {
        let Some(exchange) = self.pending.get(request_id).filter(|exchange| exchange.token.is_none()) else { return };
        let token = self.connection.publish(exchange.publication.clone());
        self.pending.publishes(request_id, token);
    }

    fn take(&mut self, happening: Happening) {
        match happening {
            Happening::Ready { is_new_session } => self.is_ready(is_new_session),
            Happening::Cut { reason, is_lasting } => self.is_cut(reason, is_lasting),
            Happening::Delivery(delivery, receipt) => {
                self.arrives(&delivery);
                self.connection.acknowledge(receipt);
            }
            Happening::Published(token, result) => self.is_published(token, result),
        }
    }

    fn is_ready(&mut self, is_new_session: bool) {
        self.lost.set(None);
        let now = Instant::now();
        let is_back = matches!(self.state, State::Lost { .. });
        let others_return_until = if is_back && is_new_session { now + RETURN } else { now };
        self.state = State::Ready { others_return_until };
        if is_back && is_new_session {
            // The broker forgot what it had of us, and Consumers that come back one after the other may have missed it. They know
            // what they have performed.
            for request_id in self.pending.ids_where(|_| true) {
                self.again.extend(AGAIN.map(|after| (now + after, request_id.clone())));
                self.publish(&request_id);
            }
        }
    }

    fn is_cut(&mut self, reason: String, is_lasting: bool) {
        // Whoever begins with a broker that is not there learns it at once.
        if is_lasting {
            let peer = self.peer.to_string();
            let refused = || TransferError::Refused { peer: peer.clone(), reason: reason.clone() };
            self.give_up(refused, |exchange| !exchange.has_begun());
        } else if matches!(self.state, State::New) {
            let peer = self.peer.to_string();
            let unreachable = || TransferError::Unreachable { peer: peer.clone(), reason: reason.clone() };
            self.give_up(unreachable, |exchange| !exchange.has_begun());
        }
        if !matches!(self.state, State::New) {
            self.lost.set(Some(reason.clone()));
            self.state = State::Lost { reason };
        }
    }

    /// Where it can be seen from outside that the connection is lost.
    pub(super) fn lost(&self) -> Lost {
        self.lost.clone()
    }

    /// Ends exchanges whose message will not get through.
    fn give_up(&mut self, error: impl Fn() -> TransferError, is_meant: impl Fn(&Exchange) -> bool) {
        for request_id in self.pending.ids_where(is_meant) {
            self.fail(&request_id, error());
        }
    }

    fn fail(&mut self, request_id: &str, error: TransferError) {
        if let Some(mut exchange) = self.pending.remove(request_id) {
            exchange.fails(error);
            self.withdraw(&exchange);
        }
    }

    fn withdraw(&mut self, exchange: &Exchange) {
        if let Some(token) = exchange.token {
            self.connection.withdraw(token);
        }
    }

    fn is_published(&mut self, token: Token, result: Result<Reach, Unpublished>) {
        let Some((request_id, exchange)) = self.pending.published(token) else { return };
        match result {
            Ok(Reach::Broker) => exchange.begins(),
            Ok(Reach::Nobody) => self.reaches_nobody(&request_id),
            Err(Unpublished::TooLarge(reason) | Unpublished::Refused(reason)) => {
                warn!(broker = %self.peer, request_id, reason, "A message was not taken by the broker.");
                let (peer, reason) = (self.peer.to_string(), format!("the message was not taken: {reason}"));
                self.fail(&request_id, TransferError::Refused { peer, reason });
            }
        }
    }

    /// Nobody subscribes to the topic: an error, unless the broker has just forgotten its clients, and they are on their way back.
    fn reaches_nobody(&mut self, request_id: &str) {
        let now = Instant::now();
        if matches!(self.state, State::Ready { others_return_until } if now < others_return_until) {
            return self.again.push((now + AGAIN[0], request_id.to_owned()));
        }
        if let Some(exchange) = self.pending.get(request_id).filter(|exchange| !exchange.has_begun()) {
            let reason = format!("nobody subscribes to {}", exchange.publication.topic);
            self.fail(request_id, TransferError::Unheard { peer: self.peer.to_string(), reason });
        }
    }

    fn arrives(&mut self, delivery: &Delivery) {
        let reading = match delivery.properties.read(&delivery.payload, self.mode) {
            Ok(reading) => reading,
            Err(unfit) => {
                let request_id = unfit.glimpse.request_id.as_ref().map(ToString::to_string);
                return warn!(topic = delivery.topic, request_id, reason = unfit.reason, "A message was ignored.");
            }
        };
        if reading.kind != Some(ContentKind::Response) {
            return debug!(topic = delivery.topic, "What is no Response was ignored.");
        }
        // What is for other Producers is none of our business (MQTT-017).
        let Some(request_id) = reading.glimpse.request_id.as_ref().map(ToString::to_string) else { return };
        let Some(exchange) = self.pending.get(&request_id) else { return };
        let content_type = Some(reading.coding.media_type().to_owned());
        let answer = Answer { status: None, content_type, body: reading.payload };
        let from = reading.glimpse.from.unwrap_or_default();
        if exchange.answer(from, reading.glimpse.status.unwrap_or_default(), answer)
            && let Some(exchange) = self.pending.remove(&request_id)
        {
            self.withdraw(&exchange);
        }
    }

    /// When to look at the time again.
    fn due(&self) -> Instant {
        let now = Instant::now();
        let again = self.again.iter().map(|(at, _)| *at).min();
        // Who waits for a connection, or has gone, is looked after now and then.
        let is_watching = !self.is_open || !matches!(self.state, State::Ready { .. });
        let watch = (is_watching && !self.pending.is_empty()).then(|| now + WATCH);
        [self.pending.next_end(), again, watch].into_iter().flatten().min().unwrap_or(now + LONGEST)
    }

    fn is_due(&mut self) {
        let now = Instant::now();
        for mut exchange in self.pending.ended() {
            exchange.fails(TransferError::Timeout(exchange.times.timeout));
            self.withdraw(&exchange);
        }
        for request_id in self.pending.ids_where(Exchange::is_abandoned) {
            if let Some(exchange) = self.pending.remove(&request_id) {
                self.withdraw(&exchange);
            }
        }
        if let State::Lost { reason } = &self.state {
            let (peer, reason, patience) = (self.peer.to_string(), reason.clone(), self.connect_timeout);
            let unreachable = || TransferError::Unreachable { peer: peer.clone(), reason: reason.clone() };
            self.give_up(unreachable, |exchange| !exchange.has_begun() && exchange.times.begun + patience <= now);
        }
        let (due, later) = std::mem::take(&mut self.again).into_iter().partition(|(at, _)| *at <= now);
        self.again = later;
        let due: Vec<(Instant, String)> = due;
        due.iter().for_each(|(_, request_id)| self.publish(request_id));
    }
}

/// How many messages may wait for a broker that is away before callers wait with theirs.
const MAX_UNPUBLISHED: usize = 1024;
/// How long Consumers may take to come back to a broker that forgot them.
const RETURN: Duration = Duration::from_secs(32);
/// When a message is published again after the broker forgot its clients.
const AGAIN: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(7),
    Duration::from_secs(15),
    Duration::from_secs(31),
];
const WATCH: Duration = Duration::from_millis(100);
/// Longer than anybody waits, and short enough to be added to a time.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
