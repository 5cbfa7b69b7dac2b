//! Who else changes our chains.

use std::io;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use oc2_netlink::{Attributes, Message, Socket};
use oc2_packet_filter::backend::Alarm;
use oc2_packet_filter::{Family, Hook};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::children::Children;
use crate::backend::ChainNames;

/// A thread that hears of changes in nf_tables, which the nft flavor works with, and raises the alarm from time to time besides:
/// nobody tells of changes of the legacy tables, or of sets. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Watcher(#[expect(dead_code, reason = "the other end notices that it is gone")] UnixStream);

impl Watcher {
    /// Starts it. Without a socket to hear with it looks from time to time only.
    ///
    /// # Errors
    /// There is no thread for it.
    pub(super) fn start(
        chains: ChainNames,
        children: Children,
        hears: bool,
        look_every: Option<Duration>,
        alarm: Alarm,
    ) -> io::Result<Self> {
        let mut socket = if hears { Socket::open(GROUP).ok() } else { None };
        let (held, end) = UnixStream::pair()?;
        let listen = move || {
            let mut next_look = look_every.map(|interval| Instant::now() + interval);
            while wait(socket.as_ref(), &end, next_look) {
                let mut is_suspicious = next_look.is_some_and(|next_look| next_look <= Instant::now());
                if is_suspicious {
                    next_look = look_every.map(|interval| Instant::now() + interval);
                }
                let is_foreign = |message: &Message<'_>| is_about(message, &chains) && !children.has(message.port);
                match socket.as_mut().map(|socket| socket.hear(|message| is_suspicious |= is_foreign(&message))) {
                    None | Some(Ok(_)) => {}
                    // What there was no room for may have been about us.
                    Some(Err(error)) if error.raw_os_error() == Some(Errno::NOBUFS.raw_os_error()) => {
                        is_suspicious = true
                    }
                    Some(Err(error)) => {
                        tracing::error!(%error, "Changes that others make in iptables are not heard of any more.");
                        socket = None;
                    }
                }
                if is_suspicious {
                    alarm.raise();
                }
            }
        };
        thread::Builder::new().name("oc2-ipt-watch".into()).spawn(listen)?;
        Ok(Self(held))
    }
}

/// Whether it is about a chain of ours, or one that leads to ours.
fn is_about(message: &Message<'_>, chains: &ChainNames) -> bool {
    let attributes = Attributes::of(message);
    let family = match message.body.first() {
        Some(2) => Family::V4,
        Some(10) => Family::V6,
        _ => return false,
    };
    if attributes.text(1) != Some("filter") {
        return false;
    }
    let is_meant =
        |name: &str| chains.is_ours(family, name) || Hook::ALL.iter().any(|hook| hook.built_in_chain() == name);
    match message.kind & 0xff {
        NEWCHAIN | DELCHAIN => attributes.text(3).is_some_and(is_meant),
        NEWRULE | DELRULE => attributes.text(2).is_some_and(is_meant),
        DELTABLE => true,
        _ => false,
    }
}

/// Waits until there is something to hear, or the time has come; false if nobody wants to know any more.
fn wait(socket: Option<&Socket>, end: &UnixStream, until: Option<Instant>) -> bool {
    let timeout = until.map(|until| until.saturating_duration_since(Instant::now()));
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    let mut fds: Vec<_> = [PollFd::new(end, PollFlags::IN)].into();
    fds.extend(socket.map(|socket| PollFd::new(socket.fd(), PollFlags::IN)));
    match poll(&mut fds, timeout.as_ref()) {
        Ok(_) => fds[0].revents().is_empty(),
        Err(error) => error == Errno::INTR,
    }
}

/// `NFNLGRP_NFTABLES`, the seventh.
const GROUP: u32 = 1 << 6;
const DELTABLE: u16 = 2;
const NEWCHAIN: u16 = 3;
const DELCHAIN: u16 = 5;
const NEWRULE: u16 = 6;
const DELRULE: u16 = 8;
