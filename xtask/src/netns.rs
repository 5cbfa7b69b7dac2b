//! Two hosts in network namespaces, which vanish with the process that made them.
//!
//! Everything happens inside one [`Enclosure`]: a process with namespaces of its own for network, mounts and process ids (and
//! users, when we are not root). It is process 1 in there, so when it ends, for whatever reason, the kernel kills every process
//! it ever started and frees the namespaces with their interfaces, rules and mounts. Temporary files live on a tmpfs mounted
//! over `/run` in there. So nothing has to be tidied up, and nothing of it can collide with a second run.
//!
//! The enclosure's own network namespace is the [`Host::Firewall`]; [`Host::Peer`] is a second one, joined by a veth pair.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use crate::failure::{Failure, Place, Result};
use crate::process::{self, Interrupt};
use crate::setup::Machine;

/// How an enclosed process is made on this machine.
#[derive(Debug)]
pub(crate) struct Enclosure {
    flags: &'static [&'static str],
    search_path: OsString,
}

impl Enclosure {
    /// Finds out whether the kernel lets us make namespaces, with a user namespace when we are not root.
    pub(crate) fn choose(machine: &Machine) -> Result<Self> {
        let flags = if machine.is_root() { AS_ROOT } else { AS_USER };
        let enclosure = Self { flags, search_path: machine.search_path().to_owned() };
        // Some kernels grant the namespaces and then none of the privileges in them, so try one that is needed.
        let probe = process::output_within(enclosure.command("mount").args(PRIVATE_RUN), SHORT)?;
        if probe.status.success() {
            return Ok(enclosure);
        }
        let remedy = if machine.is_root() { REMEDY_AS_ROOT } else { REMEDY_AS_USER };
        let reason = String::from_utf8_lossy(&probe.stderr);
        Err(Failure::new(format!("cannot make network namespaces: {}\n{remedy}", reason.trim())))
    }

    /// Runs this program again, enclosed, with other arguments.
    ///
    /// The enclosed program has to call [`enter`]: its standard input is a pipe that ends when we do.
    pub(crate) fn run_self<I, S>(&self, arguments: I, interrupt: &Interrupt) -> Result<ExitStatus>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = self.command(own_executable()?);
        command.args(arguments).stdin(Stdio::piped()).process_group(0);
        let mut child = command.spawn().place("cannot start `unshare`")?;
        let leash = child.stdin.take();
        process::wait(&mut child, interrupt, |child, _signal| {
            drop(leash);
            // `unshare` ends after all that it enclosed has ended, so waiting for it is waiting for the end of everything.
            if !matches!(process::wait_at_most(child, SHORT), Ok(Some(_))) {
                process::kill(child);
            }
        })
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("unshare");
        command.env("PATH", &self.search_path).args(self.flags).arg("--").arg(program);
        command
    }
}

/// The first call of an enclosed process: it will end as soon as the one that started it is gone, even by SIGKILL.
///
/// # Errors
///
/// When the process is not enclosed, where what follows would change the machine itself.
pub(crate) fn enter() -> Result<()> {
    if std::process::id() != 1 {
        return Err(Failure::new("this runs in namespaces of its own only: use `cargo xtask demo`"));
    }
    thread::spawn(|| {
        let mut stdin = io::stdin().lock();
        let mut nothing = [0; 16];
        while stdin.read(&mut nothing).is_ok_and(|length| length > 0) {}
        std::process::exit(1);
    });
    Ok(())
}

/// Inside an enclosure: a private `/run`, the second namespace and the veth pair, addressed and up.
pub(crate) fn lay_out() -> Result<()> {
    do_on(Host::Firewall, "mount", PRIVATE_RUN)?;
    do_on(Host::Firewall, "ip", &["netns", "add", PEER])?;
    let [firewall, peer] = [Host::Firewall, Host::Peer].map(Host::interface);
    do_on(Host::Firewall, "ip", &["link", "add", firewall, "type", "veth", "peer", "name", peer, "netns", PEER])?;
    for host in [Host::Firewall, Host::Peer] {
        let ipv4 = format!("{}/24", host.ipv4());
        let ipv6 = format!("{}/64", host.ipv6());
        do_on(host, "ip", &["link", "set", "lo", "up"])?;
        do_on(host, "ip", &["address", "add", &ipv4, "dev", host.interface()])?;
        // Without duplicate address detection, which would keep the address unusable for a second.
        do_on(host, "ip", &["-6", "address", "add", &ipv6, "dev", host.interface(), "nodad"])?;
        do_on(host, "ip", &["link", "set", host.interface(), "up"])?;
    }
    Ok(())
}

/// Inside an enclosure: a private `/run`, and one host that speaks to itself, also under addresses of whole nets: those of
/// 10.0.0.0/8, and of IPv6 the documentation prefix (RFC 3849).
pub(crate) fn lay_out_alone() -> Result<()> {
    do_on(Host::Firewall, "mount", PRIVATE_RUN)?;
    do_on(Host::Firewall, "ip", &["link", "set", "lo", "up"])?;
    do_on(Host::Firewall, "ip", &["route", "add", "local", "10.0.0.0/8", "dev", "lo"])?;
    do_on(Host::Firewall, "ip", &["-6", "route", "add", "local", "2001:db8::/32", "dev", "lo"])
}

