//! Sends datagrams as it is told on stdin, a line `SOURCE DESTINATION PORT TOKEN` for each, and says on stdout what it hears.
//!
//! `sent TOKEN` answers such a line. `got TOKEN` is a datagram that arrived; what came before a datagram of the control port is said
//! before it. The line `notices` is answered with `told N`: how many times ICMP has said since the last one that a destination cannot
//! be reached.

use std::io::{self, BufRead, ErrorKind, Write, stdin, stdout};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use rustix::net::{AddressFamily, RecvFlags, SocketType, ipproto, recv, socket};

use super::{CONTROL_PORT, PORTS};

/// Serves until stdin ends.
pub(crate) fn run() -> io::Result<()> {
    let listen = |port: u16| {
        let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, port))?;
        socket.set_nonblocking(true).map(|()| socket)
    };
    let control = listen(CONTROL_PORT)?;
    let sockets = PORTS.map(listen).into_iter().collect::<io::Result<Vec<_>>>()?;
    let icmp = [
        (socket(AddressFamily::INET, SocketType::RAW, Some(ipproto::ICMP))?, ICMP_UNREACHABLE),
        (socket(AddressFamily::INET6, SocketType::RAW, Some(ipproto::ICMPV6))?, ICMPV6_UNREACHABLE),
    ];
    thread::spawn(move || hear(&control, &sockets));
    say(READY)?;
    for line in stdin().lock().lines() {
        let line = line?;
        if line == NOTICES {
            let n_told: usize = icmp.iter().map(|(socket, kind)| notices(socket, *kind)).sum();
            say(&format!("told {n_told}"))?;
            continue;
        }
        let [source, destination, port, token] = line.split(' ').collect::<Vec<_>>()[..] else {
            return Err(io::Error::new(ErrorKind::InvalidInput, line));
        };
        let wrong = |_| io::Error::new(ErrorKind::InvalidInput, line.clone());
        let address = |text: &str| text.parse::<IpAddr>().map_err(wrong);
        let port = port.parse().map_err(|_| io::Error::new(ErrorKind::InvalidInput, line.clone()))?;
        send(address(source)?, SocketAddr::new(address(destination)?, port), token)?;
        say(&format!("sent {token}"))?;
    }
    Ok(())
}

fn send(source: IpAddr, destination: SocketAddr, token: &str) -> io::Result<()> {
    match UdpSocket::bind((source, 0))?.send_to(token.as_bytes(), destination) {
        // A filter on this host may keep it from being sent, which is said here and is no notice to anybody else.
        Err(error) if error.kind() != ErrorKind::PermissionDenied => Err(error),
        _ => Ok(()),
    }
}

/// How many messages that something cannot be reached wait in a raw socket; of IPv4 it gives the header of the packet as well.
fn notices(socket: &OwnedFd, kind: u8) -> usize {
    let mut octets = [0; 2048];
    let mut n_told = 0;
    while let Ok((n_read, _)) = recv(socket, &mut octets[..], RecvFlags::DONTWAIT) {
        let packet = &octets[..n_read];
        let header = if kind == ICMP_UNREACHABLE { usize::from(packet.first().unwrap_or(&0) & 0x0f) * 4 } else { 0 };
        n_told += usize::from(packet.get(header) == Some(&kind));
    }
    n_told
}

fn hear(control: &UdpSocket, sockets: &[UdpSocket]) -> io::Result<()> {
    loop {
        // What is in the queue of the control port came after all that is found in the others now.
        let last = receive(control);
        for socket in sockets {
            while let Some(token) = receive(socket) {
                say(&format!("got {token}"))?;
            }
        }
        match last {
            Some(token) => say(&format!("got {token}"))?,
            None => thread::sleep(Duration::from_millis(1)),
        }
    }
}

fn receive(socket: &UdpSocket) -> Option<String> {
    let mut octets = [0; 64];
    let n_read = socket.recv(&mut octets).ok()?;
    Some(String::from_utf8_lossy(&octets[..n_read]).into_owned())
}

fn say(line: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush())
}

/// What it says when it listens.
pub(crate) const READY: &str = "ready";
/// Asks for what ICMP has said.
pub(crate) const NOTICES: &str = "notices";
/// Destination Unreachable (RFC 792, RFC 4443 3.1).
const ICMP_UNREACHABLE: u8 = 3;
const ICMPV6_UNREACHABLE: u8 = 1;
