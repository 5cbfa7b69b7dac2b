//! What the keys of connections are made of.
//!
//! Rules that look at the same parts of a packet, with nets of the same length, are one map: a packet has one key in it,
//! however many rules there are.

use std::fmt;
use std::net::IpAddr;

use oc2_packet_filter::{Family, KernelRule, Network, Ports, Protocol};

use crate::octets::Octets;
use crate::op::{Base, Expr, Meta, Reg};

/// The parts of a packet that a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shape {
    pub(crate) carried: Carried,
    /// How long the nets are.
    source: Option<u8>,
    destination: Option<u8>,
}

/// What of it is above the internet layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Carried {
    Anything,
    Protocol,
    /// Besides the protocol.
    Ports {
        source: bool,
        destination: bool,
    },
    Icmp {
        with_code: bool,
    },
}

impl Shape {
    /// What a rule looks at, and what it wants to see there.
    pub(crate) fn of(rule: &KernelRule) -> (Self, Octets) {
        let matching = rule.matching();
        let mut key = Octets::new();
        for net in [matching.source, matching.destination].into_iter().flatten() {
            match net.address() {
                IpAddr::V4(address) => key.push(&address.octets()),
                IpAddr::V6(address) => key.push(&address.octets()),
            }
        }
        let carried = match matching.protocol {
            None => Carried::Anything,
            Some(Protocol::Tcp(ports)) => want_ports(&mut key, TCP, ports),
            Some(Protocol::Udp(ports)) => want_ports(&mut key, UDP, ports),
            Some(Protocol::Sctp(ports)) => want_ports(&mut key, SCTP, ports),
            Some(Protocol::Icmp(None)) => {
                want(&mut key, &[icmp(rule.family())]);
                Carried::Protocol
            }
            Some(Protocol::Icmp(Some(kind))) => {
                want(&mut key, &[icmp(rule.family())]);
                match kind.code() {
                    None => want(&mut key, &[kind.kind()]),
                    Some(code) => want(&mut key, &[kind.kind(), code]),
                }
                Carried::Icmp { with_code: kind.code().is_some() }
            }
        };
        let prefix = |net: Option<Network>| net.map(Network::prefix);
        (Self { carried, source: prefix(matching.source), destination: prefix(matching.destination) }, key)
    }

    /// Whether it is one end of the way alone, and a net there as long as those that block lists are full of.
    pub(crate) fn is_usual_net(&self, family: Family) -> bool {
        let is_usual = |prefix: u8| match family {
            Family::V4 => matches!(prefix, 16 | 24 | 32),
            Family::V6 => matches!(prefix, 48 | 64 | 128),
        };
        self.carried == Carried::Anything
            && match (self.source, self.destination) {
                (Some(prefix), None) | (None, Some(prefix)) => is_usual(prefix),
                _ => false,
            }
    }

    /// How long a key is.
    pub(crate) fn key_len(&self, family: Family) -> usize {
        let n_nets = [self.source, self.destination].iter().flatten().count();
        let n_parts = match self.carried {
            Carried::Anything => 0,
            Carried::Protocol => 1,
            // Two ports fit into one register, and so do type and code.
            Carried::Ports { .. } | Carried::Icmp { .. } => 2,
        };
        n_nets * width(family) + n_parts * Reg::LEN
    }

    /// Reads the key of a packet into registers from `reg` on.
    pub(crate) fn load(&self, family: Family, mut reg: Reg, rule: &mut Vec<Expr>) {
        for (prefix, payload) in [(self.source, source as fn(Family, Reg) -> Expr), (self.destination, destination)] {
            let Some(prefix) = prefix else { continue };
            rule.push(payload(family, reg));
            if usize::from(prefix) < 8 * width(family) {
                rule.push(Expr::And(reg, mask(prefix, width(family))));
            }
            reg = reg.after(width(family));
        }
        let mut push = |expr: fn(Reg) -> Expr| {
            rule.push(expr(reg));
            reg = reg.after(Reg::LEN);
        };
        if self.carried != Carried::Anything {
            push(|reg| Expr::Meta(Meta::L4Proto, reg));
        }
        match self.carried {
            Carried::Anything | Carried::Protocol => {}
            Carried::Ports { source: true, destination: true } => push(|reg| transport(0, 4, reg)),
            Carried::Ports { source: true, .. } => push(|reg| transport(0, 2, reg)),
            Carried::Ports { .. } => push(|reg| transport(2, 2, reg)),
            Carried::Icmp { with_code: false } => push(|reg| transport(0, 1, reg)),
            Carried::Icmp { with_code: true } => push(|reg| transport(0, 2, reg)),
        }
    }
}

