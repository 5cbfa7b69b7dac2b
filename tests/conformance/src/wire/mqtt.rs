//! MQTT 5, packet by packet: what is published is what is written here.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use oc2_tests_broker::{Kind, Packet, Publish, Tap};
use serde_json::json;

use super::{Outgoing, Transfer, Wire, tls};
use crate::exchange::{Answer, Exchange};

/// A way through a broker to one device.
pub(crate) struct Mqtt {
    stream: TcpStream,
    unread: Vec<u8>,
    inbox: VecDeque<(Publish, Vec<u8>)>,
    device: String,
    patience: Duration,
    next_packet: u16,
    n_sentinels: u64,
    /// What the client of the subject sends, where that can be seen.
    tap: Option<Tap>,
}

impl Mqtt {
    /// Connects, and subscribes to all responses (MQTT 3.3).
    pub(crate) fn connect(address: &str, device: &str, patience: Duration, tap: Option<Tap>) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let (unread, inbox, device) = (Vec::new(), VecDeque::new(), device.to_owned());
        let mut own = Self { stream, unread, inbox, device, patience, next_packet: 1, n_sentinels: 0, tap };
        let client_id = format!("conf{}", &uuid::Uuid::new_v4().simple().to_string()[..16]);
        own.send(0x10, &[&text("MQTT")[..], &[5, 2, 0, 0, 0], &text(&client_id)].concat())?;
        let connack = own.acknowledgement(Kind::ConnAck)?;
        if connack.body.get(1) != Some(&0) {
            return Err(io::Error::new(ErrorKind::ConnectionRefused, "the broker does not want us"));
        }
        // `oc2/rsp` itself too. QoS 1, Retain As Published, nothing of what is retained.
        let id = own.packet_id();
        own.send(0x82, &[&id.to_be_bytes()[..], &[0], &text("oc2/rsp/#"), &[0x29]].concat())?;
        own.acknowledgement(Kind::SubAck)?;
        Ok(own)
    }

    /// Publishes at QoS 1, and returns what was sent once the broker has it.
    fn publish(&mut self, outgoing: &Outgoing) -> io::Result<Vec<u8>> {
        let topic = outgoing.topic.clone().unwrap_or_else(|| format!("oc2/cmd/device/{}", self.device));
        let usual = vec![
            ("payload format", "1".to_owned()),
            ("content type", "application/openc2".to_owned()),
            ("msgType", "req".to_owned()),
            ("encoding", "json".to_owned()),
        ];
        let properties = properties(outgoing.properties.as_ref().unwrap_or(&usual));
        let id = self.packet_id();
        let first = 0x32 | u8::from(outgoing.is_retained);
        let body = [&text(&topic)[..], &id.to_be_bytes(), &with_length(&properties), &outgoing.body].concat();
        let packet = [&[first][..], &with_length(&body)].concat();
        self.stream.write_all(&packet)?;
        self.acknowledgement(Kind::PubAck)?;
        Ok(packet)
    }

    /// Asks whether the subject is there, and collects what comes until it says so.
    fn until_sentinel(&mut self) -> io::Result<Vec<(Publish, Vec<u8>)>> {
        self.n_sentinels += 1;
        let id = format!("sentinel-{}-{}", std::process::id(), self.n_sentinels);
        let message = json!({
            "headers": {"request_id": id, "from": "conformance"},
            "body": {"openc2": {"request": {"action": "query", "target": {"features": []}}}}
        });
        self.publish(&Outgoing::new(message.to_string()))?;
        let mut heard = Vec::new();
        let until = Instant::now() + self.patience;
        while let Some((publish, octets)) = self.next(until)? {
            if answer(&publish).header("request_id") == Some(json!(id)) {
                // What was to come of a Command before may come a little later: each is a task of its own.
                let grace = Instant::now() + GRACE;
                while let Some(late) = self.next(grace)? {
                    heard.push(late);
                }
                return Ok(heard);
            }
            heard.push((publish, octets));
        }
        Ok(heard)
    }

    fn packet_id(&mut self) -> u16 {
        self.next_packet = self.next_packet % 60_000 + 1;
        self.next_packet
    }

    fn send(&mut self, first: u8, body: &[u8]) -> io::Result<()> {
        self.stream.write_all(&[&[first][..], &with_length(body)].concat())
    }

    fn acknowledgement(&mut self, kind: Kind) -> io::Result<Packet> {
        let until = Instant::now() + self.patience;
        loop {
            match self.packet(until)? {
                None => return Err(io::Error::new(ErrorKind::TimedOut, "the broker does not answer")),
                Some((packet, _)) if packet.kind == kind => return Ok(packet),
                Some(_) => {}
            }
        }
    }

    fn next(&mut self, until: Instant) -> io::Result<Option<(Publish, Vec<u8>)>> {
        loop {
            if let Some(publish) = self.inbox.pop_front() {
                return Ok(Some(publish));
            }
            if self.packet(until)?.is_none() {
                return Ok(None);
            }
        }
    }

    /// The next packet; a message goes to the inbox as well.
    fn packet(&mut self, until: Instant) -> io::Result<Option<(Packet, Vec<u8>)>> {
        let mut chunk = [0; 16 << 10];
        loop {
            let before = self.unread.clone();
            if let Some(packet) = Packet::take(&mut self.unread) {
                let octets = before[..before.len() - self.unread.len()].to_vec();
                if packet.kind == Kind::Publish {
                    let publish = packet.publish();
                    if let Some(id) = publish.id {
                        self.send(0x40, &id.to_be_bytes())?;
                    }
                    self.inbox.push_back((publish, octets.clone()));
                }
                return Ok(Some((packet, octets)));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n_read) => self.unread.extend_from_slice(&chunk[..n_read]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Wire for Mqtt {
    fn transfer(&self) -> Transfer {
        Transfer::Mqtt
    }

    fn exchange(&mut self, outgoing: &Outgoing) -> io::Result<Exchange> {
        let sent = self.publish(outgoing)?;
        let mut heard = Vec::new();
        if let (Some(id), false) = (&outgoing.request_id, outgoing.wants_silence) {
            let until = Instant::now() + self.patience;
            while let Some(own) = self.next(until)? {
                let is_answer = answer(&own.0).header("request_id") == Some(json!(id));
                heard.push(own);
                if is_answer {
                    break;
                }
            }
        } else {
            heard = self.until_sentinel()?;
        }
        let received = heard.iter().flat_map(|(_, octets)| octets.clone()).collect();
        let answers = heard.iter().map(|(publish, _)| answer(publish)).collect();
        Ok(Exchange { sent, received, answers, remark: None })
    }

    fn raw(&mut self, _: &[u8]) -> io::Result<Exchange> {
        Err(io::Error::other("raw octets are for HTTP"))
    }

    fn sequence(&mut self, outgoing: &[Outgoing]) -> io::Result<Vec<Exchange>> {
        outgoing.iter().map(|outgoing| self.exchange(outgoing)).collect()
    }

    fn probe(&mut self, _: &tls::Probe) -> io::Result<Exchange> {
        Err(io::Error::other("probes of TLS are for HTTP"))
    }

    fn tapped(&self) -> Option<&Tap> {
        self.tap.as_ref()
    }

    fn authority(&self) -> String {
        self.device.clone()
    }
}

/// A message of MQTT as an answer; properties by the names that the standard of OpenC2 has for them.
pub(crate) fn answer(publish: &Publish) -> Answer {
    let mut fields = publish.user_properties();
    for (id, name) in [(0x03, "content type"), (0x08, "response topic")] {
        fields.extend(publish.property(id).map(|value| (name.to_owned(), String::from_utf8_lossy(value).into_owned())));
    }
    fields.extend(publish.property(0x01).map(|value| ("payload format".to_owned(), value[0].to_string())));
    fields.push(("qos".into(), publish.qos.to_string()));
    fields.push(("retain".into(), publish.is_retained.to_string()));
    Answer { code: None, fields, topic: Some(publish.topic.clone()), body: publish.payload.clone() }
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
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], text.as_bytes()].concat()
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

/// How long something may come behind an answer that was asked for later.
const GRACE: Duration = Duration::from_millis(60);
