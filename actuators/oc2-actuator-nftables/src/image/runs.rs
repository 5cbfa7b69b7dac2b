//! Rules one behind the other that say the same, and how the kernel finds the first of two ranks.
//!
//! A register of nf_tables is compared with a constant only. So which of two ranks is the lower is looked up, in a map of pairs
//! of ranges: of neighbors with the same verdict it does not matter which one is meant, and runs of them are few.

use std::collections::BTreeMap;

use crate::op::{Data, DataSpec, Element, Key, KeySpec, SetSpec, Target};
use crate::rank::Rank;

/// What becomes of the packets of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Accept,
    Drop,
    /// Rejected, and the notices of that pass.
    Reject,
    /// Rejected, notices too: that is what the rule is about.
    RejectNotices,
}

impl Kind {
    fn target(self) -> Target {
        match self {
            Self::Accept => Target::Accept,
            Self::Drop => Target::Drop,
            Self::Reject => Target::Goto(REJECT),
            Self::RejectNotices => Target::Goto(REJECT_NOTICES),
        }
    }
}

/// The verdicts of all ranks that are in use, in runs.
///
/// *Invariants.* Runs lie one behind the other from the first rank to the last; neighbors differ. A run begins with its first
/// rule, the first run with the first rank of all, so that a rule above it that says the same changes nothing. Without rules there is a
/// run of what most rules say, in which nobody is: to change the maps costs the kernel (6.18) 200 us, ten times as much as a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Runs {
    /// The rules, and how many rules of the kernel each is.
    members: BTreeMap<Rank, (u32, Kind)>,
    /// Where a run begins.
    begins: BTreeMap<Rank, Kind>,
}

/// Elements of the two maps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Elements {
    pub(crate) first: Vec<Element>,
    pub(crate) verdict: Vec<Element>,
}

impl Default for Runs {
    fn default() -> Self {
        Self { members: BTreeMap::new(), begins: without_rules() }
    }
}

impl Runs {
    /// Those of these rules, each with how many rules of the kernel it is.
    pub(crate) fn of(members: Vec<(Rank, (u32, Kind))>) -> Self {
        let members: BTreeMap<_, _> = members.into_iter().collect();
        let mut begins = without_rules();
        let mut former = None;
        for (rank, (_, kind)) in &members {
            match former.replace(*kind) {
                None => _ = begins.insert(Rank::FIRST, *kind),
                Some(former) if former != *kind => _ = begins.insert(*rank, *kind),
                Some(_) => {}
            }
        }
        Self { members, begins }
    }

    /// One more rule of the kernel; what was between its neighbors, and what is now.
    pub(crate) fn insert(&mut self, rank: Rank, kind: Kind) -> Option<(Elements, Elements)> {
        if let Some((n_rules, _)) = self.members.get_mut(&rank) {
            *n_rules += 1;
            return None;
        }
        if self.is_within_a_run(rank, kind) {
            self.members.insert(rank, (1, kind));
            return None;
        }
        self.change(rank, |members| {
            members.insert(rank, (1, kind));
        })
    }

    /// One less.
    pub(crate) fn remove(&mut self, rank: Rank) -> Option<(Elements, Elements)> {
        let (n_rules, kind) = self.members.get_mut(&rank)?;
        *n_rules -= 1;
        if *n_rules > 0 {
            return None;
        }
        let kind = *kind;
        if self.is_within_a_run(rank, kind) {
            self.members.remove(&rank);
            return None;
        }
        self.change(rank, |members| {
            members.remove(&rank);
        })
    }

    /// Whether the runs are the same with a rule there and without: the rule before says the same or, where there is none, the rule
    /// behind.
    fn is_within_a_run(&self, rank: Rank, kind: Kind) -> bool {
        let before = self.members.range(..rank).next_back();
        let neighbor = before.or_else(|| self.members.range(rank.next()..).next());
        neighbor.map_or(WITHOUT_RULES, |(_, (_, other))| *other) == kind
    }

    /// All of them, with what is answered where no rule is.
    pub(crate) fn elements(&self) -> Elements {
        let mut elements = self.within(Rank::FIRST, Rank::NONE);
        elements.first.push(Element { key: Key::Other, data: Data::Rank(Rank::NONE) });
        elements.verdict.push(Element { key: Key::Other, data: Data::Verdict(Target::Return) });
        elements
    }

    pub(crate) fn specs() -> [SetSpec; 2] {
        let key = KeySpec::RankPairs;
        let first = SetSpec { name: FIRST.to_owned(), key, data: DataSpec::Rank };
        let key = KeySpec::Range(Rank::LEN);
        [first, SetSpec { name: VERDICT.to_owned(), key, data: DataSpec::Verdict }]
    }

    /// Of all runs only those around a rank change.
    fn change(
        &mut self,
        rank: Rank,
        change: impl FnOnce(&mut BTreeMap<Rank, (u32, Kind)>),
    ) -> Option<(Elements, Elements)> {
        let from = self.begins.range(..=rank).rev().take(2).last().map_or(Rank::FIRST, |(begin, _)| *begin);
        let to = self.begins.range(rank.next()..).nth(1).map_or(Rank::NONE, |(begin, _)| *begin);
        let begins = |runs: &Self| runs.begins.range(from..to).map(|(at, kind)| (*at, *kind)).collect::<Vec<_>>();
        let (former, before) = (begins(self), self.within(from, to));
        change(&mut self.members);
        self.begin_or_not(rank);
        if let Some(follower) = self.members.range(rank.next()..).next().map(|(rank, _)| *rank) {
            self.begin_or_not(follower);
        }
        if self.members.is_empty() {
            self.begins = without_rules();
        }
        (begins(self) != former).then(|| (before, self.within(from, to)))
    }

