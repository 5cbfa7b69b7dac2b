//! What was told of features, kept: it is the same until the settings change.

use std::num::NonZeroU32;
use std::sync::Arc;

use arc_swap::ArcSwap;
use oc2_core::types::time::DateTime;
use oc2_core::{Feature, Features, Form, Response, ResponseType};
use oc2_encoding::Encoding;
use oc2_transfer::{Encoded, Reply};

use crate::respond::{Responder, Template};

/// The answers that were given; of those that are told most, not all there may be.
#[derive(Debug, Default)]
pub(crate) struct Answers(ArcSwap<Vec<Arc<Answer>>>);

/// An answer to `query features`.
#[derive(Debug)]
pub(crate) struct Answer {
    features: Told,
    per_minute: Option<NonZeroU32>,
    encoding: Arc<dyn Encoding>,
    form: Form,
    /// Whether it goes under an id, and to somebody who has a name.
    is_named: (bool, bool),
    response: Response,
    template: Option<Template>,
}

impl Answers {
    /// The answer that tells these features, with this rate.
    pub(crate) fn find(
        &self,
        features: &Features,
        per_minute: Option<NonZeroU32>,
        responder: &Responder,
    ) -> Option<Arc<Answer>> {
        let (answers, features) = (self.0.load(), told(features));
        let is_it = |answer: &&Arc<Answer>| {
            answer.features == features
                && answer.per_minute == per_minute
                && answer.form == responder.form
                && answer.is_named == is_named(responder)
                && Arc::ptr_eq(&answer.encoding, &responder.encoding)
        };
        answers.iter().find(is_it).cloned()
    }

    /// Keeps an answer, and no more of those that tell another rate.
    pub(crate) fn keep(
        &self,
        features: &Features,
        per_minute: Option<NonZeroU32>,
        responder: &Responder,
        response: Response,
    ) -> Arc<Answer> {
        let is_alike = |kept: &&Arc<Answer>| kept.per_minute == per_minute;
        let is_room = self.0.load().iter().filter(is_alike).count() < CAPACITY;
        let answer = Arc::new(Answer {
            features: told(features),
            per_minute,
            encoding: Arc::clone(&responder.encoding),
            form: responder.form,
            is_named: is_named(responder),
            // What is not kept is not worth it.
            template: if is_room { Template::of(responder, &response) } else { None },
            response,
        });
        if is_room {
            let kept = |answers: &Arc<Vec<Arc<Answer>>>| {
                answers.iter().filter(is_alike).chain([&answer]).take(CAPACITY).cloned().collect::<Vec<_>>()
            };
            self.0.rcu(kept);
        }
        answer
    }
}

impl Answer {
    pub(crate) fn response(&self) -> &Response {
        &self.response
    }

    /// The reply, as the responder would give it.
    pub(crate) fn reply(&self, responder: &Responder) -> Reply {
        let template = self.template.as_ref().filter(|_| responder.wanted == ResponseType::Complete);
        match template.and_then(|template| template.write(responder, DateTime::now())) {
            Some(bytes) => {
                let encoded = Encoded { bytes: bytes.into(), media_type: responder.encoding.media_type() };
                Reply::new(self.response.status, encoded)
            }
            None => responder.reply(self.response.clone()),
        }
    }
}

/// Which features are told; in which order they were asked for makes no difference.
type Told = [bool; Feature::ALL.len()];

fn told(features: &Features) -> Told {
    std::array::from_fn(|i| features.contains(Feature::ALL[i]))
}

fn is_named(responder: &Responder) -> (bool, bool) {
    (responder.request_id.is_some(), responder.to.is_some())
}

/// There are a few that everybody asks for, in one form.
const CAPACITY: usize = 64;
