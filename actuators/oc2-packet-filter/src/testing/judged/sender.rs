use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SendFlags, SocketType, ipproto, sendto, socket};

use super::witness::HOPS;
use crate::reference::Packet;

/// Sends whole packets, headers included.
#[derive(Debug)]
pub(super) struct Sender {
    v4: OwnedFd,
    v6: OwnedFd,
}

impl Sender {
    /// Into the namespace of this thread, also when it has gone to another.
    pub(super) fn new() -> Self {
        let open = |family| socket(family, SocketType::RAW, Some(ipproto::RAW)).expect("root may send anything");
        Self { v4: open(AddressFamily::INET), v6: open(AddressFamily::INET6) }
    }

    /// Whether there is a way for it at all.
    pub(super) fn send(&self, packet: &Packet, id: u16) -> bool {
        // The kernel fills in another.
        if packet.source.is_unspecified() {
            return false;
        }
        let (socket, octets) = match (packet.source, packet.destination) {
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                (&self.v6, ipv6(packet, id, [source.octets(), destination.octets()]))
            }
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                (&self.v4, ipv4(packet, id, [source.octets(), destination.octets()]))
            }
            _ => return false,
        };
        match sendto(socket, &octets, SendFlags::empty(), &SocketAddr::new(packet.destination, 0)) {
            // Who is stopped on the way out is told so.
            Ok(_) | Err(Errno::PERM) => true,
            // Such as a broadcast.
            Err(_) => false,
        }
    }
}

/// Whether every host passes on packets from and to it.
pub(super) fn is_of_anybody(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.octets()[0] == 198,
        IpAddr::V6(address) => address.segments()[0] == 0x2001,
    }
}

/// Whether it is sent as a later fragment.
pub(super) fn is_fragment(packet: &Packet) -> bool {
    packet.ports.is_none() && packet.protocol != 47
}

fn ipv4(packet: &Packet, id: u16, addresses: [[u8; 4]; 2]) -> Vec<u8> {
    let payload = payload(packet);
    let fragment = if is_fragment(packet) { FRAGMENT_OFFSET } else { 0 };
    let [len, id, fragment] = [20 + payload.len() as u16, id, fragment].map(u16::to_be_bytes);
    let header = [0x45, 0, len[0], len[1], id[0], id[1], fragment[0], fragment[1], HOPS, packet.protocol, 0, 0];
    [&header[..], &addresses.concat(), &payload].concat()
}

fn ipv6(packet: &Packet, id: u16, addresses: [[u8; 16]; 2]) -> Vec<u8> {
    let (next, payload) = if is_fragment(packet) {
        let offset = (FRAGMENT_OFFSET << 3).to_be_bytes();
        // The nft flavor of iptables takes what stands there for ports (DECISIONS S20); no rule is about these.
        let rest = [0xee; 24];
        (44, [&[packet.protocol, 0, offset[0], offset[1], 0, 0, 0, 1], &rest[..]].concat())
    } else {
        (packet.protocol, payload(packet))
    };
    let [[high, low], len] = [id, payload.len() as u16].map(u16::to_be_bytes);
    let header = [0x60, 0, high, low, len[0], len[1], next, HOPS];
    [&header[..], &addresses.concat(), &payload].concat()
}

fn payload(packet: &Packet) -> Vec<u8> {
    let (one, other) = packet.ports.unwrap_or((0xffff, 0xffff));
    let mut payload = match packet.protocol {
        1 | 58 => vec![one as u8, other as u8],
        _ => [one.to_be_bytes(), other.to_be_bytes()].concat(),
    };
    payload.resize(24, 0);
    payload
}

/// In units of eight octets. At the second of them iptables drops what says it is TCP, since it could change the header.
const FRAGMENT_OFFSET: u16 = 100;
