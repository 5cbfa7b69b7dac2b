//! Packets over the loopback device of a namespace.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

/// What became of a connection that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It was made.
    Passes,
    /// Nothing came back.
    Dropped,
    /// It was refused at once.
    Rejected,
}

/// Tries a TCP connection.
pub(crate) fn reach(addr: &str, port: u16) -> Reach {
    let addr: IpAddr = addr.parse().expect("an address");
    match TcpStream::connect_timeout(&SocketAddr::new(addr, port), Duration::from_millis(1500)) {
        Ok(_) => Reach::Passes,
        Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => Reach::Dropped,
        Err(_) => Reach::Rejected,
    }
}

/// Listens on every address of both families.
pub(crate) fn serve(port: u16) -> TcpListener {
    TcpListener::bind(("::", port)).expect("the namespace is ours")
}

/// Runs a tool that must succeed, and gives what it said.
pub(crate) fn run(line: &str) -> String {
    let words: Vec<_> = line.split_whitespace().collect();
    let path = "/usr/sbin:/usr/bin:/sbin:/bin";
    let output = Command::new(words[0]).args(&words[1..]).env("PATH", path).output();
    let output = output.unwrap_or_else(|error| panic!("{line}: {error}"));
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
