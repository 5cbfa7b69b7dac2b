//! What is said of rules. The members are documented in the README and stay.

use oc2_core::types::time::DateTime;
use oc2_packet_filter::{BackendKind, Config, PacketFilter, RuleRecord, Verdict, stored_rules};
use oc2_profile_slpf::{Direction, Flow, Packets, Ports, Traffic};
use oc2_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Failure;

/// All actuators of a Consumer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// `daemon`, or `store` if none runs.
    pub(crate) source: Source,
    pub(crate) consumer: String,
    /// When this was so, in milliseconds since 1970, as all times.
    pub(crate) at: u64,
    pub(crate) actuators: Vec<Actuator>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    Daemon,
    Store,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Actuator {
    pub(crate) profile: String,
    pub(crate) backend: String,
    pub(crate) chain_prefix: String,
    /// Whether the kernel holds exactly these rules; null if it was not asked or does not say.
    pub(crate) kernel_agrees: Option<bool>,
    pub(crate) rules: Vec<Rule>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub(crate) rule_number: i64,
    pub(crate) action: String,
    /// Absent for an `allow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) drop_process: Option<String>,
    pub(crate) direction: String,
    /// As in a Command.
    pub(crate) target: Value,
    pub(crate) producer: String,
    pub(crate) created: u64,
    /// When its window ends; absent means never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stop_time: Option<u64>,
    /// Until when a `delete` with a window has put it out of force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) suspended_until: Option<u64>,
    pub(crate) persistent: bool,
}

/// A packet filter, and how it is called.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub(crate) backend: String,
    pub(crate) chain_prefix: String,
    pub(crate) filter: PacketFilter,
}

impl Report {
    /// What these hold now.
    pub(crate) async fn of(consumer: &str, filters: &[Filter]) -> Result<Self, Failure> {
        let mut actuators = Vec::new();
        for Filter { backend, chain_prefix, filter } in filters {
            let rules = filter.rules().await.map_err(|rejection| rejection.to_string())?;
            let kernel_agrees = filter.kernel_agrees().await.ok();
            actuators.push(Actuator::new(backend.clone(), chain_prefix.clone(), kernel_agrees, rules));
        }
        Ok(Self::new(Source::Daemon, consumer, actuators))
    }

    /// What the next start would put in force.
    pub(crate) fn kept<'a>(
        consumer: &str,
        store: &Store,
        filters: impl Iterator<Item = &'a Config>,
    ) -> Result<Self, Failure> {
        let actuator = |config: &Config| {
            let rules = stored_rules(store, &config.chain_prefix)?;
            Ok(Actuator::new(name_of(config.backend).to_owned(), config.chain_prefix.to_string(), None, rules))
        };
        let actuators = filters.map(actuator).collect::<Result<_, Failure>>()?;
        Ok(Self::new(Source::Store, consumer, actuators))
    }

    fn new(source: Source, consumer: &str, actuators: Vec<Actuator>) -> Self {
        Self { source, consumer: consumer.to_owned(), at: DateTime::now().as_millis(), actuators }
    }
}

impl Actuator {
    fn new(backend: String, chain_prefix: String, kernel_agrees: Option<bool>, rules: Vec<RuleRecord>) -> Self {
        let rules = rules.into_iter().map(Rule::of).collect();
        Self { profile: "slpf".to_owned(), backend, chain_prefix, kernel_agrees, rules }
    }
}

impl Rule {
    fn of(record: RuleRecord) -> Self {
        let (action, drop_process) = match record.verdict {
            Verdict::Accept => ("allow", None),
            Verdict::Drop => ("deny", Some("none")),
            Verdict::Reject => ("deny", Some("reject")),
        };
        let direction = match record.direction {
            Direction::Both => "both",
            Direction::Ingress => "ingress",
            Direction::Egress => "egress",
        };
        Self {
            rule_number: record.number.as_i64(),
            action: action.to_owned(),
            drop_process: drop_process.map(ToOwned::to_owned),
            direction: direction.to_owned(),
            target: target(&record.packets),
            producer: record.producer.to_string(),
            created: record.created.as_millis(),
            stop_time: record.stop.map(DateTime::as_millis),
            suspended_until: record.suspended_until.map(DateTime::as_millis),
            persistent: record.persistent,
        }
    }
}

/// As an operator writes it.
pub(crate) fn name_of(backend: BackendKind) -> &'static str {
    match backend {
        BackendKind::Auto => "auto",
        BackendKind::Nftables => "nftables",
        BackendKind::Iptables => "iptables",
        BackendKind::DryRun => "dry-run",
    }
}

fn target(packets: &Packets) -> Value {
    match packets {
        Packets::Ipv4Net(net) => json!({"ipv4_net": net.to_string()}),
        Packets::Ipv6Net(net) => json!({"ipv6_net": net.to_string()}),
        Packets::Ipv4Connection(flow) => json!({"ipv4_connection": connection(flow)}),
        Packets::Ipv6Connection(flow) => json!({"ipv6_connection": connection(flow)}),
    }
}

/// The five parts, as far as they are named (SLPF 2.1.2.1).
fn connection<Net: ToString>(flow: &Flow<Net>) -> Value {
    let (protocol, [src_port, dst_port]) = match flow.traffic {
        Traffic::Any => (None, [None, None]),
        Traffic::Tcp(ports) => (Some("tcp"), both(ports)),
        Traffic::Udp(ports) => (Some("udp"), both(ports)),
        Traffic::Sctp(ports) => (Some("sctp"), both(ports)),
        Traffic::AnyWithPorts(ports) => (None, both(ports)),
        Traffic::Icmp { kind, code } => (Some("icmp"), [kind, code].map(|number| number.map(u16::from))),
    };
    let parts = [
        ("src_addr", flow.source.as_ref().map(|net| Value::from(net.to_string()))),
        ("src_port", src_port.map(Value::from)),
        ("dst_addr", flow.destination.as_ref().map(|net| Value::from(net.to_string()))),
        ("dst_port", dst_port.map(Value::from)),
        ("protocol", protocol.map(Value::from)),
    ];
    parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part?))).collect::<Map<_, _>>().into()
}

fn both(ports: Ports) -> [Option<u16>; 2] {
    [ports.source, ports.destination]
}
