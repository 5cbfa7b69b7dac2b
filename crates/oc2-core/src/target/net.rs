//! Addresses and connections of the internet layer (LS 3.4.1.9 to 3.4.1.12).

mod text;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::de::{Error, IgnoredAny, SeqAccess, Unexpected, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserializer, Serializer};

use self::text::{NetText, ipv4_addr, ipv6_addr, prefix_length, show_ipv4, show_ipv6};
use crate::form::{Form, Notation};
use crate::invalid::Invalid;
use crate::record;
use crate::shape::read::{Context, Read, Seed, Segment, integer, octets, refuse_noncharacters};
use crate::shape::write::{Write, Written, octets as write_octets};
use crate::shape::{Kind, Shape};
use crate::types::port::{L4Protocol, Port};

/// Declares a range of addresses: an address, and how many of its leading bits count.
macro_rules! net {
    ($(#[$meta:meta])* $name:ident: $type:literal in $clause:literal of $addr:ident as $bits:ident by $parse:path, $show:path, $width:literal, $what:literal, $parts:expr) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name {
            addr: $addr,
            prefix: Option<u8>,
        }

        impl $name {
            /// A range; bits of the address beyond the prefix are kept for the text and do not count (DECISIONS L19).
            ///
            /// # Errors
            /// The prefix is longer than the address.
            pub fn new(addr: $addr, prefix: u8) -> Result<Self, Invalid> {
                if prefix > $width {
                    return Err(Invalid::new(format!("{prefix} is not a prefix length (0..{})", $width)));
                }
                Ok(Self { addr, prefix: Some(prefix) })
            }

            /// The address as it was given.
            #[must_use]
            pub const fn addr(&self) -> $addr {
                self.addr
            }

            /// How many leading bits count; all of them if no prefix was given.
            #[must_use]
            pub fn prefix(&self) -> u8 {
                self.prefix.unwrap_or($width)
            }

            fn text(&self) -> NetText {
                let mut text = NetText::default();
                $show(self.addr, &mut text);
                if let Some(prefix) = self.prefix {
                    text.push(b'/');
                    text.decimal(prefix);
                }
                text
            }

            /// The first address of the range.
            #[must_use]
            pub fn network(&self) -> $addr {
                let mask = $bits::MAX.checked_shl(u32::from($width - self.prefix())).unwrap_or(0);
                $addr::from_bits(self.addr.to_bits() & mask)
            }
        }

        /// A single address.
        impl From<$addr> for $name {
            fn from(addr: $addr) -> Self {
                Self { addr, prefix: None }
            }
        }

        /// Ranges are equal when they hold the same addresses.
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.network() == other.network() && self.prefix() == other.prefix()
            }
        }

        impl Eq for $name {}

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.network().hash(state);
                self.prefix().hash(state);
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            #[inline]
            fn from_str(text: &str) -> Result<Self, Invalid> {
                let Some((addr, rest)) = $parse(text) else { return Err(Invalid::text(text, $what)) };
                if rest.is_empty() {
                    return Ok(Self { addr, prefix: None });
                }
                match prefix_length(rest).filter(|prefix| *prefix <= $width) {
                    Some(prefix) => Ok(Self { addr, prefix: Some(prefix) }),
                    None => Err(Invalid::text(text, $what)),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.text().as_str())
            }
        }

        impl Read for $name {
            fn shape() -> &'static Shape {
                const SHAPE: Shape = Shape::plain($type, $clause, Kind::Net { width: $width });
                &SHAPE
            }

            fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
                let is_text = context.is_by_name() && !context.is_binary();
                let visitor = NetVisitor::<Self> { context, net: PhantomData };
                if is_text { deserializer.deserialize_str(visitor) } else { deserializer.deserialize_any(visitor) }
            }
        }

        impl Write for $name {
            fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
                if form.notation != Notation::Concise {
                    return serializer.serialize_str(self.text().as_str());
                }
                let mut items = serializer.serialize_seq(Some(1 + usize::from(self.prefix.is_some())))?;
                items.serialize_element(&Written(&Octets(&self.addr.octets()), form))?;
                if let Some(prefix) = &self.prefix {
                    items.serialize_element(prefix)?;
                }
                items.end()
            }
        }

        impl Net for $name {
            fn of_octets(address: &Address, prefix: Option<u8>) -> Result<Self, Invalid> {
                let octets = address.exactly::<{ $width / 8 }>()?;
                match prefix {
                    Some(prefix) => Self::new(octets.into(), prefix),
                    None => Ok(Self { addr: octets.into(), prefix: None }),
                }
            }

            fn clause_against(text: &str) -> &'static str {
                let [address, prefix, form] = $parts;
                match text.split_once('/') {
                    None => address,
                    Some((addr, _)) if addr.parse::<$addr>().is_err() => address,
                    Some((_, bits)) if bits.parse::<i64>().is_ok_and(|bits| !(0..=$width).contains(&bits)) => prefix,
                    Some(_) => form,
                }
            }
        }
    };
}

net! {
    /// A range of IPv4 addresses (LS 3.4.1.9); a single address without a prefix.
    Ipv4Net: "IPv4-Net" in "LS 3.4.1.9 (LS-168)" of Ipv4Addr as u32 by ipv4_addr, show_ipv4, 32, "is not an IPv4 net (a.b.c.d or a.b.c.d/0..32)",
    ["LS 3.1.5 (LS-051), LS 3.3.1.2 (LS-108)", "LS 3.4.1.9 (LS-169)", "LS 3.1.5 (LS-060)"]
}

