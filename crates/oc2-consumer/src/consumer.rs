//! The Consumer: from a message to its answer.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use oc2_actuator::{Context, Prepared};
use oc2_core::types::text::RequestId;
use oc2_core::types::time::DateTime;
use oc2_core::{
    Class, Command, Content, Form, Message, Mode, Nsid, Rejection, Response, ResponseType, StatusCode, Target,
};
use oc2_encoding::{Decoded, Encoding, Encodings};
use oc2_transfer::{Handler, Peer, Refusal, Reply, Request, Scope};
use tracing::{debug, info, warn};

use crate::audit::Record;
use crate::builder::{ConsumerBuilder, WantsPolicy};
use crate::execution::Execution;
use crate::features::{self, QUERY_FEATURES};
use crate::gather::gather;
use crate::jobs::{Jobs, Place};
use crate::policy::AnyPolicy;
use crate::rate::Rate;
use crate::registry::{CANCEL_COMMAND, Nobody, Registry};
use crate::replay::{Key, Replay, Seen};
use crate::respond::Responder;
use crate::schedule;
use crate::settings::Settings;

/// An OpenC2 Consumer. Clones are the same Consumer.
#[derive(Clone)]
pub struct Consumer(Arc<Shared>);

struct Shared {
    identity: Arc<str>,
    encodings: Encodings,
    registry: Registry,
    policy: Box<dyn AnyPolicy>,
    settings: ArcSwap<Settings>,
    rate: ArcSwap<Rate>,
    replay: Replay,
    jobs: Jobs,
}

impl Consumer {
    /// Starts to build a Consumer with this identity, the `from` of its responses.
    pub fn builder(identity: impl Into<String>) -> ConsumerBuilder<WantsPolicy> {
        ConsumerBuilder::new(identity.into())
    }

    pub(crate) fn new(
        identity: String,
        policy: Box<dyn AnyPolicy>,
        registry: Registry,
        encodings: Encodings,
        settings: Settings,
    ) -> Self {
        Self(Arc::new(Shared {
            identity: identity.into(),
            encodings,
            registry,
            policy,
            rate: ArcSwap::from_pointee(Rate::new(settings.rate_limit)),
            settings: ArcSwap::from_pointee(settings),
            replay: Replay::default(),
            jobs: Jobs::default(),
        }))
    }

    /// Replaces the settings; commands under way keep those they began with.
    pub fn reload(&self, settings: Settings) {
        if settings.rate_limit != self.0.rate.load().per_minute() {
            self.0.rate.store(Arc::new(Rate::new(settings.rate_limit)));
        }
        self.0.settings.store(Arc::new(settings));
    }

    /// Takes on nothing new, gives up what waits for its time, and waits for what is being performed.
    pub async fn stop(&self) {
        self.0.jobs.stop().await;
    }
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer").field("identity", &self.0.identity).field("registry", &self.0.registry).finish()
    }
}

impl Handler for Consumer {
    async fn handle(&self, request: Request) -> Reply {
        let mut record = Record::new(&request);
        let asked = match self.0.understand(request, &mut record) {
            Ok(asked) => asked,
            Err(refused) => return refused.reply(&record),
        };
        // A task of its own: a lost connection does not stop it, and a panic ends it alone.
        let responder = asked.responder.clone();
        let answered = self.0.jobs.spawn(Arc::clone(&self.0).answer(asked, record.clone()));
        match answered.await {
            Ok(reply) => reply,
            Err(_) => Refused::new(responder, internal_error()).reply(&record),
        }
    }

    fn refuse(&self, refusal: Refusal) -> Reply {
        let request_id = refusal.request_id.as_deref().and_then(|id| id.parse().ok());
        let responder = self.0.responder(self.0.encodings.preferred(), Form::DEFAULT, request_id);
        let record = Record::of(refusal.peer, refusal.request_id);
        Refused::new(responder, refusal.rejection).reply(&record)
    }
}

/// A Command that was read, and how to answer it.
struct Asked {
    command: Command,
    peer: Peer,
    from: Option<String>,
    scope: Scope,
    body: Bytes,
    responder: Responder,
}

/// A message that goes no further, and how to answer it.
struct Refused {
    responder: Responder,
    rejection: Rejection,
}

impl Refused {
    fn new(responder: Responder, rejection: Rejection) -> Self {
        Self { responder, rejection }
    }

