//! What is remembered over a restart, on its way to the disk.
//!
//! *Invariants.* What a [`Pending`] says is done is durable. Rows are written in the order in which they were handed over, so
//! their numbers only grow. A row that was refused is not on the disk once anything else was written; an outcome that was
//! refused, and a deletion, are tried again until they succeed. A disk that fails costs no memory beyond what is remembered
//! anyway. What an actuator writes of a request by itself, with its effects, is a row like any other.

use std::any::Any;
use std::fmt;
use std::pin::Pin;

use oc2_actuator::Receipt;
use oc2_core::any::Any as Results;

use crate::appointment::Appointment;
use crate::key::Fingerprint;

/// The way to the disk.
pub(crate) trait Journal: fmt::Debug + Send + Sync {
    /// Has a Command written that waits for its time. If the disk fails it is given up.
    fn appoint(&self, number: u64, appointment: &Appointment) -> Pending;

    /// Has the row of a request written that is about to be performed, in the place of this appointment if there was one. If
    /// the disk fails it is given up.
    fn admit(&self, number: u64, row: &Row, appointment: Option<u64>) -> Pending;

    /// Has a row with its outcome written, in the place of this appointment if there was one, tried until it is; `is_first` if
    /// there was none without.
    fn conclude(&self, number: u64, row: &Row, is_first: bool, appointment: Option<u64>) -> Pending;

    /// A receipt for the ledger that it writes to; `entry` makes what [`Journal::entry`] does.
    fn receipt(&self, entry: Box<MakeEntry>) -> Receipt;

    /// What an actuator is to write for a row with its outcome, in the place of this appointment if there was one, together with
    /// the effects.
    fn entry(&self, number: u64, row: &Row, appointment: Option<u64>) -> Box<dyn Any + Send>;

    /// Has rows and appointments deleted, tried until they are.
    fn forget(&self, rows: &[u64], appointments: &[u64]) -> Pending;

    /// Whether the disk refused what was last to be written.
    #[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "nobody watches"))]
    fn is_failing(&self) -> bool;
}

/// What makes the entry of a receipt from the results of a Command.
pub(crate) type MakeEntry = dyn Fn(Option<Results>) -> Option<Box<dyn Any + Send>> + Send + Sync;

/// A request as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// When it was taken on, in milliseconds since 1970 by the clock of this host.
    pub(crate) admitted: u64,
    /// Who asked, under which id.
    pub(crate) key: Fingerprint,
    /// What was asked for.
    pub(crate) content: Fingerprint,
    /// The answer; none as long as it may be under way.
    pub(crate) outcome: Option<Vec<u8>>,
}

/// Says when something is durable.
pub(crate) struct Pending(Pin<Box<dyn Future<Output = Result<(), NotWritten>> + Send>>);

/// It is not durable; the log says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotWritten;

impl Pending {
    #[cfg_attr(not(feature = "durable"), expect(dead_code, reason = "nothing is durable"))]
    pub(crate) fn new(done: impl Future<Output = Result<(), NotWritten>> + Send + 'static) -> Self {
        Self(Box::pin(done))
    }

    /// Ready once it is durable.
    ///
    /// # Errors
    /// It is not.
    pub(crate) async fn done(self) -> Result<(), NotWritten> {
        self.0.await
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}
