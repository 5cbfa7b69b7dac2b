//! From a message to the Command in it, or to why it goes no further.

use std::sync::Arc;

use bytes::Bytes;
use oc2_core::types::text::RequestId;
use oc2_core::{Class, Command, Content, Envelope, Form, Headers, Message, Mode, Notation, Rejection, ResponseType};
use oc2_encoding::{Cbor, Decoded, Encoding, Encodings};
use oc2_transfer::{Peer, Reply, Request, Scope};
use tracing::{debug, warn};

use crate::appointment::Appointment;
use crate::audit::Record;
use crate::key::{Fingerprint, Key, Producer};
use crate::respond::Responder;
use crate::settings::Settings;

/// What a Consumer reads messages with.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) identity: Arc<str>,
    /// Other names it is known by.
    pub(crate) aliases: Vec<String>,
    pub(crate) encodings: Encodings,
}

/// A Command that was read, and how to answer it.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) command: Command,
    pub(crate) peer: Peer,
    pub(crate) from: Option<Arc<str>>,
    pub(crate) scope: Scope,
    pub(crate) body: Bytes,
    pub(crate) responder: Responder,
    /// Whether it is told that it takes long.
    pub(crate) needs_answer: bool,
    /// Those it is decided by, whatever they are replaced by meanwhile.
    pub(crate) settings: Arc<Settings>,
}

/// A message that goes no further, and how to answer it.
#[derive(Debug)]
pub(crate) struct Refused {
    responder: Box<Responder>,
    rejection: Rejection,
    is_for_others: bool,
}

impl Reader {
    /// How to answer what was not read.
    pub(crate) fn responder(&self, request_id: Option<RequestId>) -> Responder {
        self.responder_in(self.encodings.preferred(), Form::DEFAULT, request_id)
    }

    fn responder_in(&self, encoding: Arc<dyn Encoding>, form: Form, request_id: Option<RequestId>) -> Responder {
        let identity = Arc::clone(&self.identity);
        Responder { identity, encoding, form, request_id, to: None, wanted: ResponseType::Complete }
    }

    /// Reads a message; what is not a Command is refused under whatever id could be read.
    pub(crate) fn understand(
        &self,
        request: Request,
        settings: Arc<Settings>,
        record: &mut Record,
    ) -> Result<Asked, Refused> {
        let beside = request.request_id.as_deref().and_then(|id| id.parse().ok());
        let selection = self
            .encodings
            .for_content_type(request.content_type.as_deref(), settings.mode)
            .map_err(|error| Refused::new(self.responder(beside.clone()), Rejection::malformed(error.to_string())))?;
        if let Some(deviation) = selection.deviation {
            // DECISIONS M2
            warn!(peer = %request.peer, deviation, "A deviation was tolerated.");
        }
        let encoding = selection.encoding;
        let decoded = encoding.decode(&request.body, settings.mode).map_err(|error| {
            let glimpse = error.glimpse();
            let request_id = glimpse.request_id.clone().or_else(|| beside.clone());
            record.asked_under(request_id.as_ref());
            // A list is no message yet: in which nothing of one can be seen is answered as everybody can read it.
            let is_a_mere_list = glimpse.content.is_none() && glimpse.form.notation == Notation::Compact;
            let form = if is_a_mere_list { encoding.default_form() } else { glimpse.form };
            let mut responder = self.responder_in(Arc::clone(&encoding), answerable(form, request.scope), request_id);
            responder.wanted = glimpse.response_requested.unwrap_or(ResponseType::Complete);
            Refused::new(responder, Rejection::malformed(error.to_string()))
        })?;
        self.accept(request, decoded, encoding, beside, settings, record)
    }

    /// Reads a message that waited for its time on disk. It was accepted as it came, whatever it would be now.
    pub(crate) fn understand_again(
        &self,
        appointment: &Appointment,
        settings: Arc<Settings>,
        record: &mut Record,
    ) -> Option<Asked> {
        let Appointment { peer, scope, request_id, media_type, body, .. } = appointment.clone();
        let all = Encodings::default().and(Cbor);
        let offered = [&self.encodings, &all].into_iter();
        let encoding =
            offered.filter_map(|set| set.for_content_type(Some(&media_type), Mode::Lenient).ok()).next()?.encoding;
        let Decoded { message, form, .. } = encoding.decode(&body, Mode::Lenient).ok()?;
        let mut responder =
            self.responder_in(encoding, answerable(form, scope), request_id.and_then(|id| id.parse().ok()));
        let from: Option<Arc<str>> = message.headers.from().map(|from| from.as_str().into());
        record.asked_under(responder.request_id.as_ref());
        record.sent_by(from.clone());
        responder.to.clone_from(&from);
        let Content::Request(command) = message.into_content() else { return None };
        responder.wanted = command.args.response_wanted();
        record.asked_for(&command);
        Some(Asked { command, peer, from, scope, body, responder, needs_answer: true, settings })
    }

