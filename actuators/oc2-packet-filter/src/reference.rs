//! The judge: what a list of rules says of a packet, written as plainly as the standard says it.
//!
//! Back ends are compared with it, so it shares no code with the way from a rule to the kernel, and is not made fast.

use std::net::IpAddr;

use oc2_core::target::{Ipv4Net, Ipv6Net};
use oc2_profile_slpf::{Direction, Flow, Packets, Ports, Traffic};

use crate::config::Mode;
use crate::record::RuleRecord;
use crate::rule::{Interface, Verdict};

/// A list of rules in the order of their numbers, and whose packets it filters.
#[derive(Clone, Debug)]
pub struct Reference {
    rules: Vec<RuleRecord>,
    mode: Mode,
}

/// A packet, as far as rules tell packets apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Where it comes from.
    pub source: IpAddr,
    /// Where it goes, in the same family.
    pub destination: IpAddr,
    /// The number of the protocol above the internet layer.
    pub protocol: u8,
    /// Source and destination port, or type and code of ICMP. None if the protocol has no such thing, or the packet is a
    /// later fragment.
    pub ports: Option<(u16, u16)>,
    /// Its way.
    pub way: Way,
}

/// The way of a packet through the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// To this host, by this interface.
    In(Interface),
    /// From this host, by this interface.
    Out(Interface),
    /// Through this host, from one interface to the other.
    Through(Interface, Interface),
}

impl Reference {
    /// These rules; those that are suspended are not in force.
    #[must_use]
    pub fn new(rules: impl IntoIterator<Item = RuleRecord>, mode: Mode) -> Self {
        let mut rules: Vec<_> = rules.into_iter().filter(|rule| rule.suspended_until.is_none()).collect();
        rules.sort_by_key(|rule| rule.number);
        Self { rules, mode }
    }

    /// What the first rule that matches the packet says; none if none does.
    #[must_use]
    pub fn verdict(&self, packet: &Packet) -> Option<Verdict> {
        let rule = self.rules.iter().find(|rule| self.matches(rule, packet))?;
        if rule.verdict == Verdict::Reject && packet.is_notice() && may_be_about_notice(&rule.packets) {
            return Some(Verdict::Accept);
        }
        Some(rule.verdict)
    }

    fn matches(&self, rule: &RuleRecord, packet: &Packet) -> bool {
        self.is_on_the_way(rule.direction, &packet.way) && are_meant(&rule.packets, packet)
    }

    /// A host has two ways, in and out; on a gateway what passes comes in or leaves by an outside interface.
    fn is_on_the_way(&self, direction: Direction, way: &Way) -> bool {
        let outside = match &self.mode {
            Mode::Host => None,
            Mode::Gateway(outside) => Some(outside.interfaces()),
        };
        match (way, direction) {
            (Way::In(_), direction) => direction != Direction::Egress,
            (Way::Out(_), direction) => direction != Direction::Ingress,
            (Way::Through(..), Direction::Both) => outside.is_some(),
            (Way::Through(from, _), Direction::Ingress) => outside.is_some_and(|outside| outside.contains(from)),
            (Way::Through(_, to), Direction::Egress) => outside.is_some_and(|outside| outside.contains(to)),
        }
    }
}

impl Packet {
    /// Whether it is what tells the source of a rejected packet, on its way out of this host or to a process of it
    /// (DECISIONS S17).
    fn is_notice(&self) -> bool {
        let is_here = match &self.way {
            Way::In(interface) => interface.as_str() == "lo",
            Way::Out(_) => true,
            Way::Through(..) => false,
        };
        let host_unreachable = match self.source {
            IpAddr::V4(_) => (ICMP, Some((3, 1))),
            IpAddr::V6(_) => (ICMPV6, Some((1, 3))),
        };
        is_here && (self.protocol, self.ports) == host_unreachable
    }
}

/// A rule about one type of ICMP, or another protocol, does not send notices of the kind that it stops.
fn may_be_about_notice(packets: &Packets) -> bool {
    let traffic = match packets {
        Packets::Ipv4Net(_) | Packets::Ipv6Net(_) => Traffic::Any,
        Packets::Ipv4Connection(flow) => flow.traffic,
        Packets::Ipv6Connection(flow) => flow.traffic,
    };
    matches!(traffic, Traffic::Any | Traffic::Icmp { kind: None, .. })
}

fn are_meant(packets: &Packets, packet: &Packet) -> bool {
    match (packets, packet.source, packet.destination) {
        (Packets::Ipv4Net(net), IpAddr::V4(source), IpAddr::V4(destination)) => {
            is_in_v4(net, source.to_bits()) || is_in_v4(net, destination.to_bits())
        }
        (Packets::Ipv6Net(net), IpAddr::V6(source), IpAddr::V6(destination)) => {
            is_in_v6(net, source.to_bits()) || is_in_v6(net, destination.to_bits())
        }
        (Packets::Ipv4Connection(Flow { source, destination, traffic }), IpAddr::V4(from), IpAddr::V4(to)) => {
            source.as_ref().is_none_or(|net| is_in_v4(net, from.to_bits()))
                && destination.as_ref().is_none_or(|net| is_in_v4(net, to.to_bits()))
                && carries(*traffic, ICMP, packet)
        }
        (Packets::Ipv6Connection(Flow { source, destination, traffic }), IpAddr::V6(from), IpAddr::V6(to)) => {
            source.as_ref().is_none_or(|net| is_in_v6(net, from.to_bits()))
                && destination.as_ref().is_none_or(|net| is_in_v6(net, to.to_bits()))
                && carries(*traffic, ICMPV6, packet)
        }
        _ => false,
    }
}

fn is_in_v4(net: &Ipv4Net, address: u32) -> bool {
    (0..net.prefix()).all(|bit| (net.network().to_bits() ^ address) & (1 << (31 - bit)) == 0)
}

fn is_in_v6(net: &Ipv6Net, address: u128) -> bool {
    (0..net.prefix()).all(|bit| (net.network().to_bits() ^ address) & (1 << (127 - bit)) == 0)
}

fn carries(traffic: Traffic, icmp: u8, packet: &Packet) -> bool {
    let has_ports = |wanted: Ports| match packet.ports {
        _ if wanted == Ports::default() => true,
        Some((source, destination)) => {
            wanted.source.is_none_or(|port| port == source) && wanted.destination.is_none_or(|port| port == destination)
        }
        None => false,
    };
    match traffic {
        Traffic::Any => true,
        Traffic::Tcp(ports) => packet.protocol == TCP && has_ports(ports),
        Traffic::Udp(ports) => packet.protocol == UDP && has_ports(ports),
        Traffic::Sctp(ports) => packet.protocol == SCTP && has_ports(ports),
        Traffic::AnyWithPorts(ports) => [TCP, UDP, SCTP].contains(&packet.protocol) && has_ports(ports),
        Traffic::Icmp { kind, code } => {
            let of_icmp = Ports { source: kind.map(u16::from), destination: code.map(u16::from) };
            packet.protocol == icmp && has_ports(of_icmp)
        }
    }
}

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const SCTP: u8 = 132;
