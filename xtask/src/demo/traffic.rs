//! Real packets between the two hosts, and whether they arrive.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::demo::Flavor;
use crate::demo::report::Report;
use crate::failure::{Failure, Place, Result};
use crate::netns::{Host, own_executable};
use crate::process;

/// A listener on each host that sends back what it receives; they end with this value.
#[derive(Debug)]
pub(crate) struct Echoes(Vec<Child>);

impl Echoes {
    /// Starts both.
    pub(crate) fn start() -> Result<Self> {
        let mut echoes = Self(Vec::new());
        for host in [Host::Firewall, Host::Peer] {
            let mut command = host.command(own_executable()?);
            command.args(["__tcp-echo", &format!("[::]:{ECHO_PORT}")]);
            let mut child = command
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn()
                .place(format_args!("cannot start the TCP listener on the {host}"))?;
            let mut stdout = child.stdout.take();
            echoes.0.push(child);
            // It says one line when it listens, and nothing when it could not.
            let is_ready = stdout.as_mut().is_some_and(|stdout| stdout.read(&mut [0; 1]).is_ok_and(|n| n == 1));
            if !is_ready {
                return Err(Failure::new(format!("the TCP listener on the {host} did not start, see above")));
            }
        }
        Ok(echoes)
    }
}

impl Drop for Echoes {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(process::kill);
    }
}

/// The family of addresses a round of traffic uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Family {
    /// In the order of the demonstration.
    pub(crate) const BOTH: [Self; 2] = [Self::Ipv4, Self::Ipv6];

    /// The address of a host in this family.
    pub(crate) fn address(self, host: Host) -> IpAddr {
        match self {
            Self::Ipv4 => host.ipv4(),
            Self::Ipv6 => host.ipv6(),
        }
    }

    /// The target type whose value is a net of this family (LS 3.4.1).
    pub(crate) fn net_target(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4_net",
            Self::Ipv6 => "ipv6_net",
        }
    }

    /// The program that shows the kernel's rules.
    pub(crate) fn iptables(self, flavor: Option<Flavor>) -> &'static str {
        match (self, flavor) {
            (Self::Ipv4, None) => "iptables",
            (Self::Ipv4, Some(Flavor::Nft)) => "iptables-nft",
            (Self::Ipv4, Some(Flavor::Legacy)) => "iptables-legacy",
            (Self::Ipv6, None) => "ip6tables",
            (Self::Ipv6, Some(Flavor::Nft)) => "ip6tables-nft",
            (Self::Ipv6, Some(Flavor::Legacy)) => "ip6tables-legacy",
        }
    }

    /// The net that holds one host only.
    pub(crate) fn net_of(self, host: Host) -> String {
        let length = match self {
            Self::Ipv4 => 32,
            Self::Ipv6 => 128,
        };
        format!("{}/{length}", self.address(host))
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        })
    }
}

/// What happens to packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// They arrive and are answered.
    Passes,
    /// They do not, or their answers do not.
    Blocked,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passes => "passes",
            Self::Blocked => "blocked",
        })
    }
}

/// Sends a ping and opens a TCP connection in both directions, all at once, and reports what came of it.
pub(crate) fn check(report: &mut Report, family: Family, expected: Effect) -> Result<()> {
    let probes =
        [Host::Peer, Host::Firewall].map(|from| [Probe { from, via: Via::Ping }, Probe { from, via: Via::Tcp }]);
    let probes = probes.as_flattened();
    let outcomes: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = probes.iter().map(|probe| scope.spawn(|| probe.send(family, expected))).collect();
        running.into_iter().map(|thread| thread.join()).collect()
    });
    for (probe, outcome) in probes.iter().zip(outcomes) {
        let (observed, detail) = outcome.map_err(|_| Failure::new(format!("the probe {probe} panicked")))??;
        report.check(probe, expected, format_args!("{observed}{detail}"), observed == expected);
    }
    Ok(())
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    from: Host,
    via: Via,
}

