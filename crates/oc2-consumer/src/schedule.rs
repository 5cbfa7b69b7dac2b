//! Commands that wait for their time: one alarm for all of them, which follows the clock also when it is set.
//!
//! *Invariants.* They begin in the order of their times, one after the other: a rule that is due at ten is there when the delete
//! that is due at five past is performed, though the clock was set, or the process away, over both. Who takes very long keeps
//! the others only for a while.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use oc2_clock::{Alarm, Clock};
use oc2_core::types::time::DateTime;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// What waits for its time.
#[derive(Debug)]
pub(crate) struct Schedule {
    clock: Clock,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    /// By time, then in the order in which they came.
    by_time: BTreeMap<Place, oneshot::Sender<Turn>>,
    n_so_far: u64,
    /// Rings for the first of them; there from the first on.
    alarm: Option<Alarm>,
    /// The one whose time came last.
    last: Option<Former>,
}

type Place = (DateTime, u64);

/// The wait of one of them; given up when it is dropped.
#[derive(Debug)]
pub(crate) struct Wait {
    place: Place,
    waiting: Weak<Mutex<Waiting>>,
    turn: oneshot::Receiver<Turn>,
}

/// The turn of one whose time has come. The next may begin when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    former: Option<Former>,
    next: Option<oneshot::Sender<Option<Former>>>,
}

/// The end of the turn before: it is over, but for the one before it if it did not wait for that one.
#[derive(Debug)]
struct Former(Box<oneshot::Receiver<Option<Self>>>);

impl Schedule {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, waiting: Arc::default() }
    }

    /// What its clock shows.
    pub(crate) fn now(&self) -> DateTime {
        self.clock.now()
    }

    /// Begins to wait until the clock shows `start`.
    ///
    /// # Errors
    /// The system gives no thread for an alarm.
    pub(crate) fn at(&self, start: DateTime) -> io::Result<Wait> {
        let mut waiting = lock(&self.waiting);
        if waiting.alarm.is_none() {
            let (heard, clock) = (Arc::downgrade(&self.waiting), self.clock.clone());
            waiting.alarm = Some(self.clock.alarm(move || wake(&heard, &clock))?);
        }
        waiting.n_so_far += 1;
        let place = (start, waiting.n_so_far);
        let (sender, turn) = oneshot::channel();
        waiting.by_time.insert(place, sender);
        waiting.set_alarm();
        Ok(Wait { place, waiting: Arc::downgrade(&self.waiting), turn })
    }
}

impl Waiting {
    fn set_alarm(&self) {
        if let Some(alarm) = &self.alarm {
            alarm.set(self.by_time.keys().next().map(|(start, _)| *start));
        }
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").field("by_time", &self.by_time.keys()).finish_non_exhaustive()
    }
}

impl Future for Wait {
    type Output = Turn;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Turn> {
        match Pin::new(&mut self.turn).poll(context) {
            Poll::Ready(Ok(turn)) => Poll::Ready(turn),
            // Without a schedule no time ever comes.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(waiting) = self.waiting.upgrade() {
            lock(&waiting).by_time.remove(&self.place);
        }
    }
}

impl Turn {
    /// Ready once those before it are over, or have kept it long enough.
    pub(crate) async fn comes(&mut self) {
        let all_former = async {
            while let Some(former) = &mut self.former {
                self.former = former.0.as_mut().await.ok().flatten();
            }
        };
        if timeout(PATIENCE, all_former).await.is_err() {
            self.former = None;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(next) = self.next.take() {
            // There may be no next one.
            let _ = next.send(self.former.take());
        }
    }
}

/// Gives everyone whose time has come its turn, and sets the alarm for the next.
fn wake(waiting: &Weak<Mutex<Waiting>>, clock: &Clock) {
    let Some(waiting) = waiting.upgrade() else { return };
    let mut waiting = lock(&waiting);
    let now = clock.now();
    while let Some(first) = waiting.by_time.first_entry().filter(|first| first.key().0 <= now) {
        let sender = first.remove();
        let (next, ended) = oneshot::channel();
        let former = waiting.last.replace(Former(Box::new(ended)));
        // Who gave up meanwhile passes its turn on as it drops it.
        let _ = sender.send(Turn { former, next: Some(next) });
    }
    waiting.set_alarm();
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long one that has begun keeps those after it.
const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use oc2_clock::Hand;
    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;

    fn at(milliseconds: u64) -> DateTime {
        DateTime::from_millis(milliseconds).unwrap()
    }

    fn has_its_turn(wait: &mut Wait) -> bool {
        match wait.turn.try_recv() {
            Ok(_) => true,
            Err(TryRecvError::Empty) => false,
            Err(TryRecvError::Closed) => panic!("the schedule is gone"),
        }
    }

    #[test]
    fn each_has_its_turn_when_the_clock_shows_its_time() {
        let (hand, clock) = Hand::at(at(1000));
        let schedule = Schedule::new(clock);
        let (mut late, mut soon) = (schedule.at(at(1200)).unwrap(), schedule.at(at(1100)).unwrap());
        hand.pass(99);
        assert!(!has_its_turn(&mut soon));
        hand.pass(1);
        assert!(has_its_turn(&mut soon) && !has_its_turn(&mut late));
        hand.pass(100);
        assert!(has_its_turn(&mut late));
    }

    #[test]
    fn a_clock_that_is_set_forward_gives_all_it_passed_their_turns_and_one_set_back_none_again() {
        let (hand, clock) = Hand::at(at(1000));
        let schedule = Schedule::new(clock);
        let mut waits: Vec<_> = (1..=5).map(|n| schedule.at(at(1000 + n * 1000)).unwrap()).collect();
        hand.set(at(500));
        assert!(!waits.iter_mut().any(has_its_turn));
        hand.set(at(5000));
        assert_eq!(waits.iter_mut().map(has_its_turn).collect::<Vec<_>>(), [true, true, true, true, false]);
        hand.set(at(500));
        hand.set(at(5500));
        assert!(!has_its_turn(&mut waits[4]));
        hand.set(at(6000));
        assert!(has_its_turn(&mut waits[4]));
    }

    #[tokio::test]
    async fn those_that_are_due_together_begin_in_the_order_of_their_times() {
        let (hand, clock) = Hand::at(at(0));
        let schedule = Schedule::new(clock);
        let [third, first, given_up, second] = [30, 10, 15, 20].map(|time| schedule.at(at(time)).unwrap());
        drop(given_up);
        hand.set(at(100));
        let (mut first, mut second, mut third) = (first.await, second.await, third.await);
        first.comes().await;
        assert!(!comes_now(&mut second).await && !comes_now(&mut third).await);
        // It was cancelled when its time had come.
        drop(second);
        assert!(!comes_now(&mut third).await, "the first is not over");
        drop(first);
        third.comes().await;
        // Nobody is before those that are due later.
        drop(third);
        let mut fourth = schedule.at(at(200)).unwrap();
        hand.set(at(200));
        (&mut fourth).await.comes().await;
    }

    async fn comes_now(turn: &mut Turn) -> bool {
        tokio::select! {
            biased;
            () = turn.comes() => true,
            () = std::future::ready(()) => false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_end_keeps_the_others_only_for_a_while() {
        let (hand, clock) = Hand::at(at(0));
        let schedule = Schedule::new(clock);
        let [first, second] = [10, 20].map(|time| schedule.at(at(time)).unwrap());
        hand.set(at(100));
        let (_stuck, mut second) = (first.await, second.await);
        second.comes().await;
    }
}
