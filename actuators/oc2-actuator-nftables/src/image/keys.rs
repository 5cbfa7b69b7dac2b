//! The rules of one shape, by what they want to see.
//!
//! There may be a hundred thousand, on each of several ways, and nearly each has a key for itself. So a key lies in the tree and
//! not behind it, and so does the one rank that counts.

use std::collections::BTreeMap;

use crate::rank::Rank;

/// Keys of one length, each with the rules that have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    len: usize,
    table: Table,
}

/// The first rank that a key had, and has.
pub(crate) type Change = (Option<Rank>, Option<Rank>);

/// By how much room a key takes; what is left of it is zero.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Table {
    /// An address of IPv4.
    Short(Ranks<4>),
    /// One of IPv6, or one of IPv4 with a protocol and ports.
    Middle(Ranks<16>),
    /// Two addresses of IPv6, a protocol and ports.
    Long(Ranks<40>),
}

/// Does the same with whatever table it is.
macro_rules! with_table {
    ($table:expr, $ranks:ident => $does:expr) => {
        match $table {
            Table::Short($ranks) => $does,
            Table::Middle($ranks) => $does,
            Table::Long($ranks) => $does,
        }
    };
}

impl Keys {
    /// None yet, of this many octets.
    pub(crate) fn new(len: usize) -> Self {
        let table = match len {
            ..=4 => Table::Short(Ranks::default()),
            5..=16 => Table::Middle(Ranks::default()),
            _ => Table::Long(Ranks::default()),
        };
        Self { len, table }
    }

    /// A rule comes.
    pub(crate) fn insert(&mut self, key: &[u8], rank: Rank) -> Change {
        with_table!(&mut self.table, ranks => ranks.insert(padded(key), rank))
    }

    /// A rule goes.
    pub(crate) fn remove(&mut self, key: &[u8], rank: Rank) -> Change {
        with_table!(&mut self.table, ranks => ranks.remove(padded(key), rank))
    }

    /// A rule comes, one of many with which the first keys come to be. It counts once they are [settled](Self::settle).
    pub(crate) fn gather(&mut self, key: &[u8], rank: Rank) {
        with_table!(&mut self.table, ranks => ranks.gathered.push((padded(key), rank)));
    }

    /// Counts what was gathered. There were no keys before.
    pub(crate) fn settle(&mut self) {
        with_table!(&mut self.table, ranks => ranks.settle());
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        with_table!(&self.table, ranks => ranks.first.len())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every key, ascending, with the first rank.
    pub(crate) fn iter(&self) -> Box<dyn Iterator<Item = (&[u8], Rank)> + '_> {
        with_table!(&self.table, ranks => Box::new(ranks.first.iter().map(|(key, rank)| (&key[..self.len], *rank))))
    }
}

/// *Invariants.* A key in `others` is in `first`, with a rank that is not behind those there. No list there is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Ranks<const N: usize> {
    first: BTreeMap<[u8; N], Rank>,
    /// Those behind the first, ascending. Few keys have any.
    others: BTreeMap<[u8; N], Vec<Rank>>,
    /// A tree that is made at once takes half the room of one that grew.
    gathered: Vec<([u8; N], Rank)>,
}

impl<const N: usize> Ranks<N> {
    fn settle(&mut self) {
        let mut gathered = std::mem::take(&mut self.gathered);
        gathered.sort_unstable();
        let by_key = || gathered.chunk_by(|(one, _), (other, _)| one == other);
        let several = by_key().filter(|ranks| ranks.len() > 1);
        let behind = |ranks: &[([u8; N], Rank)]| (ranks[0].0, ranks[1..].iter().map(|(_, rank)| *rank).collect());
        self.others = several.map(behind).collect();
        self.first = by_key().map(|ranks| ranks[0]).collect();
    }

    fn insert(&mut self, key: [u8; N], rank: Rank) -> Change {
        let Some(first) = self.first.get_mut(&key) else {
            self.first.insert(key, rank);
            return (None, Some(rank));
        };
        let before = *first;
        *first = before.min(rank);
        let others = self.others.entry(key).or_default();
        let behind = before.max(rank);
        others.insert(others.partition_point(|other| *other < behind), behind);
        (Some(before), Some(*first))
    }

    fn remove(&mut self, key: [u8; N], rank: Rank) -> Change {
        let Some(first) = self.first.get_mut(&key) else { return (None, None) };
        let before = *first;
        let others = self.others.get_mut(&key);
        let after = match others {
            None if before == rank => {
                self.first.remove(&key);
                return (Some(before), None);
            }
            None => before,
            Some(others) => {
                if before == rank {
                    *first = others.remove(0);
                } else if let Ok(position) = others.binary_search(&rank) {
                    others.remove(position);
                }
                let after = *first;
                if others.is_empty() {
                    self.others.remove(&key);
                }
                after
            }
        };
        (Some(before), Some(after))
    }
}

fn padded<const N: usize>(key: &[u8]) -> [u8; N] {
    let mut padded = [0; N];
    padded[..key.len()].copy_from_slice(key);
    padded
}

#[cfg(test)]
mod tests {
    use oc2_packet_filter::testing::Random;

    use super::*;

    #[test]
    fn the_first_rank_of_a_key_is_told_whatever_comes_and_goes() {
        for (seed, len) in (0..200).zip([4, 12, 16, 40].into_iter().cycle()) {
            let mut random = Random::new(seed);
            let (mut keys, mut model) = (Keys::new(len), BTreeMap::<Vec<u8>, Vec<Rank>>::new());
            for _ in 0..200 {
                let (key, rank) = (vec![random.below(4) as u8; len], Rank(random.below(6) as u64));
                let ranks = model.entry(key.clone()).or_default();
                let before = ranks.iter().min().copied();
                let change = if random.once_in(2) {
                    ranks.push(rank);
                    keys.insert(&key, rank)
                } else {
                    if let Some(position) = ranks.iter().position(|other| *other == rank) {
                        ranks.remove(position);
                    }
                    keys.remove(&key, rank)
                };
                assert_eq!(change, (before, ranks.iter().min().copied()));
                model.retain(|_, ranks| !ranks.is_empty());
                let first = |(key, ranks): (&Vec<u8>, &Vec<Rank>)| (key.clone(), *ranks.iter().min().unwrap());
                let expected: Vec<_> = model.iter().map(first).collect();
                assert_eq!(keys.iter().map(|(key, rank)| (key.to_vec(), rank)).collect::<Vec<_>>(), expected);
                assert_eq!((keys.len(), keys.is_empty()), (model.len(), model.is_empty()));
            }
            let mut gathered = Keys::new(len);
            for (key, ranks) in &model {
                ranks.iter().for_each(|rank| gathered.gather(key, *rank));
            }
            gathered.settle();
            assert_eq!(gathered, keys, "many at once are as one by one");
        }
    }
}
