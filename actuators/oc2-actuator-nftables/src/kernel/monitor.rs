//! Who else changes our table.

use std::io;
use std::os::unix::net::UnixStream;
use std::thread;

use oc2_netlink::{Attributes, Message, Socket};
use oc2_packet_filter::backend::Alarm;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// A thread that hears of every change in nf_tables. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Monitor(#[expect(dead_code, reason = "the other end notices that it is gone")] UnixStream);

impl Monitor {
    /// Raises the alarm when a table of this name is changed by anybody but the socket with this number.
    ///
    /// # Errors
    /// There is no socket or no thread for it.
    pub(crate) fn start(table: String, ours: u32, alarm: Alarm) -> io::Result<Self> {
        let mut socket = Socket::open(GROUP)?;
        let (held, end) = UnixStream::pair()?;
        let listen = move || {
            while wait(&socket, &end) {
                let mut is_foreign = false;
                match socket.hear(|message| is_foreign |= is_about(&message, &table) && message.port != ours) {
                    Ok(_) => {}
                    // What there was no room for may have been about us.
                    Err(error) if error.raw_os_error() == Some(Errno::NOBUFS.raw_os_error()) => is_foreign = true,
                    Err(error) => {
                        tracing::error!(%error, "Changes that others make in nftables are not noticed any more.");
                        return;
                    }
                }
                if is_foreign {
                    alarm.raise();
                }
            }
        };
        thread::Builder::new().name("oc2-nft-monitor".into()).spawn(listen)?;
        Ok(Self(held))
    }
}

/// Everything in a table tells its name in the same place.
fn is_about(message: &Message<'_>, table: &str) -> bool {
    Attributes::of(message).text(1) == Some(table)
}

/// Waits until there is something to hear; false if nobody wants to know any more.
fn wait(socket: &Socket, end: &UnixStream) -> bool {
    let mut fds = [PollFd::new(socket.fd(), PollFlags::IN), PollFd::new(end, PollFlags::IN)];
    match poll(&mut fds, None) {
        Ok(_) => fds[1].revents().is_empty(),
        Err(error) => error == Errno::INTR,
    }
}

/// `NFNLGRP_NFTABLES`, the seventh.
const GROUP: u32 = 1 << 6;
