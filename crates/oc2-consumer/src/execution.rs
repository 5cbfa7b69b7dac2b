//! One Command under way: how far it has come, its outcome once there is one, and who may still stop it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use oc2_core::types::time::DateTime;
use oc2_core::{Nsid, Response, ResponseType, StatusCode};
use tokio::sync::Notify;
use tokio::task::coop::consume_budget;

use crate::outcome::{Ending, Fate, Notes};

/// A Command under way. Clones are the same execution.
#[derive(Clone, Debug)]
pub(crate) struct Execution(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    wanted: ResponseType,
    state: Mutex<State>,
    /// Whoever waits is told of every change of the state.
    changed: Notify,
    /// Whether somebody waits to tell the outcome later.
    is_followed: AtomicBool,
    /// How to undo it, once it is done.
    notes: OnceLock<Notes>,
}

/// What is to be told of a Command now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Word {
    /// This, and nothing else.
    Last(Response),
    /// That it waits for its time; the outcome is still wanted.
    Scheduled(Response),
    /// That it is being performed; the outcome is still wanted.
    Processing(Response),
}

/// The right to tell the outcome later.
#[derive(Debug)]
pub(crate) struct Follower(Execution);

/// The same, which one has at a time.
#[derive(Debug)]
pub(crate) struct OnlyFollower(Follower);

impl Follower {
    /// The outcome, once it is there; none if another process will know it.
    pub(crate) async fn outcome(&self) -> Option<Response> {
        let outcome = |state: &State| match state {
            State::Refused(response) | State::Done(response) | State::Void(response) => Some(Some(response.clone())),
            state => state.is_over().then_some(None),
        };
        self.0.wait_for(outcome).await
    }
}

impl OnlyFollower {
    pub(crate) fn get(&self) -> &Follower {
        &self.0
    }
}

impl Drop for OnlyFollower {
    fn drop(&mut self) {
        self.0.0.0.is_followed.store(false, Ordering::Release);
    }
}

/// How far a Command has come.
#[derive(Clone, Debug)]
enum State {
    /// It is being decided about.
    Admitting,
    /// It was refused before anything of it was done.
    Refused(Response),
    /// It waits for its time, which is this.
    Scheduled(DateTime),
    /// The same, and the process ends: it is on the disk, for the next one.
    Kept(DateTime),
    /// It was made void before its time; its task is about to say so.
    Cancelled,
    /// It is being performed.
    Running,
    /// It has an outcome.
    Done(Response),
    /// It was made void, and that is its outcome.
    Void(Response),
    /// A former process began to perform it.
    Interrupted,
}

impl State {
    fn is_over(&self) -> bool {
        match self {
            Self::Admitting | Self::Scheduled(_) | Self::Cancelled | Self::Running => false,
            Self::Kept(_) | Self::Refused(_) | Self::Done(_) | Self::Void(_) | Self::Interrupted => true,
        }
    }

    /// How it was decided about it, once it was.
    fn admitted(&self) -> Option<Admitted> {
        match self {
            Self::Admitting => None,
            Self::Refused(response) => Some(Admitted::Refused(response.clone())),
            Self::Scheduled(_) | Self::Kept(_) => Some(Admitted::Scheduled),
            Self::Cancelled | Self::Running | Self::Done(_) | Self::Void(_) | Self::Interrupted => {
                Some(Admitted::Running)
            }
        }
    }
}

/// How it was decided about a Command.
enum Admitted {
    Refused(Response),
    Scheduled,
    Running,
}

/// As `query command` tells it (DECISIONS L27).
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admitting | Self::Running => f.write_str("running"),
            Self::Scheduled(start) | Self::Kept(start) => write!(f, "scheduled for {start}"),
            Self::Cancelled | Self::Void(_) => f.write_str("cancelled"),
            Self::Refused(response) => write!(f, "refused with {}", response.status.as_u16()),
            Self::Done(response) => write!(f, "done with {}", response.status.as_u16()),
            Self::Interrupted => f.write_str("interrupted; it may have been performed"),
        }
    }
}

/// Why a Command cannot be cancelled any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TooLate {
    /// It is being performed, or about to be.
    Running,
    /// It has its outcome.
    Done,
    /// It is left to the next process.
    Kept,
    /// It was cancelled before.
    Void,
    /// A former process began to perform it.
    Interrupted,
}

impl Execution {
    pub(crate) fn new(wanted: ResponseType) -> Self {
        Self::in_state(wanted, State::Admitting)
    }

    /// One that was over before it was asked for again.
    pub(crate) fn over(wanted: ResponseType, outcome: Response) -> Self {
        Self::in_state(wanted, State::Done(outcome))
    }

    /// One of a former process, which ended so if it is known.
    pub(crate) fn former(ending: Option<Ending>) -> Self {
        let state = match &ending {
            None => State::Interrupted,
            Some(Ending { fate: fate @ Fate::Done(_), .. }) => State::Done(fate.response()),
            Some(Ending { fate, .. }) => State::Void(fate.response()),
        };
        let execution = Self::in_state(ResponseType::Complete, state);
        execution.note(ending.map(|ending| ending.notes).unwrap_or_default());
        execution
    }

