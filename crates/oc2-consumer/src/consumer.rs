//! The Consumer: from a message to its answer.

mod about;
mod ahead;
mod performed;
mod remember;

#[cfg(feature = "metrics")]
use std::sync::Weak;
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use oc2_actuator::{AnyActuator, Context, Prepared, Receipt};
use oc2_core::{Command, Nsid, Rejection, Response, StatusCode, Target};
use oc2_encoding::Encodings;
use oc2_transfer::{Handler, Peer, Refusal, Reply, Request};
use tokio::time::timeout;
use tracing::info;

use self::performed::Performed;
use crate::audit::{self, Record};
use crate::builder::{ConsumerBuilder, WantsPolicy};
use crate::execution::{Execution, Follower, Word};
use crate::features::{self, QUERY_FEATURES};
use crate::gather::gather_refusals;
use crate::jobs::{Jobs, Place};
use crate::key::Fingerprint;
use crate::memo::Memo;
use crate::observer::Observers;
use crate::outcome::{self, Notes};
use crate::policy::{AnyPolicy, Permit, Policy, Question};
use crate::rate::{PeerRates, Rate};
use crate::registry::{CANCEL_COMMAND, Nobody, QUERY_COMMAND, Registry};
use crate::replay::{Replay, Seen};
use crate::respond::Responder;
use crate::schedule::Schedule;
use crate::settings::Settings;
use crate::understand::{Asked, Reader, Refused};

/// An OpenC2 Consumer. Clones are the same Consumer.
#[derive(Clone)]
pub struct Consumer {
    shared: Arc<Shared>,
    reader: Arc<Reader>,
}

struct Shared {
    registry: Registry,
    policy: ArcSwap<Arc<dyn AnyPolicy>>,
    settings: ArcSwap<Settings>,
    rate: ArcSwap<Rate>,
    peer_rates: ArcSwap<PeerRates>,
    replay: Arc<Replay>,
    jobs: Jobs,
    schedule: Schedule,
    /// What a former process left to wait is taken up.
    taking_up: Once,
    observers: Observers,
}

impl Consumer {
    /// Starts to build a Consumer with this identity, the `from` of its responses.
    pub fn builder(identity: impl Into<String>) -> ConsumerBuilder<WantsPolicy> {
        ConsumerBuilder::new(identity.into())
    }

    pub(crate) fn new(
        reader: Reader,
        policy: Arc<dyn AnyPolicy>,
        registry: Registry,
        settings: Settings,
        replay: Replay,
        schedule: Schedule,
        observers: Observers,
    ) -> Self {
        let jobs = Jobs::default();
        replay.former().into_iter().for_each(|named| jobs.register(named));
        let shared = Shared {
            registry,
            policy: ArcSwap::from_pointee(policy),
            rate: ArcSwap::from_pointee(Rate::new(settings.rate_limit)),
            peer_rates: ArcSwap::from_pointee(PeerRates::new(settings.rate_limit_per_peer)),
            settings: ArcSwap::from_pointee(settings),
            replay: Arc::new(replay),
            jobs,
            schedule,
            taking_up: Once::new(),
            observers,
        };
        Self { shared: Arc::new(shared), reader: Arc::new(reader) }
    }

    /// The same Consumer behind a transfer with encodings of its own: actuators, requests seen, rate and settings are shared.
    #[must_use]
    pub fn reading(&self, encodings: Encodings) -> Self {
        let reader = Reader { encodings, ..Reader::clone(&self.reader) };
        Self { shared: Arc::clone(&self.shared), reader: Arc::new(reader) }
    }

    /// The profiles of its actuators, each once.
    #[must_use]
    pub fn profiles(&self) -> Vec<Nsid> {
        self.shared.registry.profiles()
    }

    /// Replaces the settings; commands under way keep those they began with.
    pub fn reload(&self, settings: Settings) {
        audit::reconfigured(&settings);
        self.shared.observers.reconfigured(&settings);
        if settings.rate_limit != self.shared.rate.load().per_minute() {
            self.shared.rate.store(Arc::new(Rate::new(settings.rate_limit)));
        }
        if settings.rate_limit_per_peer != self.shared.peer_rates.load().per_minute() {
            self.shared.peer_rates.store(Arc::new(PeerRates::new(settings.rate_limit_per_peer)));
        }
        self.shared.settings.store(Arc::new(settings));
    }

