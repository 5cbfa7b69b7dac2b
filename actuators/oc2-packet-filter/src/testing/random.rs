//! Numbers at random, the same in every run.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use oc2_core::target::{Ipv4Net, Ipv6Net};
use oc2_profile_slpf::{Direction, Flow, Packets, Ports, Traffic};

use crate::config::Mode;
use crate::reference::{Packet, Way};
use crate::rule::Interface;

/// A source of numbers, rules and packets. They are drawn from few values, so that they meet.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// One that says the same whenever it begins with this.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        // Neighbors are to be strangers.
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 >> 33) ^ (self.0 >> 13);
        usize::try_from(mixed % n as u64).expect("it is below a usize")
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.once_in(2).then(|| value(self))
    }

    /// Which packets a rule is about.
    pub fn packets(&mut self) -> Packets {
        match self.below(6) {
            0 | 1 => Packets::Ipv4Net(self.net_v4()),
            2 => Packets::Ipv6Net(self.net_v6()),
            3 => Packets::Ipv6Connection(self.flow(Self::net_v6)),
            _ => Packets::Ipv4Connection(self.flow(Self::net_v4)),
        }
    }

    /// A direction.
    pub fn direction(&mut self) -> Direction {
        self.one_of(&[Direction::Both, Direction::Both, Direction::Ingress, Direction::Egress])
    }

    /// A packet that rules may be about, on any way that a host in this mode knows.
    pub fn packet(&mut self, mode: &Mode) -> Packet {
        let interfaces = match mode {
            Mode::Host => vec!["lo", "eth0"],
            Mode::Gateway(outside) => {
                let outside = outside.interfaces().iter().map(Interface::as_str);
                ["lo", "eth9", "eth8"].into_iter().chain(outside).collect()
            }
        };
        let interface = |random: &mut Self| -> Interface { random.one_of(&interfaces).parse().expect("a name") };
        let way = match (self.below(3), mode) {
            (0, _) => Way::In(interface(self)),
            (1, Mode::Gateway(_)) => Way::Through(interface(self), interface(self)),
            _ => Way::Out(interface(self)),
        };
        let is_v4 = self.below(3) != 0;
        let address = |random: &mut Self| -> IpAddr {
            if is_v4 {
                Ipv4Addr::from_bits(random.bits_v4()).into()
            } else {
                Ipv6Addr::from_bits(random.bits_v6()).into()
            }
        };
        let (source, destination) = (address(self), address(self));
        let protocol = match self.below(8) {
            0 | 1 => 6,
            2 | 3 => 17,
            4 => 132,
            5 => 47,
            _ if is_v4 => 1,
            _ => 58,
        };
        let ports = match protocol {
            47 => None,
            _ if self.once_in(8) => None,
            1 | 58 => Some((self.kind(), self.kind())),
            _ => Some((self.port(), self.port())),
        };
        Packet { source, destination, protocol, ports, way }
    }

    fn flow<Net>(&mut self, net: fn(&mut Self) -> Net) -> Flow<Net> {
        let (source, destination) = (self.maybe(net), self.maybe(net));
        let ports = Ports { source: self.maybe(Self::port), destination: self.maybe(Self::port) };
        let traffic = match self.below(6) {
            0 => Traffic::Any,
            1 => Traffic::Tcp(ports),
            2 => Traffic::Udp(ports),
            3 => Traffic::Sctp(ports),
            4 if ports != Ports::default() => Traffic::AnyWithPorts(ports),
            _ => {
                let kind = self.maybe(|random| random.kind() as u8);
                Traffic::Icmp { kind, code: kind.and_then(|_| self.maybe(|random| random.kind() as u8)) }
            }
        };
        Flow { source, destination, traffic }
    }

    fn net_v4(&mut self) -> Ipv4Net {
        let prefix = self.one_of(&[0, 8, 24, 29, 30, 31, 32, 32]);
        Ipv4Net::new(Ipv4Addr::from_bits(self.bits_v4()), prefix).expect("a prefix of IPv4")
    }

    fn net_v6(&mut self) -> Ipv6Net {
        let prefix = self.one_of(&[0, 32, 64, 124, 125, 126, 127, 128, 128]);
        Ipv6Net::new(Ipv6Addr::from_bits(self.bits_v6()), prefix).expect("a prefix of IPv6")
    }

    /// Sixteen neighbors, and the ends of all addresses.
    fn bits_v4(&mut self) -> u32 {
        match self.below(12) {
            0 => u32::MAX - self.below(3) as u32,
            1 => self.below(3) as u32,
            _ => 0xc633_6400 + self.below(16) as u32,
        }
    }

    fn bits_v6(&mut self) -> u128 {
        match self.below(12) {
            0 => u128::MAX - self.below(3) as u128,
            1 => self.below(3) as u128,
            _ => (0x2001_0db8_0000_0000_0000_0000_0000_0000) + self.below(16) as u128,
        }
    }

    fn port(&mut self) -> u16 {
        self.one_of(&[0, 53, 80, 65535])
    }

    /// A type or a code of ICMP.
    fn kind(&mut self) -> u16 {
        self.one_of(&[0, 1, 3, 8, 128])
    }
}
