//! The daemon as it ships, in a namespace of its own, with its state on a disk.

use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::message::{self, Rules};
use crate::{Load, Namespace};

/// A host with nothing on it but a daemon, now and then.
#[derive(Debug)]
pub struct Host {
    /// Its network.
    pub namespace: Namespace,
    program: PathBuf,
    dir: PathBuf,
}

impl Host {
    /// One whose daemon is this program and keeps its state below `dir`, which need not exist.
    ///
    /// # Errors
    /// We may not make a namespace, or the folder.
    pub fn new(program: &Path, dir: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(dir.join("rules"))?;
        let host = Self { namespace: Namespace::new()?, program: program.to_owned(), dir };
        fs::write(host.config(), host.text())?;
        Ok(host)
    }

    /// Starts the daemon, with what it kept, and waits until it listens.
    ///
    /// # Errors
    /// It ends instead; with its log.
    pub fn start(&self) -> io::Result<Daemon<'_>> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = Command::new(&self.program);
        command
            .args(["run", "--config"])
            .arg(self.config())
            .envs(environment(UNIT))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let began = Instant::now();
        let mut child = self.namespace.run(move || command.spawn())?;
        match wait_until_it_listens(&self.namespace, ADDRESS, &mut child) {
            Ok(()) => Ok(Daemon { host: self, child, started_in: began.elapsed() }),
            Err(error) => {
                let log = fs::read_to_string(self.log()).unwrap_or_default();
                Err(io::Error::other(format!("the daemon does not listen: {error}; its log:\n{log}")))
            }
        }
    }

    /// Takes all rules out of the kernel, as a reboot does.
    ///
    /// # Errors
    /// `nft` is missing or refuses.
    pub fn reboot(&self) -> io::Result<()> {
        let status = self.namespace.run(|| Command::new("nft").args(["flush", "ruleset"]).status())?;
        if status.success() { Ok(()) } else { Err(io::Error::other("nft refuses")) }
    }

    fn text(&self) -> String {
        format!(
            r#"[consumer]
id = "fw1.example.net"
state_dir = {:?}

[http]
listen = "{ADDRESS}"
testing = true

[policy]
dangerously_allow_everything = true

[[actuator]]
profile = "slpf"
backend = "nftables"
update_dir = {:?}
"#,
            self.dir.join("state"),
            self.dir.join("rules")
        )
    }

    fn config(&self) -> PathBuf {
        self.dir.join("consumer.toml")
    }

    fn log(&self) -> PathBuf {
        self.dir.join("log")
    }
}

/// A running daemon; it is killed with this value.
#[derive(Debug)]
pub struct Daemon<'a> {
    host: &'a Host,
    child: Child,
    /// From its start until it listened.
    pub started_in: Duration,
}

/// What a process takes, in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// What of it is resident.
    pub resident: u64,
    /// The same, with what it shares with others counted in parts.
    pub proportional: u64,
}

impl Daemon<'_> {
    /// Connections to it.
    ///
    /// # Errors
    /// It does not take them.
    pub fn connect(&self, n: usize) -> io::Result<Load> {
        Load::connect(&self.host.namespace, ADDRESS, n)
    }

    /// Has it hold these rules and no others.
    ///
    /// # Errors
    /// The file cannot be written, or the daemon does not take connections.
    ///
    /// # Panics
    /// It refuses them.
    pub fn hold(&self, rules: Rules) -> io::Result<()> {
        fs::write(self.host.dir.join("rules/rules.json"), rules.file())?;
        self.connect(1)?.ask(|request| message::update("rules.json", request));
        Ok(())
    }

    /// What it takes now.
    ///
    /// # Errors
    /// It is gone.
    pub fn memory(&self) -> io::Result<Memory> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let figure = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).ok_or(io::ErrorKind::InvalidData)
        };
        Ok(Memory { resident: figure("Rss:")?, proportional: figure("Pss:")? })
    }

    /// Has it end in order.
    ///
    /// # Errors
    /// It is gone.
    pub fn stop(mut self) -> io::Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::NotFound)?;
        kill_process(pid, Signal::TERM)?;
        self.child.wait().map(drop)
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        // It is gone already, or it goes now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a unit of systemd sets.
fn environment(unit: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = unit.lines().filter_map(|line| line.strip_prefix("Environment="));
    lines.flat_map(|line| line.split(' ').filter_map(|setting| setting.split_once('=')))
}

/// Tries until it succeeds or the process is gone.
pub(crate) fn wait_until_it_listens(namespace: &Namespace, address: SocketAddr, child: &mut Child) -> io::Result<()> {
    namespace.run(|| {
        loop {
            if TcpStream::connect(address).is_ok() {
                return Ok(());
            }
            if let Some(status) = child.try_wait()? {
                return Err(io::Error::other(format!("it ended with {status}")));
            }
            thread::sleep(Duration::from_millis(1));
        }
    })
}

/// It runs as it does on a host that runs it.
const UNIT: &str = include_str!("../../../contrib/systemd/oc2-consumer.service");
const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_of_the_unit_is_found() {
        assert_eq!(environment("A=1\nEnvironment=B=2 C=3=4\n").collect::<Vec<_>>(), [("B", "2"), ("C", "3=4")]);
        assert!(environment(UNIT).next().is_some());
    }
}
