//! What is on the disk about a Command, and when (DECISIONS M12).

use oc2_actuator::{Receipt, Undo};
use oc2_core::{Nsid, Rejection, Response, StatusCode};
use tracing::warn;

use super::performed::Performed;
use super::{Admission, Shared};
use crate::gather::gather;
use crate::key::Fingerprint;
use crate::memo::Memo;
use crate::outcome::{Fate, Notes};

impl Shared {
    /// What an actuator may write of a Command together with its effects.
    pub(super) fn receipt(&self, memo: &Memo, nsid: Nsid, undo: &Undo) -> Option<Receipt> {
        let key = memo.lasting_key().filter(|_| self.replay.is_durable())?;
        let (memo, undo) = (memo.clone(), undo.clone());
        self.replay.receipt(key, move |results| {
            let outcome = gather(vec![(nsid, Ok(results))]);
            let notes = undo.noted().map(|note| (nsid, note)).into_iter().collect();
            let fate = Fate::Done(outcome.status);
            memo.write(outcome, fate, notes)
        })
    }

    /// Has on the disk what became of a Command that was performed, or was not.
    pub(super) async fn remember(&self, memo: &Memo, performed: &Performed, ready: &Admission) {
        let Performed { response, notes, did_nothing } = performed;
        let Admission { receipt, is_with_effects } = ready;
        if !did_nothing && receipt.as_ref().is_some_and(Receipt::is_taken) {
            return;
        }
        if let (true, true, Some(key)) = (did_nothing, is_with_effects, memo.key) {
            // The actuator took back what it wrote of it, if anything.
            self.replay.not_written(key);
        }
        match (did_nothing, response.status, memo.key) {
            // What was not performed for now may be tried again.
            (true, StatusCode::ServiceUnavailable, Some(key)) => self.forget(key).await,
            // Nothing is on the disk, and refused it would be again.
            (true, status, Some(key))
                if *is_with_effects && status != StatusCode::InternalError && !self.replay.has_appointment(key) => {}
            _ => self.write_outcome(memo, response, notes).await,
        }
    }

    /// Writes down that a Command is about to be performed. Only then may it be.
    pub(super) async fn write_admission(&self, memo: &Memo) -> Result<(), Rejection> {
        let Some(key) = memo.lasting_key() else { return Ok(()) };
        let Some(pending) = self.replay.write(key, None) else { return Ok(()) };
        pending.done().await.map_err(|_| {
            self.replay.not_written(key);
            Rejection::unavailable(NOT_WRITTEN)
        })
    }

    /// Writes down what became of a Command. It is told even if the disk fails: that the Command was taken on is on it, so
    /// that nobody performs it again, or nothing of it was done; and the journal goes on trying.
    pub(super) async fn write_outcome(&self, memo: &Memo, outcome: &Response, notes: &Notes) {
        self.write_ending(memo, outcome, Fate::Done(outcome.status), notes).await;
    }

    /// The same of one that did not end by itself.
    pub(super) async fn write_ending(&self, memo: &Memo, outcome: &Response, fate: Fate, notes: &Notes) {
        let Some(key) = memo.lasting_key().filter(|_| self.replay.is_durable()) else { return };
        let Some(pending) = self.replay.write(key, Some(memo.write(outcome.clone(), fate, notes.clone()))) else {
            return;
        };
        if pending.done().await.is_err() {
            warn!("The outcome of a Command is told though it is not on the disk yet.");
        }
    }

    /// Forgets a Command of which nothing was done.
    pub(super) async fn forget(&self, key: Fingerprint) {
        if let Some(pending) = self.replay.forget(key) {
            // What is not deleted now is deleted later, or answered as interrupted after a restart.
            let _ = pending.done().await;
        }
    }
}

pub(super) const NOT_WRITTEN: &str =
    "the Command was not performed: the Consumer cannot write down that it takes it on; try again later";
