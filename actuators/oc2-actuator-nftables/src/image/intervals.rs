//! Nets with ranks, as ranges of addresses that do not overlap.

use std::collections::BTreeMap;

use oc2_packet_filter::{Family, Network};

use crate::rank::Rank;

/// Which addresses are in which nets, and for every address the first rule whose net it is in.
///
/// *Invariants.* The ranges are as long as can be: neighbors differ. They are the same whatever order the nets came in. A
/// change of a net touches no range beyond its ends but the two neighbors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Intervals {
    /// By first address and prefix; ascending.
    nets: BTreeMap<(u128, u8), Vec<Rank>>,
    /// From the first address to the last with the rank.
    ranges: BTreeMap<u128, (u128, Rank)>,
}

/// A range from its first address to its last, and the first rule there.
pub(crate) type Range = (u128, u128, Rank);

/// Ranges that go, and ranges that come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) gone: Vec<Range>,
    pub(crate) come: Vec<Range>,
}

impl Intervals {
    /// A rule comes.
    pub(crate) fn insert(&mut self, net: Network, rank: Rank) -> Difference {
        let block = Block::of(net);
        let ranks = self.nets.entry((block.first, block.prefix)).or_default();
        ranks.insert(ranks.partition_point(|other| *other < rank), rank);
        self.recompute(&block)
    }

    /// A rule goes.
    pub(crate) fn remove(&mut self, net: Network, rank: Rank) -> Difference {
        let block = Block::of(net);
        let key = (block.first, block.prefix);
        if let Some(ranks) = self.nets.get_mut(&key) {
            if let Ok(position) = ranks.binary_search(&rank) {
                ranks.remove(position);
            }
            if ranks.is_empty() {
                self.nets.remove(&key);
            }
        }
        self.recompute(&block)
    }

    /// All ranges, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Range> {
        self.ranges.iter().map(|(first, (last, rank))| (*first, *last, *rank))
    }

    /// How many ranges there are.
    pub(crate) fn len(&self) -> usize {
        self.ranges.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    fn recompute(&mut self, block: &Block) -> Difference {
        let old = self.around(block);
        let mut new = Merged::default();
        for (first, last, rank) in &old {
            if *first < block.first {
                new.push(*first, (*last).min(block.first - 1), Some(*rank));
            }
        }
        self.sweep(block, &mut new);
        for (first, last, rank) in &old {
            if *last > block.last {
                new.push((*first).max(block.last + 1), *last, Some(*rank));
            }
        }
        let difference = Difference {
            gone: old.iter().filter(|range| new.0.binary_search(range).is_err()).copied().collect(),
            come: new.0.iter().filter(|range| old.binary_search(range).is_err()).copied().collect(),
        };
        for (first, ..) in &difference.gone {
            self.ranges.remove(first);
        }
        self.ranges.extend(difference.come.iter().map(|(first, last, rank)| (*first, (*last, *rank))));
        difference
    }

    /// The ranges that a block meets or touches, ascending.
    fn around(&self, block: &Block) -> Vec<Range> {
        let before = self.ranges.range(..block.first).next_back();
        let before = before.filter(|(_, (last, _))| last.saturating_add(1) >= block.first).into_iter();
        let within = self.ranges.range(block.first..=block.last.saturating_add(1));
        before.chain(within).map(|(first, (last, rank))| (*first, *last, *rank)).collect()
    }

    /// Walks the nets that hold the block, then those in it. Of two nets one holds the other, or they have nothing in common.
    fn sweep(&self, block: &Block, new: &mut Merged) {
        let first_of = |ranks: &Vec<Rank>| ranks.first().copied();
        let holding = (0..=block.prefix).filter_map(|prefix| self.nets.get(&(block.masked(prefix), prefix)));
        let base = holding.filter_map(first_of).min();
        let mut open: Vec<(u128, Option<Rank>)> = vec![(block.last, base)];
        let mut next = Some(block.first);
        let within = self.nets.range((block.first, block.prefix + 1)..=(block.last, u8::MAX));
        for ((first, prefix), ranks) in within {
            while let Some(&(last, rank)) = open.last()
                && last < *first
            {
                new.push_up_to(&mut next, last, rank);
                open.pop();
            }
            let around = open.last().and_then(|(_, rank)| *rank);
            if let Some(before) = first.checked_sub(1) {
                new.push_up_to(&mut next, before, around);
            }
            let rank = [around, first_of(ranks)].into_iter().flatten().min();
            open.push((block.last_of(*first, *prefix), rank));
        }
        while let Some((last, rank)) = open.pop() {
            new.push_up_to(&mut next, last, rank);
        }
    }
}

