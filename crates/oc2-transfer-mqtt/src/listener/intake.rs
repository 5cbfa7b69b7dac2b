//! From a message that arrived to a request, or to why it is none.

use std::sync::{Arc, LazyLock};

use oc2_core::{Mode, Rejection};
use oc2_encoding::{ContentKind, Glimpse};
use oc2_transfer::{Peer, Refusal, Request, Scope};

use super::{RespondTo, Settings};
use crate::link::Delivery;
use crate::properties::{Reading, Unfit};
use crate::topics::{ProducerId, Topic, responses_of_peers};

/// What to do with a message.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Handle it.
    Handle(Request, Return),
    /// Answer that it is refused.
    Refuse(Refusal, Return),
    /// Do nothing, for this reason.
    Ignore(String),
    /// Do nothing, and no longer listen to its topic.
    Unsubscribe,
}

/// How the answer goes back.
#[derive(Clone, Debug)]
pub(super) struct Return {
    pub(super) topic: Arc<str>,
    pub(super) is_flat: bool,
    pub(super) request_id: Option<String>,
}

/// Judges a message. What cannot be answered because it has no id is ignored, since nobody could tell what the answer belongs
/// to.
pub(super) fn judge(delivery: &Delivery, settings: &Settings, peer: &Arc<str>) -> Verdict {
    let peer = Peer::Unauthenticated(Arc::clone(peer));
    let scope = match Topic::parse(&delivery.topic) {
        Some(Topic::All) => Scope::Broadcast,
        Some(Topic::Profile(nsid)) if settings.profiles.contains(&nsid) => Scope::Profile(nsid),
        Some(Topic::Device(device)) if device == settings.device_id => Scope::Device,
        // A subscription of before, when we were somebody else.
        Some(_) | None => return Verdict::Unsubscribe,
    };
    if delivery.is_retained && !settings.serves_retained {
        return Verdict::Ignore("it is retained, and would be performed again at every subscription".to_owned());
    }
    match delivery.properties.read(&delivery.payload, settings.mode) {
        Err(Unfit { reason, glimpse, is_flat }) => refuse(reason, &glimpse, is_flat, settings, peer),
        Ok(reading) => match reading.kind {
            Some(ContentKind::Response) => Verdict::Ignore("a Response is none of our business".to_owned()),
            Some(ContentKind::Notification) => Verdict::Ignore("notifications are ignored".to_owned()),
            // DECISIONS M6
            Some(ContentKind::Request)
                if reading.glimpse.from.is_none() && settings.mode == Mode::Strict && is_whole(&reading) =>
            {
                let reason = "headers: the member \"from\" is missing (MQTT 2.4.2)".to_owned();
                refuse(reason, &reading.glimpse, reading.is_flat, settings, peer)
            }
            Some(ContentKind::Request) | None => {
                let route = Return::new(&reading.glimpse, reading.is_flat, settings);
                let Reading { coding, payload, .. } = reading;
                let content_type = Some(coding.media_type().to_owned());
                let needs_answer = settings.tells_processing;
                let request = Request { peer, scope, content_type, request_id: None, body: payload, needs_answer };
                Verdict::Handle(request, route)
            }
        },
    }
}

/// Whether a message could be looked at to where the headers are. If not, its reader has more to say about it.
fn is_whole(reading: &Reading) -> bool {
    reading.glimpse.content.is_some()
}

fn refuse(reason: String, glimpse: &Glimpse, is_flat: bool, settings: &Settings, peer: Peer) -> Verdict {
    // A message that is readably no request gets no answer, whatever else is wrong with it: an answer to an answer might be
    // answered.
    let is_other = matches!(glimpse.content, Some(ContentKind::Response | ContentKind::Notification));
    match &glimpse.request_id {
        Some(request_id) if !is_other => {
            let request_id = Some(request_id.to_string());
            let refusal = Refusal { peer, request_id, rejection: Rejection::malformed(reason) };
            Verdict::Refuse(refusal, Return::new(glimpse, is_flat, settings))
        }
        Some(_) | None => Verdict::Ignore(reason),
    }
}

impl Return {
    fn new(glimpse: &Glimpse, is_flat: bool, settings: &Settings) -> Self {
        let producer = || glimpse.from.as_deref().and_then(|from| from.parse::<ProducerId>().ok());
        let individual = if settings.respond_to == RespondTo::Individual { producer() } else { None };
        let topic = match individual {
            Some(producer) if is_flat => responses_of_peers(&producer).into(),
            Some(producer) => Topic::ResponsesTo(producer).to_string().into(),
            None => Arc::clone(&RESPONSES),
        };
        Self { topic, is_flat, request_id: glimpse.request_id.as_ref().map(ToString::to_string) }
    }
}

static RESPONSES: LazyLock<Arc<str>> = LazyLock::new(|| Topic::Responses.to_string().into());
