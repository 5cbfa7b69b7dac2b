//! From the packets of a rule to the rules of the kernel.

use oc2_core::target::{Ipv4Net, Ipv6Net};
use oc2_profile_slpf::{Direction, Flow, Packets, Ports as SlpfPorts, Traffic};

use crate::config::Mode;
use crate::rule::{
    Family, Hook, IcmpKind, Interface, KernelRule, Matching, Network, Ports, Protocol, RuleError, Verdict,
};

/// The rules of the kernel for a rule of the list. Those of one chain stand together, in this order.
///
/// # Errors
/// The kernel has no rule that means exactly this.
pub(crate) fn kernel_rules(
    packets: &Packets,
    direction: Direction,
    verdict: Verdict,
    mode: &Mode,
) -> Result<Vec<KernelRule>, Inexpressible> {
    let (family, matchings) = matchings(packets)?;
    // As many as there mostly are: either end of a net, in and out.
    let mut rules = Vec::with_capacity(4);
    let mut push = |rule| {
        // Source or destination "any address" is one rule of the kernel, not two.
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    };
    for way in ways(direction, mode) {
        for matching in &matchings {
            if verdict == Verdict::Reject
                && let Some(notice) = notice(family, &way, matching)?
            {
                push(KernelRule::new(family, way.hook, notice, Verdict::Accept)?.for_notice());
            }
            push(KernelRule::new(family, way.hook, way.narrow(matching), verdict)?);
        }
    }
    Ok(rules)
}

/// Whether there are any.
///
/// # Errors
/// The kernel has no rule that means exactly this.
pub(crate) fn expressible(packets: &Packets) -> Result<(), Inexpressible> {
    // Ways and verdicts are our own words, of which the kernel knows all.
    matchings(packets).map(drop)
}

/// What the source of a rejected packet is told, where the rule that rejects would stop it too: on its way out, and on its
/// way to a process of this host. None if the rule is about something else.
///
/// Without it `deny` of a net in both directions rejects without a word: the notice goes to that very net.
fn notice(family: Family, way: &Way<'_>, matching: &Matching) -> Result<Option<Matching>, Inexpressible> {
    if !matches!(matching.protocol, None | Some(Protocol::Icmp(None))) {
        return Ok(None);
    }
    let unreachable = match family {
        Family::V4 => IcmpKind::new(3, Some(1))?,
        Family::V6 => IcmpKind::new(1, Some(3))?,
    };
    let in_interface = match way.hook {
        Hook::Output => None,
        Hook::Input => Some("lo".parse()?),
        // The notice starts here: it is not passed on.
        Hook::Forward => return Ok(None),
    };
    Ok(Some(Matching { protocol: Some(Protocol::Icmp(Some(unreachable))), in_interface, ..matching.clone() }))
}

/// Why a rule cannot be put in force as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Inexpressible {
    #[error("an ICMP code says nothing without a type")]
    IcmpCodeAlone,
    #[error(transparent)]
    Rule(#[from] RuleError),
}

/// What a packet must look like, any of these: a net is source or destination, ports alone are of three protocols.
fn matchings(packets: &Packets) -> Result<(Family, Vec<Matching>), Inexpressible> {
    Ok(match packets {
        Packets::Ipv4Net(net) => (Family::V4, either_end(network_v4(net)?)),
        Packets::Ipv6Net(net) => (Family::V6, either_end(network_v6(net)?)),
        Packets::Ipv4Connection(flow) => (Family::V4, flow_matchings(flow, network_v4)?),
        Packets::Ipv6Connection(flow) => (Family::V6, flow_matchings(flow, network_v6)?),
    })
}

fn either_end(network: Network) -> Vec<Matching> {
    let source = Matching { source: Some(network), ..Matching::default() };
    let destination = Matching { destination: Some(network), ..Matching::default() };
    vec![source, destination]
}

