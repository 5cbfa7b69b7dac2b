//! An alarm that looks at the clock every second.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use oc2_core::types::time::DateTime;

use super::THREAD;

#[derive(Debug)]
pub(super) struct Poll(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    time: Option<DateTime>,
    is_dropped: bool,
}

impl Poll {
    pub(super) fn start(ring: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let waiting = Arc::clone(&shared);
        thread::Builder::new().name(THREAD.into()).spawn(move || waiting.wait(ring))?;
        Ok(Self(shared))
    }

    pub(super) fn set(&self, time: Option<DateTime>) {
        self.0.lock().time = time;
        self.0.changed.notify_one();
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        self.0.lock().is_dropped = true;
        self.0.changed.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, ring: impl Fn()) {
        let mut state = self.lock();
        while !state.is_dropped {
            let left = state.time.map(|time| Duration::from_millis(time.since(DateTime::now()).as_millis()));
            state = match left {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => {
                    // Once; whoever hears it sets it anew, which needs the lock.
                    state.time = None;
                    drop(state);
                    ring();
                    self.lock()
                }
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left.min(LOOK_INTERVAL));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

const LOOK_INTERVAL: Duration = Duration::from_secs(1);
