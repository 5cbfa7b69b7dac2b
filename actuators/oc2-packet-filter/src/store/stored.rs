//! A record as JSON, in the words of the standard where it has them.

use oc2_core::shape::read::{Context, Read};
use oc2_core::shape::write::Write;
use oc2_core::target::{Ipv4Connection, Ipv6Connection};
use oc2_core::types::port::{L4Protocol, Port};
use oc2_core::types::time::DateTime;
use oc2_core::{Action, Command, Form, Invalid, Mode, Profile, Target};
use oc2_profile_slpf::{Command as SlpfCommand, Direction, Packets, RuleNumber, Slpf, Traffic};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::record::RuleRecord;
use crate::rule::Verdict;

/// The record of a rule as JSON. Its number is not in it: it is the key.
pub(super) fn write(record: &RuleRecord) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Stored {
        target: InOpenC2(target(&record.packets).map_err(serde::ser::Error::custom)?),
        direction: InOpenC2(record.direction),
        verdict: record.verdict.into(),
        stop: record.stop.map(InOpenC2),
        suspended_until: record.suspended_until.map(InOpenC2),
        producer: record.producer.to_string(),
        created: InOpenC2(record.created),
    })
}

/// A record that was written.
pub(super) fn read(number: RuleNumber, json: &[u8]) -> Result<RuleRecord, String> {
    let stored: Stored = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    Ok(RuleRecord {
        number,
        packets: packets(stored.target.0)?,
        direction: stored.direction.0,
        verdict: stored.verdict.into(),
        persistent: true,
        stop: stored.stop.map(|InOpenC2(time)| time),
        suspended_until: stored.suspended_until.map(|InOpenC2(time)| time),
        producer: stored.producer.into(),
        created: stored.created.0,
    })
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    target: InOpenC2<Target>,
    direction: InOpenC2<Direction>,
    verdict: StoredVerdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stop: Option<InOpenC2<DateTime>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    suspended_until: Option<InOpenC2<DateTime>>,
    producer: String,
    created: InOpenC2<DateTime>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StoredVerdict {
    Accept,
    Drop,
    Reject,
}

impl From<Verdict> for StoredVerdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Accept => Self::Accept,
            Verdict::Drop => Self::Drop,
            Verdict::Reject => Self::Reject,
        }
    }
}

impl From<StoredVerdict> for Verdict {
    fn from(verdict: StoredVerdict) -> Self {
        match verdict {
            StoredVerdict::Accept => Self::Accept,
            StoredVerdict::Drop => Self::Drop,
            StoredVerdict::Reject => Self::Reject,
        }
    }
}

/// A type of the language, written and read as the language has it.
struct InOpenC2<T>(T);

impl<T: Write> Serialize for InOpenC2<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(Form::DEFAULT, serializer)
    }
}

impl<'de, T: Read> Deserialize<'de> for InOpenC2<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(&mut Context::new(Mode::Strict), deserializer).map(Self)
    }
}

fn packets(target: Target) -> Result<Packets, String> {
    match Slpf::interpret(&Command::new(Action::Allow, target)) {
        Ok(SlpfCommand::Allow(rule)) => Ok(rule.packets),
        Ok(_) => Err("the target is not about packets".to_owned()),
        Err(rejection) => Err(rejection.to_string()),
    }
}

/// The two connections are two types with the same five parts.
macro_rules! connection {
    ($connection:ident, $flow:ident) => {{
        let (protocol, src_port, dst_port) = parts($flow.traffic);
        let mut builder = $connection::builder();
        if let Some(source) = $flow.source {
            builder = builder.src_addr(source);
        }
        if let Some(destination) = $flow.destination {
            builder = builder.dst_addr(destination);
        }
        if let Some(protocol) = protocol {
            builder = builder.protocol(protocol);
        }
        if let Some(port) = src_port {
            builder = builder.src_port(Port(port));
        }
        if let Some(port) = dst_port {
            builder = builder.dst_port(Port(port));
        }
        builder.build().map(Target::from)
    }};
}

