use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Backend, BackendError};
use crate::ruleset::{Change, Rules, Ruleset};

/// A back end that keeps its rules in memory and nothing else. For trying out, and for tests.
///
/// Clones share the rules like processes share a kernel: one of them can look at what another one does.
#[derive(Debug, Clone, Default)]
pub struct DryRun {
    held: Arc<Mutex<Option<Ruleset>>>,
}

impl DryRun {
    /// A back end that was not told any rules yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The rules it holds, if any were ever loaded.
    #[must_use]
    pub fn rules(&self) -> Option<Ruleset> {
        self.held().clone()
    }

    /// A panic while the rules were locked left them whole: they change in one assignment or one checked edit.
    fn held(&self) -> MutexGuard<'_, Option<Ruleset>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for DryRun {
    fn is_prompt(&self) -> bool {
        true
    }

    fn load(&mut self, rules: &dyn Rules) -> Result<(), BackendError> {
        let rules = rules.in_order().collect();
        *self.held() = Some(rules);
        Ok(())
    }

    fn apply(&mut self, changes: &[Change]) -> Result<(), BackendError> {
        self.held().as_mut().ok_or(BackendError::Unsynced)?.apply(changes)?;
        Ok(())
    }

    fn remove(&mut self) -> Result<(), BackendError> {
        *self.held() = None;
        Ok(())
    }

    fn holds(&mut self, rules: &dyn Rules) -> Result<bool, BackendError> {
        Ok(self.held().as_ref().is_some_and(|held| held.in_order().eq(rules.in_order())))
    }
}

#[cfg(test)]
mod tests {
    use oc2_profile_slpf::RuleNumber;

    use super::*;
    use crate::rule::{Family, Hook, KernelRule, Matching, Verdict};
    use crate::ruleset::InForce;

    #[test]
    fn nothing_is_changed_before_the_first_load() {
        let mut backend = DryRun::new();
        assert!(matches!(backend.apply(&[]), Err(BackendError::Unsynced)));
        backend.load(&Ruleset::new()).unwrap();
        backend.apply(&[]).unwrap();
        backend.remove().unwrap();
        assert!(matches!(backend.apply(&[]), Err(BackendError::Unsynced)));
    }

    #[test]
    fn changes_apply_whole_or_not_at_all() {
        let mut backend = DryRun::new();
        backend.load(&Ruleset::new()).unwrap();
        let insert = |number| Change::Insert(rule(number));
        backend.apply(&[insert(1), insert(2)]).unwrap();
        let res = backend.apply(&[insert(3), insert(1)]);
        assert!(matches!(res, Err(BackendError::Mismatch(_))));
        assert!(backend.holds(&[rule(1), rule(2)].into_iter().collect::<Ruleset>()).unwrap());
    }

    #[test]
    fn clones_see_the_same_rules() {
        let mut backend = DryRun::new();
        let other = backend.clone();
        backend.load(&[rule(1)].into_iter().collect::<Ruleset>()).unwrap();
        assert_eq!(other.rules(), backend.rules());
        assert_eq!(other.rules(), Some([rule(1)].into_iter().collect()));
    }

    fn rule(number: i64) -> InForce {
        let rule = KernelRule::new(Family::V4, Hook::Input, Matching::default(), Verdict::Drop).unwrap();
        InForce::new(RuleNumber::new(number).unwrap(), [rule])
    }
}
