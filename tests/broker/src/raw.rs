//! A client of MQTT that sends what it is told to, legal or not.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::packet::{Kind, Packet, Publish};
use crate::wait::PATIENCE;

/// A client of MQTT.
#[derive(Debug)]
pub struct RawClient {
    stream: TcpStream,
    unread: Vec<u8>,
    /// Messages that came while something else was waited for.
    inbox: VecDeque<Packet>,
    level: u8,
}

/// A message to publish.
#[derive(Clone, Debug)]
pub struct Draft {
    topic: String,
    payload: Vec<u8>,
    properties: Vec<u8>,
    flags: u8,
}

impl Draft {
    /// A message at QoS 1 without properties.
    #[must_use]
    pub fn new(topic: &str, payload: impl Into<Vec<u8>>) -> Self {
        Self { topic: topic.to_owned(), payload: payload.into(), properties: Vec::new(), flags: 0b0010 }
    }

    /// The message of OpenC2 in JSON, as the standard has it.
    #[must_use]
    pub fn openc2(topic: &str, msg_type: &str, payload: impl Into<Vec<u8>>) -> Self {
        Self::new(topic, payload)
            .property(0x01, &[1])
            .text(0x03, "application/openc2")
            .user("msgType", msg_type)
            .user("encoding", "json")
    }

    /// With a property, as it is.
    #[must_use]
    pub fn property(mut self, id: u8, value: &[u8]) -> Self {
        self.properties.push(id);
        self.properties.extend_from_slice(value);
        self
    }

    /// With a property that is a text.
    #[must_use]
    pub fn text(self, id: u8, value: &str) -> Self {
        self.property(id, &text(value))
    }

    /// With a user property.
    #[must_use]
    pub fn user(self, key: &str, value: &str) -> Self {
        self.property(0x26, &[text(key), text(value)].concat())
    }

    /// At another QoS.
    #[must_use]
    pub fn qos(self, qos: u8) -> Self {
        Self { flags: (self.flags & 0b1001) | (qos << 1), ..self }
    }

    /// To be kept by the broker.
    #[must_use]
    pub fn retained(self) -> Self {
        Self { flags: self.flags | 1, ..self }
    }
}

impl RawClient {
    /// A client of MQTT 5 that is connected.
    ///
    /// # Panics
    /// The broker does not want it.
    #[must_use]
    pub fn connect(port: u16) -> Self {
        Self::at_level(port, 5)
    }

    /// A client of MQTT 3.1.1 (4) or 5 (5) that is connected.
    ///
    /// # Panics
    /// The broker does not want it.
    #[must_use]
    pub fn at_level(port: u16, level: u8) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the broker listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("the connection is new");
        stream.set_nodelay(true).expect("the connection is new");
        let mut client = Self { stream, unread: Vec::new(), inbox: VecDeque::new(), level };
        let properties: &[u8] = if level == 5 { &[0] } else { &[] };
        let id = text(&format!("raw{}", client.stream.local_addr().expect("it is connected").port()));
        client.send(0x10, &[&text("MQTT")[..], &[level, 2, 0, 0], properties, &id].concat());
        let connack = client.packet(Kind::ConnAck);
        assert_eq!(connack.body[1], 0, "the broker refused the connection");
        client
    }

    /// Publishes a message, and returns when the broker has it. Gives the reason code of its acknowledgement.
    pub fn publish(&mut self, draft: &Draft) -> u8 {
        let Draft { topic, payload, properties, flags } = draft;
        let qos = (flags >> 1) & 3;
        let id: &[u8] = if qos > 0 { &[0, 1] } else { &[] };
        let properties = if self.level == 5 { with_length(properties) } else { Vec::new() };
        self.send(0x30 | flags, &[&text(topic)[..], id, &properties, payload].concat());
        let acknowledgement = match qos {
            0 => return 0,
            1 => self.packet(Kind::PubAck),
            _ => {
                self.packet(Kind::PubRec);
                self.send(0x62, &[0, 1]);
                self.packet(Kind::PubComp)
            }
        };
        acknowledgement.body.get(2).copied().unwrap_or(0)
    }

    /// Subscribes at QoS 1, and returns when the broker has granted it.
    pub fn subscribe(&mut self, filter: &str) {
        let properties: &[u8] = if self.level == 5 { &[0] } else { &[] };
        self.send(0x82, &[&[0, 1], properties, &text(filter), &[1]].concat());
        self.packet(Kind::SubAck);
    }

    /// The next message, acknowledged.
    pub fn receive(&mut self) -> Publish {
        let publish = self.packet(Kind::Publish).publish();
        if let Some(id) = publish.id {
            self.send(0x40, &id.to_be_bytes());
        }
        publish
    }

    /// Whether a message comes within this time.
    ///
    /// # Panics
    /// The connection is lost.
    #[must_use]
    pub fn hears_within(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).expect("the connection stands");
        let packet = self.try_packet();
        self.stream.set_read_timeout(Some(PATIENCE)).expect("the connection stands");
        !self.inbox.is_empty() || packet.is_some_and(|packet| packet.kind == Kind::Publish)
    }

    /// Sends bytes as they are.
    ///
    /// # Panics
    /// The connection is lost.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the connection stands");
    }

    fn send(&mut self, first: u8, body: &[u8]) {
        let mut packet = vec![first];
        packet.extend(with_length(body));
        self.send_bytes(&packet);
    }

    #[track_caller]
    fn packet(&mut self, kind: Kind) -> Packet {
        if kind == Kind::Publish
            && let Some(packet) = self.inbox.pop_front()
        {
            return packet;
        }
        loop {
            let packet = self.try_packet().expect("the broker answers");
            if packet.kind == kind {
                return packet;
            }
            assert_eq!(packet.kind, Kind::Publish, "{packet:?}");
            self.inbox.push_back(packet);
        }
    }

    fn try_packet(&mut self) -> Option<Packet> {
        let mut chunk = [0; 16 << 10];
        loop {
            if let Some(packet) = Packet::take(&mut self.unread) {
                return Some(packet);
            }
            match self.stream.read(&mut chunk) {
                Ok(n_read @ 1..) => self.unread.extend_from_slice(&chunk[..n_read]),
                Ok(0) | Err(_) => return None,
            }
        }
    }
}

fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("texts are short");
    [&length.to_be_bytes()[..], text.as_bytes()].concat()
}

fn with_length(body: &[u8]) -> Vec<u8> {
    let (mut rest, mut packet) = (body.len(), Vec::new());
    loop {
        let octet = u8::try_from(rest % 128).expect("it is less than 128");
        rest /= 128;
        packet.push(if rest > 0 { octet | 0x80 } else { octet });
        if rest == 0 {
            break;
        }
    }
    packet.extend_from_slice(body);
    packet
}
