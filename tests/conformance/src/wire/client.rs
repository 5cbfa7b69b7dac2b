//! A client of a broker, packet by packet, over TCP or TLS.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oc2_tests_broker::{Kind, Packet, Publish};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// How a broker is reached.
#[derive(Clone, Debug)]
pub(crate) struct Broker {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The client of TLS, where the broker speaks that.
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Vec<u8>>,
}

/// A message to publish, as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Draft<'d> {
    pub(crate) topic: &'d str,
    pub(crate) properties: &'d [(&'static str, String)],
    pub(crate) payload: &'d [u8],
    pub(crate) is_retained: bool,
}

/// A connection to a broker.
pub(crate) struct Client {
    line: Line,
    unread: Vec<u8>,
    inbox: VecDeque<(Packet, Vec<u8>)>,
    patience: Duration,
    next_packet: u16,
}

enum Line {
    Plain(TcpStream),
    Secured(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Broker {
    /// One on this host, without anything.
    pub(crate) fn here(port: u16) -> Self {
        Self { host: "127.0.0.1".to_owned(), port, tls: None, username: None, password: None }
    }

    fn line(&self, patience: Duration) -> io::Result<Line> {
        let host = self.host.trim_matches(['[', ']']);
        let stream = TcpStream::connect((host, self.port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        let Some(config) = &self.tls else { return Ok(Line::Plain(stream)) };
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let client = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        Ok(Line::Secured(Box::new(StreamOwned::new(client, stream))))
    }
}

impl Client {
    /// Connects, and subscribes to one filter with these options.
    pub(crate) fn connect(broker: &Broker, filter: &str, options: u8, patience: Duration) -> io::Result<Self> {
        let line = broker.line(patience)?;
        let mut own = Self { line, unread: Vec::new(), inbox: VecDeque::new(), patience, next_packet: 1 };
        let client_id = format!("conf{}", &uuid::Uuid::new_v4().simple().to_string()[..16]);
        let mut flags = 2;
        let mut payload = text(&client_id);
        if let Some(username) = &broker.username {
            flags |= 0x80;
            payload.extend(text(username));
        }
        if let Some(password) = &broker.password {
            flags |= 0x40;
            payload.extend(binary(password));
        }
        own.send(0x10, &[&text("MQTT")[..], &[5, flags, 0, 0, 0], &payload].concat())?;
        let connack = own.acknowledgement(Kind::ConnAck)?;
        match connack.body.get(1) {
            Some(0) => {}
            reason => {
                let reason = reason.copied().unwrap_or_default();
                let text = format!("the broker does not let us in: {}", refusal(reason));
                return Err(io::Error::new(ErrorKind::ConnectionRefused, text));
            }
        }
        let id = own.packet_id();
        own.send(0x82, &[&id.to_be_bytes()[..], &[0], &text(filter), &[options]].concat())?;
        match own.acknowledgement(Kind::SubAck)?.body.last() {
            Some(0..=2) => Ok(own),
            _ => Err(io::Error::new(ErrorKind::PermissionDenied, format!("the broker does not let us hear {filter}"))),
        }
    }

    /// Publishes at QoS 1, and returns what was sent once the broker has it.
    pub(crate) fn publish(&mut self, draft: &Draft<'_>) -> io::Result<Vec<u8>> {
        let properties = properties(draft.properties);
        let id = self.packet_id();
        let first = 0x32 | u8::from(draft.is_retained);
        let body = [&text(draft.topic)[..], &id.to_be_bytes(), &with_length(&properties), draft.payload].concat();
        let packet = [&[first][..], &with_length(&body)].concat();
        self.write(&packet)?;
        let acknowledged = self.acknowledgement(Kind::PubAck)?;
        match acknowledged.body.get(2) {
            Some(reason @ 0x80..) => {
                let text = format!("the broker does not publish on {}: {}", draft.topic, refusal(*reason));
                Err(io::Error::new(ErrorKind::PermissionDenied, text))
            }
            _ => Ok(packet),
        }
    }

    /// The next message, and its octets.
    pub(crate) fn next(&mut self, until: Instant) -> io::Result<Option<(Publish, Vec<u8>)>> {
        Ok(self.next_packet(until)?.map(|(packet, octets)| (packet.publish(), octets)))
    }

    /// The next message, as a packet.
    pub(crate) fn next_packet(&mut self, until: Instant) -> io::Result<Option<(Packet, Vec<u8>)>> {
        loop {
            if let Some(own) = self.inbox.pop_front() {
                return Ok(Some(own));
            }
            if self.packet(until)?.is_none() {
                return Ok(None);
            }
        }
    }

    fn packet_id(&mut self) -> u16 {
        self.next_packet = self.next_packet % 60_000 + 1;
        self.next_packet
    }

    fn send(&mut self, first: u8, body: &[u8]) -> io::Result<()> {
        self.write(&[&[first][..], &with_length(body)].concat())
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        match &mut self.line {
            Line::Plain(stream) => stream.write_all(octets),
            Line::Secured(stream) => stream.write_all(octets).and_then(|()| stream.flush()),
        }
    }

    fn read(&mut self, chunk: &mut [u8], patience: Duration) -> io::Result<usize> {
        match &mut self.line {
            Line::Plain(stream) => stream.set_read_timeout(Some(patience)).and_then(|()| stream.read(chunk)),
            Line::Secured(stream) => stream.sock.set_read_timeout(Some(patience)).and_then(|()| stream.read(chunk)),
        }
    }

    fn acknowledgement(&mut self, kind: Kind) -> io::Result<Packet> {
        let until = Instant::now() + self.patience;
        loop {
            match self.packet(until)? {
                None => return Err(io::Error::new(ErrorKind::TimedOut, "the broker does not answer")),
                Some(packet) if packet.kind == kind => return Ok(packet),
                Some(packet) if packet.kind == Kind::Disconnect => {
                    let reason = packet.body.first().copied().unwrap_or_default();
                    let text = format!("the broker says goodbye: {}", refusal(reason));
                    return Err(io::Error::new(ErrorKind::ConnectionAborted, text));
                }
                Some(_) => {}
            }
        }
    }

    /// The next packet; a message goes to the inbox as well, and is acknowledged.
    fn packet(&mut self, until: Instant) -> io::Result<Option<Packet>> {
        let mut chunk = [0; 16 << 10];
        loop {
            let before = self.unread.clone();
            if let Some(packet) = Packet::take(&mut self.unread) {
                let octets = before[..before.len() - self.unread.len()].to_vec();
                self.take(&packet, octets)?;
                return Ok(Some(packet));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            match self.read(&mut chunk, left) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n_read) => self.unread.extend_from_slice(&chunk[..n_read]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    fn take(&mut self, packet: &Packet, octets: Vec<u8>) -> io::Result<()> {
        match packet.kind {
            Kind::Publish => {
                let publish = packet.publish();
                if let Some(id) = publish.id {
                    self.send(if publish.qos == 2 { 0x50 } else { 0x40 }, &id.to_be_bytes())?;
                }
                self.inbox.push_back((packet.clone(), octets));
                Ok(())
            }
            Kind::PubRel => self.send(0x70, &packet.id().to_be_bytes()),
            _ => Ok(()),
        }
    }
}

/// What a reason code means, of those that a broker refuses with.
fn refusal(reason: u8) -> String {
    let words = match reason {
        0x84 => "it does not speak MQTT 5",
        0x86 => "wrong user name or password",
        0x87 => "not authorized",
        0x8a => "banned",
        0x95 => "the packet is too large",
        0x99 => "the payload is not what its format says",
        _ => "",
    };
    if words.is_empty() { format!("reason code {reason:#04x}") } else { words.to_owned() }
}

fn properties(own: &[(&'static str, String)]) -> Vec<u8> {
    let mut properties = Vec::new();
    for (name, value) in own {
        match *name {
            "payload format" => properties.extend([0x01, u8::from(value == "1")]),
            "content type" => properties.extend([&[0x03][..], &text(value)].concat()),
            "response topic" => properties.extend([&[0x08][..], &text(value)].concat()),
            "correlation data" => properties.extend([&[0x09][..], &text(value)].concat()),
            "message expiry" => properties.extend([0x02, 0, 0, 0, 60]),
            user => properties.extend([&[0x26][..], &text(user), &text(value)].concat()),
        }
    }
    properties
}

fn text(text: &str) -> Vec<u8> {
    binary(text.as_bytes())
}

fn binary(octets: &[u8]) -> Vec<u8> {
    let length = u16::try_from(octets.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], octets].concat()
}

fn with_length(body: &[u8]) -> Vec<u8> {
    let (mut rest, mut packet) = (body.len(), Vec::new());
    loop {
        let octet = u8::try_from(rest % 128).unwrap_or_default();
        rest /= 128;
        packet.push(if rest > 0 { octet | 0x80 } else { octet });
        if rest == 0 {
            return [&packet, body].concat();
        }
    }
}