fn flow_matchings<Net>(
    flow: &Flow<Net>,
    network: fn(&Net) -> Result<Network, RuleError>,
) -> Result<Vec<Matching>, Inexpressible> {
    let source = flow.source.as_ref().map(network).transpose()?;
    let destination = flow.destination.as_ref().map(network).transpose()?;
    let with = |protocol| Matching { source, destination, protocol, ..Matching::default() };
    Ok(protocols(flow.traffic)?.into_iter().map(with).collect())
}

fn protocols(traffic: Traffic) -> Result<Vec<Option<Protocol>>, Inexpressible> {
    Ok(match traffic {
        Traffic::Any => vec![None],
        Traffic::Tcp(of) => vec![Some(Protocol::Tcp(ports(of)))],
        Traffic::Udp(of) => vec![Some(Protocol::Udp(ports(of)))],
        Traffic::Sctp(of) => vec![Some(Protocol::Sctp(ports(of)))],
        Traffic::AnyWithPorts(of) => {
            [Protocol::Tcp, Protocol::Udp, Protocol::Sctp].map(|protocol| Some(protocol(ports(of)))).into()
        }
        Traffic::Icmp { kind, code } => vec![Some(Protocol::Icmp(icmp_kind(kind, code)?))],
    })
}

fn ports(ports: SlpfPorts) -> Ports {
    Ports { src_port: ports.source, dst_port: ports.destination }
}

fn icmp_kind(kind: Option<u8>, code: Option<u8>) -> Result<Option<IcmpKind>, Inexpressible> {
    match (kind, code) {
        (Some(kind), code) => Ok(Some(IcmpKind::new(kind, code)?)),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Inexpressible::IcmpCodeAlone),
    }
}

fn network_v4(net: &Ipv4Net) -> Result<Network, RuleError> {
    Network::new(net.network().into(), net.prefix())
}

fn network_v6(net: &Ipv6Net) -> Result<Network, RuleError> {
    Network::new(net.network().into(), net.prefix())
}

/// A way of packets that a direction means.
struct Way<'m> {
    hook: Hook,
    in_interface: Option<&'m Interface>,
    out_interface: Option<&'m Interface>,
}

impl<'m> Way<'m> {
    fn through(hook: Hook) -> Self {
        Self { hook, in_interface: None, out_interface: None }
    }

    fn in_by(interface: &'m Interface) -> Self {
        Self { in_interface: Some(interface), ..Self::through(Hook::Forward) }
    }

    fn out_by(interface: &'m Interface) -> Self {
        Self { out_interface: Some(interface), ..Self::through(Hook::Forward) }
    }

    fn narrow(&self, matching: &Matching) -> Matching {
        let (in_interface, out_interface) = (self.in_interface.cloned(), self.out_interface.cloned());
        Matching { in_interface, out_interface, ..matching.clone() }
    }
}

/// A host has two ways, in and out; a gateway has a third, through, on which the outside interface tells in from out.
fn ways(direction: Direction, mode: &Mode) -> Vec<Way<'_>> {
    let mut ways = match direction {
        Direction::Both => vec![Way::through(Hook::Input), Way::through(Hook::Output)],
        Direction::Ingress => vec![Way::through(Hook::Input)],
        Direction::Egress => vec![Way::through(Hook::Output)],
    };
    if let Mode::Gateway(outside) = mode {
        match direction {
            Direction::Both => ways.push(Way::through(Hook::Forward)),
            Direction::Ingress => ways.extend(outside.interfaces().iter().map(Way::in_by)),
            Direction::Egress => ways.extend(outside.interfaces().iter().map(Way::out_by)),
        }
    }
    ways
}

#[cfg(test)]
mod tests {
    use oc2_core::shape::read::{Context, Read};
    use oc2_core::{Action, Command, Mode as Reading, Profile};
    use oc2_profile_slpf::Slpf;

    use super::*;
    use crate::config::Outside;

