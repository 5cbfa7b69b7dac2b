//! Commands that were sent ahead of their time: kept, also over a restart, and performed when it has come.
//!
//! *Invariants.* With a store, a Command that has effects is on the disk before anybody is told that it waits. When its time has
//! come it is judged again, by the policy there is then; only then is it performed, and it is on the disk as one that is being
//! performed, or was, in the very step in which it is there no more as one that waits.

use std::sync::Arc;

use oc2_actuator::Context;
use oc2_core::types::time::Window;
use oc2_core::{Command, Rejection, Response, StatusCode};
use oc2_transfer::{Peer, Scope};
use tracing::error;

use super::remember::NOT_WRITTEN;
use super::{Nobody, Ready, Shared, in_time};
use crate::appointment::Appointment;
use crate::audit::Record;
use crate::execution::Execution;
use crate::jobs::Place;
use crate::key::{Fingerprint, Producer};
use crate::memo::Memo;
use crate::outcome::{Fate, Notes};
use crate::registry::Registry;
use crate::schedule::{Turn, Wait};
use crate::understand::{Asked, Reader};

/// A Command that waits, and what it takes to perform it.
struct Waiting {
    command: Command,
    peer: Peer,
    from: Option<Arc<str>>,
    scope: Scope,
    window: Window,
    memo: Memo,
    execution: Execution,
    record: Arc<Record>,
    /// Whether the next process finds it.
    is_kept: bool,
    _place: Place,
}

/// Why a Command was not performed when its time came.
enum GivenUp {
    Cancelled,
    Stopping,
}

impl Shared {
    /// Has a Command wait for its time.
    pub(super) async fn wait(
        self: &Arc<Self>,
        asked: &Asked,
        memo: &Memo,
        window: Window,
        place: Place,
        execution: &Execution,
        record: &Arc<Record>,
    ) -> Result<(), Rejection> {
        let wait = self.schedule.at(window.start).map_err(|error| {
            error!(%error, "No thread to wait for the time of a Command.");
            Rejection::unavailable("no thread to wait for the time of the command; try again later")
        })?;
        let is_kept = memo.has_effects && self.replay.is_durable();
        let memo = match is_kept {
            true => memo.clone().under(self.keep(asked, memo.key, window, execution).await?),
            false => memo.clone(),
        };
        let waiting = Waiting::new(asked, memo, window, execution, Arc::clone(record), is_kept, place);
        self.set_waiting(waiting, wait);
        Ok(())
    }

    /// Writes a Command down that waits for its time, under a key of its own if its request has none.
    async fn keep(
        &self,
        asked: &Asked,
        given: Option<Fingerprint>,
        window: Window,
        execution: &Execution,
    ) -> Result<Fingerprint, Rejection> {
        if asked.body.len() > MAX_KEPT {
            let text =
                format!("Option not supported: args.start_time: no message of more than {MAX_KEPT} octets is kept");
            return Err(Rejection::unsupported(text));
        }
        let key = given.unwrap_or_else(|| self.replay.admit_unnamed(&asked.body, execution));
        let appointment = Appointment {
            key,
            window,
            peer: asked.peer.clone(),
            scope: asked.scope,
            request_id: asked.responder.request_id.as_ref().map(ToString::to_string),
            media_type: asked.responder.encoding.media_type().to_owned(),
            body: asked.body.clone(),
        };
        let Some(pending) = self.replay.appoint(&appointment) else { return Ok(key) };
        if pending.done().await.is_ok() {
            return Ok(key);
        }
        if given.is_none() {
            self.forget(key).await;
        }
        Err(Rejection::unavailable(NOT_WRITTEN))
    }

    /// Takes up what waited for its time when a former process ended.
    pub(super) fn take_up(self: &Arc<Self>, reader: &Reader) {
        let mut appointments = self.replay.take_left();
        // Those that are late are performed in the order of their times.
        appointments.sort_by_key(|(number, appointment)| (appointment.window.start, *number));
        for (number, appointment) in appointments {
            if self.take_up_one(reader, number, appointment).is_none() {
                error!(number, "A command that waits for its time cannot be taken up; it stays on the disk.");
            }
        }
    }

    fn take_up_one(self: &Arc<Self>, reader: &Reader, number: u64, appointment: Appointment) -> Option<()> {
        let mut record = Record::new(&self.observers, appointment.peer.clone(), None);
        let settings = self.settings.load_full();
        let asked = reader.understand_again(&appointment, settings, &mut record)?;
        let wait = self.schedule.at(appointment.window.start).ok()?;
        let execution = Execution::new(asked.responder.wanted);
        self.replay.restore(number, &appointment, &execution);
        let memo = Memo::of(&asked).under(appointment.key);
        let (window, place) = (appointment.window, self.jobs.readmit());
        self.set_waiting(Waiting::new(&asked, memo, window, &execution, Arc::new(record), true, place), wait);
        Some(())
    }

