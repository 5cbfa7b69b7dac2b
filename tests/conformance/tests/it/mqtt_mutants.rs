//! Faults over MQTT, between our daemon and its broker, and the row that each of them breaks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

use oc2_tests_broker::{Kind, Mosquitto, Packet};
use serde_json::Value;

use crate::ours::{Daemon, wait_until};

type Fault = (&'static str, &'static str, fn(&mut Packet), fn(&mut Packet));

fn same(_: &mut Packet) {}

#[test]
fn every_fault_of_a_client_of_mqtt_is_found() {
    if Mosquitto::start().is_none() {
        return;
    }
    let mut missed = Vec::new();
    for (name, row, to_broker, to_client) in FAULTS {
        let verdict = verdict(row, *to_broker, *to_client);
        if verdict["verdict"] != "not met" {
            missed.push(format!("{name}: {verdict}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn without_a_fault_a_client_of_mqtt_has_none() {
    if Mosquitto::start().is_none() {
        return;
    }
    for row in ["MQTT-064", "MQTT-019", "MQTT-035", "MQTT-075", "MQTT-123"] {
        let verdict = verdict(row, same, same);
        assert_eq!(verdict["verdict"], "met", "{verdict}");
    }
}

/// What the suite says of a row, of our daemon with a fault.
fn verdict(row: &str, to_broker: fn(&mut Packet), to_client: fn(&mut Packet)) -> Value {
    let mut suite = Command::new(env!("CARGO_BIN_EXE_oc2-conformance"))
        .args(["--tap", "--json", "--destructive", "--timeout", "2", "--id", row])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the suite is built with its tests");
    let mut said = BufReader::new(suite.stderr.take().expect("it is piped"));
    let mut port = None;
    wait_until("the suite says where its broker is", || {
        let mut line = String::new();
        said.read_line(&mut line).expect("it is text");
        port = line.rsplit_once(':').and_then(|(_, rest)| rest.split_whitespace().next()?.parse::<u16>().ok());
        port.is_some()
    });
    let between = start(port.expect("it was said"), to_broker, to_client);
    let daemon = Daemon::at_broker(between);
    let output = suite.wait_with_output().expect("the suite ends");
    drop(daemon);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let mut rows = report["rows"].as_array().into_iter().flatten();
    rows.find(|own| own["id"] == row).cloned().unwrap_or_default()
}

/// A wire to a broker that changes packets.
fn start(broker: u16, to_broker: fn(&mut Packet), to_client: fn(&mut Packet)) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(far) = TcpStream::connect(("127.0.0.1", broker)) else { continue };
            let ends = (client.try_clone().expect("descriptors"), far.try_clone().expect("descriptors"));
            thread::spawn(move || carry(client, far, to_broker));
            thread::spawn(move || carry(ends.1, ends.0, to_client));
        }
    });
    port
}

fn carry(mut from: TcpStream, mut to: TcpStream, change: fn(&mut Packet)) {
    let (mut chunk, mut unread) = ([0; 16 << 10], Vec::new());
    while let Ok(n_read @ 1..) = from.read(&mut chunk) {
        unread.extend_from_slice(&chunk[..n_read]);
        while let Some(mut packet) = Packet::take(&mut unread) {
            change(&mut packet);
            let mut octets = vec![((packet.kind as u8) << 4) | packet.flags];
            let mut rest = packet.body.len();
            loop {
                let octet = u8::try_from(rest % 128).expect("it is less than 128");
                rest /= 128;
                octets.push(if rest > 0 { octet | 0x80 } else { octet });
                if rest == 0 {
                    break;
                }
            }
            octets.extend(&packet.body);
            if to.write_all(&octets).is_err() {
                return;
            }
        }
    }
    // The other end may be gone.
    let _ = to.shutdown(std::net::Shutdown::Both);
}

/// Puts octets in the place of as many others.
fn replace(packet: &mut Packet, kind: Kind, old: &[u8], new: &[u8]) {
    assert_eq!(old.len(), new.len());
    if packet.kind != kind {
        return;
    }
    while let Some(at) = packet.body.windows(old.len()).position(|window| window == old) {
        packet.body[at..at + old.len()].copy_from_slice(new);
    }
}

/// Changes the options of each subscription.
fn subscribe(packet: &mut Packet, change: fn(&mut String, &mut u8)) {
    if packet.kind != Kind::Subscribe {
        return;
    }
    let mut body = packet.body[..2].to_vec();
    body.push(0);
    for (mut filter, mut options) in packet.subscribe().filters {
        change(&mut filter, &mut options);
        body.extend(u16::try_from(filter.len()).expect("it is short").to_be_bytes());
        body.extend(filter.bytes());
        body.push(options);
    }
    packet.body = body;
}

fn connect(packet: &mut Packet, change: fn(&mut Vec<u8>)) {
    if packet.kind == Kind::Connect {
        change(&mut packet.body);
    }
}

const FAULTS: &[Fault] = &[
    ("Clean Start is 1", "MQTT-064", |packet| connect(packet, |body| body[7] |= 2), same),
    ("Keep Alive is 600", "MQTT-068", |packet| connect(packet, |body| body[8..10].copy_from_slice(&[2, 88])), same),
    ("Keep Alive is 0", "MQTT-053", |packet| connect(packet, |body| body[8..10].copy_from_slice(&[0, 0])), same),
    ("No Local is 0", "MQTT-019", |packet| subscribe(packet, |_, options| *options &= !4), same),
    ("Retain As Published is 0", "MQTT-020", |packet| subscribe(packet, |_, options| *options &= !8), same),
    ("Retain Handling is 2", "MQTT-021", |packet| subscribe(packet, |_, options| *options |= 0x20), same),
    ("Maximum QoS is 1", "MQTT-018", |packet| subscribe(packet, |_, options| *options = (*options & !3) | 1), same),
    (
        "oc2/cmd/all is not subscribed to",
        "MQTT-091",
        |packet| {
            subscribe(packet, |filter, _| {
                if filter == "oc2/cmd/all" {
                    *filter = "oc2/cmd/none".into();
                }
            });
        },
        same,
    ),
    (
        "responses are retained",
        "MQTT-075",
        |packet| {
            if packet.kind == Kind::Publish {
                packet.flags |= 1;
            }
        },
        same,
    ),
    ("msgType is another word", "MQTT-079", |packet| replace(packet, Kind::Publish, b"\x03rsp", b"\x03res"), same),
    ("another content type", "MQTT-077", |packet| replace(packet, Kind::Publish, b"/openc2{", b"/openc3{"), same),
    ("no `from`", "MQTT-033", |packet| replace(packet, Kind::Publish, b"\"from\":", b"\"frxm\":"), same),
    ("no request_id", "MQTT-037", |packet| replace(packet, Kind::Publish, b"\"request_id\"", b"\"requext_id\""), same),
    ("`to` is ignored", "MQTT-035", same, |packet| replace(packet, Kind::Publish, b"\"to\":", b"\"tx\":")),
    ("msgType is ignored", "MQTT-083", same, |packet| replace(packet, Kind::Publish, b"\x03rsp", b"\x03req")),
    ("none is answered", "MQTT-123", same, |packet| replace(packet, Kind::Publish, b"\"none\"", b"\"ack\" ")),
    (
        "a retained Command is performed",
        "MQTT-075",
        |packet| connect(packet, |body| body[7] |= 2),
        |packet| {
            if packet.kind == Kind::Publish {
                packet.flags &= !1;
            }
        },
    ),
];
