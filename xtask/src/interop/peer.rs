//! Programs that run meanwhile: a Consumer of ours or theirs, and a broker between them and a Producer.

use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::failure::{Failure, Place, Result};
use crate::process;
use crate::setup::Machine;

/// A program that serves; killed when dropped.
pub(super) struct Peer(Child);

impl Peer {
    /// Starts it, and waits until it serves.
    pub(super) fn start(command: &mut Command, serves: impl Fn() -> bool) -> Result<Self> {
        let name = process::line(command);
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // otupy's server starts itself again as a child.
        let child = quiet.process_group(0).spawn().place(format_args!("cannot start `{name}`"))?;
        let mut own = Self(child);
        let until = Instant::now() + Duration::from_secs(60);
        while !serves() {
            if let Some(status) = own.0.try_wait().place(&name)? {
                return Err(Failure::new(format!("`{name}` ended with {status}")));
            }
            if Instant::now() > until {
                return Err(Failure::new(format!("`{name}` does not serve")));
            }
            sleep(Duration::from_millis(20));
        }
        Ok(own)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
        process::kill(&mut self.0);
    }
}

/// mosquitto, which names every packet in its log.
pub(super) struct Broker {
    _peer: Peer,
    port: u16,
}

impl Broker {
    /// Starts one; `None` where mosquitto is not installed.
    pub(super) fn start(folder: &Path) -> Result<Option<Self>> {
        let (port, config, log) = (free_port()?, folder.join("mosquitto.conf"), folder.join("mosquitto.log"));
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nlog_type all\nlog_dest file {}\n",
            log.display()
        );
        fs::write(&config, text).place(config.display())?;
        // What another run has written would be taken for this one's.
        match fs::remove_file(&log) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(Failure::new(error.to_string())),
            _ => {}
        }
        let mut command = Command::new("mosquitto");
        // It lives in sbin.
        command.arg("-c").arg(&config).env("PATH", Machine::search_path_here());
        if Command::new("mosquitto").env("PATH", Machine::search_path_here()).arg("-h").output().is_err() {
            return Ok(None);
        }
        let peer = Peer::start(&mut command, || listens(port))?;
        Ok(Some(Self { _peer: peer, port }))
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

/// Whether somebody subscribed to a topic, by the log of the broker in this folder.
pub(super) fn is_subscribed(folder: &Path, topic: &str) -> bool {
    fs::read_to_string(folder.join("mosquitto.log")).is_ok_and(|log| log.contains(&format!("\t{topic} (QoS 2)")))
}

/// Whether something listens on this port of loopback.
pub(super) fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").place("there is no free port")?;
    Ok(listener.local_addr().place("there is no free port")?.port())
}
