//! Packets through a real kernel: each passes where the judge says so, and nowhere else.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use oc2_actuator_nftables::Nftables;
use oc2_packet_filter::backend::Backend;
use oc2_packet_filter::testing::{Scenario, Told, n_cases};
use oc2_packet_filter::{Config, Mode, Packet, Ruleset, Verdict, Way};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SendFlags, SocketType, ipproto, sendto, socket};

use crate::support::{ip, nft};

in_namespace! {
    /// Every address is one of this host, and every packet goes out and comes in by the loopback.
    fn packets_of_random_lists_pass_where_the_judge_says_so() {
        ip("link set lo up");
        ip("route add local 0.0.0.0/0 dev lo");
        ip("-6 route add local ::/0 dev lo");
        watch();
        let sender = Sender::new();
        let (mut n_judged, mut n_stopped) = (0, 0);
        for seed in 0..n_cases(10) {
            let mut scenario = Scenario::new(seed, Mode::Host);
            let mut backend = Nftables::open(&Config::default()).unwrap();
            backend.load(&Ruleset::new()).unwrap();
            for _ in 0..25 {
                match scenario.step() {
                    Told::Apply(changes) => backend.apply(&changes).unwrap(),
                    Told::Load(rules) => backend.load(&rules).unwrap(),
                }
            }
            for _ in 0..4 {
                match scenario.step() {
                    Told::Apply(changes) => backend.apply(&changes).unwrap(),
                    Told::Load(rules) => backend.load(&rules).unwrap(),
                }
                let packets: Vec<_> = (0..200).map(|_| scenario.packet()).collect();
                let is_sent: Vec<_> = (1..).zip(&packets).map(|(id, packet)| sender.send(packet, id)).collect();
                let seen = Seen::take();
                let reference = scenario.reference();
                for ((id, packet), is_sent) in (1..).zip(&packets).zip(is_sent) {
                    if !is_sent {
                        continue;
                    }
                    let lo = || "lo".parse().unwrap();
                    let passes = |way| {
                        let packet = Packet { way, ..packet.clone() };
                        matches!(reference.verdict(&packet), None | Some(Verdict::Accept))
                    };
                    let (goes_out, comes_in) = (passes(Way::Out(lo())), passes(Way::In(lo())));
                    let case = || format!("{seed}: {packet:?} before {reference:#?}\n{}", nft("list ruleset"));
                    assert_eq!(seen.out.contains(&id), goes_out, "out, {}", case());
                    // Fragments are put together before they come in, and not from everywhere may packets come.
                    if !is_fragment(packet) && is_of_anybody(packet.source) && is_of_anybody(packet.destination) {
                        assert_eq!(seen.into.contains(&id), goes_out && comes_in, "in, {}", case());
                    }
                    n_judged += 1;
                    n_stopped += usize::from(!goes_out || !comes_in);
                }
            }
        }
        println!("{n_judged} packets, {n_stopped} stopped");
        assert!(n_judged > 1_000 && n_stopped > n_judged / 5);
    }
}

/// Notes which of our packets, known by their hop limit, come behind our table, and lets none go on to what would answer.
fn watch() {
    for command in [
        "add table inet watch",
        "add set inet watch out4 { typeof ip id; flags dynamic; }",
        "add set inet watch in4 { typeof ip id; flags dynamic; }",
        "add set inet watch out6 { typeof ip6 flowlabel; flags dynamic; }",
        "add set inet watch in6 { typeof ip6 flowlabel; flags dynamic; }",
        "add chain inet watch output { type filter hook output priority 0; }",
        "add chain inet watch input { type filter hook input priority 0; }",
        "add rule inet watch output ip ttl 77 add @out4 { ip id }",
        "add rule inet watch output ip6 hoplimit 77 add @out6 { ip6 flowlabel }",
        "add rule inet watch input ip ttl 77 add @in4 { ip id } drop",
        "add rule inet watch input ip6 hoplimit 77 add @in6 { ip6 flowlabel } drop",
    ] {
        nft(command);
    }
}

/// The numbers of the packets that were noted.
struct Seen {
    out: BTreeSet<u16>,
    into: BTreeSet<u16>,
}

impl Seen {
    fn take() -> Self {
        let members = |set: &str| {
            let listed = nft(&format!("list set inet watch {set}"));
            nft(&format!("flush set inet watch {set}"));
            let elements = listed.split_once("elements = {").map_or("", |(_, rest)| rest.split_once('}').unwrap().0);
            elements.split(',').filter_map(|id| id.trim().parse().ok()).collect::<Vec<u16>>()
        };
        let of = |sets: [&str; 2]| sets.into_iter().flat_map(members).collect();
        Self { out: of(["out4", "out6"]), into: of(["in4", "in6"]) }
    }
}

/// Sends whole packets, headers included.
struct Sender {
    v4: rustix::fd::OwnedFd,
    v6: rustix::fd::OwnedFd,
}

impl Sender {
    fn new() -> Self {
        let open = |family| socket(family, SocketType::RAW, Some(ipproto::RAW)).unwrap();
        Self { v4: open(AddressFamily::INET), v6: open(AddressFamily::INET6) }
    }

    /// Whether there is a way for it at all.
    fn send(&self, packet: &Packet, id: u16) -> bool {
        // The kernel fills in another.
        if packet.source.is_unspecified() {
            return false;
        }
        let (socket, octets) = match (packet.source, packet.destination) {
            (IpAddr::V4(_), IpAddr::V4(_)) => (&self.v4, ipv4(packet, id)),
            _ => (&self.v6, ipv6(packet, id)),
        };
        match sendto(socket, &octets, SendFlags::empty(), &SocketAddr::new(packet.destination, 0)) {
            // Who is stopped on the way out is told so.
            Ok(_) | Err(Errno::PERM) => true,
            // Such as a broadcast.
            Err(_) => false,
        }
    }
}

fn is_of_anybody(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.octets()[0] == 198,
        IpAddr::V6(address) => address.segments()[0] == 0x2001,
    }
}

fn is_fragment(packet: &Packet) -> bool {
    packet.ports.is_none() && packet.protocol != 47
}

fn ipv4(packet: &Packet, id: u16) -> Vec<u8> {
    let (IpAddr::V4(source), IpAddr::V4(destination)) = (packet.source, packet.destination) else { panic!() };
    let payload = payload(packet);
    let len = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let [id, fragment] = [id, u16::from(is_fragment(packet))].map(u16::to_be_bytes);
    let header = [0x45, 0, len[0], len[1], id[0], id[1], fragment[0], fragment[1], 77, packet.protocol, 0, 0];
    [&header[..], &source.octets(), &destination.octets(), &payload].concat()
}

fn ipv6(packet: &Packet, id: u16) -> Vec<u8> {
    let (IpAddr::V6(source), IpAddr::V6(destination)) = (packet.source, packet.destination) else { panic!() };
    let (next, payload) = if is_fragment(packet) {
        (44, [&[packet.protocol, 0, 0, 8, 0, 0, 0, 1], &payload(packet)[..]].concat())
    } else {
        (packet.protocol, payload(packet))
    };
    let ([high, low], len) = (id.to_be_bytes(), u16::try_from(payload.len()).unwrap().to_be_bytes());
    let header = [0x60, 0, high, low, len[0], len[1], next, 77];
    [&header[..], &source.octets(), &destination.octets(), &payload].concat()
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
