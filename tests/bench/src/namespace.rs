//! Network namespaces, which vanish with the process that made them.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::panic::resume_unwind;
use std::process::{Child, Command, Stdio};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A network of its own, with nothing but loopback.
#[derive(Debug)]
pub struct Namespace {
    /// Lives as long as its standard input is open.
    holder: Child,
    link: File,
}

impl Namespace {
    /// Makes one.
    ///
    /// # Errors
    /// We may not, or `unshare` and `ip` are missing.
    pub fn new() -> io::Result<Self> {
        let mut command = Command::new("unshare");
        command.args(["--net", "--", "sh", "-c", "ip link set lo up && echo && exec cat"]);
        let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut ready = [0];
        let heard = holder.stdout.as_mut().map(|stdout| stdout.read_exact(&mut ready));
        heard.ok_or(io::ErrorKind::BrokenPipe)?.map_err(|error| io::Error::other(format!("no namespace: {error}")))?;
        let link = File::open(format!("/proc/{}/ns/net", holder.id()))?;
        Ok(Self { holder, link })
    }

    /// Does something in there. Sockets and processes that it makes stay there.
    ///
    /// # Panics
    /// The kernel does not let us in, or what is done panics.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            let entered = move_into_link_name_space(self.link.as_fd(), Some(LinkNameSpaceType::Network));
            entered.expect("who made a namespace may enter it");
            work()
        };
        thread::scope(|scope| scope.spawn(inside).join()).unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Joins it with another one by a wire: `wire` with the address 192.0.2.1 on this end, 192.0.2.2 on the other.
    ///
    /// # Panics
    /// `ip` fails.
    pub fn join(&self, other: &Self) {
        let peer = other.holder.id().to_string();
        let ip = |line: &str| {
            let status = Command::new("ip").args(line.split(' ')).status();
            assert!(status.is_ok_and(|status| status.success()), "ip {line}");
        };
        let address = |last: u8| {
            ip(&format!("address add 192.0.2.{last}/24 dev wire"));
            ip("link set wire up");
        };
        self.run(|| {
            ip(&format!("link add wire type veth peer name wire netns {peer}"));
            address(1);
        });
        other.run(|| address(2));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // It is gone already, or it goes now.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
