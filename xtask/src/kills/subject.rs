//! The real daemon, alone or under strace.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{WaitOptions, wait};

use super::Backend;
use super::point::Point;
use crate::demo::consumer::Consumer;
use crate::failure::{Failure, Place, Result};

/// The program, its configuration and its state.
#[derive(Debug)]
pub(super) struct Subject {
    program: PathBuf,
    folder: &'static Path,
}

impl Subject {
    /// Writes the configuration.
    pub(super) fn new(program: PathBuf, folder: &'static Path, backend: Backend) -> Result<Self> {
        let own = Self { program, folder };
        let (state, rules) = (own.state(), own.rules());
        let config = format!(
            "[consumer]\nid = \"fw1.example.net\"\nstate_dir = {:?}\n[http]\nlisten = \"{ADDRESS}\"\ntesting = true\n[policy]\n\
             dangerously_allow_everything = true\n[[actuator]]\nprofile = \"slpf\"\nbackend = \"{backend}\"\nupdate_dir = {:?}\n",
            state.display().to_string(),
            rules.display().to_string()
        );
        fs::create_dir(&rules).place(rules.display())?;
        fs::write(own.config(), config).place("the configuration")?;
        Ok(own)
    }

    /// Starts it, to be killed at a point if that is a system call.
    pub(super) fn start(&self, point: Option<Point>) -> Result<Consumer> {
        let mut command = match point {
            // Not by `--seccomp-bpf`: with it strace 6.1 injects no signal.
            Some(Point::Call { name, n }) => {
                let mut strace = Command::new("strace");
                strace.args(["-D", "-f", "-qq", "-e", "signal=none", "-o", "/dev/null", "-e"]);
                strace.arg(format!("trace={name}")).arg("-e").arg(format!("inject={name}:signal=KILL:when={n}"));
                strace.arg("--").arg(&self.program);
                strace
            }
            _ => Command::new(&self.program),
        };
        command.env("OC2_LOG", "warn");
        Consumer::start(command, &self.config(), self.folder.join("consumer.log"))
    }

    pub(super) fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    pub(super) fn rules(&self) -> PathBuf {
        self.folder.join("rules")
    }

    fn config(&self) -> PathBuf {
        self.folder.join("consumer.toml")
    }
}

/// Whether it listens, or is gone; none as long as neither is so.
pub(super) fn stands(consumer: &mut Consumer) -> Result<Option<bool>> {
    if TcpStream::connect_timeout(&ADDRESS, Duration::from_millis(200)).is_ok() {
        return Ok(Some(true));
    }
    Ok(consumer.ended()?.map(|_| false))
}

/// Waits until nothing runs any more that the daemon or strace had started. We are process 1 in here: whoever loses its parent
/// becomes our child.
pub(super) fn wait_for_orphans() -> Result<()> {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::CHILD) => return Ok(()),
            Err(error) => return Err(Failure::new(format!("cannot wait for orphans: {error}"))),
        }
    }
}

/// Where it listens.
pub(super) const ADDRESS: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 8080));
