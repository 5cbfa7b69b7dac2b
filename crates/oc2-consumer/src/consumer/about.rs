//! Commands about Commands that were issued before: `query command` and `cancel command` (DECISIONS L27).

use std::sync::Arc;
use std::time::Duration;

use oc2_actuator::Receipt;
use oc2_core::{Class, Nsid, Rejection, Response, StatusCode, Target};
use tokio::time::timeout;
use tracing::{info, warn};

use super::{Shared, internal_error};
use crate::execution::TooLate;
use crate::jobs::Named;
use crate::key::Key;
use crate::outcome::{Ending, Fate, Notes};
use crate::understand::Asked;

impl Shared {
    /// Tells what has become of a Command. No result of the standard has a place for it, so the text says it.
    pub(super) fn tell_standing(&self, asked: &Asked) -> Result<Response, Rejection> {
        let standings: Vec<_> = self.meant(asked)?.iter().map(|named| named.execution.standing()).collect();
        Ok(Response::new(StatusCode::Ok).with_text(standings.join("; ")))
    }

    /// Makes a Command void that waits for its time, and undoes one that was performed, if that is possible; when this returns,
    /// what is to be remembered of that one is.
    pub(super) async fn cancel(self: &Arc<Self>, asked: &Asked) -> Result<(), Rejection> {
        let (mut is_void, mut objection) = (false, None);
        let patience = CANCEL_WAIT.min(asked.settings.max_wait);
        for named in self.meant(asked)? {
            match Arc::clone(self).make_void(named, patience).await {
                Ok(()) => is_void = true,
                Err(rejection) => objection = Some(rejection),
            }
        }
        if is_void { Ok(()) } else { Err(objection.unwrap_or_else(internal_error)) }
    }

    /// The Commands of this Producer with the name that it says.
    fn meant(&self, asked: &Asked) -> Result<Vec<Named>, Rejection> {
        let args = &asked.command.args;
        let has_times = args.start_time().is_some() || args.stop_time().is_some() || args.duration().is_some();
        if has_times || !args.namespaces().is_empty() {
            let text =
                format!("Option not supported: {} takes no argument but response_requested", asked.command.pair());
            return Err(Rejection::unsupported(text));
        }
        let Target::Command(id) = &asked.command.target else { return Err(internal_error()) };
        self.jobs.named(&Key::new(asked.producer(), id.as_str()).fingerprint())
    }

    async fn make_void(self: Arc<Self>, named: Named, patience: Duration) -> Result<(), Rejection> {
        match named.execution.cancel() {
            Ok(()) => {
                named.execution.ended().await;
                return Ok(());
            }
            // It may only wait in a queue of its actuator.
            Err(TooLate::Running) => timeout(patience, named.execution.ended())
                .await
                .map_err(|_| too_late("the command is being performed"))?,
            Err(TooLate::Done) => {}
            Err(TooLate::Kept) => return Err(Rejection::unavailable("the Consumer is stopping; try again later")),
            Err(TooLate::Void) => return Err(too_late("the command was cancelled before")),
            Err(TooLate::Interrupted) => return Err(too_late("the Consumer stopped while it performed the command")),
        }
        if named.execution.notes().is_empty() {
            return Err(too_late("the command is done"));
        }
        // Once begun it is finished, however long whoever asked waits.
        let undoing = self.jobs.spawn(Arc::clone(&self).undo(named));
        undoing.await.unwrap_or_else(|_| Err(internal_error()))
    }

    /// Undoes what each actuator did, and remembers that, if possible in the step that makes the last of it durable; the first
    /// that refuses ends it.
    async fn undo(self: Arc<Self>, named: Named) -> Result<(), Rejection> {
        let name = Some(named.name).filter(|_| Some(named.name) != named.key);
        let undone = Ending { fate: Fate::Undone, name, notes: Notes::new() }.write();
        let receipt = named.key.and_then(|key| {
            let undone = undone.clone();
            self.replay.receipt(key, move |_| undone.clone())
        });
        if let Some(((nsid, last), others)) = named.execution.notes().split_last() {
            for (nsid, note) in others {
                self.undo_part(*nsid, note, None).await?;
            }
            self.undo_part(*nsid, last, receipt.as_ref()).await?;
        }
        if let Some(key) = named.key {
            self.replay.amend(key, &undone);
            if !receipt.is_some_and(|receipt| receipt.is_taken())
                && let Some(pending) = self.replay.write(key, Some(undone))
                && pending.done().await.is_err()
            {
                warn!("That a Command was undone is told though it is not on the disk yet.");
            }
        }
        named.execution.make_void(Fate::Undone.response());
        info!("A Command was undone.");
        Ok(())
    }

    async fn undo_part(&self, nsid: Nsid, note: &[u8], receipt: Option<&Receipt>) -> Result<(), Rejection> {
        for actuator in self.registry.with_profile(nsid) {
            match actuator.undo(note, receipt.cloned()).await {
                // Another one of the profile noted it.
                Err(rejection) if rejection.class() == Class::NotFound => {}
                res => return res,
            }
        }
        Err(too_late("the actuator that performed the command is not there any more"))
    }
}

fn too_late(reason: &str) -> Rejection {
    Rejection::failed(format!("too late: {reason}"))
}

/// How long a Command may go on being performed before it is too late to cancel it.
const CANCEL_WAIT: Duration = Duration::from_secs(10);