#[derive(Clone, Copy, Debug)]
enum Via {
    Ping,
    Tcp,
}

impl Probe {
    /// Sends it and says what happened, and why as far as is known.
    fn send(self, family: Family, expected: Effect) -> Result<(Effect, String)> {
        // Patience for what should pass, because a neighbor that was unreachable is asked for again after a second only; one
        // second of silence for what should not.
        let limit = match expected {
            Effect::Passes => Duration::from_secs(4),
            Effect::Blocked => Duration::from_secs(1),
        };
        let address = family.address(self.from.other());
        let mut command = match self.via {
            Via::Ping => {
                let mut command = self.from.command("ping");
                // Ends at the first answer.
                command.args(["-n", "-q", "-i", "0.2", "-c", "1", "-w", &limit.as_secs().to_string()]);
                command.arg(address.to_string());
                command
            }
            Via::Tcp => {
                let mut command = self.from.command(own_executable()?);
                command.arg("__tcp-try").arg(SocketAddr::new(address, ECHO_PORT).to_string());
                command.args(["--timeout-ms", &limit.as_millis().to_string()]);
                command
            }
        };
        let output = process::output_within(&mut command, limit + Duration::from_secs(5))?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        let last_line = stderr.lines().last();
        match output.status.code() {
            Some(0) => Ok((Effect::Passes, String::new())),
            Some(1) => Ok((Effect::Blocked, format!(" ({})", last_line.unwrap_or("no answer")))),
            _ => Err(Failure::new(format!("`{}` failed: {}", process::line(&command), stderr.trim()))),
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let via = match self.via {
            Via::Ping => "ping",
            Via::Tcp => "TCP",
        };
        f.pad(&format!("{via:<4} {} -> {}", self.from, self.from.other()))
    }
}

/// `__tcp-echo`: sends back what it receives, one connection after the other, until it is killed.
pub(crate) fn echo(address: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(address).place(format_args!("cannot listen on {address}"))?;
    println!("listening");
    for stream in listener.incoming().flatten() {
        thread::spawn(move || {
            // A connection that breaks is the other end's observation, not ours.
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let _ = io::copy(&mut &stream, &mut &stream);
        });
    }
    Ok(())
}

/// `__tcp-try`: connects, sends and reads back, again and again until it worked or the time is over.
pub(crate) fn attempt(address: SocketAddr, limit: Duration) -> Result<()> {
    let deadline = Instant::now() + limit;
    loop {
        let error = match exchange(address, deadline) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if Instant::now() + PAUSE >= deadline {
            return Err(Failure::new(error.to_string()));
        }
        thread::sleep(PAUSE);
    }
}

fn exchange(address: SocketAddr, deadline: Instant) -> io::Result<()> {
    let left = || deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    let mut stream = TcpStream::connect_timeout(&address, left())?;
    stream.set_read_timeout(Some(left()))?;
    stream.write_all(b"OpenC2")?;
    let mut answer = [0; 6];
    stream.read_exact(&mut answer)?;
    if &answer == b"OpenC2" { Ok(()) } else { Err(io::Error::other("something else came back")) }
}

const ECHO_PORT: u16 = 7;
const PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_net_of_one_host_has_the_longest_prefix() {
        assert_eq!(Family::Ipv4.net_of(Host::Peer), "192.0.2.2/32");
        assert_eq!(Family::Ipv6.net_of(Host::Peer), "2001:db8::2/128");
    }

    #[test]
    fn what_is_sent_comes_back() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        thread::spawn(move || echo(address));
        attempt(address, Duration::from_secs(5)).unwrap();
    }

    #[test]
    fn nobody_listening_is_a_failure_after_the_time_is_over() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let failure = attempt(address, Duration::from_millis(150)).unwrap_err();
        assert!(failure.to_string().contains("refused"), "{failure}");
    }
}
