//! Requests that were seen before: a repeated one is answered again, not performed again (DECISIONS M12, ARCH B.3.2).
//!
//! *Invariants.* A Command with effects is handed to an actuator only when the journal, if there is one, has it durably, or
//! with a receipt that the actuator makes durable with the effects. An entry is forgotten no sooner than its row may be deleted: what is on the disk beyond what is in memory is on its way out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use oc2_actuator::Receipt;
use oc2_core::Rejection;
use oc2_core::any::Any;
use oc2_core::types::time::DateTime;

use crate::appointment::Appointment;
use crate::bounded::Bounded;
use crate::execution::Execution;
use crate::jobs::Named;
use crate::journal::{Journal, Pending, Row};
use crate::key::Fingerprint;
use crate::outcome::Ending;

/// The requests of the last hour, or of as long as a store keeps them; at most 10,000.
#[derive(Debug)]
pub(crate) struct Replay {
    is_durable: bool,
    requests: Mutex<Requests>,
}

#[derive(Debug)]
struct Requests {
    entries: Bounded<Fingerprint, Entry>,
    journal: Option<Box<dyn Journal>>,
    /// The highest number of a row, so far.
    last_row: u64,
    /// Rows without an entry, to be deleted together with whatever is written next.
    forgotten: Vec<u64>,
    /// The highest number of an appointment, so far.
    last_appointment: u64,
    /// Appointments without an entry, to be deleted in the same way.
    called_off: Vec<u64>,
    /// What a former process left to wait, until it is taken up.
    left: Vec<(u64, Appointment)>,
}

#[derive(Debug)]
struct Entry {
    content: Fingerprint,
    /// In milliseconds since 1970.
    admitted: u64,
    /// Its row in the journal, if it has one.
    row: Option<u64>,
    /// The number under which it waited for its time, if it did.
    appointment: Option<u64>,
    known: Known,
}

/// What is known about a request that was taken on.
#[derive(Debug)]
enum Known {
    /// All, since this process performs it.
    Execution(Execution),
    /// The outcome: a former process performed it.
    Outcome(Arc<[u8]>),
    /// Nothing but that a former process began to perform it.
    Begun,
}

/// What is known about a request.
#[derive(Debug)]
pub(crate) enum Seen {
    /// Nothing; it is remembered from now on.
    New,
    /// It is the same as before.
    Before(Execution),
    /// It is the same as one that a former process answered so.
    Answered(Arc<[u8]>),
    /// It is the same as one that a former process was performing when it ended.
    Interrupted,
    /// Its id was used for something else.
    Reused,
}

/// What was remembered by a former process, and how to remember more.
#[derive(Debug)]
pub(crate) struct Remembered {
    pub(crate) journal: Box<dyn Journal>,
    /// Those that are alive, the oldest first, with their numbers.
    pub(crate) rows: Vec<(u64, Row)>,
    /// The highest number of a row, alive or not.
    pub(crate) last_row: u64,
    /// What waits for its time, with its numbers in ascending order.
    pub(crate) appointments: Vec<(u64, Appointment)>,
    /// How long a request is remembered.
    pub(crate) lifetime: Duration,
}

impl Replay {
    /// Remembers in memory, and over a restart if there is something to begin with.
    pub(crate) fn new(remembered: Option<Remembered>) -> Self {
        let (journal, rows, last_row, left, lifetime) = match remembered {
            Some(Remembered { journal, rows, last_row, appointments, lifetime }) => {
                (Some(journal), rows, last_row, appointments, lifetime)
            }
            None => (None, Vec::new(), 0, Vec::new(), LIFETIME),
        };
        let mut entries = Bounded::new(CAPACITY, lifetime);
        let (now, clock) = (Instant::now(), DateTime::now().as_millis());
        let mut forgotten = Vec::new();
        for (number, Row { admitted, key, content, outcome }) in rows {
            let known = outcome.map_or(Known::Begun, |outcome| Known::Outcome(outcome.into()));
            let age = Duration::from_millis(clock.saturating_sub(admitted));
            let entry = Entry { content, admitted, row: Some(number), appointment: None, known };
            forgotten.extend(entries.insert(key, entry, now.checked_sub(age).unwrap_or(now), Entry::is_in_use));
        }
        let forgotten = forgotten.iter().filter_map(|entry| entry.row).collect();
        let is_durable = journal.is_some();
        let last_appointment = left.last().map_or(0, |(number, _)| *number);
        let called_off = Vec::new();
        let requests = Requests { entries, journal, last_row, forgotten, last_appointment, called_off, left };
        Self { is_durable, requests: Mutex::new(requests) }
    }

