use oc2_profile_slpf::RuleNumber;

use super::InForce;

/// One step from a set of rules to the next. The number of a rule says where it stands, however many others there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The rule comes into force.
    Insert(InForce),
    /// The rule goes. What it is says how to undo the step, and it is checked.
    Delete(InForce),
}

impl Change {
    /// The step back.
    #[must_use]
    pub fn inverse(&self) -> Self {
        match self.clone() {
            Self::Insert(rule) => Self::Delete(rule),
            Self::Delete(rule) => Self::Insert(rule),
        }
    }

    /// The rule that comes or goes.
    #[must_use]
    pub fn rule(&self) -> &InForce {
        match self {
            Self::Insert(rule) | Self::Delete(rule) => rule,
        }
    }
}

/// A change that does not fit the rules it is meant for: whoever planned it was looking at others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// A rule with that number is in force.
    #[error("rule {0} is in force already")]
    Taken(RuleNumber),
    /// No rule with that number is in force.
    #[error("rule {0} is not in force")]
    Absent(RuleNumber),
    /// The rule with that number is another.
    #[error("rule {0} is in force as another rule")]
    Other(RuleNumber),
}
