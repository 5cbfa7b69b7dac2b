//! A netlink socket, and the transactions and lists that go through it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, getsockname, recv, sendto, socket_with, sockopt,
};

use super::attributes::{Header, Message, Writer, messages, u32_of};

/// A way to the kernel, for one request at a time.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    port: u32,
    sequence: u32,
    buffer: Vec<u8>,
}

/// Why a request failed.
#[derive(Debug)]
pub enum Failure {
    /// The kernel refused the message with this number.
    Refused {
        /// Its number.
        sequence: u32,
        /// Why.
        cause: io::Error,
    },
    /// It could not be sent.
    Unsent(io::Error),
    /// It was sent, and what became of it is not known.
    Lost(io::Error),
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused { cause, .. } | Failure::Unsent(cause) | Failure::Lost(cause) => cause,
        }
    }
}

impl Socket {
    /// Opens one to netfilter that hears of the changes of these groups.
    ///
    /// # Errors
    /// The kernel gives none.
    pub fn open(groups: u32) -> io::Result<Self> {
        let fd = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(netlink::NETFILTER))?;
        bind(&fd, &SocketAddrNetlink::new(0, groups))?;
        let port = SocketAddrNetlink::try_from(getsockname(&fd)?)?.pid();
        Ok(Self { fd, port, sequence: 0, buffer: vec![0; BUFFER_LEN] })
    }

    /// The number by which the kernel tells who changed something.
    #[must_use]
    pub fn port(&self) -> u32 {
        self.port
    }

    /// The file to wait on.
    #[must_use]
    pub fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// Hears what there is, without waiting, and says whether there was anything.
    ///
    /// # Errors
    /// The kernel had more to tell than there was room for, or it does not tell.
    pub fn hear(&mut self, hear: impl FnMut(Message<'_>)) -> io::Result<bool> {
        match recv(&self.fd, &mut self.buffer[..], RecvFlags::DONTWAIT) {
            Ok((_, len)) => {
                messages(&self.buffer[..len.min(BUFFER_LEN)]).for_each(hear);
                Ok(true)
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The number of the next message. Those that are sent together count on from it.
    pub fn next_sequence(&mut self) -> u32 {
        if self.sequence > u32::MAX / 2 {
            self.sequence = 0;
        }
        self.sequence + 1
    }

    /// Sends messages, the first and the last of which that can fail have these numbers, and waits until the last is acknowledged
    /// or one fails.
    ///
    /// # Errors
    /// What became of it.
    pub fn send(&mut self, octets: &[u8], first: u32, last: u32) -> Result<(), Failure> {
        self.sequence = last.saturating_add(1);
        self.put(octets).map_err(Failure::Unsent)?;
        self.answer(first, last)
    }

    /// Asks for a list and hears every message of it. `header` gets the number of the message.
    ///
    /// # Errors
    /// [`Interrupted`](io::ErrorKind::Interrupted) if what is listed changed meanwhile; else what the kernel says.
    pub fn list(
        &mut self,
        header: impl FnOnce(u32) -> Header,
        write: impl FnOnce(&mut Writer),
        mut hear: impl FnMut(&Message<'_>),
    ) -> io::Result<()> {
        self.sequence = self.next_sequence();
        let mut request = Writer::default();
        request.message(header(self.sequence), write);
        self.put(&request.octets)?;
        let deadline = Instant::now() + TIMEOUT;
        let mut was_changed = false;
        loop {
            let len = self.receive(deadline)?;
            for message in messages(&self.buffer[..len]).filter(|message| message.sequence == self.sequence) {
                was_changed |= message.flags & DUMP_INTERRUPTED != 0;
                match message.kind {
                    DONE if was_changed => return Err(io::ErrorKind::Interrupted.into()),
                    DONE => return Ok(()),
                    ERROR => return Err(error_of(&message).unwrap_or_else(|| io::ErrorKind::InvalidData.into())),
                    _ => hear(&message),
                }
            }
        }
    }

    /// Asks for what is acknowledged. `header` gets the number of the message.
    ///
    /// # Errors
    /// What became of it.
    pub fn ask(&mut self, header: impl FnOnce(u32) -> Header, write: impl FnOnce(&mut Writer)) -> Result<(), Failure> {
        let sequence = self.next_sequence();
        let mut request = Writer::default();
        request.message(header(sequence), write);
        self.send(&request.octets, sequence, sequence)
    }

    /// Waits for the acknowledgement of the last message, or for the first error.
    fn answer(&mut self, first: u32, last: u32) -> Result<(), Failure> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let len = self.receive(deadline).map_err(Failure::Lost)?;
            for message in messages(&self.buffer[..len]) {
                if message.kind != ERROR || !(first..=last).contains(&message.sequence) {
                    continue;
                }
                match error_of(&message) {
                    Some(cause) => return Err(Failure::Refused { sequence: message.sequence, cause }),
                    None if message.sequence == last => return Ok(()),
                    None => {}
                }
            }
        }
    }

    /// What is sent together is one datagram; the kernel takes no more than the buffer of the socket holds.
    fn put(&self, octets: &[u8]) -> io::Result<()> {
        let room = octets.len() + SPARE;
        if sockopt::socket_send_buffer_size(&self.fd)? < room {
            // Only who rules the host's network may go beyond the limit of the host.
            if sockopt::set_socket_send_buffer_size_force(&self.fd, room).is_err() {
                sockopt::set_socket_send_buffer_size(&self.fd, room)?;
            }
        }
        sendto(&self.fd, octets, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
        Ok(())
    }

    fn receive(&mut self, deadline: Instant) -> io::Result<usize> {
        loop {
            match recv(&self.fd, &mut self.buffer[..], RecvFlags::DONTWAIT) {
                Ok((_, len)) => return Ok(len.min(BUFFER_LEN)),
                Err(Errno::AGAIN) => wait(&self.fd, deadline)?,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Waits until something can be read.
///
/// # Errors
/// [`TimedOut`](io::ErrorKind::TimedOut) at the deadline.
pub fn wait(fd: impl AsFd, deadline: Instant) -> io::Result<()> {
    let remaining = deadline.saturating_duration_since(Instant::now());
    if remaining.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let timeout = Timespec::try_from(remaining).map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&timeout)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What an answer says; none means that it was done.
fn error_of(message: &Message<'_>) -> Option<io::Error> {
    let code = message.body.get(..4).and_then(u32_of).unwrap_or_default().cast_signed();
    (code != 0).then(|| io::Error::from_raw_os_error(-code))
}

/// A request, in the flags of a header.
pub const REQUEST: u16 = 1;
/// That is to be acknowledged.
pub const ACK: u16 = 4;
/// For all there are of a kind.
pub const DUMP: u16 = 0x300;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const DUMP_INTERRUPTED: u16 = 0x10;
/// Lists come in datagrams of up to 32 KiB, errors with the message that they are about.
const BUFFER_LEN: usize = 128 << 10;
/// What the kernel counts besides the octets of a datagram.
const SPARE: usize = 4096;
const TIMEOUT: Duration = Duration::from_secs(10);
