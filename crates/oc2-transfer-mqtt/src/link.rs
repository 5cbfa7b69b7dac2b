//! What a connection needs of a client library: the protocol of MQTT 5 without its I/O. Names of the library stay in
//! `link/rumqtt.rs`, so that another can take its place.

mod rumqtt;

use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use oc2_encoding::ContentKind;
use thiserror::Error;

use crate::options::{Credentials, Options, Qos};
use crate::properties::{Coding, Properties};

pub(crate) use self::rumqtt::Rumqtt;

/// The protocol of one client: from bytes to what happened, and from what is wanted to bytes. What was published and not
/// acknowledged outlives the network connection.
pub(crate) trait Link: Send {
    /// Begins on a new network connection.
    fn connect(&mut self, greeting: &Greeting<'_>, output: &mut BytesMut) -> Result<(), LinkError>;

    /// Takes one packet from the input; `None` if there is no whole one.
    fn read(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Result<Option<Event>, LinkError>;

    /// Whether one more message may be published now.
    fn has_room(&self) -> bool;

    /// Publishes a message; it is acknowledged under this id.
    fn publish(&mut self, publication: &Publication, qos: Qos, output: &mut BytesMut) -> Result<u16, LinkError>;

    /// Acknowledges a message that arrived on this network connection, with PUBACK or PUBREC.
    fn acknowledge(&mut self, ticket: Ticket, output: &mut BytesMut) -> Result<(), LinkError>;

    /// Subscribes with Maximum QoS 2, No Local, Retain As Published and Retain Handling 0 (MQTT 2.3).
    fn subscribe(&mut self, topics: &[String], output: &mut BytesMut) -> Result<(), LinkError>;

    /// Takes a subscription back.
    fn unsubscribe(&mut self, topic: &str, output: &mut BytesMut) -> Result<(), LinkError>;

    /// Asks whether the broker is there.
    fn ping(&mut self, output: &mut BytesMut) -> Result<(), LinkError>;

    /// Says goodbye; the session stays.
    fn disconnect(&mut self, output: &mut BytesMut) -> Result<(), LinkError>;

    /// The network connection is gone.
    fn cut(&mut self);
}

/// What a client says first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Greeting<'o> {
    pub(crate) client_id: &'o str,
    pub(crate) keep_alive: u16,
    pub(crate) session_expiry: u32,
    pub(crate) receive_maximum: u16,
    pub(crate) max_packet: u32,
    pub(crate) credentials: Option<&'o Credentials>,
}

impl<'o> Greeting<'o> {
    pub(crate) fn of(options: &'o Options) -> Self {
        Self {
            client_id: options.session.client_id().as_str(),
            keep_alive: options.keep_alive.as_secs(),
            // 0 would end the session with the connection (MQTT-059), and a Receive Maximum of 0 is not allowed.
            session_expiry: options.session_expiry.max(1),
            receive_maximum: options.receive_maximum.max(1),
            max_packet: options.max_packet.max(1024),
            credentials: options.credentials.as_ref(),
        }
    }
}

/// A message to publish.
#[derive(Clone, Debug)]
pub(crate) struct Publication {
    pub(crate) topic: Arc<str>,
    pub(crate) payload: Bytes,
    pub(crate) kind: ContentKind,
    pub(crate) coding: Coding,
    /// In seconds.
    pub(crate) expiry: Option<u32>,
}

/// A message that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
    pub(crate) properties: Properties,
    pub(crate) is_retained: bool,
    /// To acknowledge it with; `None` at QoS 0.
    pub(crate) ticket: Option<Ticket>,
}

/// What a message is acknowledged with, on the network connection that it came over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    id: u16,
    is_exactly_once: bool,
}

/// What a packet from the broker says.
#[derive(Debug)]
pub(crate) enum Event {
    /// The broker welcomes us.
    Welcome(Welcome),
    /// The broker does not want us.
    Refused(Refused),
    /// A message arrived.
    Delivery(Delivery),
    /// A message that nobody can read arrived, and was acknowledged, or it would come again forever.
    Unreadable(String),
    /// A published message arrived at the broker, or the broker refused it.
    Published(u16, Result<Reach, String>),
    /// What the broker granted to the subscriptions, in their order: a QoS, or why not.
    Subscribed(Vec<Result<u8, String>>),
    /// Something that only shows that the broker is there.
    Sign,
}

/// What the broker says at the beginning.
#[derive(Clone, Debug)]
pub(crate) struct Welcome {
    /// Whether it knows us: our subscriptions, and what was under way.
    pub(crate) is_resumed: bool,
    /// What was under way and has to be published anew all the same.
    pub(crate) unresumed: Vec<u16>,
    /// Its own keep-alive, which replaces ours.
    pub(crate) keep_alive: Option<u16>,
    /// The highest QoS it takes.
    pub(crate) max_qos: u8,
}

/// Why a broker does not want us.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) reason: String,
    /// Whether it will not want us later either, unless somebody changes something.
    pub(crate) is_lasting: bool,
}

/// How far a published message got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To the broker.
    Broker,
    /// To the broker, which says that nobody subscribes to the topic.
    Nobody,
}

/// Why a connection cannot go on, or a message not go out.
#[derive(Debug, Error)]
pub(crate) enum LinkError {
    /// A packet is larger than the broker takes. The connection goes on.
    #[error("{size} octets are more than the {max} that the broker takes")]
    TooLarge { size: usize, max: u32 },
    /// The broker said goodbye.
    #[error("the broker closed the connection: {0}")]
    Closed(String),
    /// The broker did not keep to the protocol.
    #[error("the broker broke the protocol: {0}")]
    Protocol(String),
}

impl Ticket {
    pub(super) fn new(id: u16, is_exactly_once: bool) -> Self {
        Self { id, is_exactly_once }
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, is_exactly_once } = self;
        write!(f, "{id} at QoS {}", if *is_exactly_once { 2 } else { 1 })
    }
}
