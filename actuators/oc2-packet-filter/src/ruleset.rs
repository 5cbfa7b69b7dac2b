//! The rules that are in force, in order, and the steps between two such sets.

mod change;
mod in_force;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use oc2_profile_slpf::RuleNumber;

use crate::rule::{Family, Hook, KernelRule};

pub use change::{Change, Mismatch};
pub use in_force::InForce;

/// Rules that are in force, lowest number first; the first that matches a packet decides.
///
/// They are made as they are asked for: as rules of the kernel, all of them together take several times what the list does.
pub trait Rules {
    /// Each of them.
    fn in_order(&self) -> Box<dyn Iterator<Item = InForce> + '_>;
}

/// Rules that are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ruleset {
    rules: BTreeMap<RuleNumber, InForce>,
}

impl Ruleset {
    /// No rules.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The rules, lowest number first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &InForce> + ExactSizeIterator {
        self.rules.values()
    }

    /// The rules of the kernel for one family and hook, first match first.
    pub fn chain(&self, family: Family, hook: Hook) -> impl Iterator<Item = &KernelRule> {
        self.iter().flat_map(move |rule| rule.chain(family, hook))
    }

    /// How many rules of the list there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether no rule is in force.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Takes the changes one after the other, all or none.
    ///
    /// # Errors
    ///
    /// When a change does not fit what the ones before it left.
    pub fn apply(&mut self, changes: &[Change]) -> Result<(), Mismatch> {
        for (i, change) in changes.iter().enumerate() {
            if let Err(mismatch) = self.take(change) {
                self.take_back(&changes[..i]);
                return Err(mismatch);
            }
        }
        Ok(())
    }

    /// Takes back changes that [`Self::apply`] took last.
    pub fn take_back(&mut self, changes: &[Change]) {
        for change in changes.iter().rev() {
            match change {
                Change::Insert(rule) => self.rules.remove(&rule.number()),
                Change::Delete(rule) => self.rules.insert(rule.number(), rule.clone()),
            };
        }
    }

    fn take(&mut self, change: &Change) -> Result<(), Mismatch> {
        let number = change.rule().number();
        match (change, self.rules.entry(number)) {
            (Change::Insert(rule), Entry::Vacant(place)) => {
                place.insert(rule.clone());
                Ok(())
            }
            (Change::Insert(_), Entry::Occupied(_)) => Err(Mismatch::Taken(number)),
            (Change::Delete(rule), Entry::Occupied(standing)) if standing.get() == rule => {
                standing.remove();
                Ok(())
            }
            (Change::Delete(_), Entry::Occupied(_)) => Err(Mismatch::Other(number)),
            (Change::Delete(_), Entry::Vacant(_)) => Err(Mismatch::Absent(number)),
        }
    }
}

impl Rules for Ruleset {
    fn in_order(&self) -> Box<dyn Iterator<Item = InForce> + '_> {
        Box::new(self.iter().cloned())
    }
}

/// Of two rules with one number the later counts.
impl FromIterator<InForce> for Ruleset {
    fn from_iter<I: IntoIterator<Item = InForce>>(rules: I) -> Self {
        Self { rules: rules.into_iter().map(|rule| (rule.number(), rule)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Matching, Verdict};

    #[test]
    fn changes_that_do_not_fit_leave_everything_as_it_was() {
        for (changes, expected) in [
            (vec![insert(1, Verdict::Drop)], Mismatch::Taken(number(1))),
            (vec![delete(1, Verdict::Accept)], Mismatch::Other(number(1))),
            (vec![delete(3, Verdict::Drop)], Mismatch::Absent(number(3))),
            (
                vec![delete(2, Verdict::Drop), insert(3, Verdict::Drop), delete(2, Verdict::Drop)],
                Mismatch::Absent(number(2)),
            ),
        ] {
            let mut rules = two();
            assert_eq!(rules.apply(&changes), Err(expected), "{changes:?}");
            assert_eq!(rules, two(), "{changes:?}");
        }
    }

    #[test]
    fn changes_and_their_inverses_come_to_nothing() {
        let changes = [insert(3, Verdict::Drop), delete(1, Verdict::Drop), insert(1, Verdict::Accept)];
        let mut rules = two();
        rules.apply(&changes).unwrap();
        assert_ne!(rules, two());
        let inverses: Vec<_> = changes.iter().rev().map(Change::inverse).collect();
        rules.apply(&inverses).unwrap();
        assert_eq!(rules, two());
    }

    fn two() -> Ruleset {
        [1, 2].map(|number| rule(number, Verdict::Drop)).into_iter().collect()
    }

    fn insert(number: i64, verdict: Verdict) -> Change {
        Change::Insert(rule(number, verdict))
    }

    fn delete(number: i64, verdict: Verdict) -> Change {
        Change::Delete(rule(number, verdict))
    }

    fn rule(n: i64, verdict: Verdict) -> InForce {
        let rule = KernelRule::new(Family::V4, Hook::Input, Matching::default(), verdict).unwrap();
        InForce::new(number(n), [rule])
    }

    fn number(n: i64) -> RuleNumber {
        RuleNumber::new(n).unwrap()
    }
}