    /// Settles ids and recipients, and takes the Command out of its message.
    fn accept(
        &self,
        request: Request,
        decoded: Decoded,
        encoding: Arc<dyn Encoding>,
        beside: Option<RequestId>,
        settings: Arc<Settings>,
        record: &mut Record,
    ) -> Result<Asked, Refused> {
        let Decoded { message, form, notes, .. } = decoded;
        for note in &notes {
            debug!(peer = %request.peer, %note, "A deviation was tolerated.");
        }
        let request_id = correlate(&message, beside, &request.peer);
        record.asked_under(request_id.as_ref());
        let mut responder = self.responder_in(encoding, answerable(form, request.scope), request_id);
        let from: Option<Arc<str>> = message.headers.from().map(|from| from.as_str().into());
        record.sent_by(from.clone());
        responder.to.clone_from(&from);
        if let Content::Request(command) = message.content() {
            responder.wanted = command.args.response_wanted();
            record.asked_for(command);
        }
        // Where others hear a message too, who is not meant stays silent (DECISIONS M5).
        let is_overheard = request.scope != Scope::Direct;
        if is_overheard && self.is_for_others(&message.headers) {
            return Err(Refused::for_others(responder, "headers.to: the message is for others"));
        }
        if let Err(rejection) = self.admit_headers(&message.headers, request.scope, &responder, &settings) {
            return Err(Refused::new(responder, rejection));
        }
        #[cfg(feature = "signature")]
        let request = match signer(request, &message, &responder, &settings, record) {
            Ok(request) => request,
            Err(rejection) => return Err(Refused::new(responder, rejection)),
        };
        let command = match message.into_content() {
            Content::Request(command) => command,
            Content::Response(_) => {
                let rejection = Rejection::malformed("body.openc2.response: a Consumer takes Commands");
                return Err(Refused::new(responder, rejection));
            }
            // DECISIONS M13
            Content::Notification(_) if is_overheard => {
                return Err(Refused::for_others(responder, "notifications are ignored"));
            }
            Content::Notification(_) => {
                return Err(Refused::new(responder, Rejection::unsupported("notifications are not supported")));
            }
        };
        let Request { peer, scope, body, needs_answer, .. } = request;
        Ok(Asked { command, peer, from, scope, body, responder, needs_answer, settings })
    }

    fn admit_headers(
        &self,
        headers: &Headers,
        scope: Scope,
        responder: &Responder,
        settings: &Settings,
    ) -> Result<(), Rejection> {
        // Through a broker the answer does without (MQTT-122).
        if responder.request_id.is_none() && settings.mode == Mode::Strict && scope == Scope::Direct {
            return Err(Rejection::malformed("headers: the member \"request_id\" is missing (HTTPS 3.3.3)"));
        }
        if settings.enforce_to && self.is_for_others(headers) {
            return Err(Rejection::new(Class::Forbidden, "headers.to: the message is for others"));
        }
        Ok(())
    }

    /// Whether recipients are named, and we are none of them (DECISIONS M5).
    fn is_for_others(&self, headers: &Headers) -> bool {
        let is_ours = |to: &str| to == &*self.identity || self.aliases.iter().any(|alias| alias == to);
        headers.to().is_some_and(|recipients| !recipients.iter().any(is_ours))
    }
}

/// The request of whoever signed it, where the transfer does not know better who sent it (DECISIONS M6).
#[cfg(feature = "signature")]
fn signer(
    mut request: Request,
    message: &Message,
    responder: &Responder,
    settings: &Settings,
    record: &mut Record,
) -> Result<Request, Rejection> {
    let Some(signatures) = &settings.signatures else { return Ok(request) };
    if let Some(key_id) = signatures.signer(&request.body, message, &*responder.encoding, &request.peer)? {
        record.signed_with(&key_id);
        if let Peer::Unauthenticated(_) = request.peer {
            request.peer = Peer::Authenticated(key_id);
        }
    }
    Ok(request)
}

/// The id of the message, or the one that came beside it; the message wins (DECISIONS M10).
fn correlate(message: &Message, beside: Option<RequestId>, peer: &Peer) -> Option<RequestId> {
    let own = message.headers.request_id();
    if let (Some(own), Some(beside)) = (own, &beside)
        && own != beside
    {
        warn!(%peer, request_id = %own, beside = %beside, "The request ids differ; that of the message counts.");
    }
    if message.headers.created().is_some_and(|created| created.as_millis() < LOOKS_LIKE_SECONDS) {
        warn!(%peer, "headers.created looks like seconds; it is read as milliseconds.");
    }
    own.cloned().or(beside)
}

impl Asked {
    pub(crate) fn producer(&self) -> Producer<'_> {
        Producer::of(&self.peer, self.from.as_deref())
    }

    /// What a repetition of the request is known by.
    pub(crate) fn replay_key(&self) -> Option<Fingerprint> {
        self.responder.request_id.as_ref().map(|id| Key::new(self.producer(), id.as_str()).fingerprint())
    }

    /// The name that the Producer gave the Command (LS 3.3.1).
    pub(crate) fn own_name(&self) -> Option<Fingerprint> {
        self.command.command_id.as_ref().map(|id| Key::new(self.producer(), id.as_str()).fingerprint())
    }
}

impl Refused {
    pub(crate) fn new(responder: Responder, rejection: Rejection) -> Self {
        Self { responder: Box::new(responder), rejection, is_for_others: false }
    }

    /// Others are meant, and many hear it: no answer.
    fn for_others(responder: Responder, text: &str) -> Self {
        Self { responder: Box::new(responder), rejection: Rejection::not_found(text), is_for_others: true }
    }

    pub(crate) fn reply(self, record: &Record) -> Reply {
        if self.is_for_others {
            let status = self.rejection.status();
            record.not_meant(self.rejection);
            return Reply::empty(status);
        }
        let response = self.rejection.into();
        record.end(&response);
        self.responder.reply(response)
    }
}

/// Milliseconds since 1970 below this lie before 1973 and are more likely seconds (DECISIONS M4).
const LOOKS_LIKE_SECONDS: u64 = 100_000_000_000;

/// The form of an answer to a request of this form: its own, but for a bare one where others listen, since who answers stands in
/// the message around it (MQTT 3.3.2, DECISIONS M1).
fn answerable(form: Form, scope: Scope) -> Form {
    if scope == Scope::Direct { form } else { form.with_envelope(Envelope::Message) }
}
