//! What packets a target is about.

use std::fmt;
use std::str::FromStr;

use oc2_core::Target;
use oc2_core::target::{Ipv4Net, Ipv6Net};
use oc2_core::types::port::{L4Protocol, Port};

/// What a target says of packets.
pub(super) struct Flow {
    pub(super) is_ipv4: bool,
    /// Source and destination, or the one end that is named.
    pub(super) ends: [Option<Net>; 2],
    pub(super) src_port: Option<u16>,
    pub(super) dst_port: Option<u16>,
    pub(super) protocol: Option<L4Protocol>,
}

impl Flow {
    /// None for a target without addresses.
    pub(super) fn of(target: &Target) -> Option<Self> {
        let of_net = |net: Net| Self {
            is_ipv4: net.is_ipv4,
            // The other end is not named.
            ends: [Some(net), None],
            src_port: None,
            dst_port: None,
            protocol: None,
        };
        let port = |port: Option<&Port>| port.map(|port| port.0);
        match target {
            Target::Ipv4Net(net) => Some(of_net((*net).into())),
            Target::Ipv6Net(net) => Some(of_net((*net).into())),
            Target::Ipv4Connection(connection) => Some(Self {
                is_ipv4: true,
                ends: [connection.src_addr(), connection.dst_addr()].map(|net| net.copied().map(Net::from)),
                src_port: port(connection.src_port()),
                dst_port: port(connection.dst_port()),
                protocol: connection.protocol().copied(),
            }),
            Target::Ipv6Connection(connection) => Some(Self {
                is_ipv4: false,
                ends: [connection.src_addr(), connection.dst_addr()].map(|net| net.copied().map(Net::from)),
                src_port: port(connection.src_port()),
                dst_port: port(connection.dst_port()),
                protocol: connection.protocol().copied(),
            }),
            _ => None,
        }
    }
}

/// A range of addresses of either family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Net {
    is_ipv4: bool,
    /// The first address, its bits in the highest places.
    first: u128,
    /// How many bits its addresses have in common.
    pub(super) prefix: u8,
}

impl Net {
    pub(super) const ALL_IPV4: Self = Self { is_ipv4: true, first: 0, prefix: 0 };
    pub(super) const ALL_IPV6: Self = Self { is_ipv4: false, first: 0, prefix: 0 };

    pub(super) fn is_ipv4(&self) -> bool {
        self.is_ipv4
    }

    pub(super) fn contains(&self, other: &Self) -> bool {
        self.is_ipv4 == other.is_ipv4 && self.prefix <= other.prefix && (self.first ^ other.first) & self.mask() == 0
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    fn mask(&self) -> u128 {
        !u128::MAX.checked_shr(self.prefix.into()).unwrap_or(0)
    }
}

impl From<Ipv4Net> for Net {
    fn from(net: Ipv4Net) -> Self {
        Self { is_ipv4: true, first: u128::from(net.network().to_bits()) << 96, prefix: net.prefix() }
    }
}

impl From<Ipv6Net> for Net {
    fn from(net: Ipv6Net) -> Self {
        Self { is_ipv4: false, first: net.network().to_bits(), prefix: net.prefix() }
    }
}

impl FromStr for Net {
    type Err = oc2_core::Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains(':') {
            text.parse::<Ipv6Net>().map(Self::from)
        } else {
            text.parse::<Ipv4Net>().map(Self::from)
        }
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address: std::net::IpAddr = if self.is_ipv4 {
            std::net::Ipv4Addr::from_bits(u32::try_from(self.first >> 96).unwrap_or_default()).into()
        } else {
            std::net::Ipv6Addr::from_bits(self.first).into()
        };
        write!(f, "{address}/{}", self.prefix)
    }
}
