use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Alarm, Backend, BackendError};
use crate::rule::Family;
use crate::ruleset::{Change, Rules};

/// A back end that fails on purpose, for tests of what stands above it.
///
/// It passes everything on to another back end, except for the calls of `load` and `apply` that its [`Faults`] name.
#[derive(Debug)]
pub struct Faulty<B> {
    inner: B,
    faults: Faults,
    is_unsynced: bool,
}

impl<B: Backend> Faulty<B> {
    /// A back end that does not fail yet, and the handle by which it is made to.
    #[must_use]
    pub fn new(inner: B) -> (Self, Faults) {
        let faults = Faults::default();
        (Self { inner, faults: faults.clone(), is_unsynced: false }, faults)
    }

    fn perform(&mut self, call: impl FnOnce(&mut B) -> Result<(), BackendError>) -> Result<(), BackendError> {
        match self.faults.next() {
            None => call(&mut self.inner),
            Some(Fault::Refuse) => Err(refused()),
            Some(Fault::LoseCommand) => self.lose(),
            Some(Fault::LoseAnswer) => {
                call(&mut self.inner)?;
                self.lose()
            }
        }
    }

    fn lose(&mut self) -> Result<(), BackendError> {
        self.is_unsynced = true;
        Err(BackendError::Died { family: Some(Family::V4), detail: DETAIL.to_owned() })
    }
}

impl<B: Backend> Backend for Faulty<B> {
    fn load(&mut self, rules: &dyn Rules) -> Result<(), BackendError> {
        self.perform(|inner| inner.load(rules))?;
        self.is_unsynced = false;
        Ok(())
    }

    fn apply(&mut self, changes: &[Change]) -> Result<(), BackendError> {
        if self.is_unsynced {
            return Err(BackendError::Unsynced);
        }
        self.perform(|inner| inner.apply(changes))
    }

    fn remove(&mut self) -> Result<(), BackendError> {
        self.inner.remove()
    }

    fn watch(&mut self, alarm: Alarm) {
        self.inner.watch(alarm);
    }

    fn holds(&mut self, rules: &dyn Rules) -> Result<bool, BackendError> {
        self.inner.holds(rules)
    }
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Nothing was done, and that is certain.
    Refuse,
    /// Nothing was done, but the caller cannot know: the back end is unsynced until a `load`.
    LoseCommand,
    /// All was done, but the caller cannot know: the back end is unsynced until a `load`.
    LoseAnswer,
}

/// Which calls of a [`Faulty`] fail. Clones speak of the same back end.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Calls>>);

impl Faults {
    /// Makes a call fail: 0 is the next one of `load` and `apply`, 1 the one after it.
    pub fn on_call(&self, n: usize, fault: Fault) {
        let mut calls = self.calls();
        let call = calls.n_made + n;
        calls.faults.insert(call, fault);
    }

    /// Makes all calls to come work.
    pub fn clear(&self) {
        self.calls().faults.clear();
    }

    /// How many calls of `load` and `apply` came through so far, failing ones included.
    #[must_use]
    pub fn n_calls(&self) -> usize {
        self.calls().n_made
    }

    fn next(&self) -> Option<Fault> {
        let mut calls = self.calls();
        let call = calls.n_made;
        calls.n_made += 1;
        calls.faults.remove(&call)
    }

    /// No code that can panic runs while the lock is held.
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Calls {
    n_made: usize,
    faults: BTreeMap<usize, Fault>,
}

fn refused() -> BackendError {
    BackendError::Refused { family: Some(Family::V4), detail: DETAIL.to_owned() }
}

const DETAIL: &str = "a fault on purpose";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ruleset::Ruleset;
    use oc2_profile_slpf::RuleNumber;

    use crate::backend::DryRun;
    use crate::rule::{Hook, KernelRule, Matching, Verdict};
    use crate::ruleset::InForce;

    #[test]
    fn a_refusal_changes_nothing_and_the_next_call_works() {
        let (mut backend, faults) = loaded();
        faults.on_call(0, Fault::Refuse);
        let error = backend.apply(&[insert()]).unwrap_err();
        assert!(error.left_unchanged());
        backend.apply(&[insert()]).unwrap();
        assert_eq!(n_rules(&backend), 1);
    }

    #[test]
    fn a_lost_command_changes_nothing_and_asks_for_a_load() {
        let (mut backend, faults) = loaded();
        faults.on_call(1, Fault::LoseCommand);
        backend.apply(&[insert()]).unwrap();
        assert!(!backend.apply(&[insert()]).unwrap_err().left_unchanged());
        assert!(matches!(backend.apply(&[insert()]), Err(BackendError::Unsynced)));
        assert_eq!(n_rules(&backend), 1);
        backend.load(&Ruleset::new()).unwrap();
        backend.apply(&[insert()]).unwrap();
    }

    #[test]
    fn a_lost_answer_comes_after_the_change() {
        let (mut backend, faults) = loaded();
        faults.on_call(0, Fault::LoseAnswer);
        assert!(!backend.apply(&[insert()]).unwrap_err().left_unchanged());
        assert_eq!(n_rules(&backend), 1);
    }

    fn loaded() -> (Faulty<DryRun>, Faults) {
        let (mut backend, faults) = Faulty::new(DryRun::new());
        backend.load(&Ruleset::new()).unwrap();
        assert_eq!(faults.n_calls(), 1);
        (backend, faults)
    }

    fn n_rules(backend: &Faulty<DryRun>) -> usize {
        backend.inner.rules().unwrap().len()
    }

    fn insert() -> Change {
        let rule = KernelRule::new(Family::V4, Hook::Input, Matching::default(), Verdict::Drop).unwrap();
        Change::Insert(InForce::new(RuleNumber::new(1).unwrap(), [rule]))
    }
}