    /// What is going on.
    #[cfg(feature = "metrics")]
    fn figures(shared: &Shared) -> Figures {
        let (n_running, n_scheduled) = shared.jobs.count();
        let (n_remembered, is_store_failing) = shared.replay.state();
        Figures { n_running, n_scheduled, n_remembered, is_store_failing }
    }

    /// Something to ask for figures that does not keep it alive.
    #[cfg(feature = "metrics")]
    pub(crate) fn downgrade(&self) -> WeakConsumer {
        WeakConsumer(Arc::downgrade(&self.shared))
    }

    /// Replaces the policy. Commands under way keep the permit they got; those that wait for their time are judged again when it
    /// has come (DECISIONS P5).
    pub fn replace_policy(&self, policy: impl Policy) {
        audit::policy_replaced();
        self.shared.policy.store(Arc::new(Arc::new(policy)));
    }

    /// Takes up what waited for its time when a former process ended, if it is remembered over a restart; what is late is performed
    /// now. To be called where tasks can be spawned, before Commands come: the first of them does it else.
    pub fn take_up(&self) {
        self.shared.taking_up.call_once(|| self.shared.take_up(&self.reader));
    }

    /// Gives up what waits for its time, and whatever is taken on from now on to wait for its; what is remembered over a restart is
    /// left to the next process. Listeners that tell outcomes later can tell that before they end.
    pub fn give_up_scheduled(&self) {
        self.shared.jobs.give_up_scheduled();
    }

    /// Takes on nothing new, gives up what waits for its time or leaves it to the next process, and waits for what is being performed, however long that
    /// takes. Whoever gives up waiting cuts off what is left when its runtime ends.
    pub async fn stop(&self) {
        self.shared.jobs.stop().await;
    }
}

/// A Consumer that may be gone.
#[cfg(feature = "metrics")]
pub(crate) struct WeakConsumer(Weak<Shared>);

#[cfg(feature = "metrics")]
impl WeakConsumer {
    /// What is going on, as long as it is there.
    pub(crate) fn figures(&self) -> Option<Figures> {
        self.0.upgrade().map(|shared| Consumer::figures(&shared))
    }
}

/// What is going on in a Consumer.
#[cfg(feature = "metrics")]
pub(crate) struct Figures {
    pub(crate) n_running: usize,
    pub(crate) n_scheduled: usize,
    pub(crate) n_remembered: usize,
    /// Whether requests cannot be remembered on disk.
    pub(crate) is_store_failing: bool,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (reader, registry) = (&self.reader, &self.shared.registry);
        f.debug_struct("Consumer").field("identity", &reader.identity).field("registry", registry).finish()
    }
}

impl Handler for Consumer {
    async fn handle(&self, request: Request) -> Reply {
        let reply = self.answer(request).await;
        // What becomes of a Command is kept before it is told, where it must be.
        self.shared.observers.settled().await;
        reply
    }

    fn refuse(&self, refusal: Refusal) -> Reply {
        let request_id = refusal.request_id.as_deref().and_then(|id| id.parse().ok());
        let record = Record::new(&self.shared.observers, refusal.peer, refusal.request_id);
        Refused::new(self.reader.responder(request_id), refusal.rejection).reply(&record)
    }
}

impl Consumer {
    async fn answer(&self, request: Request) -> Reply {
        self.take_up();
        // Also of what cannot be read.
        let admitted = self.shared.peer_rates.load().admit(&request.peer, Instant::now());
        let mut record = Record::new(&self.shared.observers, request.peer.clone(), request.request_id.clone());
        let asked = match self.reader.understand(request, self.shared.settings.load_full(), &mut record) {
            Ok(asked) => asked,
            Err(refused) => return refused.reply(&record),
        };
        // Nobody's but its own: a lost connection does not stop it, and a panic ends it alone.
        let (responder, record) = (asked.responder.clone(), Arc::new(record));
        match self.shared.jobs.run(Arc::clone(&self.shared).answer(asked, Arc::clone(&record), admitted)).await {
            Some(reply) => reply,
            None => Refused::new(responder, internal_error()).reply(&record),
        }
    }
}

