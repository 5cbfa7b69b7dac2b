//! From a Command of the language to one of the profile.

use oc2_core::types::port::{L4Protocol, Port};
use oc2_core::{Action, Rejection, ResponseType, Target as CommonTarget};

use crate::args::{Args, Direction, DropProcess};
use crate::command::{Command, Flow, Packets, Ports, Rule, Traffic, UpdateFile};
use crate::profile::Slpf;
use crate::refusal::Refusal;
use crate::target::Target;

/// Understands a Command that one of the rows admits.
pub(crate) fn interpret(command: &oc2_core::Command) -> Result<Command, Rejection> {
    let args = command.args.of::<Slpf>()?.unwrap_or_default();
    match command.action {
        Action::Allow => rule(command, &args).map(Command::Allow),
        Action::Deny => {
            let drop_process = args.drop_process.unwrap_or(DropProcess::None);
            rule(command, &args).map(|rule| Command::Deny { rule, drop_process })
        }
        Action::Delete => match command.target.of::<Slpf>()? {
            Some(Target::RuleNumber(number)) => Ok(Command::Delete(number)),
            None => Err(Refusal::TargetNotSupported.into()),
        },
        Action::Update => update(&command.target),
        _ => Err(Refusal::CommandNotSupported.into()),
    }
}

fn rule(command: &oc2_core::Command, args: &Args) -> Result<Rule, Rejection> {
    if args.insert_rule.is_some() && command.args.response_requested() != Some(&ResponseType::Complete) {
        insert_rule_without_complete(command)?;
    }
    Ok(Rule {
        packets: packets(&command.target)?,
        direction: args.direction.unwrap_or(Direction::Both),
        persistent: args.persistent.unwrap_or(true),
        insert_rule: args.insert_rule,
    })
}

/// A Producer must ask for `complete` with `insert_rule` (SLPF 2.3.1); what came in leniently is executed all the same
/// (DECISIONS S5).
fn insert_rule_without_complete(command: &oc2_core::Command) -> Result<(), Rejection> {
    let is_strict = command.args.namespaces().value("slpf").is_some_and(oc2_core::any::Any::is_strict);
    if is_strict {
        let reason = "args.slpf.insert_rule: goes with response_requested complete only";
        let clause = if command.action == Action::Deny { "SLPF 2.3.2 (SLPF-118)" } else { "SLPF 2.3.1 (SLPF-070)" };
        return Err(Rejection::malformed(reason).against(clause));
    }
    Ok(())
}

fn packets(target: &CommonTarget) -> Result<Packets, Rejection> {
    match target {
        CommonTarget::Ipv4Net(net) => Ok(Packets::Ipv4Net(*net)),
        CommonTarget::Ipv6Net(net) => Ok(Packets::Ipv6Net(*net)),
        CommonTarget::Ipv4Connection(connection) => Ok(Packets::Ipv4Connection(Flow {
            source: connection.src_addr().copied(),
            destination: connection.dst_addr().copied(),
            traffic: traffic(connection.protocol(), connection.src_port(), connection.dst_port(), target)?,
        })),
        CommonTarget::Ipv6Connection(connection) => Ok(Packets::Ipv6Connection(Flow {
            source: connection.src_addr().copied(),
            destination: connection.dst_addr().copied(),
            traffic: traffic(connection.protocol(), connection.src_port(), connection.dst_port(), target)?,
        })),
        _ => Err(Refusal::TargetTypeNotSupported.into()),
    }
}

/// Ports without a protocol mean every protocol that has ports; with ICMP they carry type and code (DECISIONS S8).
fn traffic(
    protocol: Option<&L4Protocol>,
    src_port: Option<&Port>,
    dst_port: Option<&Port>,
    target: &CommonTarget,
) -> Result<Traffic, Rejection> {
    let ports = Ports { source: src_port.map(|port| port.0), destination: dst_port.map(|port| port.0) };
    Ok(match protocol {
        Some(L4Protocol::Tcp) => Traffic::Tcp(ports),
        Some(L4Protocol::Udp) => Traffic::Udp(ports),
        Some(L4Protocol::Sctp) => Traffic::Sctp(ports),
        Some(L4Protocol::Icmp) => Traffic::Icmp {
            kind: octet(ports.source, "src_port", "type", target)?,
            code: octet(ports.destination, "dst_port", "code", target)?,
        },
        None if ports == Ports::default() => Traffic::Any,
        None => Traffic::AnyWithPorts(ports),
    })
}

fn octet(port: Option<u16>, name: &str, what: &str, target: &CommonTarget) -> Result<Option<u8>, Rejection> {
    let not_octet =
        |port| Rejection::malformed(format!("target.{}.{name}: {port} is not an ICMP {what} (0..255)", target.name()));
    port.map(|port| u8::try_from(port).map_err(|_| not_octet(port).against(ICMP))).transpose()
}

fn update(target: &CommonTarget) -> Result<Command, Rejection> {
    let CommonTarget::File(file) = target else { return Err(Refusal::CommandNotSupported.into()) };
    let Some(name) = file.name() else {
        let reason = "target.file: the member \"name\" is missing (SLPF 2.3.5.1)";
        return Err(Rejection::malformed(reason).against("SLPF 2.3.5.1 (SLPF-168)"));
    };
    Ok(Command::Update(UpdateFile { name: name.clone(), path: file.path().cloned(), hashes: file.hashes().cloned() }))
}

/// Types and codes are those of RFC 2780, one octet each.
const ICMP: &str = "SLPF 2.1.2.1 (SLPF-008), DECISIONS S8";
