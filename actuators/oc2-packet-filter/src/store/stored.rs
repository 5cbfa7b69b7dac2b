//! A record as bytes. Its number is not among them: it is the key.
//!
//! In this order: 1, which is this layout; direction, verdict and which times there are, as bits; when it came to be, when it
//! ends, until when it is out of force, in milliseconds since 1970; the packets; who asked for it, to the end. Numbers have
//! their highest octet first, a range is its prefix length and its address.

use std::net::{Ipv4Addr, Ipv6Addr};

use oc2_core::target::{Ipv4Net, Ipv6Net};
use oc2_core::types::time::DateTime;
use oc2_profile_slpf::{Direction, Flow, Packets, Ports, RuleNumber, Traffic};

use crate::record::RuleRecord;
use crate::rule::Verdict;

/// The bytes of a record.
pub(super) fn write(record: &RuleRecord) -> Vec<u8> {
    let RuleRecord { packets, direction, verdict, stop, suspended_until, producer, created, .. } = record;
    let mut out = Vec::with_capacity(64 + producer.len());
    let times = (u8::from(stop.is_some()) * HAS_STOP) | (u8::from(suspended_until.is_some()) * IS_SUSPENDED);
    out.extend([LAYOUT, place_of(*direction, &DIRECTIONS) | place_of(*verdict, &VERDICTS) << 2 | times]);
    for time in [Some(created), stop.as_ref(), suspended_until.as_ref()].into_iter().flatten() {
        out.extend(time.as_millis().to_be_bytes());
    }
    write_packets(&mut out, packets);
    out.extend(producer.as_bytes());
    out
}

/// The record of bytes that were written so.
pub(super) fn read(number: RuleNumber, bytes: &[u8]) -> Result<RuleRecord, &'static str> {
    let mut rest = Bytes(bytes);
    if rest.octet()? != LAYOUT {
        return Err("it has an unknown layout");
    }
    let bits = rest.octet()?;
    if bits >> 6 != 0 {
        return Err(NO_SENSE);
    }
    let created = rest.time()?;
    let stop = (bits & HAS_STOP != 0).then(|| rest.time()).transpose()?;
    let suspended_until = (bits & IS_SUSPENDED != 0).then(|| rest.time()).transpose()?;
    let packets = read_packets(&mut rest)?;
    Ok(RuleRecord {
        number,
        packets,
        direction: *DIRECTIONS.get(usize::from(bits & 3)).ok_or(NO_SENSE)?,
        verdict: *VERDICTS.get(usize::from(bits >> 2 & 3)).ok_or(NO_SENSE)?,
        persistent: true,
        stop,
        suspended_until,
        producer: std::str::from_utf8(rest.0).map_err(|_| "the name of its producer is no text")?.into(),
        created,
    })
}

