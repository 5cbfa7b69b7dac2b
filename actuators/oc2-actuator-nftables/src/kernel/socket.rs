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

use super::attributes::{Message, Writer, messages, u32_of};
use super::wire;
use crate::op::Op;

/// A way to the kernel, for one request at a time.
#[derive(Debug)]
pub(crate) struct Socket {
    fd: OwnedFd,
    port: u32,
    sequence: u32,
    buffer: Vec<u8>,
}

/// Why a transaction failed. Nothing of it is done, unless the answer was lost.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The kernel refused this step.
    Refused { step: String, cause: io::Error },
    /// It could not be sent.
    Unsent(io::Error),
    /// It was sent, and what became of it is not known.
    Lost(io::Error),
}

impl Socket {
    /// Opens one that hears of the changes of these groups.
    pub(crate) fn open(groups: u32) -> io::Result<Self> {
        let fd = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(netlink::NETFILTER))?;
        bind(&fd, &SocketAddrNetlink::new(0, groups))?;
        let port = SocketAddrNetlink::try_from(getsockname(&fd)?)?.pid();
        Ok(Self { fd, port, sequence: 0, buffer: vec![0; BUFFER_LEN] })
    }

    /// The number by which the kernel tells who changed something.
    pub(crate) fn port(&self) -> u32 {
        self.port
    }

    /// The file to wait on.
    pub(crate) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// Hears what there is, without waiting, and says whether there was anything.
    ///
    /// # Errors
    /// The kernel had more to tell than there was room for, or it does not tell.
    pub(crate) fn hear(&mut self, hear: impl FnMut(Message<'_>)) -> io::Result<bool> {
        match recv(&self.fd, &mut self.buffer[..], RecvFlags::DONTWAIT) {
            Ok((_, len)) => {
                messages(&self.buffer[..len.min(BUFFER_LEN)]).for_each(hear);
                Ok(true)
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Performs the steps in our table, all or none.
    pub(crate) fn commit(&mut self, table: &str, ops: impl IntoIterator<Item = Op>) -> Result<(), Failure> {
        let Some(first) = self.sequence.checked_add(1) else { return Err(Failure::Unsent(Errno::OVERFLOW.into())) };
        let (mut batch, mut sequence, mut id) = (Writer::default(), first, 0);
        batch.message(wire::around(wire::BATCH_BEGIN, sequence), |_| {});
        sequence += 1;
        // Where the messages of each step begin, and what it is called.
        let mut begins = Vec::new();
        let mut last_message = 0;
        for op in ops {
            begins.push((sequence, op.to_string()));
            let start = batch.octets.len();
            wire::write(&op, table, &mut batch, &mut sequence, &mut id);
            last_message = messages_end(&batch.octets[start..]).map_or(last_message, |at| start + at);
        }
        // The last step is acknowledged, and so all are.
        let flags = last_message + 6..last_message + 8;
        let acknowledged = u16::from_ne_bytes([batch.octets[flags.start], batch.octets[flags.start + 1]]) | wire::ACK;
        batch.octets[flags].copy_from_slice(&acknowledged.to_ne_bytes());
        let last = sequence - 1;
        batch.message(wire::around(wire::BATCH_END, sequence), |_| {});
        self.sequence = if sequence > u32::MAX / 2 { 0 } else { sequence };
        self.send(&batch.octets).map_err(Failure::Unsent)?;
        self.answer(first, last, |failed| match begins.partition_point(|(begin, _)| *begin <= failed).checked_sub(1) {
            Some(step) => begins[step].1.clone(),
            None => "the transaction".to_owned(),
        })
    }

    /// Asks for a list and hears every message of it.
    pub(crate) fn list(
        &mut self,
        kind: u16,
        write: impl FnOnce(&mut Writer),
        mut hear: impl FnMut(&Message<'_>),
    ) -> io::Result<()> {
        self.sequence += 1;
        let mut request = Writer::default();
        request.message(wire::request(kind, wire::DUMP, self.sequence), write);
        self.send(&request.octets)?;
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

    /// Asks for one message.
    pub(crate) fn ask(&mut self, kind: u16, write: impl FnOnce(&mut Writer)) -> io::Result<()> {
        self.sequence += 1;
        let mut request = Writer::default();
        request.message(wire::request(kind, wire::ACK, self.sequence), write);
        self.send(&request.octets)?;
        let sequence = self.sequence;
        self.answer(sequence, sequence, |_| String::new()).map_err(|failure| match failure {
            Failure::Refused { cause, .. } | Failure::Unsent(cause) | Failure::Lost(cause) => cause,
        })
    }

    /// Waits for the acknowledgement of the last message, or for the first error.
    fn answer(&mut self, first: u32, last: u32, step: impl Fn(u32) -> String) -> Result<(), Failure> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let len = self.receive(deadline).map_err(Failure::Lost)?;
            for message in messages(&self.buffer[..len]) {
                if message.kind != ERROR || !(first..=last).contains(&message.sequence) {
                    continue;
                }
                match error_of(&message) {
                    Some(cause) => return Err(Failure::Refused { step: step(message.sequence), cause }),
                    None if message.sequence == last => return Ok(()),
                    None => {}
                }
            }
        }
    }

    /// A transaction is one datagram; the kernel takes no more than the buffer of the socket holds.
    fn send(&self, octets: &[u8]) -> io::Result<()> {
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
fn wait(fd: impl AsFd, deadline: Instant) -> io::Result<()> {
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

/// Where the last of some messages begins.
fn messages_end(octets: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut last = None;
    while let Some(len) = octets.get(at..at + 4).and_then(u32_of) {
        last = Some(at);
        at += (len as usize).next_multiple_of(4);
    }
    last
}

const ERROR: u16 = 2;
const DONE: u16 = 3;
const DUMP_INTERRUPTED: u16 = 0x10;
/// Lists come in datagrams of up to 32 KiB, errors with the message that they are about.
const BUFFER_LEN: usize = 128 << 10;
/// What the kernel counts besides the octets of a datagram.
const SPARE: usize = 4096;
const TIMEOUT: Duration = Duration::from_secs(10);
