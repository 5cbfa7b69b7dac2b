//! Requests that were seen before: a repeated one is answered again, not performed again (DECISIONS M12, ARCH B.3.2).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::bounded::Bounded;
use crate::execution::Execution;

/// The requests of the last hour, at most 10,000.
#[derive(Debug)]
pub(crate) struct Replay(Mutex<Bounded<Key, Entry>>);

/// Who asked, under which id.
pub(crate) type Key = (String, String);

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
    /// Looks a request up, and remembers it as this execution if it is new.
    pub(crate) fn admit(&self, key: &Key, body: &[u8], execution: &Execution) -> Seen {
        let content = Sha256::digest(body).into();
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match entries.get(key) {
            Some(entry) if entry.content == content => Seen::Before(entry.execution.clone()),
            Some(_) => Seen::Reused,
            None => {
                let entry = Entry { content, execution: execution.clone() };
                entries.insert(key.clone(), entry, Instant::now(), |entry| !entry.execution.is_over());
                Seen::New
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
