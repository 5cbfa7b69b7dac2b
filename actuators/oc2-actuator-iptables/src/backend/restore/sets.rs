//! Sets of nets in the kernel, spoken to by netlink (linux/netfilter/ipset/ip_set.h).

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use oc2_core::types::time::DateTime;
use oc2_netlink::{ACK, Attributes, DUMP, Failure, Header, REQUEST, Socket, Writer};
use oc2_packet_filter::backend::BackendError;
use oc2_packet_filter::{Family, Network};

use super::image::{Member, MemberChange, NewSet, SetChange};

/// The sets of this host's network.
#[derive(Debug)]
pub(super) struct Sets {
    socket: Socket,
}

/// What is to become of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Task {
    kind: u16,
    /// Whether it matters that it is there, or is not.
    is_strict: bool,
}

impl Sets {
    /// Opens the way to the kernel.
    ///
    /// # Errors
    /// It has no sets, or does not let us ask.
    pub(super) fn open() -> io::Result<Self> {
        let mut sets = Self { socket: Socket::open(0)? };
        sets.ask(PROTOCOL_CMD, 0, Family::V4, |_| {})?;
        Ok(sets)
    }

    /// Makes a set with its members.
    pub(super) fn create(&mut self, set: &NewSet, family: Family) -> Result<(), BackendError> {
        self.make(&set.name, family).map_err(|failure| error(failure, &set.name, family))?;
        let adds: Vec<_> = set.members.iter().copied().map(MemberChange::Add).collect();
        self.change(&SetChange { name: set.name.clone(), members: adds }, family)
    }

    /// Makes the changes, one after the other; the first that fails is the last.
    pub(super) fn change(&mut self, set: &SetChange, family: Family) -> Result<(), BackendError> {
        let tasks = [(ADD, true), (ADD, false), (DEL, true), (DEL, false)];
        for task in tasks.map(|(kind, is_strict)| Task { kind, is_strict }) {
            let members: Vec<_> = set.members.iter().filter(|change| task_of(change) == task).collect();
            for some in members.chunks(MAX_ELEMENTS) {
                self.elements(&set.name, task, some, family).map_err(|failure| error(failure, &set.name, family))?;
            }
        }
        Ok(())
    }

    /// Takes sets away, and says which of them are in use yet: the kernel lets go of a rule some time after it is gone. Waits so
    /// long for it.
    pub(super) fn destroy(&mut self, names: Vec<String>, patience: Duration) -> Vec<String> {
        let deadline = Instant::now() + patience;
        let mut left = names;
        loop {
            left.retain(|name| {
                let destroyed =
                    self.ask(DESTROY, 0, Family::V4, |w| w.put_text(SETNAME, name)).map_err(io::Error::from);
                destroyed.is_err_and(|error| error.kind() != io::ErrorKind::NotFound)
            });
            if left.is_empty() || Instant::now() >= deadline {
                return left;
            }
            std::thread::sleep(RETRY_INTERVAL);
        }
    }

    /// The names of all sets.
    pub(super) fn names(&mut self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        let write = |w: &mut Writer| {
            w.put(PROTOCOL, &[PROTOCOL_VERSION]);
            w.put_net_order(FLAGS, &LIST_SETNAME.to_be_bytes());
        };
        let hear =
            |message: &oc2_netlink::Message<'_>| names.extend(Attributes::of(message).text(SETNAME).map(str::to_owned));
        self.socket.list(|sequence| header(LIST, DUMP, sequence, Family::V4), write, hear)?;
        Ok(names)
    }

