//! One event per Command, whatever its end (ARCH B.3): in the log, and for whoever observes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use oc2_core::types::text::RequestId;
use oc2_core::{Command, Pair, Rejection, Response, StatusCode};
use oc2_encoding::write_json;
use oc2_transfer::Peer;

use crate::observer::{End, Ended, Observers};
use crate::policy::{Objection, Permit};
use crate::settings::Settings;

/// What is told about a Command when it ends: once, and also when whoever should have told it is gone.
#[derive(Debug)]
pub(crate) struct Record {
    observers: Observers,
    started: Instant,
    peer: Peer,
    key_id: Option<String>,
    from: Option<Arc<str>>,
    request_id: Option<String>,
    command_id: Option<String>,
    pair: Option<Pair>,
    target: Option<String>,
    judgement: Mutex<Option<Judgement>>,
    is_told: AtomicBool,
}

impl Record {
    pub(crate) fn new(observers: &Observers, peer: Peer, request_id: Option<String>) -> Self {
        Self {
            observers: observers.clone(),
            started: Instant::now(),
            peer,
            key_id: None,
            from: None,
            request_id,
            command_id: None,
            pair: None,
            target: None,
            judgement: Mutex::default(),
            is_told: AtomicBool::new(false),
        }
    }

    pub(crate) fn sent_by(&mut self, from: Option<Arc<str>>) {
        self.from = from;
    }

    #[cfg(feature = "signature")]
    pub(crate) fn signed_with(&mut self, key_id: &str) {
        self.key_id = Some(key_id.into());
    }

    pub(crate) fn asked_under(&mut self, request_id: Option<&RequestId>) {
        self.request_id = request_id.map(|id| id.as_str().to_owned());
    }

    pub(crate) fn asked_for(&mut self, command: &Command) {
        self.command_id = command.command_id.as_ref().map(|id| id.as_str().to_owned());
        self.pair = Some(command.pair());
        if !self.observers.is_empty() {
            // What came by an id that only a profile knows is told by its type alone.
            let target = write_json(&command.target).ok().and_then(|json| String::from_utf8(json).ok());
            self.target = target.map(shortened);
        }
    }

    /// The policy has decided; what it says last counts.
    pub(crate) fn judged(&self, decision: &Result<Permit, Objection>) {
        let judgement = match decision {
            Ok(permit) => Judgement { rule: permit.rule(), objection: None },
            Err(objection) => {
                Judgement { rule: objection.rule().map(Into::into), objection: Some(objection.reason().to_owned()) }
            }
        };
        *self.judgement.lock().unwrap_or_else(PoisonError::into_inner) = Some(judgement);
    }

    /// It has its outcome.
    pub(crate) fn end(&self, response: &Response) {
        let end = match response.status {
            StatusCode::Ok | StatusCode::Processing => End::Performed,
            StatusCode::InternalError => End::Failed,
            _ => End::Refused,
        };
        self.tell(end, Some(response));
    }

    /// It was made void by its Producer.
    pub(crate) fn cancelled(&self, response: &Response) {
        self.tell(End::Cancelled, Some(response));
    }

    /// It waits for its time, and the process ends.
    pub(crate) fn kept(&self, response: &Response) {
        self.tell(End::Kept, Some(response));
    }

    /// Others are meant, and nobody hears from us.
    pub(crate) fn not_meant(&self, rejection: Rejection) {
        self.tell(End::NotMeant, Some(&rejection.into()));
    }

    /// It is the same as one that has an event of its own.
    pub(crate) fn repeats_another(&self) {
        if !self.is_told.swap(true, Ordering::Relaxed) {
            self.show(End::Repeated, None);
        }
    }

    fn show(&self, end: End, response: Option<&Response>) {
        let is_supported = self.pair.is_some_and(|pair| self.observers.supports(pair));
        self.observers.ended(&Ended {
            end,
            peer: &self.peer,
            key_id: self.key_id.as_deref(),
            from: self.from.as_deref(),
            request_id: self.request_id.as_deref(),
            command_id: self.command_id.as_deref(),
            pair: self.pair,
            is_supported,
            target: self.target.as_deref(),
            response,
            elapsed: self.started.elapsed(),
        });
    }

    fn tell(&self, end: End, response: Option<&Response>) {
        if self.is_told.swap(true, Ordering::Relaxed) {
            return;
        }
        self.show(end, response);
        let elapsed_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let judgement = self.judgement.lock().unwrap_or_else(PoisonError::into_inner);
        let judgement = judgement.as_ref();
        let rule = judgement.and_then(|judgement| judgement.rule.as_deref());
        let objection = judgement.and_then(|judgement| judgement.objection.as_deref());
        macro_rules! event {
            ($level:ident, $sentence:literal) => {
                tracing::$level!(
                    target: TARGET,
                    peer = %self.peer,
                    key_id = self.key_id.as_deref(),
                    from = self.from.as_deref(),
                    request_id = self.request_id.as_deref(),
                    command_id = self.command_id.as_deref(),
                    command = self.pair.map(tracing::field::display),
                    status = response.map(|response| response.status.id()),
                    text = response.and_then(|response| response.status_text.as_deref()),
                    rule,
                    objection,
                    elapsed_us,
                    $sentence
                )
            };
        }
        match end {
            End::Performed => event!(info, "Command performed."),
            End::Cancelled => event!(info, "Command cancelled."),
            End::NotMeant => event!(info, "Command is for others."),
            End::Refused => event!(warn, "Command refused."),
            End::Failed => event!(error, "Command failed."),
            End::Kept => event!(info, "Command kept for the next start."),
            End::Repeated => {}
            End::CutOff => event!(error, "Command cut off; it may have been performed."),
        }
    }
}

/// What no outcome was told of was cut off: by the end of the program, or by a panic.
impl Drop for Record {
    fn drop(&mut self) {
        self.tell(End::CutOff, None);
    }
}

/// What of a target is recorded, in octets.
fn shortened(mut text: String) -> String {
    if text.len() > MAX_TARGET {
        let end = (0..=MAX_TARGET).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text.truncate(end);
        text.push_str("...");
    }
    text
}

/// What the policy said: the rule, and why it objects if it does.
#[derive(Debug)]
struct Judgement {
    rule: Option<String>,
    objection: Option<String>,
}

const MAX_TARGET: usize = 256;

/// Writes that the Consumer behaves differently from now on.
pub(crate) fn reconfigured(settings: &Settings) {
    let Settings {
        mode,
        rate_limit,
        rate_limit_per_peer,
        max_wait,
        status_wait,
        enforce_to,
        max_commands,
        max_scheduled,
        ..
    } = settings;
    #[cfg(feature = "signature")]
    let signatures = settings.signatures.as_deref();
    #[cfg(not(feature = "signature"))]
    let signatures = None::<()>;
    tracing::info!(
        target: TARGET,
        ?mode,
        rate_limit = rate_limit.map(u32::from),
        rate_limit_per_peer = rate_limit_per_peer.map(u32::from),
        ?max_wait,
        ?status_wait,
        enforce_to,
        max_commands,
        max_scheduled,
        ?signatures,
        "Settings changed."
    );
}

/// Writes that other rules say from now on who may do what.
pub(crate) fn policy_replaced() {
    tracing::info!(target: TARGET, "Policy replaced.");
}

const TARGET: &str = "oc2::audit";