    fn reply(self, record: &Record) -> Reply {
        let response = self.rejection.into();
        record.end(&response);
        self.responder.reply(response)
    }
}

impl Shared {
    fn responder(&self, encoding: Arc<dyn Encoding>, form: Form, request_id: Option<RequestId>) -> Responder {
        let identity = Arc::clone(&self.identity);
        Responder { identity, encoding, form, request_id, to: None, wanted: ResponseType::Complete }
    }

    /// Reads a message; what is not a Command is refused under whatever id could be read.
    fn understand(&self, request: Request, record: &mut Record) -> Result<Asked, Refused> {
        let mode = self.settings.load().mode;
        let beside = request.request_id.as_deref().and_then(|id| id.parse().ok());
        let preferred = self.responder(self.encodings.preferred(), Form::DEFAULT, beside.clone());
        let selection = self
            .encodings
            .for_content_type(request.content_type.as_deref(), mode)
            .map_err(|error| Refused::new(preferred, Rejection::malformed(error.to_string())))?;
        if let Some(deviation) = selection.deviation {
            debug!(peer = %request.peer, deviation, "A deviation was tolerated.");
        }
        let encoding = selection.encoding;
        let decoded = encoding.decode(&request.body, mode).map_err(|error| {
            let glimpse = error.glimpse();
            let request_id = glimpse.request_id.clone().or_else(|| beside.clone());
            record.asked_under(request_id.as_ref());
            let mut responder = self.responder(Arc::clone(&encoding), glimpse.form, request_id);
            responder.wanted = glimpse.response_requested.unwrap_or(ResponseType::Complete);
            Refused::new(responder, Rejection::malformed(error.to_string()))
        })?;
        self.accept(request, decoded, encoding, beside, record)
    }

    /// Settles ids and recipients, and takes the Command out of its message.
    fn accept(
        &self,
        request: Request,
        decoded: Decoded,
        encoding: Arc<dyn Encoding>,
        beside: Option<RequestId>,
        record: &mut Record,
    ) -> Result<Asked, Refused> {
        let Decoded { message, form, notes, .. } = decoded;
        for note in &notes {
            debug!(peer = %request.peer, %note, "A deviation was tolerated.");
        }
        let request_id = self.correlate(&message, beside, &request.peer);
        record.asked_under(request_id.as_ref());
        record.sent_by(message.headers.from());
        let mut responder = self.responder(encoding, form, request_id);
        responder.to = message.headers.from().cloned();
        let from = responder.to.clone();
        if let Content::Request(command) = message.content() {
            responder.wanted = command.args.response_wanted();
            record.asked_for(command);
        }
        if let Err(rejection) = self.admit_headers(&message, responder.request_id.as_ref()) {
            return Err(Refused::new(responder, rejection));
        }
        let command = match message.into_content() {
            Content::Request(command) => command,
            Content::Response(_) => {
                let rejection = Rejection::malformed("body.openc2.response: a Consumer takes Commands");
                return Err(Refused::new(responder, rejection));
            }
            // DECISIONS M13
            Content::Notification(_) => {
                let rejection = Rejection::unsupported("notifications are not supported");
                return Err(Refused::new(responder, rejection));
            }
        };
        Ok(Asked { command, peer: request.peer, from, scope: request.scope, body: request.body, responder })
    }

