//! What is on the disk about a Command, and when (DECISIONS M12).

use oc2_actuator::Receipt;
use oc2_core::{Nsid, Rejection, Response, StatusCode};
use tracing::warn;

use super::Shared;
use crate::gather::gather;
use crate::key::Fingerprint;
use crate::memo::Memo;

impl Shared {
    /// What an actuator may write of a Command together with its effects.
    pub(super) fn receipt(&self, memo: &Memo, nsid: Nsid) -> Option<Receipt> {
        let (key, memo) = (memo.lasting_key().filter(|_| self.replay.is_durable())?, memo.clone());
        self.replay.receipt(key, move |results| memo.write(&gather(vec![(nsid, Ok(results))])))
    }

    /// Has on the disk what became of a Command that was performed, or was not.
    pub(super) async fn remember(
        &self,
        memo: &Memo,
        outcome: &Response,
        is_undone: bool,
        receipt: Option<&Receipt>,
        is_admitted: bool,
    ) {
        if !is_undone && receipt.is_some_and(Receipt::is_taken) {
            return;
        }
        if let (true, true, Some(key)) = (is_undone, is_admitted, memo.key) {
            // The actuator took back what it wrote of it, if anything.
            self.replay.not_written(key);
        }
        match (is_undone, outcome.status, memo.key) {
            // What was not performed for now may be tried again.
            (true, StatusCode::ServiceUnavailable, Some(key)) => self.forget(key).await,
            // Nothing is on the disk, and refused it would be again.
            (true, status, _) if is_admitted && status != StatusCode::InternalError => {}
            _ => self.write_outcome(memo, outcome).await,
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
    pub(super) async fn write_outcome(&self, memo: &Memo, outcome: &Response) {
        let Some(key) = memo.lasting_key().filter(|_| self.replay.is_durable()) else { return };
        let Some(pending) = self.replay.write(key, Some(memo.write(outcome))) else { return };
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

const NOT_WRITTEN: &str =
    "the Command was not performed: the Consumer cannot write down that it takes it on; try again later";
