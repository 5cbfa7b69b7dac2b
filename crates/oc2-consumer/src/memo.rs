//! What a Command is remembered by while it runs.

use std::sync::Arc;

use oc2_core::{Action, Form, Response, ResponseType};
use oc2_encoding::Encoding;

use crate::execution::Execution;
use crate::features::QUERY_FEATURES;
use crate::jobs::Named;
use crate::key::Fingerprint;
use crate::outcome::{self, Ending, Fate, Notes};
use crate::understand::Asked;

/// What a Command is remembered by, and how its outcome is written down.
#[derive(Clone, Debug)]
pub(crate) struct Memo {
    /// None if the request has no id, or only asks for features: then nothing of it is remembered.
    pub(crate) key: Option<Fingerprint>,
    /// What a later Command knows it by: its own name, or that of the request (LS 3.3.1, DECISIONS M9).
    pub(crate) name: Option<Fingerprint>,
    pub(crate) has_effects: bool,
    wanted: ResponseType,
    encoding: Arc<dyn Encoding>,
    form: Form,
}

impl Memo {
    pub(crate) fn of(asked: &Asked) -> Self {
        let key = asked.replay_key().filter(|_| asked.command.pair() != QUERY_FEATURES);
        Self {
            key,
            name: asked.own_name().or(key),
            has_effects: asked.command.action != Action::Query,
            wanted: asked.responder.wanted,
            encoding: Arc::clone(&asked.responder.encoding),
            form: asked.responder.form,
        }
    }

    /// The same of one whose request is known under this key, also if it has no id.
    pub(crate) fn under(self, key: Fingerprint) -> Self {
        Self { key: Some(key), ..self }
    }

    /// What it is remembered by over a restart: nothing if it may as well be performed again.
    pub(crate) fn lasting_key(&self) -> Option<Fingerprint> {
        self.key.filter(|_| self.has_effects)
    }

    /// Whether its Producer is answered before it is performed, and never hears what became of it (DECISIONS L5, H3).
    pub(crate) fn is_promised(&self) -> bool {
        matches!(self.wanted, ResponseType::Ack | ResponseType::None)
    }

    /// What it is known by when it is under way.
    pub(crate) fn named(&self, execution: &Execution) -> Option<Named> {
        self.name.map(|name| Named { name, key: self.lasting_key(), execution: execution.clone() })
    }

    /// The outcome, for the repetition of the request, and for Commands about this one.
    pub(crate) fn write(&self, outcome: Response, fate: Fate, notes: Notes) -> Vec<u8> {
        let name = self.name.filter(|_| self.name != self.key);
        let ending = Ending { fate, name, notes };
        outcome::write(&ending, &*self.encoding, self.form, outcome)
    }
}