    /// The id of the message, or the one that came beside it; the message wins (DECISIONS M10).
    fn correlate(&self, message: &Message, beside: Option<RequestId>, peer: &Peer) -> Option<RequestId> {
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

    fn admit_headers(&self, message: &Message, request_id: Option<&RequestId>) -> Result<(), Rejection> {
        let settings = self.settings.load();
        if request_id.is_none() && settings.mode == Mode::Strict {
            return Err(Rejection::malformed("headers: the member \"request_id\" is missing (HTTPS 3.3.3)"));
        }
        let is_for_others =
            message.headers.to().is_some_and(|recipients| recipients.iter().all(|to| to != &*self.identity));
        if is_for_others && settings.enforce_to {
            return Err(Rejection::new(Class::Forbidden, "headers.to: the message is for others"));
        }
        Ok(())
    }

    /// Answers a Command: from memory if it was seen before, else by performing it.
    async fn answer(self: Arc<Self>, asked: Asked, record: Record) -> Reply {
        let settings = self.settings.load_full();
        let execution = Execution::new(asked.responder.wanted);
        let key = asked.replay_key();
        if let Some(key) = &key {
            match self.replay.admit(key, &asked.body, &execution) {
                Seen::New => {}
                Seen::Before(earlier) => {
                    info!(peer = %asked.peer, request_id = key.1, "A repeated request is answered from memory.");
                    let response = earlier.answer(settings.max_wait, settings.status_wait).await;
                    return asked.responder.reply(response);
                }
                Seen::Reused => {
                    let rejection = Rejection::malformed("headers.request_id: request_id reused for another message");
                    return Refused::new(asked.responder, rejection).reply(&record);
                }
            }
        }
        let held = Held { replay: &self.replay, key: key.as_ref(), execution: &execution };
        let begun = self.begin(&asked, &settings, &execution, record.clone()).await;
        held.release();
        match begun {
            Ok(()) => {}
            Err(Nobody::NotMeant(rejection)) if asked.scope != Scope::Direct => {
                self.settle(&execution, key.as_ref(), &rejection);
                return Reply::empty(rejection.status());
            }
            Err(Nobody::NotMeant(rejection) | Nobody::Refused(rejection)) => {
                self.settle(&execution, key.as_ref(), &rejection);
                return Refused::new(asked.responder, rejection).reply(&record);
            }
        }
        let response = execution.answer(settings.max_wait, settings.status_wait).await;
        asked.responder.reply(response)
    }

    /// Remembers a refusal; one that is only for now is forgotten, so that the Command may be tried again.
    fn settle(&self, execution: &Execution, key: Option<&Key>, rejection: &Rejection) {
        execution.refuse(rejection.clone().into());
        if let (Some(key), Class::Unavailable) = (key, rejection.class()) {
            self.replay.forget(key);
        }
    }

    /// Decides about a Command and sets it going; when this returns, everything is settled but the outcome.
    async fn begin(
        self: &Arc<Self>,
        asked: &Asked,
        settings: &Settings,
        execution: &Execution,
        record: Record,
    ) -> Result<(), Nobody> {
        let command = &asked.command;
        self.rate.load().admit().map_err(Nobody::Refused)?;
        self.policy.decide(&asked.peer, asked.from.as_deref(), command).await.map_err(Nobody::Refused)?;
        let addressed = self.registry.addressed(command, asked.scope)?;
        match command.pair() {
            QUERY_FEATURES => {
                let response = self.tell_features(command).map_err(Nobody::Refused)?;
                record.end(&response);
                execution.finish(response);
            }
            CANCEL_COMMAND => {
                self.cancel(asked).map_err(Nobody::Refused)?;
                let response = Response::new(StatusCode::Ok);
                record.end(&response);
                execution.finish(response);
            }
            pair => {
                let place = self.jobs.admit(settings.max_commands).map_err(Nobody::Refused)?;
                let supporting = Registry::supporting(&addressed, pair).map_err(Nobody::Refused)?;
                let now = DateTime::now();
                let window = command
                    .args
                    .window(now)
                    .map_err(|error| Nobody::Refused(Rejection::malformed(format!("args: {error}"))))?;
                let context = Context::new(asked.producer(), window);
                let mut prepared = Vec::with_capacity(supporting.len());
                for actuator in supporting {
                    prepared.push((actuator.nsid(), actuator.prepare(command, context.clone()).await));
                }
                if prepared.iter().all(|(_, prepared)| prepared.is_err()) {
                    return Err(Nobody::Refused(worst_of(prepared)));
                }
                let starts_at = window.is_ahead(now).then_some(window.start);
                self.set_going(asked, prepared, starts_at, execution, record, place);
            }
        }
        Ok(())
    }

    fn tell_features(&self, command: &Command) -> Result<Response, Rejection> {
        features::admit(&command.args)?;
        let Target::Features(features) = &command.target else { return Err(internal_error()) };
        features::answer(features, &self.registry, &self.rate.load()).map_err(|error| {
            tracing::error!(%error, "query features could not be answered.");
            internal_error()
        })
    }

    fn cancel(&self, asked: &Asked) -> Result<(), Rejection> {
        if !asked.command.args.namespaces().is_empty() {
            return Err(Rejection::unsupported("Option not supported: cancel command takes no namespaces"));
        }
        let Target::Command(id) = &asked.command.target else { return Err(internal_error()) };
        self.jobs.cancel(&(asked.producer(), id.to_string()))
    }

    /// Starts the one task of a Command.
    fn set_going(
        self: &Arc<Self>,
        asked: &Asked,
        prepared: Vec<(Nsid, Result<Prepared, Rejection>)>,
        starts_at: Option<DateTime>,
        execution: &Execution,
        record: Record,
        place: Place,
    ) {
        if let Some(key) = asked.command_key() {
            self.jobs.register(key, execution.clone());
        }
        match starts_at {
            Some(_) => execution.schedule(),
            None => {
                execution.begin();
            }
        }
        let (shared, execution) = (Arc::clone(self), execution.clone());
        self.jobs.spawn(async move {
            let may_run = match starts_at {
                Some(start) => shared.wait_for(start, &execution).await,
                None => Ok(()),
            };
            let response = match may_run {
                Ok(()) => gather(perform(prepared).await),
                Err(rejection) => rejection.into(),
            };
            record.end(&response);
            execution.finish(response);
            drop(place);
        });
    }

    /// Waits for the time of a Command, unless it is cancelled or the Consumer stops.
    async fn wait_for(&self, start: DateTime, execution: &Execution) -> Result<(), Rejection> {
        let cancelled = || Rejection::failed("cancelled before its time");
        tokio::select! {
            () = schedule::until(start) => if execution.begin() { Ok(()) } else { Err(cancelled()) },
            () = execution.cancelled() => Err(cancelled()),
            () = self.jobs.stopping() => Err(Rejection::unavailable("given up before its time: the Consumer stops")),
        }
    }
}

impl Asked {
    /// Whom requests are told apart by: the authenticated identity, else `from`, else the address.
    fn producer(&self) -> String {
        match (&self.peer, &self.from) {
            (Peer::Authenticated(name), _) => name.to_string(),
            (_, Some(from)) => from.clone(),
            (peer, None) => peer.name().to_owned(),
        }
    }

