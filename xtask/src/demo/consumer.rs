//! The real consumer, running on the firewall.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::demo::Flavor;
use crate::failure::{Failure, Place, Result};
use crate::process;

/// A running consumer; it ends with this value.
#[derive(Debug)]
pub(crate) struct Consumer {
    child: Child,
    log: PathBuf,
}

impl Consumer {
    /// Starts it by `command`, with its output in `log`; it may not be ready yet.
    pub(crate) fn start(mut command: Command, config: &Path, log: PathBuf) -> Result<Self> {
        let stdout = File::create(&log).place(format_args!("cannot write {}", log.display()))?;
        let stderr = stdout.try_clone().place(format_args!("cannot write {}", log.display()))?;
        command.args(["run", "--config"]).arg(config).stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        let child = command.spawn().place("cannot start the consumer")?;
        Ok(Self { child, log })
    }

    /// Waits until it accepts connections and says how long that took.
    ///
    /// # Errors
    ///
    /// With its log when it ends instead, or takes too long.
    pub(crate) fn ready(&mut self, address: SocketAddr) -> Result<Duration> {
        let started = Instant::now();
        while started.elapsed() < START_LIMIT {
            if TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok() {
                return Ok(started.elapsed());
            }
            if let Some(status) = self.child.try_wait().place("cannot wait for the consumer")? {
                return Err(
                    self.failure(&format!("the consumer ended with {status} instead of listening on {address}"))
                );
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(self.failure(&format!("the consumer does not listen on {address} after {} s", START_LIMIT.as_secs())))
    }

    /// Sends SIGTERM and waits; `None` when it is still running after some seconds.
    pub(crate) fn terminate(&mut self) -> Result<Option<ExitStatus>> {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // Fails when it is gone already; the wait then says how it ended.
            let _ = kill_process(pid, Signal::TERM);
        }
        process::wait_at_most(&mut self.child, END_LIMIT).place("cannot wait for the consumer")
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().place("cannot wait for the consumer")
    }

    /// Ends it without a warning.
    pub(crate) fn kill(&mut self) {
        process::kill(&mut self.child);
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    fn failure(&self, what: &str) -> Failure {
        let log = self.log();
        Failure::new(format!("{what}; its log:\n{}", if log.is_empty() { "(empty)" } else { log.trim_end() }))
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        process::kill(&mut self.child);
    }
}

/// The text of the configuration file.
pub(crate) fn config(listen: SocketAddr, state_dir: &Path, flavor: Option<Flavor>) -> String {
    let flavor = flavor.map(|flavor| format!("flavor = \"{flavor}\"\n")).unwrap_or_default();
    format!(
        r#"[consumer]
id = "fw1.example.net"
state_dir = "{}"

[http]
listen = "{listen}"
testing = true

[policy]
dangerously_allow_everything = true

[[actuator]]
profile = "slpf"
backend = "iptables"
asset_id = "30"
{flavor}"#,
        state_dir.display()
    )
}

const START_LIMIT: Duration = Duration::from_secs(10);
const END_LIMIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_config_names_where_to_listen_and_the_state() {
        let text = config(SocketAddr::from(([127, 0, 0, 1], 8080)), Path::new("/s"), None);
        assert!(
            text.contains("state_dir = \"/s\"\n\n[http]\nlisten = \"127.0.0.1:8080\"\ntesting = true\n\n[policy]"),
            "{text}"
        );
        assert!(
            text.ends_with("[[actuator]]\nprofile = \"slpf\"\nbackend = \"iptables\"\nasset_id = \"30\"\n"),
            "{text}"
        );
    }

    #[test]
    fn a_flavor_asked_for_belongs_to_the_actuator() {
        let text = config(SocketAddr::from(([127, 0, 0, 1], 8080)), Path::new("/s"), Some(Flavor::Legacy));
        assert!(text.ends_with("asset_id = \"30\"\nflavor = \"legacy\"\n"), "{text}");
    }
}