    /// Looks a request up, and remembers it as this execution if it is new and `take_on` agrees: what is not taken on
    /// displaces nothing.
    pub(crate) fn admit(
        &self,
        key: Fingerprint,
        body: &[u8],
        execution: &Execution,
        take_on: impl FnOnce() -> Result<(), Rejection>,
    ) -> Result<Seen, Rejection> {
        let content = Fingerprint::of(body);
        let mut requests = self.lock();
        match requests.entries.get(&key) {
            Some(entry) => Ok(entry.seen(content)),
            None => {
                take_on()?;
                requests.insert(key, Entry::new(content, execution));
                Ok(Seen::New)
            }
        }
    }

    /// What is known of a request, if it was seen.
    pub(crate) fn seen(&self, key: Fingerprint, body: &[u8]) -> Option<Seen> {
        let content = Fingerprint::of(body);
        self.lock().entries.get(&key).map(|entry| entry.seen(content))
    }

    /// Whether a request was seen.
    pub(crate) fn knows(&self, key: Fingerprint) -> bool {
        self.lock().entries.get(&key).is_some()
    }

    /// Whether anything is remembered over a restart.
    pub(crate) fn is_durable(&self) -> bool {
        self.is_durable
    }

    /// How many requests are remembered, and whether the disk fails them.
    #[cfg(feature = "metrics")]
    pub(crate) fn state(&self) -> (usize, bool) {
        let requests = self.lock();
        (requests.entries.len(), requests.journal.as_ref().is_some_and(|journal| journal.is_failing()))
    }

    /// Has a request that was taken on written down, with its outcome if there is one; none if it need not be.
    pub(crate) fn write(&self, key: Fingerprint, outcome: Option<Vec<u8>>) -> Option<Pending> {
        let mut requests = self.lock();
        requests.forget_rows();
        let Requests { entries, journal, last_row, .. } = &mut *requests;
        let (Some(journal), Some(entry)) = (journal, entries.get_mut(&key)) else { return None };
        let is_first = entry.row.is_none();
        let appointment = entry.appointment;
        let (number, row) = entry.row(key, outcome, last_row);
        Some(match &row.outcome {
            None => journal.admit(number, &row, appointment),
            Some(_) => journal.conclude(number, &row, is_first, appointment),
        })
    }

    /// What an actuator may write by itself of a request once it was performed; none if nothing is remembered over a restart.
    pub(crate) fn receipt(
        self: &Arc<Self>,
        key: Fingerprint,
        outcome: impl Fn(Option<Any>) -> Vec<u8> + Send + Sync + 'static,
    ) -> Option<Receipt> {
        let replay = Arc::downgrade(self);
        let entry = move |results| replay.upgrade()?.entry(key, outcome(results));
        Some(self.lock().journal.as_ref()?.receipt(Box::new(entry)))
    }

    fn entry(&self, key: Fingerprint, outcome: Vec<u8>) -> Option<Box<dyn std::any::Any + Send>> {
        let mut requests = self.lock();
        let Requests { entries, journal, last_row, .. } = &mut *requests;
        let entry = entries.get_mut(&key)?;
        let (number, row) = entry.row(key, Some(outcome), last_row);
        Some(journal.as_ref()?.entry(number, &row, entry.appointment))
    }

    /// Says that the disk did not take a request: there is nothing to forget on it.
    pub(crate) fn not_written(&self, key: Fingerprint) {
        if let Some(entry) = self.lock().entries.get_mut(&key) {
            entry.row = None;
        }
    }

    /// Has another answer in place of the one that a request of a former process got; what is on the disk is not changed.
    pub(crate) fn amend(&self, key: Fingerprint, outcome: &[u8]) {
        if let Some(Entry { known: known @ (Known::Outcome(_) | Known::Begun), .. }) = self.lock().entries.get_mut(&key)
        {
            *known = Known::Outcome(outcome.into());
        }
    }

    /// What a former process left, by the name of each Command.
    pub(crate) fn former(&self) -> Vec<Named> {
        let requests = self.lock();
        let former = requests.entries.iter().filter_map(|(key, entry)| {
            let ending = match &entry.known {
                Known::Execution(_) => return None,
                Known::Outcome(outcome) => Some(Ending::read(outcome)?.0),
                Known::Begun => None,
            };
            let name = ending.as_ref().and_then(|ending| ending.name).unwrap_or(*key);
            Some(Named { name, key: Some(*key), execution: Execution::former(ending) })
        });
        former.collect()
    }