    fn in_state(wanted: ResponseType, state: State) -> Self {
        let state = Mutex::new(state);
        Self(Arc::new(Inner {
            wanted,
            state,
            changed: Notify::new(),
            is_followed: AtomicBool::default(),
            notes: OnceLock::new(),
        }))
    }

    /// How far it has come.
    pub(crate) fn standing(&self) -> String {
        self.state().to_string()
    }

    /// Keeps how to undo it.
    pub(crate) fn note(&self, notes: Notes) {
        // It is performed once.
        let _ = self.0.notes.set(notes);
    }

    /// How to undo it; empty if it cannot be.
    pub(crate) fn notes(&self) -> &[(Nsid, Vec<u8>)] {
        self.0.notes.get().map(Vec::as_slice).unwrap_or_default()
    }

    /// The right to tell the outcome later.
    pub(crate) fn follow(&self) -> Follower {
        Follower(self.clone())
    }

    /// The same if nobody has it: of those who were told that they have to wait, however often they repeat their request, one
    /// is told the outcome.
    pub(crate) fn follow_alone(&self) -> Option<OnlyFollower> {
        let is_first = !self.0.is_followed.swap(true, Ordering::AcqRel);
        is_first.then(|| OnlyFollower(self.follow()))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state().is_over()
    }

    /// Ready once it is over.
    pub(crate) async fn ended(&self) {
        self.wait_for(|state| state.is_over().then_some(())).await;
    }

    pub(crate) fn refuse(&self, response: Response) {
        self.set(State::Refused(response));
    }

    pub(crate) fn schedule(&self, start: DateTime) {
        self.set(State::Scheduled(start));
    }

    /// Leaves it to the next process.
    pub(crate) fn keep(&self, start: DateTime) {
        self.set(State::Kept(start));
    }

    /// Goes on to being performed; false if it was cancelled meanwhile.
    pub(crate) fn begin(&self) -> bool {
        let mut state = self.state();
        let begins = matches!(*state, State::Admitting | State::Scheduled(_));
        if begins {
            *state = State::Running;
            drop(state);
            self.0.changed.notify_waiters();
        }
        begins
    }

    pub(crate) fn finish(&self, outcome: Response) {
        self.set(State::Done(outcome));
    }

    /// Makes it void, once its task or whoever undid it says so.
    pub(crate) fn make_void(&self, outcome: Response) {
        self.set(State::Void(outcome));
    }

    /// Makes it void if it still waits for its time.
    pub(crate) fn cancel(&self) -> Result<(), TooLate> {
        let mut state = self.state();
        match *state {
            State::Scheduled(_) => *state = State::Cancelled,
            State::Admitting | State::Running => return Err(TooLate::Running),
            State::Kept(_) => return Err(TooLate::Kept),
            State::Refused(_) | State::Done(_) => return Err(TooLate::Done),
            State::Cancelled | State::Void(_) => return Err(TooLate::Void),
            State::Interrupted => return Err(TooLate::Interrupted),
        }
        drop(state);
        self.0.changed.notify_waiters();
        Ok(())
    }

    /// Ready once it was cancelled.
    pub(crate) async fn cancelled(&self) {
        self.wait_for(|state| matches!(state, State::Cancelled).then_some(())).await;
    }

    /// The answer that is wanted: the outcome, or 102 where it is not there in time (LS 3.3.1.4, DECISIONS L5 to L7).
    pub(crate) async fn answer(&self, max_wait: Duration, status_wait: Duration) -> Word {
        // Who asks again and again, and never has to wait, gives way to others all the same.
        consume_budget().await;
        let processing = Response::new(StatusCode::Processing);
        let wait = match (self.wait_for(State::admitted).await, self.0.wanted) {
            (Admitted::Refused(response), _) => return Word::Last(response),
            // Exactly 102, or nothing, whatever has become of it meanwhile (DECISIONS L5, H3).
            (_, ResponseType::Ack | ResponseType::None) => return Word::Last(processing),
            (Admitted::Scheduled, ResponseType::Status) => return Word::Last(processing.with_text("scheduled")),
            (Admitted::Scheduled, ResponseType::Complete) => return Word::Scheduled(processing.with_text("scheduled")),
            (Admitted::Running, ResponseType::Status) => status_wait,
            (Admitted::Running, ResponseType::Complete) => max_wait,
        };
        let outcome = |state: &State| match state {
            State::Done(response) | State::Void(response) => Some(Some(response.clone())),
            state => state.is_over().then_some(None),
        };
        match tokio::time::timeout(wait, self.wait_for(outcome)).await {
            Ok(response) => Word::Last(response.unwrap_or(processing)),
            _ if self.0.wanted == ResponseType::Complete => Word::Processing(processing.with_text("processing")),
            _ => Word::Last(processing.with_text("processing")),
        }
    }

    /// What is found in the state, once it is.
    async fn wait_for<T>(&self, find: impl Fn(&State) -> Option<T>) -> T {
        loop {
            // First: a change between the look and the wait is not missed.
            let changed = self.0.changed.notified();
            let found = find(&self.state());
            if let Some(found) = found {
                return found;
            }
            changed.await;
        }
    }

    fn set(&self, state: State) {
        *self.state() = state;
        self.0.changed.notify_waiters();
    }

    /// No code that can panic runs while the lock is held.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