impl Shared {
    /// Answers a Command: not at all if others are meant, from memory if it was seen before, else by performing it.
    async fn answer(self: Arc<Self>, asked: Asked, record: Arc<Record>, admitted: Result<(), Rejection>) -> Reply {
        let addressed = match (self.registry.addressed(&asked.command, asked.scope), asked.scope) {
            (Err(Nobody::NotMeant(rejection)), scope) if scope.is_broadcast() => {
                let status = rejection.status();
                record.not_meant(rejection);
                return Reply::empty(status);
            }
            (addressed, _) => addressed.map_err(Nobody::into_rejection),
        };
        if let Err(rejection) = admitted.and_then(|()| self.observers.admit()) {
            return Refused::new(asked.responder, rejection).reply(&record);
        }
        let question = (&asked.peer, asked.from.as_deref(), &asked.command);
        let permit = match in_time(self.decide(question, addressed.as_deref(), &record)).await {
            Ok(permit) => permit,
            Err(rejection) => return Refused::new(asked.responder, rejection).reply(&record),
        };
        let execution = Execution::new(asked.responder.wanted);
        let memo = Memo::of(&asked);
        match self.take_on(&asked, memo.key, &permit, &execution) {
            Ok(Seen::New) => {}
            Ok(Seen::Before(earlier)) => {
                let request_id = asked.responder.request_id.as_ref();
                info!(peer = %asked.peer, request_id = request_id.map(|id| id.as_str()), "A repeated request is answered from memory.");
                record.repeats_another();
                return self.reply(asked, &earlier).await;
            }
            Ok(Seen::Answered(outcome)) => return self.answer_as_before(asked, &outcome, &record).await,
            Ok(Seen::Interrupted) => {
                return Refused::new(asked.responder, Rejection::failed(INTERRUPTED)).reply(&record);
            }
            Ok(Seen::Reused) => {
                let rejection = Rejection::malformed("headers.request_id: request_id reused for another message");
                return Refused::new(asked.responder, rejection).reply(&record);
            }
            Err(rejection) => return Refused::new(asked.responder, rejection).reply(&record),
        }
        let held = Held { replay: &self.replay, key: memo.key, execution: &execution };
        let begun = in_time(self.begin(&asked, &memo, addressed, &execution, &record)).await;
        held.release();
        if let Err(rejection) = begun {
            self.settle(&execution, memo.key, &rejection);
            return Refused::new(asked.responder, rejection).reply(&record);
        }
        self.reply(asked, &execution).await
    }

    /// Asks the policy, and notes what it says. Whoever would perform the Command says what it is called.
    async fn decide(
        &self,
        (peer, from, command): (&Peer, Option<&str>, &Command),
        addressed: Result<&[&AnyActuator], &Rejection>,
        record: &Record,
    ) -> Result<Permit, Rejection> {
        let profiles = Registry::terms(addressed.unwrap_or_default(), command);
        let question = Question::new(peer, from, command, &profiles);
        let policy = self.policy.load_full();
        let decision = policy.decide(&question).await;
        record.judged(&decision);
        decision.map_err(|objection| objection.rejection().clone())
    }

    /// Answers with what a former process answered.
    async fn answer_as_before(self: &Arc<Self>, asked: Asked, outcome: &[u8], record: &Record) -> Reply {
        let Some(response) = outcome::read(&*asked.responder.encoding, outcome) else {
            return Refused::new(asked.responder, Rejection::failed(UNREADABLE)).reply(record);
        };
        let request_id = asked.responder.request_id.as_ref();
        info!(peer = %asked.peer, request_id = request_id.map(|id| id.as_str()), "A repeated request is answered from disk.");
        record.repeats_another();
        let execution = Execution::over(asked.responder.wanted, response);
        self.reply(asked, &execution).await
    }

