use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// The processes by which we change something, as far as we remember. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Children(Arc<Mutex<VecDeque<u32>>>);

impl Children {
    /// One more.
    pub(super) fn add(&self, pid: u32) {
        let mut pids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pids.push_back(pid);
        if pids.len() > MAX_REMEMBERED {
            pids.pop_front();
        }
    }

    /// Whether this is one of ours.
    pub(super) fn has(&self, pid: u32) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&pid)
    }
}

/// More than can be under way, and so few that a number that comes again is a stranger's.
const MAX_REMEMBERED: usize = 16;