fn target(packets: &Packets) -> Result<Target, Invalid> {
    match packets {
        Packets::Ipv4Net(net) => Ok((*net).into()),
        Packets::Ipv6Net(net) => Ok((*net).into()),
        Packets::Ipv4Connection(flow) => connection!(Ipv4Connection, flow),
        Packets::Ipv6Connection(flow) => connection!(Ipv6Connection, flow),
    }
}

/// Protocol, source port, destination port; ICMP's type and code stand in the place of ports (DECISIONS S8).
fn parts(traffic: Traffic) -> (Option<L4Protocol>, Option<u16>, Option<u16>) {
    match traffic {
        Traffic::Any => (None, None, None),
        Traffic::Tcp(ports) => (Some(L4Protocol::Tcp), ports.source, ports.destination),
        Traffic::Udp(ports) => (Some(L4Protocol::Udp), ports.source, ports.destination),
        Traffic::Sctp(ports) => (Some(L4Protocol::Sctp), ports.source, ports.destination),
        Traffic::AnyWithPorts(ports) => (None, ports.source, ports.destination),
        Traffic::Icmp { kind, code } => (Some(L4Protocol::Icmp), kind.map(u16::from), code.map(u16::from)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oc2_profile_slpf::{Flow, Ports};

    #[test]
    fn a_record_is_written_in_the_words_of_the_standard() {
        let json = write(&record(Packets::Ipv4Net("198.51.100.7/24".parse().unwrap()))).unwrap();
        assert_eq!(
            String::from_utf8(json).unwrap(),
            r#"{"target":{"ipv4_net":"198.51.100.7/24"},"direction":"ingress","verdict":"reject","stop":2,"#.to_owned()
                + r#""producer":"p","created":1}"#
        );
    }

    #[test]
    fn what_was_written_is_read_back() {
        let ports = Ports { source: Some(0), destination: Some(65535) };
        let v4 = |traffic| {
            let (source, destination) = ("192.0.2.1".parse().ok(), None);
            Packets::Ipv4Connection(Flow { source, destination, traffic })
        };
        let v6 = |traffic| {
            let (source, destination) = (None, "2001:db8::/32".parse().ok());
            Packets::Ipv6Connection(Flow { source, destination, traffic })
        };
        let of_traffic = [
            Traffic::Any,
            Traffic::Tcp(Ports::default()),
            Traffic::Udp(ports),
            Traffic::Sctp(ports),
            Traffic::AnyWithPorts(ports),
            Traffic::Icmp { kind: None, code: None },
            Traffic::Icmp { kind: Some(3), code: Some(0) },
        ];
        let nets = [Packets::Ipv4Net("0.0.0.0/0".parse().unwrap()), Packets::Ipv6Net("::1".parse().unwrap())];
        let connections = of_traffic.into_iter().flat_map(|traffic| [v4(traffic), v6(traffic)]);
        for packets in nets.into_iter().chain(connections) {
            for suspended_until in [None, DateTime::from_millis(7).ok()] {
                let record = RuleRecord { suspended_until, ..record(packets.clone()) };
                assert_eq!(read(record.number, &write(&record).unwrap()), Ok(record));
            }
        }
    }

    #[test]
    fn what_was_not_written_so_is_refused() {
        let whole =
            r#"{"target":{"ipv4_net":"192.0.2.1"},"direction":"both","verdict":"drop","producer":"","created":1}"#;
        let number = RuleNumber::new(1).unwrap();
        read(number, whole.as_bytes()).unwrap();
        for (part, other) in [
            ("{\"target", ""),
            ("\"created\":1", "\"created\":1,\"x\":1"),
            (",\"created\":1", ""),
            ("both", "up"),
            ("drop", "log"),
            ("192.0.2.1", "192.0.2"),
            ("{\"ipv4_net\":\"192.0.2.1\"}", "{\"domain_name\":\"a.example\"}"),
        ] {
            read(number, whole.replace(part, other).as_bytes()).unwrap_err();
        }
    }

    fn record(packets: Packets) -> RuleRecord {
        RuleRecord {
            number: RuleNumber::new(-3).unwrap(),
            packets,
            direction: Direction::Ingress,
            verdict: Verdict::Reject,
            persistent: true,
            stop: DateTime::from_millis(2).ok(),
            suspended_until: None,
            producer: "p".into(),
            created: DateTime::from_millis(1).unwrap(),
        }
    }
}
