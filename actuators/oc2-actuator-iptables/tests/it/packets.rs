use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::time::Duration;

use oc2_actuator_iptables::backend::Restore;
use oc2_actuator_iptables::testing;
use oc2_packet_filter::backend::Backend;
use oc2_packet_filter::{
    Family, Flavor, Hook, IcmpKind, KernelRule, Matching, Network, Ports, Protocol, Ruleset, Verdict,
};

use crate::support::{Host, delete, insert, rule};

on_every_flavor! {
    fn a_dropped_connection_is_not_answered_and_passes_again_later(host) {
        for_both_families(host, |backend, home| {
            let (listener, address) = listen(home);
            connect(address).unwrap();
            let deny = to_port(home, address.port(), Verdict::Drop);
            backend.apply(&[insert(2, deny.clone())]).unwrap();
            assert_eq!(connect(address).unwrap_err().kind(), ErrorKind::TimedOut);
            backend.apply(&[delete(2, deny)]).unwrap();
            connect(address).unwrap();
            drop(listener);
        });
    }

    /// On loopback the message comes while connect still owns the socket, so it counts from the second SYN on, after a
    /// second.
    fn a_rejected_connection_is_told_so(host) {
        for_both_families(host, |backend, home| {
            let (_listener, address) = listen(home);
            backend.apply(&[insert(1, to_port(home, address.port(), Verdict::Reject))]).unwrap();
            let error = TcpStream::connect_timeout(&address, PATIENCE * 10).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::HostUnreachable);
        });
    }

    fn the_rule_above_wins(host) {
        for_both_families(host, |backend, home| {
            let (_listener, address) = listen(home);
            let deny = to_port(home, address.port(), Verdict::Drop);
            let allow = to_port(home, address.port(), Verdict::Accept);
            backend.apply(&[insert(2, deny.clone()), insert(1, allow.clone())]).unwrap();
            connect(address).unwrap();
            backend.apply(&[delete(1, allow), insert(1, deny)]).unwrap();
            connect(address).unwrap_err();
        });
    }

    fn an_allow_wins_over_a_foreign_rule_below(host) {
        for_both_families(host, |backend, home| {
            let (_listener, address) = listen(home);
            host.iptables(home.into(), &format!("-A INPUT -p tcp --dport {} -j DROP", address.port()));
            connect(address).unwrap_err();
            backend.apply(&[insert(1, to_port(home, address.port(), Verdict::Accept))]).unwrap();
            connect(address).unwrap();
        });
    }

    fn a_source_network_is_stopped(host) {
        for_both_families(host, |backend, home| {
            let (_listener, address) = listen(home);
            let source = match home {
                IpAddr::V4(_) => Network::new(home, 8).unwrap(),
                IpAddr::V6(_) => home.into(),
            };
            let matching = Matching { source: Some(source), ..Matching::default() };
            backend.apply(&[insert(1, rule(home.into(), Hook::Output, matching, Verdict::Drop))]).unwrap();
            connect(address).unwrap_err();
        });
    }

    fn datagrams_to_a_port_are_stopped(host) {
        for_both_families(host, |backend, home| {
            let receiver = datagrams(home);
            let sender = datagrams(home);
            let address = receiver.local_addr().unwrap();
            let arrives = || {
                sender.send_to(b"?", address).unwrap();
                receiver.recv(&mut [0]).is_ok()
            };
            assert!(arrives());
            let protocol = Protocol::Udp(Ports { src_port: None, dst_port: Some(address.port()) });
            backend.apply(&[insert(2, of_protocol(home, protocol, Verdict::Drop))]).unwrap();
            assert!(!arrives());
            let by_source = Protocol::Udp(Ports { src_port: sender.local_addr().ok().map(|it| it.port()), dst_port: None });
            backend.apply(&[insert(1, of_protocol(home, by_source, Verdict::Accept))]).unwrap();
            assert!(arrives());
        });
    }

    /// The answer to a datagram for a port that nobody listens at is an ICMP message of one type and code.
    fn icmp_is_told_apart_by_type_and_code(host) {
        for_both_families(host, |backend, home| {
            let socket = datagrams(home);
            let closed = datagrams(home).local_addr().unwrap();
            socket.connect(closed).unwrap();
            let is_told = || {
                socket.send(b"?").unwrap();
                socket.recv(&mut [0]).unwrap_err().kind() == ErrorKind::ConnectionRefused
            };
            let (kind, code) = match home {
                IpAddr::V4(_) => (3, 3),
                IpAddr::V6(_) => (1, 4),
            };
            let deny = |kind, code: Option<u8>| {
                let icmp = Protocol::Icmp(Some(IcmpKind::new(kind, code).unwrap()));
                let number = i64::from(kind) * 1_000 + code.map_or(-1, i64::from);
                insert(number, of_protocol(home, icmp, Verdict::Drop))
            };
            backend.apply(&[deny(kind, Some(code + 1)), deny(kind + 1, None), deny(0, Some(0))]).unwrap();
            assert!(is_told());
            for denied in [deny(kind, Some(code)), deny(kind, None)] {
                backend.load(&Ruleset::new()).unwrap();
                assert!(is_told());
                backend.apply(&[denied]).unwrap();
                assert!(!is_told());
            }
        });
    }
}

/// With a fresh back end for each address of this host.
fn for_both_families(host: &Host, check: impl Fn(&mut Restore, IpAddr)) {
    let is_up = Command::new("ip").args(["link", "set", "lo", "up"]).output();
    if !is_up.is_ok_and(|output| output.status.success()) {
        return testing::skip("iproute2 is not installed");
    }
    for home in [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)] {
        if TcpListener::bind((home, 0)).is_err() {
            testing::note(&format!("the kernel has no {}", Family::from(home)));
            continue;
        }
        check(&mut host.loaded(&Ruleset::new()), home);
    }
}

fn listen(home: IpAddr) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((home, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn connect(address: SocketAddr) -> io::Result<()> {
    TcpStream::connect_timeout(&address, PATIENCE).map(drop)
}

fn datagrams(home: IpAddr) -> UdpSocket {
    let socket = UdpSocket::bind((home, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn to_port(home: IpAddr, port: u16, verdict: Verdict) -> KernelRule {
    of_protocol(home, Protocol::Tcp(Ports { src_port: None, dst_port: Some(port) }), verdict)
}

fn of_protocol(home: IpAddr, protocol: Protocol, verdict: Verdict) -> KernelRule {
    let matching = Matching { destination: Some(home.into()), protocol: Some(protocol), ..Matching::default() };
    rule(home.into(), Hook::Input, matching, verdict)
}

const PATIENCE: Duration = Duration::from_millis(300);