/// Every part of a key has whole registers for itself.
fn want(key: &mut Octets, octets: &[u8]) {
    key.push(octets);
    key.fill_up(Reg::LEN);
}

fn want_ports(key: &mut Octets, protocol: u8, ports: Ports) -> Carried {
    want(key, &[protocol]);
    let carried = match (ports.src_port.is_some(), ports.dst_port.is_some()) {
        (false, false) => Carried::Protocol,
        (source, destination) => Carried::Ports { source, destination },
    };
    for port in [ports.src_port, ports.dst_port].into_iter().flatten() {
        key.push(&port.to_be_bytes());
    }
    key.fill_up(Reg::LEN);
    carried
}

/// A part of the name of a set.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(prefix) = self.source {
            write!(f, "-from{prefix}")?;
        }
        if let Some(prefix) = self.destination {
            write!(f, "-to{prefix}")?;
        }
        match self.carried {
            Carried::Anything => Ok(()),
            Carried::Protocol => f.write_str("-protocol"),
            Carried::Ports { source: true, destination: true } => f.write_str("-sport-dport"),
            Carried::Ports { source: true, .. } => f.write_str("-sport"),
            Carried::Ports { .. } => f.write_str("-dport"),
            Carried::Icmp { with_code: false } => f.write_str("-icmp"),
            Carried::Icmp { with_code: true } => f.write_str("-icmp-code"),
        }
    }
}

impl Reg {
    /// How many octets one has.
    pub(crate) const LEN: usize = 4;

    /// The one behind so many octets.
    pub(crate) fn after(self, len: usize) -> Self {
        Self(self.0 + u8::try_from(len / Self::LEN).expect("there are sixteen"))
    }
}

/// The address a packet comes from.
pub(crate) fn source(family: Family, reg: Reg) -> Expr {
    let offset = match family {
        Family::V4 => 12,
        Family::V6 => 8,
    };
    address(family, offset, reg)
}

/// The address it goes to.
pub(crate) fn destination(family: Family, reg: Reg) -> Expr {
    let offset = match family {
        Family::V4 => 16,
        Family::V6 => 24,
    };
    address(family, offset, reg)
}

fn address(family: Family, offset: u8, reg: Reg) -> Expr {
    let len = u8::try_from(width(family)).expect("it is 4 or 16");
    Expr::Payload { base: Base::Network, offset, len, reg }
}

pub(crate) fn transport(offset: u8, len: u8, reg: Reg) -> Expr {
    Expr::Payload { base: Base::Transport, offset, len, reg }
}

/// Does not apply to later fragments, which have no ports.
///
/// To read one, two or four octets the kernel takes a short cut that does not look whether they are there, and finds ports in
/// the middle of a message; to read three it does not.
pub(crate) fn is_whole(reg: Reg) -> Expr {
    transport(0, 3, reg)
}

/// How many octets an address has.
pub(crate) fn width(family: Family) -> usize {
    match family {
        Family::V4 => 4,
        Family::V6 => 16,
    }
}

fn mask(prefix: u8, width: usize) -> Vec<u8> {
    let bits = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
    bits.to_be_bytes()[..width].to_vec()
}

pub(crate) fn icmp(family: Family) -> u8 {
    match family {
        Family::V4 => 1,
        Family::V6 => 58,
    }
}

pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const SCTP: u8 = 132;
