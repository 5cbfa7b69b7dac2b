//! One Command under way: how far it has come, its outcome once there is one, and who may still stop it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use oc2_core::{Response, ResponseType, StatusCode};
use tokio::sync::watch;

/// A Command under way. Clones are the same execution.
#[derive(Clone, Debug)]
pub(crate) struct Execution {
    wanted: ResponseType,
    state: Arc<watch::Sender<State>>,
    /// Whether somebody waits to tell the outcome later.
    is_followed: Arc<AtomicBool>,
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
    /// The outcome, once it is there.
    pub(crate) async fn outcome(&self) -> Response {
        let mut state = self.0.state.subscribe();
        // The sender lives in self, so there is no error to meet.
        match state.wait_for(State::is_over).await.as_deref() {
            Ok(State::Refused(response) | State::Done(response)) => response.clone(),
            _ => Response::new(StatusCode::InternalError),
        }
    }
}

impl OnlyFollower {
    pub(crate) fn get(&self) -> &Follower {
        &self.0
    }
}

impl Drop for OnlyFollower {
    fn drop(&mut self) {
        self.0.0.is_followed.store(false, Ordering::Release);
    }
}

/// How far a Command has come.
#[derive(Clone, Debug)]
enum State {
    /// It is being decided about.
    Admitting,
    /// It was refused before anything of it was done.
    Refused(Response),
    /// It waits for its time.
    Scheduled,
    /// It was made void before its time; its task is about to say so.
    Cancelled,
    /// It is being performed.
    Running,
    /// It has an outcome.
    Done(Response),
}

impl State {
    fn is_over(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Done(_))
    }
}

/// Why a Command cannot be cancelled any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TooLate {
    /// It is being performed, or about to be.
    Running,
    /// It has its outcome.
    Done,
}

impl Execution {
    pub(crate) fn new(wanted: ResponseType) -> Self {
        Self::in_state(wanted, State::Admitting)
    }

    /// One that was over before it was asked for again.
    pub(crate) fn over(wanted: ResponseType, outcome: Response) -> Self {
        Self::in_state(wanted, State::Done(outcome))
    }

    fn in_state(wanted: ResponseType, state: State) -> Self {
        Self { wanted, state: Arc::new(watch::Sender::new(state)), is_followed: Arc::default() }
    }

    /// The right to tell the outcome later.
    pub(crate) fn follow(&self) -> Follower {
        Follower(self.clone())
    }

    /// The same if nobody has it: of those who were told that they have to wait, however often they repeat their request, one
    /// is told the outcome.
    pub(crate) fn follow_alone(&self) -> Option<OnlyFollower> {
        let is_first = !self.is_followed.swap(true, Ordering::AcqRel);
        is_first.then(|| OnlyFollower(self.follow()))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state.borrow().is_over()
    }

    /// Ready once it is over.
    pub(crate) async fn ended(&self) {
        // The sender lives in self, so there is no error to meet.
        let _ = self.state.subscribe().wait_for(State::is_over).await;
    }

    pub(crate) fn refuse(&self, response: Response) {
        self.state.send_replace(State::Refused(response));
    }

    pub(crate) fn schedule(&self) {
        self.state.send_replace(State::Scheduled);
    }

    /// Goes on to being performed; false if it was cancelled meanwhile.
    pub(crate) fn begin(&self) -> bool {
        self.state.send_if_modified(|state| match state {
            State::Admitting | State::Scheduled => {
                *state = State::Running;
                true
            }
            State::Running | State::Cancelled | State::Refused(_) | State::Done(_) => false,
        })
    }

    pub(crate) fn finish(&self, outcome: Response) {
        self.state.send_replace(State::Done(outcome));
    }

    /// Makes it void if it still waits for its time.
    pub(crate) fn cancel(&self) -> Result<(), TooLate> {
        let mut res = Ok(());
        self.state.send_if_modified(|state| {
            res = match state {
                State::Scheduled => {
                    *state = State::Cancelled;
                    Ok(())
                }
                State::Admitting | State::Running => Err(TooLate::Running),
                State::Cancelled | State::Refused(_) | State::Done(_) => Err(TooLate::Done),
            };
            res.is_ok()
        });
        res
    }

    /// Ready once it was cancelled.
    pub(crate) async fn cancelled(&self) {
        // The sender lives in self, so there is no error to meet.
        let _ = self.state.subscribe().wait_for(|state| matches!(state, State::Cancelled)).await;
    }

    /// The answer that is wanted: the outcome, or 102 where it is not there in time (LS 3.3.1.4, DECISIONS L5 to L7).
    pub(crate) async fn answer(&self, max_wait: Duration, status_wait: Duration) -> Word {
        let mut state = self.state.subscribe();
        let processing = Response::new(StatusCode::Processing);
        let admitted = state.wait_for(|state| !matches!(state, State::Admitting)).await.map(|state| state.clone());
        let wait = match (admitted, self.wanted) {
            (Ok(State::Refused(response)), _) => return Word::Last(response),
            // Exactly 102, or nothing, whatever has become of it meanwhile (DECISIONS L5, H3).
            (_, ResponseType::Ack | ResponseType::None) => return Word::Last(processing),
            (Ok(State::Scheduled), ResponseType::Status) => return Word::Last(processing.with_text("scheduled")),
            (Ok(State::Scheduled), ResponseType::Complete) => {
                return Word::Scheduled(processing.with_text("scheduled"));
            }
            (_, ResponseType::Status) => status_wait,
            (_, ResponseType::Complete) => max_wait,
        };
        let done = state.wait_for(|state| matches!(state, State::Done(_)));
        match tokio::time::timeout(wait, done).await {
            Ok(Ok(state)) => Word::Last(match &*state {
                State::Done(response) => response.clone(),
                _ => processing,
            }),
            _ if self.wanted == ResponseType::Complete => Word::Processing(processing.with_text("processing")),
            _ => Word::Last(processing.with_text("processing")),
        }
    }
}