    // SLPF-027, SLPF-097, SLPF-098, SLPF-104, SLPF-105, SLPF-136, SLPF-140
    #[test]
    fn a_net_is_source_or_destination_in_both_directions() {
        check(
            r#"{"ipv4_net": "198.51.100.7/24"}"#,
            Direction::Both,
            &[
                "IPv4 INPUT -s 198.51.100.0/24 -j DROP",
                "IPv4 INPUT -d 198.51.100.0/24 -j DROP",
                "IPv4 OUTPUT -s 198.51.100.0/24 -j DROP",
                "IPv4 OUTPUT -d 198.51.100.0/24 -j DROP",
            ],
        );
        check(
            r#"{"ipv6_net": "2001:db8::1"}"#,
            Direction::Both,
            &[
                "IPv6 INPUT -s 2001:db8::1/128 -j DROP",
                "IPv6 INPUT -d 2001:db8::1/128 -j DROP",
                "IPv6 OUTPUT -s 2001:db8::1/128 -j DROP",
                "IPv6 OUTPUT -d 2001:db8::1/128 -j DROP",
            ],
        );
    }

    #[test]
    fn a_net_of_all_addresses_is_one_rule_for_each_way() {
        check(r#"{"ipv4_net": "0.0.0.0/0"}"#, Direction::Both, &["IPv4 INPUT -j DROP", "IPv4 OUTPUT -j DROP"]);
        check(r#"{"ipv6_net": "::/0"}"#, Direction::Ingress, &["IPv6 INPUT -j DROP"]);
    }

    // SLPF-027
    #[test]
    fn a_direction_is_one_way() {
        for (direction, chain) in [(Direction::Ingress, "INPUT"), (Direction::Egress, "OUTPUT")] {
            let source = format!("IPv4 {chain} -s 198.51.100.7/32 -j DROP");
            let destination = format!("IPv4 {chain} -d 198.51.100.7/32 -j DROP");
            check(r#"{"ipv4_net": "198.51.100.7"}"#, direction, &[&source, &destination]);
        }
    }

    // SLPF-008 to SLPF-010, SLPF-084, SLPF-128
    #[test]
    fn what_a_connection_does_not_name_may_be_anything() {
        for (connection, expected) in [
            (r#"{"src_addr": "192.0.2.1"}"#, "-s 192.0.2.1/32"),
            (r#"{"dst_addr": "192.0.2.0/25"}"#, "-d 192.0.2.0/25"),
            (r#"{"protocol": "tcp"}"#, "-p tcp"),
            (r#"{"protocol": "tcp", "dst_port": 23}"#, "-p tcp ! -f -m tcp --dport 23"),
            (r#"{"protocol": "udp", "src_port": 53}"#, "-p udp ! -f -m udp --sport 53"),
            (r#"{"protocol": "sctp", "src_port": 1, "dst_port": 0}"#, "-p sctp ! -f -m sctp --sport 1 --dport 0"),
            (r#"{"protocol": "icmp"}"#, "-p icmp"),
            (r#"{"protocol": "icmp", "src_port": 8}"#, "-p icmp -m icmp --icmp-type 8"),
            (r#"{"protocol": "icmp", "src_port": 3, "dst_port": 1}"#, "-p icmp -m icmp --icmp-type 3/1"),
            (
                r#"{"src_addr": "192.0.2.1", "src_port": 1, "dst_addr": "192.0.2.2", "dst_port": 2, "protocol": "tcp"}"#,
                "-s 192.0.2.1/32 -d 192.0.2.2/32 -p tcp ! -f -m tcp --sport 1 --dport 2",
            ),
        ] {
            let expected = format!("IPv4 INPUT {expected} -j DROP");
            check(&format!(r#"{{"ipv4_connection": {connection}}}"#), Direction::Ingress, &[&expected]);
        }
    }

    // SLPF-011, L26
    #[test]
    fn icmp_over_ipv6_is_icmpv6() {
        check(
            r#"{"ipv6_connection": {"protocol": "icmp", "src_port": 128, "dst_port": 0}}"#,
            Direction::Ingress,
            &["IPv6 INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 128/0 -j DROP"],
        );
    }

    // SLPF-012, SLPF-091, SLPF-132, S8
    #[test]
    fn ports_alone_are_of_three_protocols() {
        check(
            r#"{"ipv6_connection": {"dst_addr": "2001:db8::/32", "dst_port": 80}}"#,
            Direction::Egress,
            &[
                "IPv6 OUTPUT -d 2001:db8::/32 -p tcp -m tcp --dport 80 -j DROP",
                "IPv6 OUTPUT -d 2001:db8::/32 -p udp -m udp --dport 80 -j DROP",
                "IPv6 OUTPUT -d 2001:db8::/32 -p sctp -m sctp --dport 80 -j DROP",
            ],
        );
    }

    // SLPF-023, SLPF-024
    #[test]
    fn verdicts_are_accept_drop_and_reject() {
        for (verdict, target) in [(Verdict::Accept, "ACCEPT"), (Verdict::Drop, "DROP"), (Verdict::Reject, "OC2-REJECT")]
        {
            let packets = packets(r#"{"ipv4_connection": {"protocol": "tcp"}}"#);
            let rules = kernel_rules(&packets, Direction::Ingress, verdict, &Mode::Host);
            assert_eq!(texts(&rules.unwrap()), [format!("IPv4 INPUT -p tcp -j {target}")]);
        }
    }

    #[test]
    fn the_notice_of_a_rejected_packet_is_not_stopped_by_the_rule_that_rejects() {
        for (target, expected) in [
            (
                r#"{"ipv4_net": "198.51.100.0/24"}"#,
                &[
                    "IPv4 INPUT -s 198.51.100.0/24 -i lo -p icmp -m icmp --icmp-type 3/1 -j ACCEPT",
                    "IPv4 INPUT -s 198.51.100.0/24 -j OC2-REJECT",
                    "IPv4 INPUT -d 198.51.100.0/24 -i lo -p icmp -m icmp --icmp-type 3/1 -j ACCEPT",
                    "IPv4 INPUT -d 198.51.100.0/24 -j OC2-REJECT",
                    "IPv4 OUTPUT -s 198.51.100.0/24 -p icmp -m icmp --icmp-type 3/1 -j ACCEPT",
                    "IPv4 OUTPUT -s 198.51.100.0/24 -j OC2-REJECT",
                    "IPv4 OUTPUT -d 198.51.100.0/24 -p icmp -m icmp --icmp-type 3/1 -j ACCEPT",
                    "IPv4 OUTPUT -d 198.51.100.0/24 -j OC2-REJECT",
                    "IPv4 FORWARD -s 198.51.100.0/24 -j OC2-REJECT",
                    "IPv4 FORWARD -d 198.51.100.0/24 -j OC2-REJECT",
                ][..],
            ),
            (
                r#"{"ipv6_connection": {"protocol": "icmp"}}"#,
                &[
                    "IPv6 INPUT -i lo -p ipv6-icmp -m icmp6 --icmpv6-type 1/3 -j ACCEPT",
                    "IPv6 INPUT -p ipv6-icmp -j OC2-REJECT",
                    "IPv6 OUTPUT -p ipv6-icmp -m icmp6 --icmpv6-type 1/3 -j ACCEPT",
                    "IPv6 OUTPUT -p ipv6-icmp -j OC2-REJECT",
                    "IPv6 FORWARD -p ipv6-icmp -j OC2-REJECT",
                ],
            ),
        ] {
            let rules = kernel_rules(&packets(target), Direction::Both, Verdict::Reject, &gateway());
            assert_eq!(texts(&rules.unwrap()), expected);
        }
    }

    // SLPF-027
    #[test]
    fn a_gateway_tells_in_from_out_by_the_outside_interface() {
        let tcp = r#"{"ipv4_connection": {"protocol": "tcp"}}"#;
        for (direction, expected) in [
            (
                Direction::Both,
                &["IPv4 INPUT -p tcp -j DROP", "IPv4 OUTPUT -p tcp -j DROP", "IPv4 FORWARD -p tcp -j DROP"][..],
            ),
            (
                Direction::Ingress,
                &[
                    "IPv4 INPUT -p tcp -j DROP",
                    "IPv4 FORWARD -i eth0 -p tcp -j DROP",
                    "IPv4 FORWARD -i ppp0 -p tcp -j DROP",
                ],
            ),
            (
                Direction::Egress,
                &[
                    "IPv4 OUTPUT -p tcp -j DROP",
                    "IPv4 FORWARD -o eth0 -p tcp -j DROP",
                    "IPv4 FORWARD -o ppp0 -p tcp -j DROP",
                ],
            ),
        ] {
            let rules = kernel_rules(&packets(tcp), direction, Verdict::Drop, &gateway());
            assert_eq!(texts(&rules.unwrap()), expected);
        }
    }

    #[test]
    fn what_the_kernel_would_take_for_something_else_is_refused() {
        for (target, expected) in [
            (r#"{"ipv4_connection": {"protocol": "icmp", "dst_port": 0}}"#, Inexpressible::IcmpCodeAlone),
            (r#"{"ipv4_connection": {"protocol": "icmp", "src_port": 255}}"#, RuleError::IcmpAny.into()),
        ] {
            let rules = kernel_rules(&packets(target), Direction::Both, Verdict::Drop, &Mode::Host);
            assert_eq!(rules, Err(expected));
        }
    }

    #[test]
    fn whether_there_are_rules_does_not_depend_on_direction_verdict_and_host() {
        let targets = [
            r#"{"ipv4_net": "0.0.0.0/0"}"#,
            r#"{"ipv6_net": "2001:db8::/32"}"#,
            r#"{"ipv4_connection": {"src_addr": "192.0.2.1", "dst_port": 80}}"#,
            r#"{"ipv4_connection": {"protocol": "icmp"}}"#,
            r#"{"ipv4_connection": {"protocol": "icmp", "dst_port": 0}}"#,
            r#"{"ipv4_connection": {"protocol": "icmp", "src_port": 255}}"#,
            r#"{"ipv6_connection": {"protocol": "icmp", "src_port": 255}}"#,
        ];
        for packets in targets.map(packets) {
            for direction in [Direction::Both, Direction::Ingress, Direction::Egress] {
                for verdict in [Verdict::Accept, Verdict::Drop, Verdict::Reject] {
                    for mode in [Mode::Host, gateway()] {
                        let rules = kernel_rules(&packets, direction, verdict, &mode);
                        assert_eq!(rules.map(drop), expressible(&packets), "{packets:?}");
                    }
                }
            }
        }
    }

    fn check(target: &str, direction: Direction, expected: &[&str]) {
        let rules = kernel_rules(&packets(target), direction, Verdict::Drop, &Mode::Host);
        assert_eq!(texts(&rules.unwrap()), expected, "{target}");
    }

    fn packets(target: &str) -> Packets {
        let mut json = serde_json::Deserializer::from_str(target);
        let target = oc2_core::Target::read(&mut Context::new(Reading::Strict), &mut json).unwrap();
        match Slpf::interpret(&Command::new(Action::Allow, target)).unwrap() {
            oc2_profile_slpf::Command::Allow(rule) => rule.packets,
            other => panic!("{other:?}"),
        }
    }

    fn texts(rules: &[KernelRule]) -> Vec<String> {
        let specify = |rule: &KernelRule| rule.specification("OC2-REJECT").to_string();
        let text = |rule: &KernelRule| format!("{} {} {}", rule.family(), rule.hook(), specify(rule));
        rules.iter().map(text).collect()
    }

    fn gateway() -> Mode {
        Mode::Gateway(Outside::new(["eth0", "ppp0"].map(|name| name.parse().unwrap()).to_vec()).unwrap())
    }
}
