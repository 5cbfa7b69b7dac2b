//! Two hosts with a filter on one of them, and packets between them: what becomes of each is the evidence.
//!
//! They are network namespaces: that of this process, where the filter is, and another one, joined by a pair of interfaces. In each
//! an [`agent`] sends and hears datagrams. A datagram that nothing stops follows each probe on the same wire, and another one comes
//! back, so that it is known when the fate of the probe is settled, and nobody waits for time to pass.

pub(crate) mod agent;
mod enclosure;

use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use self::enclosure::{enclosed, enter};

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Passes,
    /// It is gone, and its sender is told nothing.
    Dropped,
    /// It is gone, and its sender is told by ICMP.
    Rejected,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passes => "passes",
            Self::Dropped => "is dropped in silence",
            Self::Rejected => "is dropped, and its sender told",
        })
    }
}

/// Which way a packet goes, as the filter has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    In,
    Out,
}

/// The two hosts.
pub(crate) struct Field {
    agents: Option<[Agent; 2]>,
    n_probes: u64,
}

impl Field {
    /// One where nothing is sent, and every other packet would pass.
    pub(crate) fn dry() -> Self {
        Self { agents: None, n_probes: 0 }
    }

    /// Makes the second namespace, the wire and the agents.
    pub(crate) fn lay_out() -> io::Result<Self> {
        ip("netns add peer")?;
        ip("link add fw0 address 02:00:00:00:00:01 type veth peer name peer0 address 02:00:00:00:00:02 netns peer")?;
        for (own, interface, other, hardware) in
            [(&HERE[..], "fw0", &PEER[..], "02:00:00:00:00:02"), (&PEER[..], "peer0", &HERE[..], "02:00:00:00:00:01")]
        {
            let at = if interface == "peer0" { "-n peer " } else { "" };
            ip(&format!("{at}link set lo up"))?;
            for address in own {
                let (length, nodad) = if address.contains(':') { (64, " nodad") } else { (24, "") };
                ip(&format!("{at}address add {address}/{length} dev {interface}{nodad}"))?;
            }
            ip(&format!("{at}link set {interface} up"))?;
            // A filter may stop what asks for neighbors, and that is not the point here.
            for address in other {
                ip(&format!("{at}neighbor replace {address} lladdr {hardware} dev {interface} nud permanent"))?;
            }
        }
        let own = std::env::current_exe()?;
        let here = Agent::start(&mut Command::new(&own))?;
        // Not `ip netns exec`, which insists on mounting /sys; a container may not let it.
        let mut command = Command::new("nsenter");
        let peer = Agent::start(command.args(["--net=/run/netns/peer", "--"]).arg(&own))?;
        let mut field = Self { agents: Some([here, peer]), n_probes: 0 };
        for way in [Way::In, Way::Out] {
            for (own, peer) in [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")] {
                let until = Instant::now() + PATIENCE;
                while field.fate(way, own, peer, PORTS[0])? != Fate::Passes {
                    if Instant::now() > until {
                        return Err(io::Error::other(format!("no packet passes between {own} and {peer}")));
                    }
                }
            }
        }
        Ok(field)
    }

    /// Sends a datagram between an address of ours and one of the peer to a port, and says what became of it.
    pub(crate) fn fate(&mut self, way: Way, own: &str, peer: &str, port: u16) -> io::Result<Fate> {
        self.n_probes += 1;
        let Some([here, remote]) = &mut self.agents else {
            return Ok(if self.n_probes.is_multiple_of(2) { Fate::Passes } else { Fate::Dropped });
        };
        let (token, last, back) =
            (format!("probe{}", self.n_probes), format!("last{}", self.n_probes), format!("back{}", self.n_probes));
        let (source, destination, [there, home]) = match way {
            Way::In => (peer, own, [CONTROL_IN, CONTROL_OUT]),
            Way::Out => (own, peer, [CONTROL_OUT, CONTROL_IN]),
        };
        let (sender, receiver) = match way {
            Way::In => (remote, here),
            Way::Out => (here, remote),
        };
        sender.tell(&format!("{source} {destination} {port} {token}"))?;
        sender.tell(&format!("{there} {CONTROL_PORT} {last}"))?;
        let mut arrived = false;
        receiver.hear(|line| {
            arrived |= line == format!("got {token}");
            line == format!("got {last}")
        })?;
        // What the filter tells the sender was on its way before this.
        receiver.tell(&format!("{home} {CONTROL_PORT} {back}"))?;
        sender.hear(|line| line == format!("got {back}"))?;
        sender.tell(agent::NOTICES)?;
        let told = sender.hear(|line| line.starts_with("told "))?;
        Ok(match (arrived, told.as_str()) {
            (true, _) => Fate::Passes,
            (false, "told 0") => Fate::Dropped,
            (false, _) => Fate::Rejected,
        })
    }
}

/// A process that sends and hears on one of the hosts.
struct Agent {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
}

impl Agent {
    fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.arg("--agent").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let gone = || io::Error::other("an agent has no pipes");
        let (stdin, stdout) = (child.stdin.take().ok_or_else(gone)?, child.stdout.take().ok_or_else(gone)?);
        let (line, lines) = mpsc::channel();
        thread::spawn(move || BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|own| line.send(own)));
        let mut own = Self { child, stdin, lines };
        own.hear(|line| line == agent::READY)?;
        Ok(own)
    }

    fn tell(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.stdin, "{line}").and_then(|()| self.stdin.flush())
    }

    /// The first line that is awaited.
    fn hear(&mut self, mut is_it: impl FnMut(&str) -> bool) -> io::Result<String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).map_err(|_| io::Error::other("an agent says nothing"))?;
            if is_it(&line) {
                return Ok(line);
            }
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ip(words: &str) -> io::Result<()> {
    let output = Command::new("ip").args(words.split(' ')).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("ip {words}: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

/// Addresses for documentation (RFC 5737, RFC 3849). The third of each host is of the control packets, which no rule is about.
const HERE: [&str; 3] = ["192.0.2.1", "2001:db8::1", "203.0.113.1"];
const PEER: [&str; 6] = ["192.0.2.2", "192.0.2.3", "2001:db8::2", "2001:db8::3", "203.0.113.2", "203.0.113.99"];
const CONTROL_IN: &str = "203.0.113.2 203.0.113.1";
const CONTROL_OUT: &str = "203.0.113.1 203.0.113.2";
/// Where agents listen.
pub(crate) const PORTS: [u16; 2] = [7001, 7002];
const CONTROL_PORT: u16 = 7000;
const PATIENCE: Duration = Duration::from_secs(20);