/// Inside an enclosure: a private `/run` and so many firewalls, each with a veth pair to the enclosure's own namespace, which has
/// two addresses for all of them: [`HUB`], and [`STRANGER`], whom the commands are about.
pub(crate) fn lay_out_fleet(n_sites: u8) -> Result<Vec<Site>> {
    let on_hub = |arguments: &[&str]| do_on(Host::Firewall, "ip", arguments);
    do_on(Host::Firewall, "mount", PRIVATE_RUN)?;
    on_hub(&["link", "set", "lo", "up"])?;
    for address in [HUB, STRANGER] {
        on_hub(&["address", "add", &format!("{address}/32"), "dev", "lo"])?;
    }
    (1..=n_sites)
        .map(|number| {
            let site = Site { number };
            let (name, port, [hub, firewall]) = (site.name(), format!("to{number}"), site.addresses());
            on_hub(&["netns", "add", &name])?;
            on_hub(&["link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", &name])?;
            on_hub(&["address", "add", &format!("{hub}/30"), "dev", &port])?;
            on_hub(&["link", "set", &port, "up"])?;
            for arguments in [
                &["link", "set", "lo", "up"][..],
                &["address", "add", &format!("{firewall}/30"), "dev", "eth0"],
                &["link", "set", "eth0", "up"],
                &["route", "add", "default", "via", &hub.to_string()],
            ] {
                run_short(site.command("ip").args(arguments), &name)?;
            }
            Ok(site)
        })
        .collect()
}

/// One firewall of many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    number: u8,
}

impl Site {
    /// Its name: `fw01`.
    pub(crate) fn name(self) -> String {
        format!("fw{:02}", self.number)
    }

    /// A command to be run on it.
    pub(crate) fn command(self, program: impl AsRef<OsStr>) -> Command {
        in_namespace(&format!("/run/netns/{}", self.name()), program)
    }

    /// The ends of its veth pair, the hub's first.
    fn addresses(self) -> [Ipv4Addr; 2] {
        [1, 2].map(|end| Ipv4Addr::new(192, 0, 2, 4 * self.number + end))
    }
}

/// Where the broker listens (from TEST-NET-1, RFC 5737).
pub(crate) const HUB: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 254);
/// Somebody beyond the firewalls (from TEST-NET-2).
pub(crate) const STRANGER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);

/// A folder for temporary files that vanish with the enclosure.
pub(crate) fn temporary_folder() -> &'static Path {
    Path::new("/run")
}

/// One end of the veth pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// Where the consumer runs.
    Firewall,
    /// Whom the commands are about.
    Peer,
}

impl Host {
    /// Its IPv4 address (from TEST-NET-1, RFC 5737).
    pub(crate) fn ipv4(self) -> IpAddr {
        match self {
            Self::Firewall => IpAddr::from([192, 0, 2, 1]),
            Self::Peer => IpAddr::from([192, 0, 2, 2]),
        }
    }

    /// Its IPv6 address (from the documentation prefix, RFC 3849).
    pub(crate) fn ipv6(self) -> IpAddr {
        match self {
            Self::Firewall => IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]),
            Self::Peer => IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 2]),
        }
    }

    /// The host at the other end.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Firewall => Self::Peer,
            Self::Peer => Self::Firewall,
        }
    }

    /// A command to be run on this host.
    pub(crate) fn command(self, program: impl AsRef<OsStr>) -> Command {
        match self {
            Self::Firewall => Command::new(program),
            Self::Peer => in_namespace(PEER_FILE, program),
        }
    }

    fn interface(self) -> &'static str {
        match self {
            Self::Firewall => "fw0",
            Self::Peer => "peer0",
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Firewall => "firewall",
            Self::Peer => "peer",
        })
    }
}

/// The file of this program, also after a build has replaced it by a newer one.
pub(crate) fn own_executable() -> Result<PathBuf> {
    let file = env::current_exe().place("cannot tell the file of this program")?;
    let replaced = file.to_str().and_then(|file| file.strip_suffix(" (deleted)")).map(PathBuf::from);
    Ok(replaced.unwrap_or(file))
}

/// Not `ip netns exec`, which insists on mounting /sys; a container may not let it.
fn in_namespace(file: &str, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("nsenter");
    command.arg(format!("--net={file}")).arg("--").arg(program);
    command
}

fn do_on(host: Host, program: &str, arguments: &[&str]) -> Result<()> {
    run_short(host.command(program).args(arguments), &host.to_string())
}

fn run_short(command: &mut Command, place: &str) -> Result<()> {
    let output = process::output_within(command, SHORT)?;
    if output.status.success() {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("`{}` failed on the {place}: {}", process::line(command), reason.trim())))
}

const AS_ROOT: &[&str] = &["--net", "--mount", "--pid", "--fork", "--kill-child=KILL"];
const AS_USER: &[&str] = &["--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child=KILL"];
/// The arguments of `mount` for a private `/run`: named namespaces, the lock of iptables and our temporary files live there.
const PRIVATE_RUN: &[&str] = &["-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run"];
const PEER: &str = "peer";
const PEER_FILE: &str = "/run/netns/peer";
const SHORT: Duration = Duration::from_secs(10);

const REMEDY_AS_ROOT: &str = "This looks like a container that withholds CAP_SYS_ADMIN or CAP_NET_ADMIN. \
    Run it on a host or a virtual machine, or start the container with --privileged.";
const REMEDY_AS_USER: &str = "Run it as root, or let ordinary users make user namespaces: \
    `sysctl user.max_user_namespaces` has to be above 0,\n`sysctl kernel.unprivileged_userns_clone` 1 where it exists \
    (Debian), `sysctl kernel.apparmor_restrict_unprivileged_userns` 0 where it exists (Ubuntu).";
