//! How octets get to the subject and back.

pub(crate) mod client;
pub(crate) mod dry;
pub(crate) mod hello;
pub(crate) mod http;
pub(crate) mod mqtt;
pub(crate) mod tls;

use std::io;

use crate::exchange::Exchange;

/// A way to a Consumer.
pub(crate) trait Wire {
    fn transfer(&self) -> Transfer;

    /// Sends a message as the transfer has it, and waits for what is answered.
    fn exchange(&mut self, outgoing: &Outgoing) -> io::Result<Exchange>;

    /// Sends octets as they are on a connection of their own (HTTP only).
    fn raw(&mut self, octets: &[u8]) -> io::Result<Exchange>;

    /// Sends several requests on one connection, one after the other (HTTP only).
    fn sequence(&mut self, outgoing: &[Outgoing]) -> io::Result<Vec<Exchange>>;

    /// Reaches the subject by other means than messages.
    fn probe(&mut self, probe: &tls::Probe) -> io::Result<Exchange>;

    /// What an MQTT client of the subject has sent (MQTT through a tap only).
    fn tapped(&self) -> Option<&oc2_tests_broker::Tap> {
        None
    }

    /// Host and port as the Host header has them.
    fn authority(&self) -> String;
}

/// What carries messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// HTTP without TLS: HTTPS 4.2.1.
    Http,
    /// HTTP over TLS: HTTPS 4.2.2.
    Https,
    Mqtt,
}

impl Transfer {
    pub(crate) fn is_http(self) -> bool {
        self != Self::Mqtt
    }
}

/// A message to send, and how it differs from what is usual.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) body: Vec<u8>,
    /// Under which the answer is expected.
    pub(crate) request_id: Option<String>,
    /// Whether no answer is the right one.
    pub(crate) wants_silence: bool,
    pub(crate) method: &'static str,
    /// Where it is posted, if not to the well-known place.
    pub(crate) path: Option<String>,
    /// Header fields instead of, or beside, the usual ones; without a value, left out.
    pub(crate) fields: Vec<(&'static str, Option<String>)>,
    /// The topic, if not that of the device.
    pub(crate) topic: Option<String>,
    /// Properties of MQTT instead of the usual ones.
    pub(crate) properties: Option<Vec<(&'static str, String)>>,
    /// Kept by the broker.
    pub(crate) is_retained: bool,
}

impl Outgoing {
    pub(crate) fn new(body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: body.into(),
            request_id: None,
            wants_silence: false,
            method: "POST",
            path: None,
            fields: Vec::new(),
            topic: None,
            properties: None,
            is_retained: false,
        }
    }

    pub(crate) fn id(mut self, id: &str) -> Self {
        self.request_id = Some(id.to_owned());
        self
    }

    pub(crate) fn silent(mut self) -> Self {
        self.wants_silence = true;
        self
    }

    pub(crate) fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    pub(crate) fn path(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    pub(crate) fn field(mut self, name: &'static str, value: &str) -> Self {
        self.fields.push((name, Some(value.to_owned())));
        self
    }

    pub(crate) fn without(mut self, name: &'static str) -> Self {
        self.fields.push((name, None));
        self
    }

    pub(crate) fn topic(mut self, topic: &str) -> Self {
        self.topic = Some(topic.to_owned());
        self
    }
}

/// The media type of HTTPS 3.3.1, to the byte.
pub(crate) const MEDIA_TYPE: &str = "application/openc2+json;version=1.0";

/// Where Commands are posted (HTTPS 3.2.2).
pub(crate) const PATH: &str = "/.well-known/openc2";
