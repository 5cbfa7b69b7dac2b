//! Keeps three things the same: the rules in memory, those in the store, and those in the kernel.
//!
//! A change takes four steps: it is planned and adopted in memory, committed to the store, put in force in the kernel. Only
//! then is it answered with success. Several that wait take each step together. *Invariants*, each tested with stores and back
//! ends that fail:
//!
//! - What was answered with success is in force, and durable if it was to be.
//! - What was answered with a refusal has left nothing: memory, store and kernel are as they were. Where that cannot be
//!   reached at once, every command is answered "unavailable" until it is, tried with each command and by a timer.
//! - One that the kernel refuses does not spoil the others of its group: they are all taken back and performed one by one.
//! - What the Consumer wants to remember of a command is durable in the step that makes its rule so, and taken back with it.
//! - A number that was given to a rule in force is not given again. It is in the store before the rule is in the kernel.
//! - Killed between any two steps, the next start makes the kernel hold what the store holds.
//! - The end of a window is never refused: where the store or the kernel fails, the rule is gone from memory, and the
//!   rest is brought in line later. A rule in the store whose window is over is not restored at a start.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oc2_actuator::Context;
use oc2_clock::Clock;
use oc2_core::Rejection;
use oc2_core::any::Any;
use oc2_core::types::time::DateTime;
use oc2_profile_slpf::{Refusal, RuleNumber};
use oc2_store::{Batch, Store, StoreId};
use tracing::{error, info, warn};

use crate::backend::{Alarm, Backend, BackendError};
use crate::config::{Config, Drift};
use crate::error::OpenError;
use crate::plan::{
    Claims, Cut, Deed, Edit, Entry, Order, Plan, RuleList, Span, State, Step, Undo, Watch, Work, due, plan,
};
use crate::record::RuleRecord;
use crate::store::{Contents, RuleStore};

/// The rules, wherever they are.
#[derive(Debug)]
pub(crate) struct Keeper {
    config: Arc<Config>,
    /// What no plan may cut off.
    watch: Option<Watch>,
    state: State,
    store: RuleStore,
    backend: Box<dyn Backend>,
    /// What is being made.
    group: Group,
    doubt: Doubt,
}

impl Keeper {
    /// Makes the kernel hold what the store holds.
    ///
    /// # Errors
    /// The store or the kernel does not play along.
    pub(crate) fn open(config: Arc<Config>, store: &Store, mut backend: Box<dyn Backend>) -> Result<Self, OpenError> {
        let (store, Contents { records, numbering }) = RuleStore::open(store, &config.chain_prefix)?;
        let now = config.clock.now();
        let n_stored = records.len();
        // In memory they are what they were, until they become what they are by now.
        let rules = stored(records, &config)?;
        let mut state = State { rules, numbering };
        let edits = due(&state.rules, now);
        if !edits.is_empty() {
            let step = Step::Edit(edits);
            store.commit(store.batch(&step, &Claims::default()))?;
            state.adopt(Plan { step, claims: Claims::default(), number: None });
        }
        let watch = Watch::of(&config);
        if let Some(Err(cut)) = watch.as_ref().map(|watch| watch.check_all(&state.rules, now)) {
            // They were commanded before it was guarded. To leave them out would open what was to be closed.
            match cut {
                Cut::Off { name, by } => {
                    error!(guarded = %name, by_rule = by.as_i64(), "A rule of the store cuts off what has to stay reachable; it stays in force: delete it.");
                }
                Cut::Unclear => error!(
                    "Too many rules of the store overlap to tell whether they cut off what has to stay reachable."
                ),
            }
        }
        backend.load(&state.rules)?;
        info!(n_stored, n_restored = state.rules.iter().len(), "The kernel holds the rules of the store.");
        Ok(Self { config, watch, state, store, backend, group: Group::default(), doubt: Doubt::default() })
    }

