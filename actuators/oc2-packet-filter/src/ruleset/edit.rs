use super::{Chain, Change, Mismatch};
use crate::rule::{Family, Hook, KernelRule};

/// What a sequence of changes to one chain comes to: which of its rules go, and which new ones stand where at the end.
///
/// What came and went has never been.
#[derive(Debug)]
pub struct Edit<'c> {
    family: Family,
    hook: Hook,
    /// Positions before the edit, ascending.
    removed: Vec<usize>,
    /// Positions after the edit, ascending.
    added: Vec<(usize, &'c KernelRule)>,
}

impl<'c> Edit<'c> {
    pub(super) fn new(family: Family, hook: Hook) -> Self {
        Self { family, hook, removed: Vec::new(), added: Vec::new() }
    }

    /// The family of the chain.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// Where the chain is hooked in.
    #[must_use]
    pub fn hook(&self) -> Hook {
        self.hook
    }

    /// The positions before the edit of the rules that go, ascending.
    #[must_use]
    pub fn removed(&self) -> &[usize] {
        &self.removed
    }

    /// The rules that come with their positions after the edit, ascending.
    #[must_use]
    pub fn added(&self) -> &[(usize, &'c KernelRule)] {
        &self.added
    }

    /// Takes in one more change; `chain` is what it was before the edit.
    pub(super) fn add(&mut self, change: &'c Change, chain: &Chain) -> Result<(), Mismatch> {
        match change {
            Change::Insert { position, rule } => self.insert(*position, rule, chain),
            Change::Delete { position, rule } => self.delete(*position, rule, chain),
        }
    }

    pub(super) fn perform(&self, chain: &mut Chain) {
        for &position in self.removed.iter().rev() {
            chain.remove(position);
        }
        for &(position, rule) in &self.added {
            chain.insert(position, rule.clone());
        }
    }

    fn insert(&mut self, position: usize, rule: &'c KernelRule, chain: &Chain) -> Result<(), Mismatch> {
        let len = self.len(chain);
        if position > len {
            return Err(self.no_such_position(position, len));
        }
        let i = self.added.partition_point(|&(at, _)| at < position);
        self.added[i..].iter_mut().for_each(|(at, _)| *at += 1);
        self.added.insert(i, (position, rule));
        Ok(())
    }

    fn delete(&mut self, position: usize, rule: &KernelRule, chain: &Chain) -> Result<(), Mismatch> {
        let len = self.len(chain);
        if position >= len {
            return Err(self.no_such_position(position, len));
        }
        let i = self.added.partition_point(|&(at, _)| at < position);
        let standing = match self.added.get(i) {
            Some(&(at, new)) if at == position => {
                self.added.remove(i);
                new
            }
            _ => {
                let old = self.old_position(position - i);
                self.removed.insert(self.removed.partition_point(|&gone| gone < old), old);
                &chain[old]
            }
        };
        self.added[i..].iter_mut().for_each(|(at, _)| *at -= 1);
        if standing == rule { Ok(()) } else { Err(self.other_rule(position)) }
    }

    /// Where the `n`-th of the rules that were there and still are stood.
    fn old_position(&self, n: usize) -> usize {
        self.removed.iter().fold(n, |position, &gone| if gone <= position { position + 1 } else { position })
    }

    fn len(&self, chain: &Chain) -> usize {
        chain.len() - self.removed.len() + self.added.len()
    }

    fn no_such_position(&self, position: usize, len: usize) -> Mismatch {
        Mismatch::NoSuchPosition { family: self.family, hook: self.hook, position, len }
    }

    fn other_rule(&self, position: usize) -> Mismatch {
        Mismatch::OtherRule { family: self.family, hook: self.hook, position }
    }
}