    /// Forgets a request that was not taken on, so that it may be tried again; none if it need not be forgotten on the disk.
    pub(crate) fn forget(&self, key: Fingerprint) -> Option<Pending> {
        let mut requests = self.lock();
        let Entry { row, appointment, .. } = requests.entries.remove(&key)?;
        requests.forgotten.extend(row);
        requests.called_off.extend(appointment);
        requests.forget_rows()
    }

    /// Remembers a request without an id, under a key that is nobody's.
    pub(crate) fn admit_unnamed(&self, body: &[u8], execution: &Execution) -> Fingerprint {
        let content = Fingerprint::of(body);
        let mut requests = self.lock();
        let (now, n) = (DateTime::now().as_millis().to_be_bytes(), requests.last_appointment.to_be_bytes());
        let key = Fingerprint::of(&[&content.0[..], &now, &n].concat());
        requests.insert(key, Entry::new(content, execution));
        key
    }

    /// Has a Command written down that waits for its time; none if nothing is.
    pub(crate) fn appoint(&self, appointment: &Appointment) -> Option<Pending> {
        let mut requests = self.lock();
        let Requests { entries, journal, last_appointment, .. } = &mut *requests;
        let (Some(journal), Some(entry)) = (journal, entries.get_mut(&appointment.key)) else { return None };
        *last_appointment += 1;
        entry.appointment = Some(*last_appointment);
        Some(journal.appoint(*last_appointment, appointment))
    }

    /// What a former process left to wait; nothing the second time.
    pub(crate) fn take_left(&self) -> Vec<(u64, Appointment)> {
        std::mem::take(&mut self.lock().left)
    }

    /// Remembers the request of a Command that waited for its time when a former process ended.
    pub(crate) fn restore(&self, number: u64, appointment: &Appointment, execution: &Execution) {
        let entry = Entry::new(Fingerprint::of(&appointment.body), execution);
        self.lock().insert(appointment.key, Entry { appointment: Some(number), ..entry });
    }

    /// Whether a request is on the disk as one that waits for its time, or was.
    pub(crate) fn has_appointment(&self, key: Fingerprint) -> bool {
        self.lock().entries.get(&key).is_some_and(|entry| entry.appointment.is_some())
    }

    /// Counts the age of a request from now on, since it no longer waits for its time.
    pub(crate) fn is_due(&self, key: Fingerprint) {
        let mut requests = self.lock();
        if let Some(entry) = requests.entries.remove(&key) {
            requests.insert(key, Entry { admitted: DateTime::now().as_millis(), ..entry });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Requests {
    /// Has the rows deleted that have no entry any more.
    fn forget_rows(&mut self) -> Option<Pending> {
        let (forgotten, called_off) = (std::mem::take(&mut self.forgotten), std::mem::take(&mut self.called_off));
        let journal = self.journal.as_ref().filter(|_| !forgotten.is_empty() || !called_off.is_empty())?;
        Some(journal.forget(&forgotten, &called_off))
    }

    fn insert(&mut self, key: Fingerprint, entry: Entry) {
        let forgotten = self.entries.insert(key, entry, Instant::now(), Entry::is_in_use);
        self.forgotten.extend(forgotten.iter().filter_map(|entry| entry.row));
    }
}

impl Entry {
    fn new(content: Fingerprint, execution: &Execution) -> Self {
        let known = Known::Execution(execution.clone());
        Self { content, admitted: DateTime::now().as_millis(), row: None, appointment: None, known }
    }

    /// Its row, with a number of its own from now on.
    fn row(&mut self, key: Fingerprint, outcome: Option<Vec<u8>>, last_row: &mut u64) -> (u64, Row) {
        let number = *self.row.get_or_insert_with(|| {
            *last_row += 1;
            *last_row
        });
        (number, Row { admitted: self.admitted, key, content: self.content, outcome })
    }

    /// What is known to whoever asks with this content.
    fn seen(&self, content: Fingerprint) -> Seen {
        if self.content == content { self.known.seen() } else { Seen::Reused }
    }

    fn is_in_use(&self) -> bool {
        matches!(&self.known, Known::Execution(execution) if !execution.is_over())
    }
}

impl Known {
    fn seen(&self) -> Seen {
        match self {
            Self::Execution(execution) => Seen::Before(execution.clone()),
            Self::Outcome(outcome) => Seen::Answered(Arc::clone(outcome)),
            Self::Begun => Seen::Interrupted,
        }
    }
}

pub(crate) const CAPACITY: usize = 10_000;
pub(crate) const LIFETIME: Duration = Duration::from_secs(3600);
