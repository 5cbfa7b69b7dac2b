//! Requests that were seen before: a repeated one is answered again, not performed again (DECISIONS M12, ARCH B.3.2).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use oc2_core::Rejection;
use sha2::{Digest, Sha256};

use crate::bounded::Bounded;
use crate::execution::Execution;
use crate::key::Key;

/// The requests of the last hour, at most 10,000.
#[derive(Debug)]
pub(crate) struct Replay(Mutex<Bounded<Key, Entry>>);

#[derive(Debug)]
struct Entry {
    content: [u8; 32],
    execution: Execution,
}

/// What is known about a request.
#[derive(Debug)]
pub(crate) enum Seen {
    /// Nothing; it is remembered from now on.
    New,
    /// It is the same as before.
    Before(Execution),
    /// Its id was used for something else.
    Reused,
}

impl Default for Replay {
    fn default() -> Self {
        Self(Mutex::new(Bounded::new(CAPACITY, LIFETIME)))
    }
}

impl Replay {
    /// Looks a request up, and remembers it as this execution if it is new and `take_on` agrees: what is not taken on
    /// displaces nothing.
    pub(crate) fn admit(
        &self,
        key: &Key,
        body: &[u8],
        execution: &Execution,
        take_on: impl FnOnce() -> Result<(), Rejection>,
    ) -> Result<Seen, Rejection> {
        let content = Sha256::digest(body).into();
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match entries.get(key) {
            Some(entry) if entry.content == content => Ok(Seen::Before(entry.execution.clone())),
            Some(_) => Ok(Seen::Reused),
            None => {
                take_on()?;
                let entry = Entry { content, execution: execution.clone() };
                entries.insert(key.clone(), entry, Instant::now(), |entry| !entry.execution.is_over());
                Ok(Seen::New)
            }
        }
    }

    /// Forgets a request that was not taken on, so that it may be tried again.
    pub(crate) fn forget(&self, key: &Key) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

const CAPACITY: usize = 10_000;
const LIFETIME: Duration = Duration::from_secs(3600);
