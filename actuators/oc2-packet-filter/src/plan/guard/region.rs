//! Sets of packets at times, as boxes.

use std::net::IpAddr;

use crate::rule::{Matching, Network};

/// From one value to another, both in it.
pub(super) type Range = (u128, u128);

/// A box of packets: a range for each of what rules tell packets apart by, and for when.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Region {
    pub(super) ranges: [Range; Side::COUNT],
}

/// What the sides of a box are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Source,
    Destination,
    Protocol,
    /// The type, for ICMP.
    SrcPort,
    /// The code, for ICMP.
    DstPort,
    InInterface,
    OutInterface,
    /// Milliseconds since 1970.
    Time,
    /// 0 is before the next restart, 1 after: rules that are not persistent are gone then.
    Restart,
}

impl Side {
    const COUNT: usize = Self::Restart as usize + 1;
}

impl Region {
    /// Every packet, always.
    pub(super) const ALL: Self = Self { ranges: [(0, u128::MAX); Side::COUNT] };

    #[must_use]
    pub(super) fn with(mut self, side: Side, range: Range) -> Self {
        self.ranges[side as usize] = range;
        self
    }

    /// Whether its addresses are among those that a rule matches.
    pub(super) fn may_meet(&self, matching: &Matching) -> bool {
        let meets = |side: Side, network: Option<Network>| {
            let (first, last) = self.ranges[side as usize];
            network.map(addresses).is_none_or(|(from, to)| first <= to && from <= last)
        };
        meets(Side::Source, matching.source) && meets(Side::Destination, matching.destination)
    }

    /// What both hold.
    pub(super) fn intersection(&self, other: &Self) -> Option<Self> {
        let mut ranges = self.ranges;
        for (range, (first, last)) in ranges.iter_mut().zip(other.ranges) {
            *range = (range.0.max(first), range.1.min(last));
            if range.0 > range.1 {
                return None;
            }
        }
        Some(Self { ranges })
    }

    /// Adds what is left of it without another, as boxes that do not overlap: at most two for each side.
    pub(super) fn without(&self, other: &Self, left: &mut Vec<Self>) {
        let Some(common) = self.intersection(other) else { return left.push(self.clone()) };
        let mut rest = self.clone();
        for side in 0..Side::COUNT {
            let ((first, last), (from, to)) = (rest.ranges[side], common.ranges[side]);
            if first < from {
                let mut below = rest.clone();
                below.ranges[side] = (first, from - 1);
                left.push(below);
            }
            if to < last {
                let mut above = rest.clone();
                above.ranges[side] = (to + 1, last);
                left.push(above);
            }
            rest.ranges[side] = (from, to);
        }
    }
}

/// The addresses of a network.
pub(super) fn addresses(network: Network) -> Range {
    let (first, width) = match network.address() {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let n_host_bits = width - u32::from(network.prefix());
    (first, first | !u128::MAX.checked_shl(n_host_bits).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_a_network_are_those_with_its_prefix() {
        for (network, first, last) in [
            ("0.0.0.0/0", 0, 0xffff_ffff),
            ("192.0.2.0/24", 0xc000_0200, 0xc000_02ff),
            ("255.255.255.255", 0xffff_ffff, 0xffff_ffff),
            ("::/0", 0, u128::MAX),
            ("::2/127", 2, 3),
            ("ffff::/16", 0xffff << 112, u128::MAX),
        ] {
            assert_eq!(addresses(network.parse().unwrap()), (first, last), "{network}");
        }
    }

    #[test]
    fn what_is_left_and_what_is_taken_are_the_whole() {
        let around = |side| Region::ALL.with(side, (3, 7));
        for (hole, n_left) in [
            (around(Side::Source), 2),
            (around(Side::Source).with(Side::Restart, (0, 0)), 3),
            (Region::ALL.with(Side::Time, (0, 9)), 1),
            (Region::ALL, 0),
        ] {
            let mut left = Vec::new();
            Region::ALL.without(&hole, &mut left);
            assert_eq!(left.len(), n_left, "{hole:?}");
            for (i, piece) in left.iter().enumerate() {
                assert_eq!(piece.intersection(&hole), None);
                assert!(left[..i].iter().all(|other| other.intersection(piece).is_none()));
            }
        }
        let mut left = Vec::new();
        around(Side::Source).without(&Region::ALL.with(Side::Source, (8, 9)), &mut left);
        assert_eq!(left, [around(Side::Source)]);
    }
}