    /// Performs an order, whole or not at all; the number of the new rule if there is one.
    ///
    /// # Errors
    /// The refusal.
    pub(crate) fn perform(&mut self, order: Order, context: &Context) -> Result<Option<RuleNumber>, Rejection> {
        let refusals = Refusals::of(&order);
        let number = self.join(order, context)?;
        self.commit().map_err(|failure| refusals.of_failure(&failure))?;
        Ok(number)
    }

    /// Plans an order, and adopts it in memory after those that joined before: what is known of it before it is committed with
    /// them. The number of the new rule if there is one.
    ///
    /// # Errors
    /// The refusal: it is not to be committed.
    pub(crate) fn join(&mut self, order: Order, context: &Context) -> Result<Option<RuleNumber>, Rejection> {
        self.settle()?;
        let now = self.config.clock.now();
        let plan = self.plan(order, context, now)?;
        let number = plan.number;
        if let Some(deed) = Deed::of(&plan) {
            context.undo.note(deed.write(&self.config.chain_prefix));
        }
        if context.window.is_over(now) {
            let number = number.map(RuleNumber::as_i64);
            warn!(producer = context.producer, number, "A command had no effect: its window was over.");
        }
        let mut batch = self.store.batch(&plan.step, &plan.claims);
        batch.append(self.receipt(context, number));
        self.group.use_up(plan.claims.span());
        let (work, undo) = self.state.adopt(plan);
        self.group.add(batch, work, undo);
        Ok(number)
    }

    /// What the Consumer wants to be written with it, if that is to be in this store.
    fn receipt(&self, context: &Context, number: Option<RuleNumber>) -> Batch {
        let receipt = context.receipt.as_ref().filter(|receipt| receipt.is_for(&self.store.id()));
        let results = || self.config.results(number).map(Any::typed);
        receipt.and_then(|receipt| receipt.take(results())).unwrap_or_default()
    }

    /// Which store it works with.
    pub(crate) fn store_id(&self) -> StoreId {
        self.store.id()
    }

    /// Whether an order would be refused now.
    ///
    /// # Errors
    /// The refusal.
    pub(crate) fn check(&self, order: Order, context: &Context) -> Result<(), Rejection> {
        self.plan(order, context, self.config.clock.now()).map(drop)
    }

    /// Nothing is planned that would cut off what has to stay reachable.
    fn plan(&self, order: Order, context: &Context, now: DateTime) -> Result<Plan, Rejection> {
        let plan = plan(&self.state, order, context, now, &self.config)?;
        if let Some(Err(cut)) = self.watch.as_ref().map(|watch| watch.check(&self.state.rules, &plan.step, now)) {
            match &cut {
                Cut::Off { name, by } => {
                    warn!(guarded = %name, by_rule = by.as_i64(), "A command was refused: it would cut off what has to stay reachable.");
                }
                Cut::Unclear => {
                    warn!("A command was refused: too many rules overlap to tell whether it cuts anything off.")
                }
            }
            return Err(cut.into());
        }
        Ok(plan)
    }

    /// The rules, lowest number first.
    pub(crate) fn rules(&self) -> Vec<RuleRecord> {
        self.state.rules.iter().map(|entry| entry.record().clone()).collect()
    }

    /// Asks the kernel whether it holds the rules that it should.
    pub(crate) fn kernel_agrees(&mut self) -> Result<bool, BackendError> {
        self.backend.holds(&self.state.rules)
    }

    /// Whether its changes are a matter of the disk and the kernel alone.
    pub(crate) fn is_prompt(&self) -> bool {
        self.backend.is_prompt()
    }

    /// The clock by which windows open and close.
    pub(crate) fn clock(&self) -> Clock {
        self.config.clock.clone()
    }

    /// Has the back end say when others change what is ours.
    pub(crate) fn watch_kernel(&mut self, alarm: Alarm) {
        self.backend.watch(alarm);
    }

