//! A clock that a test sets.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oc2_core::types::time::DateTime;

use crate::clock::Clock;

/// A hand on a clock that moves only when it is told to. Clones are the same hand.
#[derive(Clone, Debug)]
pub struct Hand(Arc<Mutex<State>>);

struct State {
    now: DateTime,
    alarms: BTreeMap<u64, (Option<DateTime>, Ring)>,
    n_hung: u64,
}

type Ring = Arc<dyn Fn() + Send + Sync>;

/// An alarm of such a clock, until it is dropped.
#[derive(Debug)]
pub(crate) struct Hung {
    hand: Hand,
    number: u64,
}

impl Hand {
    /// A clock that shows this time.
    #[must_use]
    pub fn at(now: DateTime) -> (Self, Clock) {
        let state = State { now, alarms: BTreeMap::new(), n_hung: 0 };
        let hand = Self(Arc::new(Mutex::new(state)));
        let clock = Clock::of_hand(hand.clone());
        (hand, clock)
    }

    /// Sets the clock, forward or back. When this returns, all alarms have rung, as they do when a host's clock is set.
    pub fn set(&self, now: DateTime) {
        self.move_to(now, |_| true);
    }

    /// Lets time pass. When this returns, the alarms have rung whose time has come, and no others.
    pub fn pass(&self, milliseconds: u64) {
        let now = DateTime::from_millis(self.now().as_millis() + milliseconds).unwrap_or_else(|_| self.now());
        self.move_to(now, |time| time.is_some_and(|time| time <= now));
    }

    pub(crate) fn now(&self) -> DateTime {
        self.lock().now
    }

    pub(crate) fn hang(&self, ring: impl Fn() + Send + Sync + 'static) -> Hung {
        let mut state = self.lock();
        state.n_hung += 1;
        let number = state.n_hung;
        state.alarms.insert(number, (None, Arc::new(ring)));
        drop(state);
        Hung { hand: self.clone(), number }
    }

    fn move_to(&self, now: DateTime, rings: impl Fn(Option<DateTime>) -> bool) {
        let mut state = self.lock();
        state.now = now;
        let ringing: Vec<Ring> =
            state.alarms.values().filter(|(time, _)| rings(*time)).map(|(_, ring)| Arc::clone(ring)).collect();
        // Who hears one sets it anew, which needs the lock.
        drop(state);
        ringing.iter().for_each(|ring| ring());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hung {
    pub(crate) fn set(&self, time: Option<DateTime>) {
        let mut state = self.hand.lock();
        let now = state.now;
        let Some((set_to, ring)) = state.alarms.get_mut(&self.number) else { return };
        *set_to = time;
        let ring = Arc::clone(ring);
        drop(state);
        if time.is_some_and(|time| time <= now) {
            // By another thread, as those of a host: whoever sets it may hold what it takes to hear it.
            let _ = std::thread::spawn(move || ring());
        }
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        self.hand.lock().alarms.remove(&self.number);
    }
}

impl PartialEq for Hand {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Hand {}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("now", &self.now).field("n_alarms", &self.alarms.len()).finish()
    }
}