    /// Gives the answer that is due now; what is wanted and not there yet follows, for transfers that can bring it (DECISIONS L7).
    async fn reply(self: &Arc<Self>, mut asked: Asked, execution: &Execution) -> Reply {
        // Nothing of it is kept while the answer waits but how to give it.
        asked.body.clear();
        let Asked { responder, settings, needs_answer, .. } = asked;
        let shared = Arc::clone(self);
        let reply = match execution.answer(settings.max_wait, settings.status_wait).await {
            Word::Last(response) => return responder.reply(response),
            Word::Processing(response) if !needs_answer => {
                let follower = execution.follow();
                let later = async move { shared.reply_later(&responder, &follower).await };
                return Reply::empty(response.status).and_later(later);
            }
            Word::Processing(response) | Word::Scheduled(response) => responder.reply(response),
        };
        match execution.follow_alone() {
            Some(follower) => reply.and_later(async move { shared.reply_later(&responder, follower.get()).await }),
            None => reply,
        }
    }

    async fn reply_later(&self, responder: &Responder, follower: &Follower) -> Reply {
        let response = follower.outcome().await;
        self.observers.settled().await;
        // What is left to the next process is told by nobody but to whoever asks again.
        response.map_or_else(|| Reply::empty(StatusCode::Processing), |response| responder.reply(response))
    }

    /// Counts a Command that was not seen before, and remembers it if it has an id.
    fn take_on(
        &self,
        asked: &Asked,
        key: Option<Fingerprint>,
        permit: &Permit,
        execution: &Execution,
    ) -> Result<Seen, Rejection> {
        let rate = self.rate.load();
        // Who sends more than may be sent does not use up what is for all.
        let admit = || permit.admit().and_then(|()| rate.admit());
        match key {
            None => admit().map(|()| Seen::New),
            Some(key) => self.replay.admit(key, &asked.body, execution, admit),
        }
    }

    /// Remembers a refusal; one that is only for now is forgotten, so that the Command may be tried again.
    fn settle(&self, execution: &Execution, key: Option<Fingerprint>, rejection: &Rejection) {
        // First: once it is over, the entry under this key may be that of another.
        if let (Some(key), StatusCode::ServiceUnavailable) = (key, rejection.status()) {
            // Nobody waits: what is not deleted now is answered as interrupted after a restart, and performed by nobody.
            let _ = self.replay.forget(key);
        }
        execution.refuse(rejection.clone().into());
    }

