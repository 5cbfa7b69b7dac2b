//! The sample configuration of a broker, `contrib/mosquitto`, as it is but for paths and the port: who may do what.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::panic::catch_unwind;
use std::path::Path;
use std::time::Duration;
use std::{env, fs};

use oc2_tests_broker::{Authority, Certificate, Draft, Mosquitto, RawClient};
use serde_json::{Value, json};

use crate::harness::{Center, Config, DEVICE, deny, query, tunnel};

/// A broker with the sample's files, and the authority of its clients.
struct Sample {
    broker: Mosquitto,
    of_broker: Authority,
    of_clients: Authority,
}

impl Sample {
    fn start(acl: impl Fn(String) -> String) -> Option<Self> {
        let (of_broker, of_clients) = (Authority::new("brokers"), Authority::new("clients"));
        let broker = Mosquitto::configured(|place, port| {
            let write = |name: &str, text: &str| fs::write(place.join(name), text).unwrap();
            let Certificate { pem, key } = of_broker.server(&["localhost"]);
            write("broker.pem", &pem);
            write("broker.key", &key);
            write("clients.pem", of_clients.pem());
            write("acl", &acl(sample("acl")));
            let place = place.display();
            let conf = sample("mosquitto.conf");
            let lines = [
                ("/etc/mosquitto/openc2/", format!("{place}/")),
                ("/var/lib/mosquitto/", format!("{place}/")),
                ("listener 8883\n", format!("listener {port} 127.0.0.1\n")),
            ];
            let conf = lines.iter().fold(conf, |conf, (theirs, ours)| {
                assert!(conf.contains(theirs), "{theirs}");
                conf.replace(theirs, ours)
            });
            // Started by root it would become a user who may not read our folder.
            conf + "user root\n"
        })?;
        Some(Self { broker, of_broker, of_clients })
    }

    /// A port that leads to the broker as a client of this name.
    fn port_of(&self, name: &str) -> u16 {
        tunnel(self.broker.port(), self.of_broker.pem(), Some(&self.of_clients.client(name)))
    }

    fn client(&self, name: &str) -> RawClient {
        RawClient::connect(self.port_of(name))
    }

    /// The configuration of a daemon with certificates.
    fn daemon(&self) -> Config {
        let config = Config::new().slpf("dry-run", "");
        let Certificate { pem, key } = self.of_clients.client("fw1.example.net");
        let write = |name: &str, text: &str| {
            let path = config.folder().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            path.display().to_string()
        };
        let files = [
            ("ca", write("ca.pem", self.of_broker.pem())),
            ("cert", write("fw1.pem", &pem)),
            ("key", write("fw1.key", &key)),
        ];
        let config = config.mqtt(&format!("broker = \"mqtts://localhost:{}\"", self.broker.port()));
        files.iter().fold(config, |config, (key, path)| config.mqtt(&format!("{key} = {path:?}")))
    }
}

fn sample(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above");
    fs::read_to_string(root.join("contrib/mosquitto").join(name)).unwrap()
}

fn command(topic: &str) -> Draft {
    Draft::openc2(topic, "req", deny(topic, "10.0.0.0/8").to_string())
}

fn rule(response: &Value) -> Option<i64> {
    response.pointer("/results/slpf/rule_number").and_then(Value::as_i64)
}

const COMMANDS: [&str; 3] = ["oc2/cmd/all", "oc2/cmd/ap/slpf", DEVICE];
const NOT_AUTHORIZED: u8 = 0x87;
/// Time for a broker on the same machine to deliver what it should not.
const A_WHILE: Duration = Duration::from_millis(300);