    fn replay_key(&self) -> Option<Key> {
        self.responder.request_id.as_ref().map(|id| (self.producer(), id.to_string()))
    }

    /// The name a later `cancel` knows the Command by: its own, or the request id (LS 3.3.1, DECISIONS M9).
    fn command_key(&self) -> Option<Key> {
        let id = self.command.command_id.as_ref().map(ToString::to_string);
        let id = id.or_else(|| self.responder.request_id.as_ref().map(ToString::to_string));
        id.map(|id| (self.producer(), id))
    }
}

/// Forgets a request whose task ends in a panic while it is decided about, so that those who wait for it are answered.
struct Held<'a> {
    replay: &'a Replay,
    key: Option<&'a Key>,
    execution: &'a Execution,
}

impl Held<'_> {
    fn release(self) {
        std::mem::forget(self);
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.execution.refuse(internal_error().into());
        if let Some(key) = self.key {
            self.replay.forget(key);
        }
    }
}

/// Performs a Command with every actuator at once, each in a task of its own: a panic is a failure of that one.
async fn perform(prepared: Vec<(Nsid, Result<Prepared, Rejection>)>) -> Vec<(Nsid, oc2_actuator::Outcome)> {
    let running: Vec<_> = prepared
        .into_iter()
        .map(|(nsid, prepared)| (nsid, prepared.map(|prepared| tokio::spawn(prepared.perform()))))
        .collect();
    let mut outcomes = Vec::with_capacity(running.len());
    for (nsid, task) in running {
        let outcome = match task {
            Err(rejection) => Err(rejection),
            Ok(task) => task.await.unwrap_or_else(|_| Err(internal_error())),
        };
        outcomes.push((nsid, outcome));
    }
    outcomes
}

/// The worst of several refusals (DECISIONS R2).
fn worst_of(prepared: Vec<(Nsid, Result<Prepared, Rejection>)>) -> Rejection {
    prepared
        .into_iter()
        .filter_map(|(_, prepared)| prepared.err())
        .max_by_key(|rejection| rejection.status().as_u16())
        .unwrap_or_else(internal_error)
}

fn internal_error() -> Rejection {
    Rejection::failed("internal error")
}

/// Milliseconds since 1970 below this lie before 1973 and are more likely seconds (DECISIONS M4).
const LOOKS_LIKE_SECONDS: u64 = 100_000_000_000;