    /// Decides about a Command and sets it going; when this returns, everything is settled but the outcome. What is given
    /// up before has no effect.
    async fn begin(
        self: &Arc<Self>,
        asked: &Asked,
        memo: &Memo,
        addressed: Result<Vec<&AnyActuator>, Rejection>,
        execution: &Execution,
        record: &Arc<Record>,
    ) -> Result<(), Rejection> {
        let addressed = addressed?;
        match asked.command.pair() {
            QUERY_FEATURES => {
                let response = self.tell_features(&asked.command)?;
                record.end(&response);
                execution.finish(response);
            }
            QUERY_COMMAND => {
                let response = self.tell_standing(asked)?;
                record.end(&response);
                execution.finish(response);
            }
            CANCEL_COMMAND => {
                self.cancel(asked).await?;
                let response = Response::new(StatusCode::Ok);
                record.end(&response);
                self.write_outcome(memo, &response, &Notes::new()).await;
                execution.finish(response);
            }
            _ => {
                let supporting = Registry::supporting(&addressed, &asked.command)?;
                let now = self.schedule.now();
                let window = asked.command.args.window(now);
                let window = window.map_err(|error| Rejection::malformed(format!("args: {error}")))?;
                let place = self.jobs.admit(&asked.settings, window.is_ahead(now))?;
                let context = Context::new(asked.producer().name(), window);
                let mut ready = self.prepare(&asked.command, memo, supporting, context).await?;
                if window.is_ahead(now) {
                    return self.wait(asked, memo, window, place, execution, record).await;
                }
                // Whoever is answered before wants to find it on the disk.
                ready.admission.is_with_effects &= !memo.is_promised();
                if !ready.admission.is_with_effects {
                    self.write_admission(memo).await?;
                }
                self.set_going(ready, place, memo.clone(), execution, Arc::clone(record));
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

    /// Lets the actuators check a Command; refused is what all of them refuse.
    async fn prepare(
        &self,
        command: &Command,
        memo: &Memo,
        supporting: Vec<AnyActuator>,
        mut context: Context,
    ) -> Result<Ready, Rejection> {
        if let [actuator] = &supporting[..] {
            context.receipt = self.receipt(memo, actuator.nsid(), &context.undo);
        }
        let is_one = supporting.len() == 1;
        let mut prepared = Vec::with_capacity(supporting.len());
        for actuator in supporting {
            // Each notes for itself how to undo it.
            let own = if is_one { context.clone() } else { Context::new(context.producer.clone(), context.window) };
            prepared.push((actuator.nsid(), actuator.prepare(command, own).await));
        }
        if prepared.iter().any(|(_, prepared)| prepared.is_ok()) {
            let keeps = |prepared: &Prepared| prepared.keeps_receipt();
            let is_kept = prepared.iter().all(|(_, prepared)| prepared.as_ref().is_ok_and(keeps));
            let receipt = context.receipt.filter(|_| is_kept);
            let admission = Admission { is_with_effects: receipt.is_some(), receipt };
            return Ok(Ready { prepared, admission });
        }
        let refusals = prepared.into_iter().filter_map(|(nsid, prepared)| Some((nsid, prepared.err()?))).collect();
        Err(gather_refusals(refusals).unwrap_or_else(internal_error))
    }

    /// Starts the one task of a Command, unless it is over at once.
    fn set_going(self: &Arc<Self>, ready: Ready, place: Place, memo: Memo, execution: &Execution, record: Arc<Record>) {
        execution.begin();
        if let Some(named) = memo.named(execution) {
            self.jobs.register(named);
        }
        let (shared, execution) = (Arc::clone(self), execution.clone());
        self.jobs.begin(async move {
            shared.perform(ready, &memo, &execution, &record).await;
            drop(place);
        });
    }

    /// Performs a Command, and tells the outcome to whoever waits for it.
    async fn perform(&self, ready: Ready, memo: &Memo, execution: &Execution, record: &Record) {
        let Ready { prepared, admission } = ready;
        let performed = Performed::of(prepared).await;
        record.end(&performed.response);
        self.remember(memo, &performed, &admission).await;
        execution.note(performed.notes);
        execution.finish(performed.response);
    }
}

/// A Command that at least one actuator is ready to perform.
struct Ready {
    prepared: Vec<(Nsid, Result<Prepared, Rejection>)>,
    admission: Admission,
}

/// How it gets onto the disk that a Command was performed.
struct Admission {
    /// What the actuator writes by itself together with the effects, if it does.
    receipt: Option<Receipt>,
    /// Whether nothing need be on the disk before its effects are.
    is_with_effects: bool,
}

/// Forgets a request whose task ends in a panic while it is decided about, so that those who wait for it are answered.
struct Held<'a> {
    replay: &'a Replay,
    key: Option<Fingerprint>,
    execution: &'a Execution,
}

impl Held<'_> {
    fn release(self) {
        std::mem::forget(self);
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let _ = self.replay.forget(key);
        }
        self.execution.refuse(internal_error().into());
    }
}

/// A decision, or 503 where there is none: a policy or an actuator that is stuck does not hold the Producer too.
async fn in_time<T>(decision: impl Future<Output = Result<T, Rejection>>) -> Result<T, Rejection> {
    timeout(DECISION_WAIT, decision)
        .await
        .unwrap_or_else(|_| Err(Rejection::unavailable("not decided in time; try again later")))
}

fn internal_error() -> Rejection {
    Rejection::failed("internal error")
}

/// How long a policy, or the actuators, may take to say whether a Command will be performed.
const DECISION_WAIT: Duration = Duration::from_secs(30);

const INTERRUPTED: &str = "the Consumer stopped while it performed this Command, which may have been performed and is not \
    performed again; a new request_id performs it anew";
const UNREADABLE: &str =
    "this Command was performed before and is not performed again; what was answered is not known any more";
