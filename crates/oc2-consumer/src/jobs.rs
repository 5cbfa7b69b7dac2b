//! The commands under way: one task each, found again by their names, waited for at shutdown.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use oc2_core::Rejection;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bounded::Bounded;
use crate::execution::Execution;
use crate::key::Fingerprint;
use crate::settings::Settings;

/// The commands under way.
#[derive(Debug)]
pub(crate) struct Jobs {
    tasks: TaskTracker,
    stopping: CancellationToken,
    scheduled_given_up: CancellationToken,
    running: Places,
    scheduled: Places,
    by_name: Mutex<Bounded<Fingerprint, Vec<Named>>>,
}

/// A Command that is known by its name.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: Fingerprint,
    /// Under which its outcome is remembered over a restart, if it is.
    pub(crate) key: Option<Fingerprint>,
    pub(crate) execution: Execution,
}

impl Default for Jobs {
    fn default() -> Self {
        Self {
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            scheduled_given_up: CancellationToken::new(),
            running: Places::default(),
            scheduled: Places::default(),
            by_name: Mutex::new(Bounded::new(CAPACITY, LIFETIME)),
        }
    }
}

impl Jobs {
    /// Takes one more command on; it counts as under way until the place is dropped.
    ///
    /// Those that wait for their time have places of their own: however many there are, they keep nobody else out.
    pub(crate) fn admit(&self, settings: &Settings, is_scheduled: bool) -> Result<Place, Rejection> {
        if self.stopping.is_cancelled() {
            return Err(Rejection::unavailable("the Consumer is stopping"));
        }
        let (places, most, what) = match is_scheduled {
            true => (&self.scheduled, settings.max_scheduled, "commands wait for their time"),
            false => (&self.running, settings.max_commands, "commands are under way"),
        };
        places.take(most).ok_or_else(|| Rejection::unavailable(format!("{most} {what}; try again later")))
    }

    /// A place for one that was taken on by a former process, however many there are.
    pub(crate) fn readmit(&self) -> Place {
        Place(Arc::clone(&self.scheduled.0))
    }

    /// Runs a task that outlives the connection its Command came by.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.tasks.spawn(task)
    }

    /// Runs what outlives the connection its Command came by, and gives what it comes to, or nothing if it panicked. What is ready at
    /// once does without a task, which would cost more than it does.
    pub(crate) async fn run<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let mut task = Box::pin(self.tasks.track_future(task));
        match poll_once(task.as_mut()) {
            Some(Poll::Ready(res)) => Some(res),
            Some(Poll::Pending) => tokio::spawn(task).await.ok(),
            None => None,
        }
    }

    /// The same for what nobody waits for.
    pub(crate) fn begin(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut task = Box::pin(self.tasks.track_future(task));
        if let Some(Poll::Pending) = poll_once(task.as_mut()) {
            tokio::spawn(task);
        }
    }

    /// Makes a Command known under its name, beside those that have the same and are not over.
    pub(crate) fn register(&self, named: Named) {
        let name = named.name;
        let mut by_name = self.by_name();
        let mut same = by_name.remove(&name).unwrap_or_default();
        same.retain(|named| !named.execution.is_over());
        same.push(named);
        by_name.insert(name, same, Instant::now(), |same| same.iter().any(|named| !named.execution.is_over()));
    }

    /// The commands with this name, the oldest first (DECISIONS L27).
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn named(&self, name: &Fingerprint) -> Result<Vec<Named>, Rejection> {
        self.by_name().get(name).cloned().ok_or_else(|| Rejection::not_found("no command with this id"))
    }

    fn by_name(&self) -> MutexGuard<'_, Bounded<Fingerprint, Vec<Named>>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many commands are being performed, and how many wait for their time.
    #[cfg(feature = "metrics")]
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.running.n_taken(), self.scheduled.n_taken())
    }

    /// Ready once what waits for its time is given up.
    pub(crate) async fn gives_up_scheduled(&self) {
        self.scheduled_given_up.cancelled().await;
    }

    /// Gives up what waits for its time.
    pub(crate) fn give_up_scheduled(&self) {
        self.scheduled_given_up.cancel();
    }

    /// Gives up what waits for its time and waits for what is being performed.
    pub(crate) async fn stop(&self) {
        self.stopping.cancel();
        self.give_up_scheduled();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// What is not ready is to be asked again, by a task that can be woken; nothing if it panicked.
fn poll_once<F: Future>(future: Pin<&mut F>) -> Option<Poll<F::Output>> {
    catch_unwind(AssertUnwindSafe(|| future.poll(&mut Context::from_waker(Waker::noop())))).ok()
}

/// What a future comes to, or nothing if it panicked.
pub(crate) async fn caught<F: Future>(future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut poll = move |context: &mut Context<'_>| catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
    poll_fn(move |context| match poll(context) {
        Ok(polled) => polled.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

/// A limited number of places, the limit being told each time one is taken.
#[derive(Debug, Default)]
struct Places(Arc<()>);

/// A place; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(#[allow(dead_code, reason = "held for its reference count")] Arc<()>);

impl Places {
    #[cfg(feature = "metrics")]
    fn n_taken(&self) -> usize {
        // One reference is our own.
        Arc::strong_count(&self.0) - 1
    }

    fn take(&self, most: usize) -> Option<Place> {
        let place = Place(Arc::clone(&self.0));
        // One reference is our own. Two that come at once for the last place may both go without, never both get it.
        (Arc::strong_count(&self.0) - 1 <= most).then_some(place)
    }
}

const CAPACITY: usize = 10_000;
const LIFETIME: Duration = Duration::from_secs(3600);
