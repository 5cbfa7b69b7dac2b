//! The least that nf_tables can be told: members of a set, and rules in chains. Nobody's rules; what a command costs without us.

use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;

use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, sendto, socket_with};

use crate::Kind;

/// A table with a set and as many chains as it takes.
#[derive(Debug)]
pub(crate) struct Kernel {
    socket: OwnedFd,
    sequence: u32,
    /// In the last chain.
    n_rules: usize,
    n_chains: usize,
}

impl Kernel {
    /// In the namespace of this thread.
    pub(crate) fn open() -> io::Result<Self> {
        let kind = SocketType::RAW;
        let socket = socket_with(AddressFamily::NETLINK, kind, SocketFlags::CLOEXEC, Some(netlink::NETFILTER))?;
        bind(&socket, &SocketAddrNetlink::new(0, 0))?;
        let mut kernel = Self { socket, sequence: 1, n_rules: 0, n_chains: 0 };
        kernel.make_table()?;
        Ok(kernel)
    }

    /// Makes the table anew.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        let mut batch = self.begin();
        batch.message(DELTABLE, 0, |w| w.text(1, TABLE));
        self.commit(batch)?;
        self.make_table()
    }

    fn make_table(&mut self) -> io::Result<()> {
        (self.n_rules, self.n_chains) = (CHAIN_LEN, 0);
        let mut batch = self.begin();
        batch.message(NEWTABLE, CREATE, |w| w.text(1, TABLE));
        batch.message(NEWSET, CREATE, |w| {
            w.text(1, TABLE);
            w.text(2, SET);
            w.number(3, 0);
            w.number(4, TYPE_IPV4);
            w.number(5, 4);
            w.number(10, 1);
        });
        self.commit(batch)
    }

    /// Rules of a kind, in one transaction.
    pub(crate) fn add(&mut self, kind: Kind, rules: Range<u32>) -> io::Result<()> {
        match kind {
            Kind::Address => self.add_addresses(rules),
            Kind::Connection => self.add_rules(rules),
        }
    }

    /// Members of the set, in one transaction.
    fn add_addresses(&mut self, rules: Range<u32>) -> io::Result<()> {
        let mut batch = self.begin();
        batch.message(NEWSETELEM, CREATE, |w| {
            w.text(1, TABLE);
            w.text(2, SET);
            w.nest(3, |w| rules.for_each(|i| w.nest(1, |w| w.nest(1, |w| w.octets(1, &address(i))))));
        });
        self.commit(batch)
    }

    /// Rules in order, in one transaction. A chain that is changed costs by its length, so they go into chains of a moderate one.
    fn add_rules(&mut self, rules: Range<u32>) -> io::Result<()> {
        let mut batch = self.begin();
        for i in rules {
            if self.n_rules == CHAIN_LEN {
                (self.n_rules, self.n_chains) = (0, self.n_chains + 1);
                let name = format!("c{}", self.n_chains);
                batch.message(NEWCHAIN, CREATE, |w| {
                    w.text(1, TABLE);
                    w.text(3, &name);
                });
            }
            self.n_rules += 1;
            let name = format!("c{}", self.n_chains);
            batch.message(NEWRULE, CREATE | APPEND, |w| {
                w.text(1, TABLE);
                w.text(2, &name);
                w.nest(4, |w| write_rule(i, w));
            });
        }
        self.commit(batch)
    }

    fn begin(&self) -> Writer {
        let mut batch = Writer { octets: Vec::new(), sequence: self.sequence };
        batch.around(BATCH_BEGIN);
        batch
    }

    fn commit(&mut self, mut batch: Writer) -> io::Result<()> {
        batch.around(BATCH_END);
        // The message before the end is acknowledged, and so all are.
        let last = batch.sequence - 2;
        let flags = last_flags(&batch.octets);
        batch.octets[flags] |= ACK;
        self.sequence = batch.sequence;
        sendto(&self.socket, &batch.octets, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
        let mut answer = vec![0; 16 << 10];
        let (_, n) = recv(&self.socket, &mut answer[..], RecvFlags::empty())?;
        let number = |at: usize| answer[..n].get(at..at + 4).and_then(|octets| octets.try_into().ok());
        let (Some(sequence), Some(code)) = (number(8), number(16)) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        match i32::from_ne_bytes(code) {
            0 if u32::from_ne_bytes(sequence) == last => Ok(()),
            0 => Err(io::ErrorKind::InvalidData.into()),
            code => Err(io::Error::from_raw_os_error(-code)),
        }
    }
}

