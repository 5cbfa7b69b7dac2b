use crate::rule::{Family, Hook, KernelRule};

/// One step from a set of rules to the next, in the chain that the rule belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The rule comes to stand at `position`, and what stood there behind it.
    Insert {
        /// Counted from 0; the number of rules means behind the last.
        position: usize,
        /// The rule.
        rule: KernelRule,
    },
    /// The rule at `position` goes.
    Delete {
        /// Counted from 0.
        position: usize,
        /// The rule that stands there. It says how to undo the step, and it is checked.
        rule: KernelRule,
    },
}

impl Change {
    /// The step back.
    #[must_use]
    pub fn inverse(&self) -> Self {
        match self.clone() {
            Self::Insert { position, rule } => Self::Delete { position, rule },
            Self::Delete { position, rule } => Self::Insert { position, rule },
        }
    }

    /// The rule that comes or goes.
    #[must_use]
    pub fn rule(&self) -> &KernelRule {
        match self {
            Self::Insert { rule, .. } | Self::Delete { rule, .. } => rule,
        }
    }

    /// Counted from 0, among the rules of the chain as the changes before this one left it.
    #[must_use]
    pub fn position(&self) -> usize {
        match self {
            Self::Insert { position, .. } | Self::Delete { position, .. } => *position,
        }
    }
}

/// A change that does not fit the rules it is meant for: whoever planned it was looking at others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// The chain is not that long.
    #[error("{family} {hook} has no position {position}, it has {len} rules")]
    NoSuchPosition {
        /// The family of the chain.
        family: Family,
        /// Where the chain is hooked in.
        hook: Hook,
        /// The position asked for.
        position: usize,
        /// The rules there are.
        len: usize,
    },
    /// The rule to delete does not stand there.
    #[error("{family} {hook} has another rule at position {position}")]
    OtherRule {
        /// The family of the chain.
        family: Family,
        /// Where the chain is hooked in.
        hook: Hook,
        /// The position asked for.
        position: usize,
    },
}