    /// The nets in a set; none if it is not as we make them.
    pub(super) fn list(&mut self, name: &str, family: Family) -> io::Result<Option<HashSet<Network>>> {
        let mut nets = Some(HashSet::new());
        let write = |w: &mut Writer| {
            w.put(PROTOCOL, &[PROTOCOL_VERSION]);
            w.put_text(SETNAME, name);
        };
        let hear = |message: &oc2_netlink::Message<'_>| {
            let set = Attributes::of(message);
            let is_other = |found: Option<&[u8]>, wanted: &[u8]| found.is_some_and(|found| found != wanted);
            if set.text(TYPENAME).is_some_and(|kind| kind != KIND) || is_other(set.get(FAMILY), &[number(family)]) {
                nets = None;
            }
            let elements = set.nested(ADT).into_iter().flat_map(Attributes::iter);
            for (_, element) in elements {
                let net = net_of(Attributes(element), family);
                nets = nets.take().and_then(|mut nets| {
                    nets.insert(net?);
                    Some(nets)
                });
            }
        };
        self.socket.list(|sequence| header(LIST, DUMP, sequence, family), write, hear)?;
        Ok(nets)
    }

    fn make(&mut self, name: &str, family: Family) -> Result<(), Failure> {
        self.ask(CREATE_CMD, EXCL | CREATE, family, |w| {
            w.put_text(SETNAME, name);
            w.put_text(TYPENAME, KIND);
            w.put(REVISION, &[0]);
            w.put(FAMILY, &[number(family)]);
            w.nest(DATA, |w| {
                // Members may have an end, and have none if they do not say so.
                w.put_net_order(TIMEOUT, &0_u32.to_be_bytes());
                w.put_net_order(HASHSIZE, &FIRST_HASH_SIZE.to_be_bytes());
                w.put_net_order(MAXELEM, &u32::MAX.to_be_bytes());
            });
        })
    }

    fn elements(&mut self, name: &str, task: Task, members: &[&MemberChange], family: Family) -> Result<(), Failure> {
        let now = DateTime::now();
        let flags = if task.is_strict { EXCL } else { 0 };
        self.ask(task.kind, flags, family, |w| {
            w.put_text(SETNAME, name);
            w.put_net_order(LINENO, &0_u32.to_be_bytes());
            w.nest(ADT, |w| members.iter().for_each(|member| w.nest(DATA, |w| write_element(member, now, w))));
        })
    }

    fn ask(&mut self, kind: u16, flags: u16, family: Family, write: impl FnOnce(&mut Writer)) -> Result<(), Failure> {
        let write = |w: &mut Writer| {
            w.put(PROTOCOL, &[PROTOCOL_VERSION]);
            write(w);
        };
        self.socket.ask(|sequence| header(kind, ACK | flags, sequence, family), write)
    }
}

/// How long the kernel is to keep a member by itself, in seconds; 0 is for ever.
///
/// It must not let go of a member before its window closes, so it keeps it somewhat longer than that: the clock of the host may be
/// set back by so much meanwhile. Who closes the window is the engine; this is for when there is none any more.
fn seconds(stop: Option<DateTime>, now: DateTime) -> u32 {
    let left = stop.map(|stop| stop.since(now).as_millis().div_ceil(1000).saturating_add(SPARE_SECONDS));
    left.and_then(|left| u32::try_from(left).ok()).filter(|left| *left <= MAX_SECONDS).unwrap_or(0)
}

fn write_element(change: &MemberChange, now: DateTime, w: &mut Writer) {
    let (net, stop) = match change {
        MemberChange::Add(Member { net, stop }) | MemberChange::Renew(Member { net, stop }) => (net, Some(*stop)),
        MemberChange::Remove { net, .. } => (net, None),
    };
    w.nest(IP, |w| match net.address() {
        IpAddr::V4(address) => w.put_net_order(IPV4, &address.octets()),
        IpAddr::V6(address) => w.put_net_order(IPV6, &address.octets()),
    });
    w.put(CIDR, &[net.prefix()]);
    if let Some(stop) = stop {
        w.put_net_order(TIMEOUT, &seconds(stop, now).to_be_bytes());
    }
}

