//! What a Command is remembered by while it runs.

use std::sync::Arc;

use oc2_core::{Action, Form, Response, ResponseType};
use oc2_encoding::Encoding;

use crate::key::Fingerprint;
use crate::outcome;
use crate::understand::Asked;

/// What a Command is remembered by, and how its outcome is written down.
#[derive(Clone, Debug)]
pub(crate) struct Memo {
    /// None if the request has no id: then nothing of it is remembered.
    pub(crate) key: Option<Fingerprint>,
    has_effects: bool,
    wanted: ResponseType,
    encoding: Arc<dyn Encoding>,
    form: Form,
}

impl Memo {
    pub(crate) fn of(asked: &Asked) -> Self {
        Self {
            key: asked.replay_key(),
            has_effects: asked.command.action != Action::Query,
            wanted: asked.responder.wanted,
            encoding: Arc::clone(&asked.responder.encoding),
            form: asked.responder.form,
        }
    }

    /// What it is remembered by over a restart: nothing if it may as well be performed again.
    pub(crate) fn lasting_key(&self) -> Option<Fingerprint> {
        self.key.filter(|_| self.has_effects)
    }

    /// Whether its Producer is answered before it is performed, and never hears what became of it (DECISIONS L5, H3).
    pub(crate) fn is_promised(&self) -> bool {
        matches!(self.wanted, ResponseType::Ack | ResponseType::None)
    }

    /// The outcome, for the repetition of the request.
    pub(crate) fn write(&self, outcome: &Response) -> Vec<u8> {
        outcome::write(&*self.encoding, self.form, outcome)
    }
}