    fn begin_or_not(&mut self, rank: Rank) {
        self.begins.remove(&rank);
        let Some((_, kind)) = self.members.get(&rank).copied() else { return };
        let begin = match self.members.range(..rank).next_back() {
            None => Rank::FIRST,
            Some((_, (_, before))) if *before != kind => rank,
            Some(_) => return,
        };
        self.begins.insert(begin, kind);
    }

    /// Those of the runs that begin from one rank on and before another.
    fn within(&self, from: Rank, to: Rank) -> Elements {
        let mut elements = Elements::default();
        for (begin, kind) in self.begins.range(from..to) {
            let end = self.begins.range(begin.next()..).next().map_or(Rank::NONE, |(next, _)| *next).previous();
            let pair = Rank::pair;
            // Any rank of the run stands for all.
            let data = Data::Rank(*begin);
            let the_one = Key::Pair(pair(*begin, *begin), pair(end, Rank::NONE));
            let the_other = Key::Pair(pair(end.next(), *begin), pair(Rank::NONE, end));
            elements.first.extend([the_one, the_other].map(|key| Element { key, data }));
            let key = Key::Range(begin.octets().into(), end.octets().into());
            elements.verdict.push(Element { key, data: Data::Verdict(kind.target()) });
        }
        elements
    }
}

fn without_rules() -> BTreeMap<Rank, Kind> {
    BTreeMap::from([(Rank::FIRST, WITHOUT_RULES)])
}

const WITHOUT_RULES: Kind = Kind::Drop;

// None of the names is a word of `nft`, which cannot speak of a chain called `reject`.
/// From two ranks to one of the run of the first.
pub(crate) const FIRST: &str = "first-of-two";
/// From a rank to what becomes of the packet.
pub(crate) const VERDICT: &str = "verdicts";
/// The chain that rejects, and lets notices of it pass.
pub(crate) const REJECT: &str = "rejected";
/// The chain that rejects whatever comes.
pub(crate) const REJECT_NOTICES: &str = "rejected-with-notices";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::model;
    use oc2_packet_filter::testing::Random;

    #[test]
    fn the_only_rule_changes_no_runs_if_it_says_what_most_do() {
        let mut runs = Runs::default();
        for (kind, is_change) in [(Kind::Drop, false), (Kind::Accept, true), (Kind::Drop, false)] {
            assert_eq!(runs.insert(Rank(7), kind).is_some(), is_change);
            assert_eq!(runs.remove(Rank(7)).is_some(), is_change);
            assert_eq!(runs, Runs::of(Vec::new()));
        }
    }

    #[test]
    fn runs_are_what_the_rules_come_to_whatever_order_they_come_in() {
        let kinds = [Kind::Accept, Kind::Drop, Kind::Reject];
        for seed in 0..500 {
            let mut random = Random::new(seed);
            let mut runs = Runs::default();
            let mut told = sorted(runs.elements());
            for _ in 0..60 {
                let rank = Rank(1 + random.below(12) as u64);
                let changed = match runs.members.get(&rank).copied() {
                    Some((_, kind)) if random.once_in(3) => runs.insert(rank, kind),
                    Some(_) => runs.remove(rank),
                    None => runs.insert(rank, random.one_of(&kinds)),
                };
                if let Some((before, after)) = changed {
                    let (before, after) = (sorted(before), sorted(after));
                    for gone in &before {
                        told.remove(told.binary_search(gone).unwrap());
                    }
                    told.extend(after);
                    told.sort();
                }
                assert_eq!(told, sorted(runs.elements()));
                check(&runs);
            }
            let at_once = Runs::of(runs.members.iter().map(|(rank, member)| (*rank, *member)).collect());
            assert_eq!(at_once, runs);
        }
    }

    fn sorted(elements: Elements) -> Vec<Element> {
        let mut all = [elements.first, elements.verdict].concat();
        all.sort();
        all
    }

    /// Whatever two rules there are, what is found of their ranks says what the first of them says.
    fn check(runs: &Runs) {
        let Elements { first, verdict } = runs.elements();
        let ranks: Vec<_> = runs.members.keys().copied().chain([Rank::NONE]).collect();
        for one in &ranks {
            for other in &ranks {
                let Data::Rank(found) = answer(&first, &Rank::pair(*one, *other)) else { panic!() };
                let expected = runs.members.get(one.min(other)).map(|(_, kind)| kind.target());
                assert_eq!(answer(&verdict, &found.octets()), Data::Verdict(expected.unwrap_or(Target::Return)));
            }
        }
    }

    fn answer(elements: &[Element], asked: &[u8]) -> Data {
        let spec = if asked.len() == Rank::LEN { KeySpec::Range(Rank::LEN) } else { KeySpec::RankPairs };
        let mut found = elements.iter().filter(|element| model::holds(spec, &element.key, asked));
        let Some(element) = found.next() else {
            return elements.iter().find(|element| element.key == Key::Other).unwrap().data;
        };
        assert_eq!(found.next(), None, "they do not overlap");
        element.data
    }
}
