//! SLPF commands that are understood.

use oc2_core::target::{Ipv4Net, Ipv6Net};
use oc2_core::types::hashes::Hashes;

use crate::args::{Direction, DropProcess};
use crate::rule_number::RuleNumber;

/// A command of the profile, with every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Let packets pass (SLPF 2.3.1).
    Allow(Rule),
    /// Stop packets (SLPF 2.3.2).
    Deny {
        /// Which packets, and where in the list.
        rule: Rule,
        /// How they are handled.
        drop_process: DropProcess,
    },
    /// Remove a rule (SLPF 2.3.4.1).
    Delete(RuleNumber),
    /// Replace the rules by those of a file (SLPF 2.3.5.1).
    Update(UpdateFile),
}

/// What allow and deny have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Which packets.
    pub packets: Packets,
    /// In which direction.
    pub direction: Direction,
    /// Whether the rule survives a restart.
    pub persistent: bool,
    /// The number it is to have; `None` lets the Consumer choose.
    pub insert_rule: Option<RuleNumber>,
}

/// Which packets a rule is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Packets {
    /// Source or destination in this range (SLPF 2.3.1.3).
    Ipv4Net(Ipv4Net),
    /// Source or destination in this range (SLPF 2.3.1.4).
    Ipv6Net(Ipv6Net),
    /// This connection (SLPF 2.3.1.1).
    Ipv4Connection(Flow<Ipv4Net>),
    /// This connection (SLPF 2.3.1.2).
    Ipv6Connection(Flow<Ipv6Net>),
}

/// From where to where, and by what; absent means any.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow<Net> {
    /// The source.
    pub source: Option<Net>,
    /// The destination.
    pub destination: Option<Net>,
    /// What is above the internet layer.
    pub traffic: Traffic,
}

/// What is above the internet layer; absent means any (SLPF 2.1.2.1, DECISIONS S8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Anything.
    Any,
    /// TCP.
    Tcp(Ports),
    /// UDP.
    Udp(Ports),
    /// SCTP.
    Sctp(Ports),
    /// Every protocol that has ports: TCP, UDP, SCTP.
    AnyWithPorts(Ports),
    /// ICMP; over IPv6, ICMPv6.
    Icmp {
        /// The type.
        kind: Option<u8>,
        /// The code.
        code: Option<u8>,
    },
}

/// A pair of ports; absent means any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// The port of the source.
    pub source: Option<u16>,
    /// The port of the destination.
    pub destination: Option<u16>,
}

/// The file of `update file`.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateFile {
    /// Its name.
    pub name: String,
    /// Where it lies.
    pub path: Option<String>,
    /// What its content must hash to.
    pub hashes: Option<Hashes>,
}
