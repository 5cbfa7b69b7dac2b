//! What the actuators made of a Command.

use oc2_actuator::{Outcome, Prepared};
use oc2_core::{Nsid, Rejection, Response};
use tokio::task::JoinHandle;

use super::internal_error;
use crate::gather::gather;
use crate::jobs::caught;
use crate::outcome::Notes;

/// What the actuators made of a Command.
pub(super) struct Performed {
    pub(super) response: Response,
    /// How to undo it.
    pub(super) notes: Notes,
    /// Whether all of them refused.
    pub(super) did_nothing: bool,
}

impl Performed {
    /// Performs a Command with every actuator at once, each in a task of its own where there are several: a panic is a failure of
    /// that one.
    pub(super) async fn of(prepared: Vec<(Nsid, Result<Prepared, Rejection>)>) -> Self {
        let is_alone = prepared.len() == 1;
        let begin = |prepared: Prepared| (prepared.undo(), Performing::begin(prepared, is_alone));
        let running: Vec<_> = prepared.into_iter().map(|(nsid, prepared)| (nsid, prepared.map(begin))).collect();
        let mut outcomes: Vec<(Nsid, Outcome)> = Vec::with_capacity(running.len());
        let mut notes = Notes::new();
        for (nsid, running) in running {
            let outcome = match running {
                Err(rejection) => Err(rejection),
                Ok((undo, performing)) => {
                    let outcome = performing.outcome().await;
                    notes.extend(undo.noted().filter(|_| outcome.is_ok()).map(|note| (nsid, note)));
                    outcome
                }
            };
            outcomes.push((nsid, outcome));
        }
        let did_nothing = outcomes.iter().all(|(_, outcome)| outcome.is_err());
        Self { response: gather(outcomes), notes, did_nothing }
    }
}

enum Performing {
    Here(Prepared),
    There(JoinHandle<Outcome>),
}

impl Performing {
    fn begin(prepared: Prepared, is_alone: bool) -> Self {
        match is_alone {
            true => Self::Here(prepared),
            false => Self::There(tokio::spawn(prepared.perform())),
        }
    }

    async fn outcome(self) -> Outcome {
        match self {
            Self::Here(prepared) => caught(prepared.perform()).await.unwrap_or_else(|| Err(internal_error())),
            Self::There(task) => task.await.unwrap_or_else(|_| Err(internal_error())),
        }
    }
}