fn net_of(element: Attributes<'_>, family: Family) -> Option<Network> {
    let address = element.nested(IP)?;
    let address: IpAddr = match family {
        Family::V4 => <[u8; 4]>::try_from(address.get(IPV4)?).ok()?.into(),
        Family::V6 => <[u8; 16]>::try_from(address.get(IPV6)?).ok()?.into(),
    };
    match element.get(CIDR) {
        Some(prefix) => Network::new(address, *prefix.first()?).ok(),
        None => Some(address.into()),
    }
}

fn task_of(change: &MemberChange) -> Task {
    let (kind, is_strict) = match change {
        MemberChange::Add(_) => (ADD, true),
        MemberChange::Renew(_) => (ADD, false),
        MemberChange::Remove { may_be_gone, .. } => (DEL, !may_be_gone),
    };
    Task { kind, is_strict }
}

fn header(kind: u16, flags: u16, sequence: u32, family: Family) -> Header {
    Header { kind: SUBSYSTEM << 8 | kind, flags: REQUEST | flags, sequence, family: number(family), resource: 0 }
}

fn number(family: Family) -> u8 {
    match family {
        Family::V4 => 2,
        Family::V6 => 10,
    }
}

fn error(failure: Failure, name: &str, family: Family) -> BackendError {
    let family = Some(family);
    match failure {
        Failure::Refused { cause, .. } => {
            BackendError::Refused { family, detail: format!("set {name}: {}", meaning(&cause)) }
        }
        Failure::Unsent(cause) => BackendError::Unusable { family, cause },
        Failure::Lost(cause) => BackendError::Died { family, detail: cause.to_string() },
    }
}

/// The kernel has errors for sets that the C library has no words for.
fn meaning(cause: &io::Error) -> String {
    match cause.raw_os_error() {
        Some(4098) => "the kernel has no sets of this kind".into(),
        Some(4099) => "the kernel takes no more sets".into(),
        Some(4100) => "it is in use".into(),
        Some(4103) => "somebody else changed its members".into(),
        Some(4352) => "it is full".into(),
        _ => cause.to_string(),
    }
}

const SUBSYSTEM: u16 = 6;
const PROTOCOL_CMD: u16 = 1;
const CREATE_CMD: u16 = 2;
const DESTROY: u16 = 3;
const LIST: u16 = 7;
const ADD: u16 = 9;
const DEL: u16 = 10;

const PROTOCOL: u16 = 1;
const SETNAME: u16 = 2;
const TYPENAME: u16 = 3;
const REVISION: u16 = 4;
const FAMILY: u16 = 5;
const FLAGS: u16 = 6;
const DATA: u16 = 7;
const ADT: u16 = 8;
const LINENO: u16 = 9;

const IP: u16 = 1;
const IPV4: u16 = 1;
const IPV6: u16 = 2;
const CIDR: u16 = 3;
const TIMEOUT: u16 = 6;
const HASHSIZE: u16 = 18;
const MAXELEM: u16 = 19;

const EXCL: u16 = 0x200;
const CREATE: u16 = 0x400;
const LIST_SETNAME: u32 = 2;
/// Old enough for every kernel.
const PROTOCOL_VERSION: u8 = 6;
const KIND: &str = "hash:net";
/// It grows by itself.
const FIRST_HASH_SIZE: u32 = 64;
/// In one message, which holds 64 KiB.
const MAX_ELEMENTS: usize = 1000;
const MAX_SECONDS: u32 = 2_147_483;
const SPARE_SECONDS: u64 = 60;
const RETRY_INTERVAL: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_never_lets_go_of_a_member_before_its_window_closes() {
        let at = |millis: u64| DateTime::from_millis(millis).unwrap();
        for (stop, expected) in [
            (None, 0),
            (Some(at(1_000)), 60),
            (Some(at(5_000)), 60),
            (Some(at(5_001)), 61),
            (Some(at(6_500)), 62),
            (Some(at(5_000 + 2_147_423_000)), MAX_SECONDS),
            (Some(at(5_000 + 2_147_424_000)), 0),
            (Some(at(1 << 52)), 0),
        ] {
            assert_eq!(seconds(stop, at(5_000)), expected, "{stop:?}");
        }
    }
}