    /// Looks whether others have changed what is ours, and mends it or not, as the operator wants; true if they have.
    pub(crate) fn look(&mut self) -> bool {
        match self.kernel_agrees() {
            Ok(true) => return false,
            Ok(false) => {}
            Err(error) => {
                error!(%error, "The kernel does not say what it holds.");
                return false;
            }
        }
        match self.config.drift {
            Drift::Mend => {
                warn!("Somebody else changed our rules in the kernel; they are mended.");
                self.doubt.kernel = true;
                self.repair();
            }
            Drift::Leave => warn!("Somebody else changed our rules in the kernel; that is left as it is."),
        }
        true
    }

    /// Does what is due by now: ends windows, brings back suspended rules, tries repairs.
    pub(crate) fn tick(&mut self) {
        let edits = due(&self.state.rules, self.config.clock.now());
        if !edits.is_empty() {
            self.end_windows(edits);
        }
        if self.doubt.any() && Instant::now() >= self.doubt.not_before + RETRY {
            self.repair();
        }
    }

    /// When to call `tick` next, by the clock: somebody may set it.
    pub(crate) fn next_deadline(&self) -> Option<DateTime> {
        self.state.rules.next_deadline()
    }

    /// Whether the store or the kernel may not hold what memory holds.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.doubt.any()
    }

    /// How long to wait before `tick` is called, whatever the clock shows: there is something to repair.
    pub(crate) fn until_retry(&self) -> Option<Duration> {
        self.doubt.any().then(|| (self.doubt.not_before + RETRY).saturating_duration_since(Instant::now()))
    }

    /// Recovers from a panic in one of the other methods: the change that was being made is taken back, and nothing is
    /// believed of the store and the kernel.
    pub(crate) fn recover(&mut self) {
        error!("A panic while the rules were changed; they are brought in line again.");
        self.take_back();
        let is_stored = self.store.owe(self.store.whole(&self.state)).is_ok();
        self.doubt = Doubt { store: !is_stored, kernel: true, ..self.doubt };
        self.repair();
    }

    /// Makes durable what has joined, and puts it in force.
    ///
    /// # Errors
    /// Nothing of it is left.
    pub(crate) fn commit(&mut self) -> Result<(), Failure> {
        let mut batch = std::mem::take(&mut self.group.batch);
        batch.append(self.store.used_up(&self.group.spans));
        let Ok(taken_back) = self.store.commit(batch) else {
            self.take_back();
            self.doubt.store = true;
            self.repair();
            return Err(Failure::Store);
        };
        self.group.on_disk = taken_back;
        let is_one = self.group.undos.len() <= 1;
        let work = std::mem::replace(&mut self.group.work, Work::Apply(Vec::new()));
        match self.put_in_force(&work, is_one) {
            Ok(()) => {
                self.group = Group::default();
                Ok(())
            }
            Err(error) => {
                self.take_back();
                self.repair();
                match is_one || !may_succeed_as_load(&error) {
                    true => Err(Failure::of_kernel(&error, !self.doubt.any())),
                    false => {
                        warn!(%error, "The kernel did not take the changes of several commands; they are made one by one.");
                        Err(Failure::OneOfSeveral)
                    }
                }
            }
        }
    }

    /// Has the kernel do what there is to do, by a load of everything if the changes alone are not taken and it `may_load`: a
    /// foreign hand may have been in our chains, or the tool was killed.
    fn put_in_force(&mut self, work: &Work, may_load: bool) -> Result<(), BackendError> {
        let first = match work {
            Work::Apply(changes) if changes.is_empty() => return Ok(()),
            Work::Apply(changes) => self.backend.apply(changes),
            Work::Load => return self.load(),
        };
        match first {
            Err(error) if may_load && may_succeed_as_load(&error) => {
                warn!(%error, "The kernel did not take the changes; all rules are loaded anew.");
                self.doubt.kernel = true;
                self.load()
            }
            Err(error) => {
                self.doubt.kernel |= !error.left_unchanged();
                Err(error)
            }
            Ok(()) => Ok(()),
        }
    }

    /// Makes the kernel hold the rules in memory; whether it does is in doubt until then.
    fn load(&mut self) -> Result<(), BackendError> {
        let res = self.backend.load(&self.state.rules);
        match &res {
            Ok(()) => self.doubt.kernel = false,
            Err(error) => self.doubt.kernel |= !error.left_unchanged(),
        }
        res
    }

    /// What has ended has ended, whether the store and the kernel can be told now or later.
    fn end_windows(&mut self, edits: Vec<Edit>) {
        edits.iter().for_each(tell_of_end);
        let step = Step::Edit(edits);
        self.owe(self.store.batch(&step, &Claims::default()));
        let (work, _) = self.state.adopt(Plan { step, claims: Claims::default(), number: None });
        if self.doubt.kernel {
            return self.repair();
        }
        if let Err(error) = self.put_in_force(&work, true) {
            error!(%error, "The kernel failed at the end of a window.");
            self.doubt.kernel = true;
            self.repair();
        }
    }

    /// Numbers that were given automatically stay used up: they were in a kernel, or nobody asks for them.
    fn take_back(&mut self) {
        let Group { undos, spans, on_disk: mut batch, .. } = std::mem::take(&mut self.group);
        batch.append(self.store.used_up(&spans));
        undos.into_iter().rev().for_each(|undo| self.state.take_back(undo));
        self.owe(batch);
    }

    /// What has to be on the disk is, or will be before anything else.
    fn owe(&mut self, batch: Batch) {
        self.doubt.store |= self.store.owe(batch).is_err();
    }

    /// Goes on only with a store and a kernel that hold what they should.
    fn settle(&mut self) -> Result<(), Rejection> {
        if self.doubt.any() && Instant::now() >= self.doubt.not_before {
            self.repair();
        }
        if self.doubt.any() {
            return Err(Rejection::unavailable("the rules are being repaired, try again later"));
        }
        Ok(())
    }

    /// Makes the store and the kernel hold what memory holds, where that is in doubt. A failed attempt is followed by a
    /// pause of its own length, so that there is time to answer.
    fn repair(&mut self) {
        let started = Instant::now();
        self.doubt.not_before = started;
        // The store says itself what is wrong with it.
        self.doubt.store = self.doubt.store && self.store.settle().is_err();
        if self.doubt.kernel
            && let Err(error) = self.load()
        {
            self.doubt.kernel = true;
            error!(%error, "The kernel cannot be brought in line with the rules.");
        }
        let now = Instant::now();
        self.doubt.not_before = now + (now - started);
    }
}

