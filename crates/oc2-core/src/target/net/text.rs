//! Addresses as people write them, read and shown in place: the standard library takes many times as long.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Four decimal numbers without leading zeros, as the standard library has it, and what follows them; this is for speed.
pub(super) fn ipv4_addr(text: &str) -> Option<(Ipv4Addr, &[u8])> {
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
    Some((octets.into(), rest))
}

/// Groups of hexadecimal digits, and what follows them; what else there is, and what is not an address, the standard library
/// says.
pub(super) fn ipv6_addr(text: &str) -> Option<(Ipv6Addr, &[u8])> {
    ipv6_groups(text.as_bytes()).or_else(|| {
        let (addr, rest) = text.split_at(text.find('/').unwrap_or(text.len()));
        Some((addr.parse().ok()?, rest.as_bytes()))
    })
}

/// The same to the end of the text or to a slash.
fn ipv6_groups(text: &[u8]) -> Option<(Ipv6Addr, &[u8])> {
    let mut groups = [0u16; 8];
    let mut n_groups = 0;
    // How many groups stand before those that are left out.
    let mut gap = None;
    let mut rest = text;
    if let Some(tail) = rest.strip_prefix(b"::") {
        gap = Some(0);
        rest = tail;
    }
    while !is_end(rest) {
        let (group, tail) = hexadecimal(rest)?;
        *groups.get_mut(n_groups)? = group;
        n_groups += 1;
        rest = match tail {
            [b':', b':', tail @ ..] if gap.is_none() => {
                gap = Some(n_groups);
                tail
            }
            [b':', tail @ ..] if !is_end(tail) => tail,
            end if is_end(end) => end,
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
    Some((groups.into(), rest))
}

fn is_end(text: &[u8]) -> bool {
    matches!(text, [] | [b'/', ..])
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
pub(super) struct NetText {
    bytes: [u8; LONGEST_NET],
    len: usize,
}

impl Default for NetText {
    fn default() -> Self {
        Self { bytes: [0; LONGEST_NET], len: 0 }
    }
}

impl NetText {
    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }

    pub(super) fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    pub(super) fn decimal(&mut self, value: u8) {
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

pub(super) fn show_ipv4(addr: Ipv4Addr, text: &mut NetText) {
    for (part, octet) in addr.octets().into_iter().enumerate() {
        if part > 0 {
            text.push(b'.');
        }
        text.decimal(octet);
    }
}

/// As RFC 5952 has it: the first of the longest runs of zeros is left out, and what stands for an IPv4 address shows it.
pub(super) fn show_ipv6(addr: Ipv6Addr, text: &mut NetText) {
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

/// How many bits count, behind a slash: decimal without sign and without leading zeros.
pub(super) fn prefix_length(text: &[u8]) -> Option<u8> {
    match text {
        [b'/', digit @ b'0'..=b'9'] => Some(digit - b'0'),
        [b'/', b'1'..=b'9', others @ ..] if others.len() < 3 => text[1..].iter().try_fold(0u8, |bits, byte| {
            let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
            bits.checked_mul(10)?.checked_add(digit)
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{Ipv4Net, Ipv6Net};

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

    /// An address with nothing behind it.
    fn whole<T>(read: Option<(T, &[u8])>) -> Option<T> {
        read.filter(|(_, rest)| rest.is_empty()).map(|(addr, _)| addr)
    }

    // LS-060, LS-061
    #[test]
    fn a_prefix_is_read_as_the_standard_library_reads_a_number() {
        for bits in [
            "", "0", "00", "1", "01", "9", "32", "33", "128", "129", "255", "256", "1000", "+1", "-1", "1 ", " 1", "a",
            "1/1", "/1",
        ] {
            let is_plain = bits.bytes().all(|digit| digit.is_ascii_digit()) && (bits == "0" || !bits.starts_with('0'));
            let expected: Option<u8> = if is_plain { bits.parse().ok() } else { None };
            assert_eq!(prefix_length(format!("/{bits}").as_bytes()), expected, "{bits:?}");
            assert_eq!(prefix_length(bits.as_bytes()), bits.strip_prefix('/').and_then(|bits| bits.parse().ok()));
            let net = format!("192.0.2.0/{bits}");
            assert_eq!(net.parse::<Ipv4Net>().is_ok(), expected.is_some_and(|bits| bits <= 32), "{net:?}");
        }
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
                    assert_eq!(whole(ipv4_addr(&text)), text.parse().ok(), "{text:?}");
                }
            }
        }
        for text in
            ["", ".", "....", "1.2.3", "1.2.3.4.", ".1.2.3.4", "1.2.3.4.5", "1..2.3", "1.2.3.4 ", "\u{661}.2.3.4"]
        {
            assert_eq!(whole(ipv4_addr(text)), text.parse().ok(), "{text:?}");
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
                    assert_eq!(whole(ipv6_addr(&text)), text.parse().ok(), "{text:?}");
                    let net = format!("{text}/64");
                    let expected = text.parse().ok().map(|addr| Ipv6Net { addr, prefix: Some(64) });
                    assert_eq!(net.parse().ok(), expected, "{net:?}");
                }
            }
        }
    }
}