/// TCP to port 80 of an address is dropped.
fn write_rule(i: u32, w: &mut Writer) {
    let mut expression = |name: &str, write: &dyn Fn(&mut Writer)| {
        w.nest(1, |w| {
            w.text(1, name);
            w.nest(2, write);
        });
    };
    let equals = |value: Vec<u8>| {
        move |w: &mut Writer| {
            w.number(1, 1);
            w.number(2, 0);
            w.nest(3, |w| w.octets(1, &value));
        }
    };
    let payload = |base: u32, offset: u32, len: u32| {
        move |w: &mut Writer| {
            [1, base, offset, len].into_iter().zip(1..).for_each(|(value, kind)| w.number(kind, value))
        }
    };
    expression("meta", &|w| {
        w.number(1, 1);
        w.number(2, META_L4PROTO);
    });
    expression("cmp", &equals(vec![6]));
    expression("payload", &payload(1, 16, 4));
    expression("cmp", &equals(address(i).to_vec()));
    expression("payload", &payload(2, 2, 2));
    expression("cmp", &equals(vec![0, 80]));
    expression("immediate", &|w| {
        w.number(1, 0);
        w.nest(2, |w| w.nest(2, |w| w.number(1, 0)));
    });
}

fn address(i: u32) -> [u8; 4] {
    (0x0a00_0000 + i).to_be_bytes()
}

/// Messages of netlink, one behind the other.
struct Writer {
    octets: Vec<u8>,
    sequence: u32,
}

impl Writer {
    fn message(&mut self, kind: u16, flags: u16, write: impl FnOnce(&mut Self)) {
        self.raw(NFTABLES << 8 | kind, flags, INET, 0, write);
    }

    fn around(&mut self, kind: u16) {
        self.raw(kind, 0, 0, NFTABLES, |_| {});
    }

    fn raw(&mut self, kind: u16, flags: u16, family: u8, resource: u16, write: impl FnOnce(&mut Self)) {
        let start = self.octets.len();
        self.octets.extend([0; 4]);
        self.octets.extend(kind.to_ne_bytes());
        self.octets.extend((REQUEST | flags).to_ne_bytes());
        self.octets.extend(self.sequence.to_ne_bytes());
        self.octets.extend([0, 0, 0, 0, family, 0]);
        self.octets.extend(resource.to_be_bytes());
        write(self);
        let len = u32::try_from(self.octets.len() - start).expect("it is short");
        self.octets[start..start + 4].copy_from_slice(&len.to_ne_bytes());
        self.sequence += 1;
    }

    fn octets(&mut self, kind: u16, value: &[u8]) {
        self.attribute(kind, |w| w.octets.extend(value));
    }

    fn number(&mut self, kind: u16, value: u32) {
        self.octets(kind, &value.to_be_bytes());
    }

    fn text(&mut self, kind: u16, text: &str) {
        self.attribute(kind, |w| {
            w.octets.extend(text.as_bytes());
            w.octets.push(0);
        });
    }

    fn nest(&mut self, kind: u16, write: impl FnOnce(&mut Self)) {
        self.attribute(kind | NESTED, write);
    }

    fn attribute(&mut self, kind: u16, write: impl FnOnce(&mut Self)) {
        let start = self.octets.len();
        self.octets.extend([0; 2]);
        self.octets.extend(kind.to_ne_bytes());
        write(self);
        let len = u16::try_from(self.octets.len() - start).expect("a group is small");
        self.octets[start..start + 2].copy_from_slice(&len.to_ne_bytes());
        self.octets.resize(self.octets.len().next_multiple_of(4), 0);
    }
}

/// Where the flags of the message before the last one stand.
fn last_flags(octets: &[u8]) -> usize {
    let (mut at, mut begins) = (0, Vec::new());
    while let Some(len) = octets.get(at..at + 4).and_then(|len| len.try_into().ok()).map(u32::from_ne_bytes) {
        begins.push(at);
        at += len as usize;
    }
    begins[begins.len() - 2] + if cfg!(target_endian = "little") { 6 } else { 7 }
}

const TABLE: &str = "floor";
const SET: &str = "addresses";
const CHAIN_LEN: usize = 128;
const NEWTABLE: u16 = 0;
const DELTABLE: u16 = 2;
const NEWCHAIN: u16 = 3;
const NEWRULE: u16 = 6;
const NEWSET: u16 = 9;
const NEWSETELEM: u16 = 12;
const NFTABLES: u16 = 10;
const INET: u8 = 1;
const BATCH_BEGIN: u16 = 16;
const BATCH_END: u16 = 17;
const REQUEST: u16 = 1;
const ACK: u8 = 4;
const CREATE: u16 = 0x400;
const APPEND: u16 = 0x800;
const NESTED: u16 = 1 << 15;
const TYPE_IPV4: u32 = 7;
const META_L4PROTO: u32 = 16;