fn tell_of_end(edit: &Edit) {
    let number = edit.number.as_i64();
    match edit.after {
        None => info!(number, "A rule has ended with its window."),
        Some(_) => info!(number, "A rule is in force again after a suspension."),
    }
}

fn stored(records: Vec<RuleRecord>, config: &Config) -> Result<RuleList, OpenError> {
    let mut producers = BTreeSet::new();
    let entry = |mut record: RuleRecord| {
        let number = record.number;
        record.producer = shared(&record.producer, &mut producers);
        Entry::of(record, &config.mode).map_err(|reason| OpenError::Rule { number, reason: reason.to_string() })
    };
    records.into_iter().map(entry).collect()
}

/// Orders that are adopted in memory, and on their way to the store and the kernel.
#[derive(Debug)]
struct Group {
    /// What is to be written.
    batch: Batch,
    /// Numbers that were given automatically, for all of them: each row once, as it is in the end.
    spans: Vec<Span>,
    /// What the kernel is to be told.
    work: Work,
    /// How to take each back in memory, in the order in which they were adopted.
    undos: Vec<Undo>,
    /// How to take back what was written.
    on_disk: Batch,
}

impl Default for Group {
    fn default() -> Self {
        let (batch, on_disk) = (Batch::new(), Batch::new());
        Self { batch, spans: Vec::new(), work: Work::Apply(Vec::new()), undos: Vec::new(), on_disk }
    }
}

