//! The commands under way: one task each, found again by their ids, waited for at shutdown.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use oc2_core::Rejection;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bounded::Bounded;
use crate::execution::{Execution, TooLate};
use crate::replay::Key;

/// The commands under way.
#[derive(Debug)]
pub(crate) struct Jobs {
    tasks: TaskTracker,
    stopping: CancellationToken,
    under_way: Arc<()>,
    by_id: Mutex<Bounded<Key, Execution>>,
}

/// A place among the commands under way.
#[derive(Debug)]
pub(crate) struct Place(#[allow(dead_code, reason = "held for its reference count")] Arc<()>);

impl Default for Jobs {
    fn default() -> Self {
        Self {
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            under_way: Arc::default(),
            by_id: Mutex::new(Bounded::new(CAPACITY, LIFETIME)),
        }
    }
}

impl Jobs {
    /// Takes one more command on; it counts as under way until the place is dropped.
    pub(crate) fn admit(&self, max_commands: usize) -> Result<Place, Rejection> {
        if self.stopping.is_cancelled() {
            return Err(Rejection::unavailable("the Consumer is stopping"));
        }
        // One clone is the table's own.
        if Arc::strong_count(&self.under_way) > max_commands {
            return Err(Rejection::unavailable(format!("{max_commands} commands are under way; try again later")));
        }
        Ok(Place(Arc::clone(&self.under_way)))
    }

    /// Runs a task that outlives the connection its Command came by.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.tasks.spawn(task)
    }

    /// Makes a Command known under its id.
    pub(crate) fn register(&self, key: Key, execution: Execution) {
        let mut by_id = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        by_id.insert(key, execution, Instant::now(), |execution| !execution.is_over());
    }

    /// Stops the Command with this id if it still waits for its time (DECISIONS L27).
    pub(crate) fn cancel(&self, key: &Key) -> Result<(), Rejection> {
        let execution = self.by_id.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        let Some(execution) = execution else { return Err(Rejection::not_found("no command with this id")) };
        execution.cancel().map_err(|too_late| match too_late {
            TooLate::Running => Rejection::failed("too late: the command is being performed"),
            TooLate::Done => Rejection::failed("too late: the command is done"),
        })
    }

    /// Ready once the Consumer stops.
    pub(crate) async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    /// Gives up what waits for its time and waits for what is being performed.
    pub(crate) async fn stop(&self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

const CAPACITY: usize = 10_000;
const LIFETIME: Duration = Duration::from_secs(3600);
