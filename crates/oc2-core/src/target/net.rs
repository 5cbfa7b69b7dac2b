//! Addresses and connections of the internet layer (LS 3.4.1.9 to 3.4.1.12).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::de::{Error, IgnoredAny, SeqAccess, Unexpected, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserializer, Serializer};

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

            fn from_str(text: &str) -> Result<Self, Invalid> {
                let (addr, prefix) = match text.bytes().position(|byte| byte == b'/') {
                    None => ($parse(text), Ok(None)),
                    Some(slash) => {
                        let prefix = prefix_length(&text[slash + 1..]).filter(|prefix| *prefix <= $width);
                        ($parse(&text[..slash]), prefix.map(Some).ok_or(()))
                    }
                };
                match (addr, prefix) {
                    (Some(addr), Ok(prefix)) => Ok(Self { addr, prefix }),
                    _ => Err(Invalid::text(text, $what)),
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

/// Four decimal numbers without leading zeros, as the standard library has it; this is for speed.
fn ipv4_addr(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut rest = text.as_bytes();
    for (part, octet) in octets.iter_mut().enumerate() {
        if part > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let digit = |at: usize| rest.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10);
        let (value, n_digits) = match (digit(0)?, digit(1), digit(2)) {
            (first, None, _) => (u16::from(first), 1),
            (first @ 1.., Some(second), None) => (u16::from(first) * 10 + u16::from(second), 2),
            (first @ 1.., Some(second), Some(third)) => {
                (u16::from(first) * 100 + u16::from(second) * 10 + u16::from(third), 3)
            }
            _ => return None,
        };
        *octet = u8::try_from(value).ok()?;
        rest = &rest[n_digits..];
    }
    rest.is_empty().then(|| octets.into())
}

/// Groups of hexadecimal digits; what else there is, and what is not an address, the standard library says.
fn ipv6_addr(text: &str) -> Option<Ipv6Addr> {
    ipv6_groups(text.as_bytes()).or_else(|| text.parse().ok())
}

fn ipv6_groups(text: &[u8]) -> Option<Ipv6Addr> {
    let mut groups = [0u16; 8];
    let mut n_groups = 0;
    // How many groups stand before those that are left out.
    let mut gap = None;
    let mut rest = text;
    if let Some(tail) = rest.strip_prefix(b"::") {
        gap = Some(0);
        rest = tail;
    }
    while !rest.is_empty() {
        let (group, tail) = hexadecimal(rest)?;
        *groups.get_mut(n_groups)? = group;
        n_groups += 1;
        rest = match tail {
            [] => break,
            [b':', b':', tail @ ..] if gap.is_none() => {
                gap = Some(n_groups);
                tail
            }
            [b':', tail @ ..] if !tail.is_empty() => tail,
            _ => return None,
        };
    }
    match gap {
        None if n_groups == 8 => {}
        // Two colons stand for one group at least.
        Some(n_before) if n_groups < 8 => {
            groups.copy_within(n_before..n_groups, 8 - (n_groups - n_before));
            groups[n_before..8 - (n_groups - n_before)].fill(0);
        }
        _ => return None,
    }
    Some(groups.into())
}

/// One to four hexadecimal digits, and what follows them.
fn hexadecimal(text: &[u8]) -> Option<(u16, &[u8])> {
    let mut group = 0;
    let mut n_digits = 0;
    while let Some(digit) = text.get(n_digits).map(|byte| NIBBLES[usize::from(*byte)]).filter(|digit| *digit < 16) {
        group = group << 4 | u32::from(digit);
        n_digits += 1;
        if n_digits > 4 {
            return None;
        }
    }
    let group = u16::try_from(group).ok().filter(|_| n_digits > 0)?;
    Some((group, &text[n_digits..]))
}

/// What each octet is worth as a hexadecimal digit; 16 for one that is none.
const NIBBLES: [u8; 256] = {
    let mut nibbles = [16; 256];
    let digits = b"0123456789abcdef";
    let mut value = 0;
    while value < 16 {
        #[allow(clippy::cast_possible_truncation, reason = "it is below 16")]
        {
            nibbles[digits[value] as usize] = value as u8;
            nibbles[digits[value].to_ascii_uppercase() as usize] = value as u8;
        }
        value += 1;
    }
    nibbles
};

/// The text of a range, in place: the standard library takes many times as long to show an address.
struct NetText {
    bytes: [u8; LONGEST_NET],
    len: usize,
}

impl Default for NetText {
    fn default() -> Self {
        Self { bytes: [0; LONGEST_NET], len: 0 }
    }
}

impl NetText {
    fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    fn decimal(&mut self, value: u8) {
        let (digits, n_digits) = DECIMALS[usize::from(value)];
        self.bytes[self.len..self.len + digits.len()].copy_from_slice(&digits);
        self.len += n_digits;
    }

    fn groups(&mut self, groups: &[u16]) {
        for (at, group) in groups.iter().enumerate() {
            if at > 0 {
                self.push(b':');
            }
            self.hexadecimal(*group);
        }
    }

    fn hexadecimal(&mut self, value: u16) {
        let first = if value == 0 { 3 } else { value.leading_zeros() / 4 };
        for digit in first..4 {
            let nibble = (value >> (12 - 4 * digit)) & 0xf;
            self.push(b"0123456789abcdef"[usize::from(nibble)]);
        }
    }
}

/// Eight groups of four digits, or a prefix in the place of seven and an IPv4 address; with the length of a prefix, and room for
/// what follows the digits of the last number.
const LONGEST_NET: usize = 8 * 4 + 7 + 4 + 2;

/// The digits of each octet, and how many there are.
const DECIMALS: [([u8; 3], usize); 256] = {
    let mut table = [([0; 3], 0); 256];
    let mut value = 0;
    while value < 256 {
        #[allow(clippy::cast_possible_truncation, reason = "digits")]
        let [a, b, c] = [b'0' + (value / 100) as u8, b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8];
        table[value] = match value {
            0..10 => ([c, 0, 0], 1),
            10..100 => ([b, c, 0], 2),
            _ => ([a, b, c], 3),
        };
        value += 1;
    }
    table
};

fn show_ipv4(addr: Ipv4Addr, text: &mut NetText) {
    for (part, octet) in addr.octets().into_iter().enumerate() {
        if part > 0 {
            text.push(b'.');
        }
        text.decimal(octet);
    }
}

/// As RFC 5952 has it: the first of the longest runs of zeros is left out, and what stands for an IPv4 address shows it.
fn show_ipv6(addr: Ipv6Addr, text: &mut NetText) {
    if let Some(mapped) = addr.to_ipv4_mapped() {
        b"::ffff:".iter().for_each(|byte| text.push(*byte));
        return show_ipv4(mapped, text);
    }
    let groups = addr.segments();
    let (mut gap, mut run) = (0..0, 0..0);
    for (at, group) in groups.iter().enumerate() {
        run = if *group != 0 { at + 1..at + 1 } else { run.start..at + 1 };
        if run.len() > gap.len().max(1) {
            gap = run.clone();
        }
    }
    if gap.is_empty() {
        return text.groups(&groups);
    }
    text.groups(&groups[..gap.start]);
    text.push(b':');
    text.push(b':');
    text.groups(&groups[gap.end..]);
}

/// Decimal without sign and without leading zeros.
fn prefix_length(text: &str) -> Option<u8> {
    let is_plain = text.bytes().all(|digit| digit.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if is_plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    // LS-051, LS-052
    #[test]
    fn an_address_is_shown_as_the_standard_library_shows_it() {
        let octets = [0, 1, 9, 10, 99, 100, 255];
        for (a, b) in octets.iter().flat_map(|a| octets.iter().map(move |b| (*a, *b))) {
            let addr = Ipv4Addr::new(a, b, b, a);
            assert_eq!(Ipv4Net::from(addr).to_string(), addr.to_string());
        }
        // Each group in turn is nothing, short, or long.
        for code in 0..3u32.pow(8) {
            let group = |at: u32| [0, 0xa0, 0x1fed][(code / 3u32.pow(at) % 3) as usize];
            let addr = Ipv6Addr::from(std::array::from_fn::<u16, 8, _>(|at| group(at as u32)));
            assert_eq!(Ipv6Net::from(addr).to_string(), addr.to_string());
        }
        for text in [
            "::ffff:192.0.2.1",
            "::ffff:255.255.255.255",
            "::1.2.3.4",
            "::ffff:0:1.2.3.4",
            "64:ff9b::192.0.2.1",
            "::",
            "::1",
            "1::",
        ] {
            let addr: Ipv6Addr = text.parse().expect("an address");
            assert_eq!(Ipv6Net::from(addr).to_string(), addr.to_string());
        }
        let longest = "1fed:1fed:1fed:1fed:1fed:1fed:1fed:1fed/128";
        assert_eq!(longest.parse::<Ipv6Net>().map(|net| net.to_string()), Ok(longest.to_owned()));
    }

    // LS-051
    #[test]
    fn an_address_is_read_as_the_standard_library_reads_it() {
        let parts = [
            "", "0", "00", "1", "01", "9", "10", "99", "100", "255", "256", "0255", "999", "1000", "-1", "+1", "a",
            " 1",
        ];
        for a in parts {
            for b in parts {
                for text in
                    [format!("{a}.{b}.0.255"), format!("198.51.{a}.{b}"), format!("{b}.1.2.{a}"), format!("1.{a}.{b}")]
                {
                    assert_eq!(ipv4_addr(&text), text.parse().ok(), "{text:?}");
                }
            }
        }
        for text in
            ["", ".", "....", "1.2.3", "1.2.3.4.", ".1.2.3.4", "1.2.3.4.5", "1..2.3", "1.2.3.4 ", "\u{661}.2.3.4"]
        {
            assert_eq!(ipv4_addr(text), text.parse().ok(), "{text:?}");
        }
    }

    // LS-052
    #[test]
    fn an_ipv6_address_is_read_as_the_standard_library_reads_it() {
        // Every text of up to six of these, and around them what makes eight groups.
        let parts = ["", ":", "::", "0", "a", "F00d", "12345", "g", "1.2.3.4", "/"];
        let mut texts = vec![String::new()];
        for _ in 0..6 {
            let longer = texts.iter().flat_map(|text| parts.iter().skip(1).map(move |part| format!("{text}{part}")));
            texts = longer.filter(|text| text.len() < 12).chain([String::new()]).collect();
            texts.sort_unstable();
            texts.dedup();
            for text in &texts {
                for text in
                    [text.clone(), format!("1:2:3:4:5{text}"), format!("{text}1:2:3:4:5"), format!("1:2:3{text}6:7:8")]
                {
                    assert_eq!(ipv6_addr(&text), text.parse().ok(), "{text:?}");
                }
            }
        }
    }
}