#[test]
fn who_may_not_command_cannot_and_a_producer_and_a_consumer_may_do_what_they_are_for() {
    // MQTT-016, MQTT-107, MQTT-108, Q13
    let Some(sample) = Sample::start(|acl| acl) else { return };
    let config = sample.daemon();
    let daemon = config.start_connected();
    let (mut consumer, mut stranger) = (sample.client("fw1.example.net"), sample.client("mallory"));
    for topic in COMMANDS {
        assert_eq!(stranger.publish(&command(topic)), NOT_AUTHORIZED, "{topic}");
        assert_eq!(consumer.publish(&command(topic)), NOT_AUTHORIZED, "{topic}");
    }
    stranger.subscribe("oc2/#");
    consumer.subscribe("oc2/rsp/#");
    let soc = sample.port_of("soc-1");
    let mut producer = Center::connect(soc);
    for (n_rules, topic) in COMMANDS.into_iter().enumerate() {
        let response = producer.ask(topic, &deny(topic, "10.0.0.0/8"));
        assert_eq!(
            rule(&response),
            Some(999_990 - 10 * i64::try_from(n_rules).unwrap()),
            "only this one was performed"
        );
    }
    let forged =
        Draft::openc2("oc2/rsp", "rsp", json!({"body": {"openc2": {"response": {"status": 200}}}}).to_string());
    assert_eq!(producer.publish(&forged), NOT_AUTHORIZED, "a producer gives no responses");
    assert_eq!(stranger.publish(&forged), NOT_AUTHORIZED);
    assert!(!stranger.hears_within(A_WHILE), "a stranger hears nothing");
    assert!(!consumer.hears_within(A_WHILE), "a consumer hears no responses");
    let (status, log) = daemon.terminate();
    assert!(status.success() && !log.contains("No TLS"), "{log}");
}

#[test]
fn without_a_certificate_of_the_authority_nobody_gets_in() {
    // MQTT-016, MQTT-120
    let Some(sample) = Sample::start(|acl| acl) else { return };
    let (broker, trusted) = (sample.broker.port(), sample.of_broker.pem());
    let of_another = Authority::new("clients").client("soc-1");
    for client in [None, Some(&of_another)] {
        let port = tunnel(broker, trusted, client);
        assert!(catch_unwind(|| RawClient::connect(port)).is_err());
    }
    drop(sample.client("soc-1"));
}

#[test]
fn the_broker_speaks_no_tls_before_1_2() {
    // MQTT-108, MQTT-114
    let Some(sample) = Sample::start(|acl| acl) else { return };
    // A ClientHello (RFC 4346 7.4.1.2) of that version with suites it had, and no extensions.
    let hello = |version: u8| {
        let suites = [0xc0, 0x09, 0xc0, 0x0a, 0xc0, 0x13, 0xc0, 0x14, 0x00, 0x2f, 0x00, 0x35];
        let body = [&[3, version][..], &[7; 32], &[0, 0, 12], &suites, &[1, 0]].concat();
        let length = u8::try_from(body.len()).unwrap();
        [&[0x16, 3, 1, 0, length + 4, 1, 0, 0, length][..], &body].concat()
    };
    let answer = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(("127.0.0.1", sample.broker.port())).unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        // It may be cut off instead of closed.
        let _ = stream.read_to_end(&mut answer);
        answer
    };
    for version in [0, 1, 2] {
        // A fatal alert: protocol_version, or in words of before it had a name, handshake_failure.
        let answer = answer(&hello(version));
        assert!(matches!(answer[..], [0x15, 3, _, 0, 2, 2, 70 | 40]), "{version}: {answer:x?}");
    }
    assert!(answer(b"\x10\x10\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x03abc").first() != Some(&0x20), "nothing but TLS");
    drop(sample.client("soc-1"));
}

#[test]
fn in_a_fleet_each_hears_itself_and_all_and_still_only_producers_command() {
    // MQTT-016, Q13
    let Some(sample) = Sample::start(|acl| acl.replace("#pattern", "pattern")) else { return };
    let config = sample.daemon();
    let daemon = config.start_connected();
    let mut other = sample.client("fw2.example.net");
    for topic in COMMANDS {
        assert_eq!(other.publish(&command(topic)), NOT_AUTHORIZED, "{topic}");
    }
    other.subscribe("oc2/cmd/#");
    let mut producer = Center::connect(sample.port_of("soc-1"));
    assert_eq!(producer.ask(DEVICE, &query())["status"], 200);
    assert!(!other.hears_within(A_WHILE), "what is for one is for no other");
    assert_eq!(producer.ask("oc2/cmd/all", &query())["status"], 200);
    assert_eq!(other.receive().topic, "oc2/cmd/all");
    drop(daemon);
}

#[test]
fn what_is_retained_is_refused_by_the_broker() {
    // MQTT-075, Q6
    let Some(sample) = Sample::start(|acl| acl) else { return };
    let port = sample.port_of("soc-1");
    let retained = catch_unwind(|| RawClient::connect(port).publish(&command(DEVICE).retained()));
    assert_ne!(retained.unwrap_or(NOT_AUTHORIZED), 0, "the broker does not take it");
}