/// A range of addresses.
trait Net: Copy {
    fn write(self, out: &mut Vec<u8>);
    fn read(bytes: &mut Bytes<'_>) -> Result<Self, &'static str>;
}

macro_rules! net {
    ($net:ident of $addr:ident: $width:literal) => {
        impl Net for $net {
            fn write(self, out: &mut Vec<u8>) {
                out.push(self.prefix());
                out.extend(self.addr().octets());
            }

            fn read(bytes: &mut Bytes<'_>) -> Result<Self, &'static str> {
                let prefix = bytes.octet()?;
                let addr = $addr::from(bytes.array()?);
                if prefix == $width { Ok(addr.into()) } else { Self::new(addr, prefix).map_err(|_| NO_SENSE) }
            }
        }
    };
}

net!(Ipv4Net of Ipv4Addr: 32);
net!(Ipv6Net of Ipv6Addr: 128);

fn write_packets(out: &mut Vec<u8>, packets: &Packets) {
    match packets {
        Packets::Ipv4Net(net) => {
            out.push(0);
            net.write(out);
        }
        Packets::Ipv6Net(net) => {
            out.push(1);
            net.write(out);
        }
        Packets::Ipv4Connection(flow) => {
            out.push(2);
            write_flow(out, flow);
        }
        Packets::Ipv6Connection(flow) => {
            out.push(3);
            write_flow(out, flow);
        }
    }
}

fn read_packets(bytes: &mut Bytes<'_>) -> Result<Packets, &'static str> {
    Ok(match bytes.octet()? {
        0 => Packets::Ipv4Net(Net::read(bytes)?),
        1 => Packets::Ipv6Net(Net::read(bytes)?),
        2 => Packets::Ipv4Connection(read_flow(bytes)?),
        3 => Packets::Ipv6Connection(read_flow(bytes)?),
        _ => return Err(NO_SENSE),
    })
}

fn write_flow<N: Net>(out: &mut Vec<u8>, flow: &Flow<N>) {
    out.push(presence(flow.source.is_some(), flow.destination.is_some()));
    [flow.source, flow.destination].into_iter().flatten().for_each(|net| net.write(out));
    match flow.traffic {
        Traffic::Any => out.push(0),
        Traffic::Tcp(ports) => write_ports(out, 1, ports),
        Traffic::Udp(ports) => write_ports(out, 2, ports),
        Traffic::Sctp(ports) => write_ports(out, 3, ports),
        Traffic::AnyWithPorts(ports) => write_ports(out, 4, ports),
        Traffic::Icmp { kind, code } => {
            out.extend([5, presence(kind.is_some(), code.is_some())]);
            out.extend([kind, code].into_iter().flatten());
        }
    }
}

fn read_flow<N: Net>(bytes: &mut Bytes<'_>) -> Result<Flow<N>, &'static str> {
    let [source, destination] = bytes.present(N::read)?;
    let traffic = match bytes.octet()? {
        0 => Traffic::Any,
        1 => Traffic::Tcp(read_ports(bytes)?),
        2 => Traffic::Udp(read_ports(bytes)?),
        3 => Traffic::Sctp(read_ports(bytes)?),
        4 => Traffic::AnyWithPorts(read_ports(bytes)?),
        5 => {
            let [kind, code] = bytes.present(Bytes::octet)?;
            Traffic::Icmp { kind, code }
        }
        _ => return Err(NO_SENSE),
    };
    Ok(Flow { source, destination, traffic })
}

fn write_ports(out: &mut Vec<u8>, protocol: u8, ports: Ports) {
    out.extend([protocol, presence(ports.source.is_some(), ports.destination.is_some())]);
    out.extend([ports.source, ports.destination].into_iter().flatten().flat_map(u16::to_be_bytes));
}

fn read_ports(bytes: &mut Bytes<'_>) -> Result<Ports, &'static str> {
    let [source, destination] = bytes.present(|bytes| bytes.array().map(u16::from_be_bytes))?;
    Ok(Ports { source, destination })
}

/// Which of two there are.
fn presence(first: bool, second: bool) -> u8 {
    u8::from(first) | u8::from(second) << 1
}

fn place_of<T: PartialEq>(value: T, table: &[T]) -> u8 {
    // Tables of three: every value has its place.
    table.iter().zip(0..).find(|(other, _)| **other == value).map_or(3, |(_, place)| place)
}

/// What is still to be read.
struct Bytes<'b>(&'b [u8]);

impl Bytes<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let (first, rest) = self.0.split_first_chunk().ok_or("it ends too early")?;
        self.0 = rest;
        Ok(*first)
    }

    fn octet(&mut self) -> Result<u8, &'static str> {
        self.array().map(|[octet]| octet)
    }

    fn time(&mut self) -> Result<DateTime, &'static str> {
        DateTime::from_millis(u64::from_be_bytes(self.array()?)).map_err(|_| NO_SENSE)
    }

    /// Two of a kind, of which one or both may be absent.
    fn present<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, &'static str>,
    ) -> Result<[Option<T>; 2], &'static str> {
        let presence = self.octet()?;
        if presence > 3 {
            return Err(NO_SENSE);
        }
        let first = (presence & 1 != 0).then(|| read(self)).transpose()?;
        let second = (presence & 2 != 0).then(|| read(self)).transpose()?;
        Ok([first, second])
    }
}

