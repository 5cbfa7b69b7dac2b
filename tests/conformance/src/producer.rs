//! Producers as the subject: what they send is heard and judged, and answered as a Consumer would.

mod commands;
mod http;
mod mqtt;
mod ours;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oc2_tests_broker::{Authority, Mosquitto, Tap};
use rustls::ServerConfig;
use serde_json::{Value, json};

pub(crate) use self::ours::against_ours;
use crate::clause::ids;
use crate::exchange::Exchange;
use crate::session::now;
use crate::verdict::{Fault, Notes};
use crate::wire::PATH;
use crate::wire::client::Broker;
use crate::wire::hello::{Hello, shown};
use crate::wire::tls::Files;

/// The rows that it may tell about.
#[cfg_attr(not(test), expect(dead_code, reason = "the test that no row is forgotten looks here"))]
pub(crate) fn rows() -> BTreeSet<&'static str> {
    [commands::ROWS, http::ROWS, mqtt::ROWS].into_iter().flat_map(ids).collect()
}

/// What a Producer was heard to say.
#[derive(Debug, Default)]
pub(crate) struct Hearing {
    pub(crate) notes: Notes,
    request_ids: BTreeSet<String>,
    /// Action and target of what was sent.
    pairs: BTreeSet<(String, String)>,
    n_messages: usize,
}

impl Hearing {
    fn note(&mut self, rows: &str, is_met: bool, point: &str, expected: &str, told: &str, exchange: &Exchange) {
        self.notes.note(ids(rows), is_met, || {
            let [point, expected, told] = [point, expected, told].map(ToOwned::to_owned);
            Fault { point, expected, told, exchange: exchange.clone() }
        });
    }
}

/// Where a Producer is listened to.
pub(crate) enum Place {
    /// As a Consumer over HTTP at this address, with TLS where there is a server for it.
    Http { address: String, tls: Option<Arc<ServerConfig>> },
    /// As a Consumer over HTTPS that nobody should take for one: its certificate is of an authority that nobody knows.
    Impostor { address: String },
    /// As a Consumer behind this broker.
    Broker(Broker),
    /// As a Consumer behind a broker that is started for it, whose wire is seen.
    OwnBroker { is_secured: bool },
}

/// Listens for a Producer until it has been silent for so long; says where it is to send.
pub(crate) fn listen(place: &Place, silence: Duration, say: impl FnOnce(&str)) -> io::Result<Notes> {
    let mut hearing = Hearing::default();
    let is_over = |last: Instant| last.elapsed() >= silence;
    match place {
        Place::Http { address, tls } => {
            let scheme = if tls.is_some() { "https" } else { "http" };
            let say = |port: u16| say(&format!("port {port}, at {PATH}, over {scheme}"));
            http::listen(address, tls.clone(), silence, say, &mut hearing)?;
        }
        Place::Impostor { address } => {
            let say = |port: u16| say(&format!("port {port}, at {PATH}, over https: nothing should come"));
            return http::imposture(address, silence, say);
        }
        Place::Broker(broker) => {
            let scheme = if broker.tls.is_some() { "mqtts" } else { "mqtt" };
            say(&format!("{scheme}://{}:{}", broker.host, broker.port));
            mqtt::hear(&mut hearing, broker, None, is_over)?;
        }
        Place::OwnBroker { is_secured } => {
            let own = OwnBroker::start(*is_secured)?;
            say(&own.told());
            mqtt::hear(&mut hearing, &own.broker, Some(&own.tap), is_over)?;
        }
    }
    commands::sum_up(&mut hearing);
    Ok(hearing.notes)
}

/// A broker of ours, and a wire to it.
pub(crate) struct OwnBroker {
    mosquitto: Mosquitto,
    pub(crate) tap: Tap,
    pub(crate) broker: Broker,
    /// A folder with the authority of its certificate.
    authority: Option<tempfile::TempDir>,
}

impl OwnBroker {
    pub(crate) fn start(is_secured: bool) -> io::Result<Self> {
        let nobody = || io::Error::new(io::ErrorKind::NotFound, "mosquitto is not installed");
        if !is_secured {
            let mosquitto = Mosquitto::start().ok_or_else(nobody)?;
            let (tap, broker) = (Tap::to(mosquitto.port()), Broker::here(mosquitto.port()));
            return Ok(Self { mosquitto, tap, broker, authority: None });
        }
        let authority = Authority::new("conformance");
        let certificate = authority.server(&["localhost", "127.0.0.1"]);
        let mosquitto = Mosquitto::with().tls(&certificate).start().ok_or_else(nobody)?;
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join(CA), authority.pem())?;
        let files = Files { authorities: Some(authority.pem().as_bytes().to_vec()), identity: None };
        let tls = Some(Arc::new(files.config().map_err(io::Error::other)?));
        let tap = Tap::to(mosquitto.port());
        let broker = Broker { tls, ..Broker::here(mosquitto.port()) };
        Ok(Self { mosquitto, tap, broker, authority: Some(folder) })
    }

    /// Its authority, as a file.
    pub(crate) fn ca(&self) -> Option<std::path::PathBuf> {
        self.authority.as_ref().map(|folder| folder.path().join(CA))
    }

    /// Whether somebody has subscribed to a topic.
    pub(crate) fn is_subscribed(&self, topic: &str) -> bool {
        self.mosquitto.log().contains(&format!("\t{topic} (QoS "))
    }

    /// Where clients are to connect.
    pub(crate) fn told(&self) -> String {
        match self.ca() {
            Some(ca) => format!("mqtts://localhost:{}, whose authority is {}", self.tap.port(), ca.display()),
            None => format!("mqtt://127.0.0.1:{}", self.tap.port()),
        }
    }
}

/// Judges what a client of TLS offers; `of` says which of the rows, those of HTTPS or of MQTT.
fn judge_hello(hearing: &mut Hearing, record: &[u8], is_mqtt: bool) {
    let Some(hello) = Hello::read(record) else { return };
    for point in hello.points() {
        let rows = if is_mqtt { point.mqtt } else { point.https };
        hearing.note(rows, point.is_met, point.name, point.expected, &hello.told(), &shown(record));
    }
}

const CA: &str = "ca.pem";

/// A Response as a Consumer with all of SLPF gives it.
fn response(message: &Value, n: usize) -> Value {
    let command = &message["body"]["openc2"]["request"];
    let mut response = json!({"status": 200});
    if command["args"]["response_requested"] == "ack" {
        response = json!({"status": 102});
    } else if command["action"] == "allow" || command["action"] == "deny" {
        let number = command.pointer("/args/slpf/insert_rule").cloned().unwrap_or(json!(1000 + n));
        response["results"] = json!({"slpf": {"rule_number": number}});
    } else if let Some(features) = command["target"]["features"].as_array() {
        let pairs = json!({
            "query": ["features"], "delete": ["slpf:rule_number"], "update": ["file"],
            "allow": ["ipv4_net", "ipv6_net", "ipv4_connection", "ipv6_connection"],
            "deny": ["ipv4_net", "ipv6_net", "ipv4_connection", "ipv6_connection"]
        });
        let all = json!({"versions": ["1.0"], "profiles": ["slpf"], "pairs": pairs, "rate_limit": 60});
        for name in features.iter().filter_map(Value::as_str) {
            response["results"][name] = all[name].clone();
        }
    }
    let mut headers = json!({"created": now(), "from": "conformance"});
    if let Some(id) = message.pointer("/headers/request_id") {
        headers["request_id"] = id.clone();
    }
    json!({"headers": headers, "body": {"openc2": {"response": response}}})
}
