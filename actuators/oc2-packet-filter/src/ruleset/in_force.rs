use std::sync::Arc;

use oc2_core::types::time::DateTime;
use oc2_profile_slpf::RuleNumber;

use crate::rule::{Family, Hook, KernelRule};

/// A rule of the list that is in force, as rules of the kernel. They come and go together. Clones share them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    number: RuleNumber,
    rules: Arc<[KernelRule]>,
    stop: Option<DateTime>,
}

impl InForce {
    /// A rule with this number that is these rules of the kernel, in this order, until somebody takes it away.
    pub fn new(number: RuleNumber, rules: impl Into<Arc<[KernelRule]>>) -> Self {
        Self { number, rules: rules.into(), stop: None }
    }

    /// The same rule with an end.
    #[must_use]
    pub fn until(self, stop: Option<DateTime>) -> Self {
        Self { stop, ..self }
    }

    /// Its number, which is its place among the others and no other rule's.
    #[must_use]
    pub fn number(&self) -> RuleNumber {
        self.number
    }

    /// Its rules of the kernel, first match first.
    #[must_use]
    pub fn kernel_rules(&self) -> &[KernelRule] {
        &self.rules
    }

    /// Those for one family and hook.
    pub fn chain(&self, family: Family, hook: Hook) -> impl Iterator<Item = &KernelRule> {
        self.rules.iter().filter(move |rule| (rule.family(), rule.hook()) == (family, hook))
    }

    /// When its window closes. It is taken away then by a change like any other; a back end that lets go of it by itself when
    /// nobody does must not do so earlier.
    #[must_use]
    pub fn stop(&self) -> Option<DateTime> {
        self.stop
    }
}
