//! MQTT 5 through a broker: what is published is what is written here.

use std::io;
use std::time::{Duration, Instant};

use oc2_tests_broker::{Publish, Tap};
use serde_json::json;

use super::client::{Broker, Client, Draft};
use super::{Outgoing, Transfer, Wire, tls};
use crate::exchange::{Answer, Exchange};

/// A way through a broker to one device.
pub(crate) struct Mqtt {
    client: Client,
    device: String,
    patience: Duration,
    n_sentinels: u64,
    /// What the client of the subject sends, where that can be seen.
    tap: Option<Tap>,
}

impl Mqtt {
    /// Connects, and subscribes to all responses (MQTT 3.3).
    pub(crate) fn connect(broker: &Broker, device: &str, patience: Duration, tap: Option<Tap>) -> io::Result<Self> {
        // `oc2/rsp` itself too. QoS 1, Retain As Published, nothing of what is retained.
        let client = Client::connect(broker, "oc2/rsp/#", 0x29, patience)?;
        Ok(Self { client, device: device.to_owned(), patience, n_sentinels: 0, tap })
    }

    /// Publishes at QoS 1, and returns what was sent once the broker has it.
    fn publish(&mut self, outgoing: &Outgoing) -> io::Result<Vec<u8>> {
        let topic = outgoing.topic.clone().unwrap_or_else(|| format!("oc2/cmd/device/{}", self.device));
        let usual = of_openc2("req");
        let properties = outgoing.properties.as_ref().unwrap_or(&usual);
        let (payload, is_retained) = (&*outgoing.body, outgoing.is_retained);
        self.client.publish(&Draft { topic: &topic, properties, payload, is_retained })
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
        while let Some((publish, octets)) = self.client.next(until)? {
            if answer(&publish).header("request_id") == Some(json!(id)) {
                // What was to come of a Command before may come a little later: each is a task of its own.
                let grace = Instant::now() + GRACE;
                while let Some(late) = self.client.next(grace)? {
                    heard.push(late);
                }
                return Ok(heard);
            }
            heard.push((publish, octets));
        }
        Ok(heard)
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
            while let Some(own) = self.client.next(until)? {
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

/// What stands beside a message of this type in JSON (MQTT 2.4.1).
pub(crate) fn of_openc2(msg_type: &str) -> Vec<(&'static str, String)> {
    vec![
        ("payload format", "1".to_owned()),
        ("content type", "application/openc2".to_owned()),
        ("msgType", msg_type.to_owned()),
        ("encoding", "json".to_owned()),
    ]
}

/// How long something may come behind an answer that was asked for later.
const GRACE: Duration = Duration::from_millis(60);