/// The addresses of a net.
struct Block {
    first: u128,
    last: u128,
    prefix: u8,
    /// How many bits an address has.
    width: u8,
}

impl Block {
    fn of(net: Network) -> Self {
        let width = match net.family() {
            Family::V4 => 32,
            Family::V6 => 128,
        };
        let first = match net.address() {
            std::net::IpAddr::V4(address) => address.to_bits().into(),
            std::net::IpAddr::V6(address) => address.to_bits(),
        };
        let mut block = Self { first, last: first, prefix: net.prefix(), width };
        block.last = block.last_of(first, block.prefix);
        block
    }

    /// The first address with only so many bits of ours.
    fn masked(&self, prefix: u8) -> u128 {
        self.first & !self.host_bits(prefix)
    }

    fn last_of(&self, first: u128, prefix: u8) -> u128 {
        first | self.host_bits(prefix)
    }

    fn host_bits(&self, prefix: u8) -> u128 {
        !u128::MAX.checked_shl((self.width - prefix).into()).unwrap_or(0)
    }
}

/// Ranges one behind the other, as long as can be.
#[derive(Default)]
struct Merged(Vec<Range>);

impl Merged {
    fn push(&mut self, first: u128, last: u128, rank: Option<Rank>) {
        let Some(rank) = rank else { return };
        match self.0.last_mut() {
            Some((_, end, former)) if *end == first.wrapping_sub(1) && *former == rank => *end = last,
            _ => self.0.push((first, last, rank)),
        }
    }

    /// From `next`, which is none behind the last address of all.
    fn push_up_to(&mut self, next: &mut Option<u128>, last: u128, rank: Option<Rank>) {
        if let Some(first) = *next
            && first <= last
        {
            self.push(first, last, rank);
            *next = last.checked_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oc2_packet_filter::testing::Random;

    #[test]
    fn the_first_rule_of_an_address_is_that_of_the_lowest_rank_whatever_order_they_come_in() {
        for seed in 0..300 {
            let mut random = Random::new(seed);
            let (mut intervals, mut nets) = (Intervals::default(), Vec::new());
            let mut told = BTreeMap::new();
            for rank in 0..40 {
                let difference = if nets.is_empty() || !random.once_in(3) {
                    let (host, prefix) = (random.below(16) as u32, random.one_of(&[0, 1, 28, 29, 30, 31, 32]));
                    let end = random.one_of(&[0, 0xffff_fff0]);
                    let address = std::net::Ipv4Addr::from_bits(end + host);
                    let entry =
                        (Network::new(address.into(), prefix).unwrap(), Rank(random.below(20) as u64 * 100 + rank));
                    nets.push(entry);
                    intervals.insert(entry.0, entry.1)
                } else {
                    let (net, rank) = nets.swap_remove(random.below(nets.len()));
                    intervals.remove(net, rank)
                };
                for (first, last, rank) in difference.gone {
                    assert_eq!(told.remove(&first), Some((last, rank)));
                }
                for (first, last, rank) in difference.come {
                    assert_eq!(told.insert(first, (last, rank)), None);
                }
                assert_eq!(told, intervals.ranges);
                check(&intervals, &nets);
            }
            let mut again = Intervals::default();
            nets.iter().rev().for_each(|(net, rank)| drop(again.insert(*net, *rank)));
            assert_eq!(intervals, again);
        }
    }

    fn check(intervals: &Intervals, nets: &[(Network, Rank)]) {
        for address in (0..=17).chain(0x7fff_fffe..=0x8000_0001).chain(0xffff_ffee..=0xffff_ffff_u32) {
            let is_in =
                |net: &Network| Network::new(std::net::Ipv4Addr::from_bits(address).into(), net.prefix()) == Ok(*net);
            let expected = nets.iter().filter(|(net, _)| is_in(net)).map(|(_, rank)| *rank).min();
            let address = u128::from(address);
            let found = intervals.iter().find(|(first, last, _)| (*first..=*last).contains(&address));
            assert_eq!(found.map(|(.., rank)| rank), expected, "{address:x} {nets:?}");
        }
        let ranges: Vec<_> = intervals.iter().collect();
        for pair in ranges.windows(2) {
            assert!(pair[0].1 < pair[1].0 && (pair[0].1 + 1 < pair[1].0 || pair[0].2 != pair[1].2), "{ranges:?}");
        }
    }
}