impl Group {
    fn use_up(&mut self, span: Option<Span>) {
        match (span, self.spans.last_mut()) {
            (Some(span), Some(last)) if last.first == span.first => *last = span,
            (span, _) => self.spans.extend(span),
        }
    }

    fn add(&mut self, batch: Batch, work: Work, undo: Undo) {
        self.batch.append(batch);
        self.undos.push(undo);
        match (&mut self.work, work) {
            (Work::Apply(changes), Work::Apply(more)) => changes.extend(more),
            // Everything, as it is in the end.
            (all, Work::Load) => *all = Work::Load,
            (Work::Load, Work::Apply(_)) => {}
        }
    }
}

/// The one that is the same text.
fn shared(name: &Arc<str>, names: &mut BTreeSet<Arc<str>>) -> Arc<str> {
    if let Some(known) = names.get(name) {
        return Arc::clone(known);
    }
    names.insert(Arc::clone(name));
    Arc::clone(name)
}

/// What may hold something else than memory does.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    store: bool,
    kernel: bool,
    /// When the next attempt to dispel it may be made.
    not_before: Instant,
}

impl Doubt {
    fn any(&self) -> bool {
        self.store || self.kernel
    }
}

impl Default for Doubt {
    fn default() -> Self {
        Self { store: false, kernel: false, not_before: Instant::now() }
    }
}

/// Why what has joined was not carried out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure {
    Store,
    /// The kernel takes the rules there were and not the new ones: it has no means for them.
    KernelRefused,
    Kernel,
    /// The kernel did not take something of it; each may be tried alone.
    OneOfSeveral,
}

impl Failure {
    fn of_kernel(error: &BackendError, takes_former_rules: bool) -> Self {
        error!(%error, "The kernel did not take the rules.");
        match error {
            BackendError::Refused { .. } if takes_former_rules => Self::KernelRefused,
            _ => Self::Kernel,
        }
    }
}

/// What an order is refused with when it fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusals {
    inexpressible: Refusal,
    failed: Refusal,
}

impl Refusals {
    /// A rule that the kernel has no means for is unsupported (DECISIONS S2), a file with such a rule has failed.
    pub(crate) fn of(order: &Order) -> Self {
        match order {
            Order::Insert(_) => Self { inexpressible: Refusal::RuleNotUpdated, failed: Refusal::RuleNotInForce },
            Order::Remove(_) | Order::Undo(_) => {
                Self { inexpressible: Refusal::RuleNotRemoved, failed: Refusal::RuleNotRemoved }
            }
            Order::Replace(_) => Self { inexpressible: Refusal::RuleNotInForce, failed: Refusal::RuleNotInForce },
        }
    }

    pub(crate) fn of_failure(self, failure: &Failure) -> Rejection {
        match failure {
            Failure::Store => self.failed.with("the rules could not be stored"),
            Failure::KernelRefused => self.inexpressible.with("the kernel of this host does not take it"),
            Failure::Kernel | Failure::OneOfSeveral => self.failed.with("the kernel could not be changed"),
        }
    }
}

/// Errors that say nothing against a second attempt: not a tool that is missing, busy or slow.
fn may_succeed_as_load(error: &BackendError) -> bool {
    match error {
        BackendError::Refused { .. }
        | BackendError::Died { .. }
        | BackendError::HalfApplied { .. }
        | BackendError::Unsynced
        | BackendError::Mismatch(_) => true,
        BackendError::MissingTool { .. }
        | BackendError::Unusable { .. }
        | BackendError::Busy { .. }
        | BackendError::Timeout { .. } => false,
    }
}

/// Between two attempts that no command asks for.
const RETRY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