const LAYOUT: u8 = 1;
const DIRECTIONS: [Direction; 3] = [Direction::Both, Direction::Ingress, Direction::Egress];
const VERDICTS: [Verdict; 3] = [Verdict::Accept, Verdict::Drop, Verdict::Reject];
const HAS_STOP: u8 = 1 << 4;
const IS_SUSPENDED: u8 = 1 << 5;
const NO_SENSE: &str = "it makes no sense";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_short() {
        let bytes = write(&record(Packets::Ipv4Net("198.51.100.7/24".parse().unwrap())));
        let times = [[0, 0, 0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0, 2]].concat();
        assert_eq!(bytes, [&[1, 0b01_10_01][..], &times, &[0, 24, 198, 51, 100, 7], b"p"].concat());
    }

    #[test]
    fn what_was_written_is_read_back() {
        for record in records() {
            assert_eq!(read(record.number, &write(&record)), Ok(record));
        }
    }

    #[test]
    fn the_text_of_a_range_is_kept() {
        let net: Ipv4Net = "198.51.100.7/24".parse().unwrap();
        let read = read(RuleNumber::new(1).unwrap(), &write(&record(Packets::Ipv4Net(net)))).unwrap();
        assert!(matches!(read.packets, Packets::Ipv4Net(net) if net.to_string() == "198.51.100.7/24"));
    }

    /// Cut off anywhere before the name, or with an octet that is none of those there are.
    #[test]
    fn what_was_not_written_so_is_refused() {
        let number = RuleNumber::new(1).unwrap();
        for record in records() {
            let whole = write(&record);
            for len in 0..whole.len() - record.producer.len() {
                read(number, &whole[..len]).unwrap_err();
            }
            for (at, octet) in [(0, 0), (0, 2), (1, 0xff), (1, 0x40), (1, 0b11), (1, 0b1100), (2, 0xff)] {
                let mut other = whole.clone();
                other[at] = octet;
                read(number, &other).unwrap_err();
            }
            read(number, &[&whole[..], &[0xff]].concat()).unwrap_err();
        }
        let with = |packets: &[u8]| read(number, &[&[1, 0, 0, 0, 0, 0, 0, 0, 0, 1], packets].concat());
        with(&[0, 32, 192, 0, 2, 1]).unwrap();
        for wrong in
            [&[0, 33, 192, 0, 2, 1][..], &[4, 32, 192, 0, 2, 1], &[2, 4, 0], &[2, 0, 6], &[2, 0, 1, 4], &[2, 0, 5, 4]]
        {
            with(wrong).unwrap_err();
        }
    }

    fn records() -> Vec<RuleRecord> {
        let ports = Ports { source: Some(0), destination: Some(65535) };
        let v4 = |traffic| {
            let (source, destination) = ("192.0.2.1".parse().ok(), None);
            Packets::Ipv4Connection(Flow { source, destination, traffic })
        };
        let v6 = |traffic| {
            let (source, destination) = (None, "2001:db8::/32".parse().ok());
            Packets::Ipv6Connection(Flow { source, destination, traffic })
        };
        let of_traffic = [
            Traffic::Any,
            Traffic::Tcp(Ports::default()),
            Traffic::Udp(ports),
            Traffic::Sctp(ports),
            Traffic::AnyWithPorts(Ports { source: None, destination: Some(7) }),
            Traffic::Icmp { kind: None, code: None },
            Traffic::Icmp { kind: Some(3), code: Some(0) },
        ];
        let nets = [Packets::Ipv4Net("0.0.0.0/0".parse().unwrap()), Packets::Ipv6Net("::1".parse().unwrap())];
        let connections = of_traffic.into_iter().flat_map(|traffic| [v4(traffic), v6(traffic)]);
        let all = nets.into_iter().chain(connections).enumerate();
        let of = |(n, packets): (usize, Packets)| RuleRecord {
            direction: DIRECTIONS[n % 3],
            verdict: VERDICTS[n / 3 % 3],
            stop: DateTime::from_millis(2).ok().filter(|_| n % 2 == 0),
            suspended_until: DateTime::from_millis(7).ok().filter(|_| n % 4 < 2),
            ..record(packets)
        };
        all.map(of).collect()
    }

    fn record(packets: Packets) -> RuleRecord {
        RuleRecord {
            number: RuleNumber::new(-3).unwrap(),
            packets,
            direction: Direction::Ingress,
            verdict: Verdict::Reject,
            persistent: true,
            stop: DateTime::from_millis(2).ok(),
            suspended_until: None,
            producer: "p".into(),
            created: DateTime::from_millis(1).unwrap(),
        }
    }
}