net! {
    /// A range of IPv6 addresses (LS 3.4.1.11); a single address without a prefix. Written as RFC 5952 has it.
    Ipv6Net: "IPv6-Net" in "LS 3.4.1.11 (LS-172)" of Ipv6Addr as u128 by ipv6_addr, show_ipv6, 128, "is not an IPv6 net (an address, or address/0..128)",
    ["LS 3.1.5 (LS-052), LS 3.3.1.2 (LS-109), DECISIONS L18", "LS 3.4.1.11 (LS-173)", "LS 3.1.5 (LS-061), DECISIONS L18"]
}

/// What both kinds of ranges are read as.
trait Net: Read + FromStr<Err = Invalid> {
    fn of_octets(address: &Address, prefix: Option<u8>) -> Result<Self, Invalid>;

    /// The clause that a text offends which is none.
    fn clause_against(text: &str) -> &'static str;
}

/// Text; in the concise notation the address and the prefix, each by itself (LS 3.4.1.9).
struct NetVisitor<'c, T> {
    context: &'c mut Context,
    net: PhantomData<T>,
}

impl<'de, T: Net> Visitor<'de> for NetVisitor<'_, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.context.is_concise() {
            return write!(f, "a list of an address and a prefix ({})", T::shape().name);
        }
        f.write_str(T::shape().name)
    }

    #[inline(always)]
    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        if self.context.is_strict() {
            refuse_noncharacters(self.context, text)?;
        }
        if self.context.is_concise() {
            self.context.tolerate("a text, where address and prefix stand in a list (LS 3.4.1.9)")?;
        }
        text.parse().map_err(|invalid| {
            self.context.blame(T::clause_against(text));
            E::custom(invalid)
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        if !self.context.is_concise() {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self));
        }
        let Self { context, .. } = self;
        let address = context.at(Segment::Name("address"), |context| seq.next_element_seed(Seed::new(context)))?;
        let Some(address) = address else { return Err(A::Error::custom("the address is missing")) };
        let prefix = context.at(Segment::Name("prefix"), |context| seq.next_element_seed(Seed::new(context)))?;
        if seq.next_element::<IgnoredAny>()?.is_some() {
            return Err(A::Error::custom("more than an address and a prefix"));
        }
        T::of_octets(&address, prefix.map(|Prefix(bits)| bits)).map_err(A::Error::custom)
    }
}

/// The octets of an address, of either kind. How many there have to be is for that kind to say.
struct Address {
    octets: [u8; 16],
    len: usize,
}

impl Address {
    fn of(given: &[u8]) -> Self {
        let mut octets = [0; 16];
        let n_kept = given.len().min(octets.len());
        octets[..n_kept].copy_from_slice(&given[..n_kept]);
        Self { octets, len: given.len() }
    }

    fn exactly<const N: usize>(&self) -> Result<[u8; N], Invalid> {
        match self.octets.first_chunk() {
            Some(octets) if self.len == N => Ok(*octets),
            _ => Err(Invalid::new(format!("{} octets, where the address has {N}", self.len))),
        }
    }
}

impl Read for Address {
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain(
            "IP-Addr",
            "LS 3.4.1.9 (LS-167)",
            Kind::Binary { text: crate::shape::Octets::Base64Url, lengths: &[4, 16] },
        );
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        let not_octets = |_: &mut Context, text: &str| Err(Invalid::text(text, "is not the octets of an address"));
        octets(context, deserializer, "the octets of an address", not_octets, |octets| Ok(Self::of(octets)))
    }
}

struct Octets<'a>(&'a [u8]);

impl Write for Octets<'_> {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        write_octets(self.0, &"", form, serializer)
    }
}

/// How many leading bits count.
struct Prefix(u8);

impl Read for Prefix {
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain("Prefix", "LS 3.4.1.9 (LS-169)", Kind::Integer { min: 0, max: 128 });
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        let bits = integer(context, deserializer, 0, 128, "a prefix length")?;
        u8::try_from(bits).map(Self).map_err(D::Error::custom)
    }
}

record! {
    /// A five-tuple over IPv4 (LS 3.4.1.10); at least one part is present, what is absent means any.
    pub struct Ipv4Connection: "IPv4-Connection" in "LS 3.4.1.10 (LS-170)", sealed by Ipv4ConnectionBuilder {
        /// Where packets come from.
        optional src_addr: Ipv4Net = 1,
        /// The port they come from; with `icmp`, the type (DECISIONS S8).
        optional src_port: Port = 2,
        /// Where packets go.
        optional dst_addr: Ipv4Net = 3,
        /// The port they go to; with `icmp`, the code (DECISIONS S8).
        optional dst_port: Port = 4,
        /// The protocol.
        optional protocol: L4Protocol = 5,
    }
}

record! {
    /// A five-tuple over IPv6 (LS 3.4.1.12); at least one part is present, what is absent means any.
    pub struct Ipv6Connection: "IPv6-Connection" in "LS 3.4.1.12 (LS-174)", sealed by Ipv6ConnectionBuilder {
        /// Where packets come from.
        optional src_addr: Ipv6Net = 1,
        /// The port they come from; with `icmp`, the type (DECISIONS S8).
        optional src_port: Port = 2,
        /// Where packets go.
        optional dst_addr: Ipv6Net = 3,
        /// The port they go to; with `icmp`, the code (DECISIONS S8).
        optional dst_port: Port = 4,
        /// The protocol; `icmp` means ICMPv6 (DECISIONS L26).
        optional protocol: L4Protocol = 5,
    }
}
