//! Whose turn it is to change the rules.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::keeper::Keeper;

/// The keeper, one at a time.
pub(super) struct Desk {
    /// Absent once the engine is closed.
    keeper: Mutex<Option<Keeper>>,
    /// How many are queued or under way in the thread.
    n_waiting: AtomicUsize,
    /// Whether they came alone, of late: several are better performed together.
    is_quiet: AtomicBool,
    /// Whether the back end does not wait for anybody.
    is_prompt: bool,
}

impl Desk {
    pub(super) fn new(keeper: Keeper) -> Self {
        let is_prompt = keeper.is_prompt();
        let (n_waiting, is_quiet) = (AtomicUsize::new(0), AtomicBool::new(true));
        Self { keeper: Mutex::new(Some(keeper)), n_waiting, is_quiet, is_prompt }
    }

    /// Waits until it is free; none if the engine is closed.
    pub(super) fn take(&self) -> Option<Turn<'_>> {
        Turn::of(self.keeper.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// None if it is not free, or others may come with this one, who would have to wait for it.
    pub(super) fn try_take(&self) -> Option<Turn<'_>> {
        let is_alone = || self.is_quiet.load(Ordering::Relaxed) && self.n_waiting.load(Ordering::SeqCst) == 0;
        if !self.is_prompt || !is_alone() {
            return None;
        }
        // Whoever was queued before it was free comes first.
        Turn::of(self.keeper.try_lock().ok()?).filter(|_| is_alone())
    }

    /// Somebody is about to be queued.
    pub(super) fn one_more_waits(&self) {
        self.n_waiting.fetch_add(1, Ordering::SeqCst);
    }

    /// Somebody is not, after all.
    pub(super) fn one_less_waits(&self) {
        self.n_waiting.fetch_sub(1, Ordering::SeqCst);
    }

    /// Has the thread do what was queued, and say how much it was.
    pub(super) fn count(&self, work: impl FnOnce(&mut usize)) {
        let mut n_done = 0;
        work(&mut n_done);
        self.is_quiet.store(n_done <= 1, Ordering::Relaxed);
        self.n_waiting.fetch_sub(n_done, Ordering::SeqCst);
    }

    /// Lets go of the store.
    pub(super) fn close(&self) {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// The right to change the rules.
pub(super) struct Turn<'a>(MutexGuard<'a, Option<Keeper>>);

impl<'a> Turn<'a> {
    fn of(keeper: MutexGuard<'a, Option<Keeper>>) -> Option<Self> {
        keeper.is_some().then(|| Self(keeper))
    }
}

impl Deref for Turn<'_> {
    type Target = Keeper;

    fn deref(&self) -> &Keeper {
        self.0.as_ref().expect("it was there, and nobody else can take it")
    }
}

impl DerefMut for Turn<'_> {
    fn deref_mut(&mut self) -> &mut Keeper {
        self.0.as_mut().expect("it was there, and nobody else can take it")
    }
}

/// Whether there are other workers here, who do meanwhile what else is to do.
pub(super) fn may_wait_here() -> bool {
    Handle::try_current().is_ok_and(|runtime| {
        matches!(runtime.runtime_flavor(), RuntimeFlavor::MultiThread) && runtime.metrics().num_workers() > 1
    })
}