    fn set_waiting(self: &Arc<Self>, waiting: Waiting, wait: Wait) {
        waiting.execution.schedule(waiting.window.start);
        if let Some(named) = waiting.memo.named(&waiting.execution) {
            self.jobs.register(named);
        }
        self.jobs.spawn(Arc::clone(self).perform_in_time(waiting, wait));
    }

    /// The task of a Command that waits.
    async fn perform_in_time(self: Arc<Self>, waiting: Waiting, wait: Wait) {
        let turn = match self.wait_for(wait, &waiting.execution).await {
            Ok(turn) => turn,
            Err(GivenUp::Cancelled) => return self.tell_cancelled(waiting).await,
            Err(GivenUp::Stopping) => return waiting.give_up(),
        };
        if let Some(key) = waiting.memo.key {
            self.replay.is_due(key);
        }
        match in_time(self.judge_again(&waiting)).await {
            Ok(ready) => self.perform(ready, &waiting.memo, &waiting.execution, &waiting.record).await,
            Err(rejection) => self.refuse_in_time(waiting, rejection).await,
        }
        // Only now may the next one begin.
        drop(turn);
    }

    /// Waits for the time of a Command, unless it is cancelled or the Consumer stops.
    async fn wait_for(&self, wait: Wait, execution: &Execution) -> Result<Turn, GivenUp> {
        let turn = async {
            let mut turn = wait.await;
            turn.comes().await;
            turn
        };
        tokio::select! {
            turn = turn => if execution.begin() { Ok(turn) } else { Err(GivenUp::Cancelled) },
            () = execution.cancelled() => Err(GivenUp::Cancelled),
            () = self.jobs.gives_up_scheduled() => {
                // Whoever cancels it at this moment is told so.
                if execution.begin() { Err(GivenUp::Stopping) } else { Err(GivenUp::Cancelled) }
            }
        }
    }

    /// Policy, actuators and rules may be others than when it was taken on.
    async fn judge_again(&self, waiting: &Waiting) -> Result<Ready, Rejection> {
        self.observers.admit()?;
        let Waiting { command, peer, from, scope, window, record, .. } = waiting;
        let addressed = self.registry.addressed(command, *scope).map_err(Nobody::into_rejection)?;
        self.decide((peer, from.as_deref(), command), Ok(&addressed), record).await?;
        let supporting = Registry::supporting(&addressed, command)?;
        let context = Context::new(Producer::of(peer, from.as_deref()).name(), *window);
        let ready = self.prepare(command, &waiting.memo, supporting, context).await?;
        // Until its effects are on the disk it is there as one that waits.
        if !ready.admission.is_with_effects {
            self.write_admission(&waiting.memo).await?;
        }
        Ok(ready)
    }

    /// What is refused for now is forgotten, so that it may be asked for again.
    async fn refuse_in_time(&self, waiting: Waiting, rejection: Rejection) {
        let Waiting { memo, execution, record, .. } = waiting;
        let response = Response::from(rejection);
        record.end(&response);
        match (response.status, memo.key) {
            (StatusCode::ServiceUnavailable, Some(key)) => self.forget(key).await,
            _ => self.write_outcome(&memo, &response, &Notes::new()).await,
        }
        execution.finish(response);
    }

    async fn tell_cancelled(&self, waiting: Waiting) {
        let Waiting { memo, execution, record, .. } = waiting;
        if let Some(key) = memo.key {
            self.replay.is_due(key);
        }
        let response = Fate::Cancelled.response();
        record.cancelled(&response);
        self.write_ending(&memo, &response, Fate::Cancelled, &Notes::new()).await;
        execution.make_void(response);
    }
}

impl Waiting {
    fn new(
        asked: &Asked,
        memo: Memo,
        window: Window,
        execution: &Execution,
        record: Arc<Record>,
        is_kept: bool,
        place: Place,
    ) -> Self {
        Self {
            command: asked.command.clone(),
            peer: asked.peer.clone(),
            from: asked.from.clone(),
            scope: asked.scope,
            window,
            memo,
            execution: execution.clone(),
            record,
            is_kept,
            _place: place,
        }
    }

    /// The process ends.
    fn give_up(self) {
        if self.is_kept {
            self.record.kept(&Response::new(StatusCode::Processing).with_text("scheduled"));
            self.execution.keep(self.window.start);
        } else {
            let response = Response::from(Rejection::unavailable("given up before its time: the Consumer stops"));
            self.record.end(&response);
            self.execution.finish(response);
        }
    }
}

/// Of a message that waits on the disk; there are at most as many as may wait.
const MAX_KEPT: usize = 64 << 10;
