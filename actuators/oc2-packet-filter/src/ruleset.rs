//! The rules of all our chains, in order, and the steps between two such sets.

mod change;
mod edit;

use std::collections::VecDeque;

use crate::rule::{Family, Hook, KernelRule};

pub use change::{Change, Mismatch};
pub use edit::Edit;

/// The rules of every chain of ours, first match first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ruleset {
    chains: [[Chain; Hook::ALL.len()]; Family::ALL.len()],
}

impl Ruleset {
    /// No rules.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a rule behind the others of its family and hook.
    pub fn push(&mut self, rule: KernelRule) {
        self.chain_mut(rule.family(), rule.hook()).push_back(rule);
    }

    /// The rules of one chain, first match first.
    pub fn chain(&self, family: Family, hook: Hook) -> impl ExactSizeIterator<Item = &KernelRule> {
        self.rules(family, hook).iter()
    }

    /// How many rules there are in all chains.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chains.iter().flatten().map(VecDeque::len).sum()
    }

    /// Whether no chain has a rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the changes one after the other, all or none.
    ///
    /// # Errors
    ///
    /// When a change does not fit what the ones before it left.
    pub fn apply(&mut self, changes: &[Change]) -> Result<(), Mismatch> {
        self.edits(changes).map(|edits| self.accept(&edits))
    }

    /// What the changes come to, for every chain they touch.
    ///
    /// # Errors
    ///
    /// When a change does not fit what the ones before it left.
    pub fn edits<'c>(&self, changes: impl IntoIterator<Item = &'c Change>) -> Result<Vec<Edit<'c>>, Mismatch> {
        let mut edits: Vec<Edit<'c>> = Vec::new();
        for change in changes {
            let (family, hook) = (change.rule().family(), change.rule().hook());
            let i = edits.iter().position(|edit| (edit.family(), edit.hook()) == (family, hook)).unwrap_or_else(|| {
                edits.push(Edit::new(family, hook));
                edits.len() - 1
            });
            edits[i].add(change, self.rules(family, hook))?;
        }
        Ok(edits)
    }

    /// Makes the edits that [`Self::edits`] found to fit.
    pub fn accept(&mut self, edits: &[Edit<'_>]) {
        for edit in edits {
            edit.perform(self.chain_mut(edit.family(), edit.hook()));
        }
    }

    /// The rules of one chain, first match first.
    #[must_use]
    pub fn rules(&self, family: Family, hook: Hook) -> &Chain {
        &self.chains[family as usize][hook as usize]
    }

    fn chain_mut(&mut self, family: Family, hook: Hook) -> &mut Chain {
        &mut self.chains[family as usize][hook as usize]
    }
}

impl Extend<KernelRule> for Ruleset {
    fn extend<I: IntoIterator<Item = KernelRule>>(&mut self, rules: I) {
        rules.into_iter().for_each(|rule| self.push(rule));
    }
}

impl FromIterator<KernelRule> for Ruleset {
    fn from_iter<I: IntoIterator<Item = KernelRule>>(rules: I) -> Self {
        let mut ruleset = Self::new();
        ruleset.extend(rules);
        ruleset
    }
}

/// The newest rule comes first, so the front has to be cheap.
pub type Chain = VecDeque<KernelRule>;
