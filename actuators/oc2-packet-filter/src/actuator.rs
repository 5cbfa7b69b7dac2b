//! SLPF on this host.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use oc2_actuator::{Actuator, Context, Receipt};
use oc2_core::types::time::Window;
use oc2_core::{CommandRow, Profile, Rejection};
use oc2_profile_slpf::{Command, Results, Slpf, Specifiers, UpdateFile};
use oc2_store::{Lock, Store, StoreId};
use tokio::sync::oneshot;

use crate::backend::Backend;
use crate::config::Config;
use crate::engine::Engine;
use crate::error::OpenError;
use crate::keeper::Keeper;
use crate::plan::{Deed, NewRule, Order};
use crate::record::RuleRecord;
use crate::update;

/// Performs SLPF commands with a back end of this host. Clones are the same actuator.
///
/// The rules stay in the kernel when the last clone is dropped; the next [`open`](Self::open) finds them.
#[derive(Clone, Debug)]
pub struct PacketFilter {
    config: Arc<Config>,
    engine: Arc<Engine>,
    store: StoreId,
}

impl PacketFilter {
    /// Opens the store in `state_dir`, which must exist, and makes the back end hold the persistent rules in it whose window
    /// is open. Which back end the configuration names does not matter here.
    ///
    /// Waits for the kernel and the disk: call it where waiting is allowed.
    ///
    /// # Errors
    /// Another process works with the store, it cannot be read, or the kernel does not take the rules.
    pub fn open(config: Config, state_dir: &Path, backend: Box<dyn Backend>) -> Result<Self, OpenError> {
        Self::open_in(&Store::open(state_dir)?, config, backend)
    }

    /// The same in a store that others work with, too: actuators with other chain prefixes, a Consumer that remembers requests.
    ///
    /// # Errors
    /// An actuator with this chain prefix works with the store, it cannot be read, or the kernel does not take the rules.
    pub fn open_in(store: &Store, config: Config, backend: Box<dyn Backend>) -> Result<Self, OpenError> {
        let config = Arc::new(config);
        let keeper = Keeper::open(Arc::clone(&config), store, backend)?;
        Ok(Self { config, store: keeper.store_id(), engine: Arc::new(Engine::start(keeper)?) })
    }

    /// Takes everything that an actuator with this back end ever put into the kernel out again. The store stays, and
    /// the next [`open`](Self::open) puts its rules back.
    ///
    /// # Errors
    /// Somebody works with this store, or the kernel does not play along.
    pub fn uninstall(state_dir: &Path, backend: &mut dyn Backend) -> Result<(), OpenError> {
        let _held = Lock::take(state_dir)?;
        Ok(backend.remove()?)
    }

    /// The rules there are, in the order in which packets meet them.
    ///
    /// # Errors
    /// 503: too much is going on, or the actuator is closed.
    pub async fn rules(&self) -> Result<Vec<RuleRecord>, Rejection> {
        self.engine.rules().await
    }

    /// Whether the kernel holds exactly the rules there are, met before all others. It does not if a foreign hand was in
    /// our chains; the next change that it disturbs puts that right, or a restart.
    ///
    /// # Errors
    /// 503: too much is going on, or the actuator is closed. 500: the kernel does not say.
    pub async fn kernel_agrees(&self) -> Result<bool, Rejection> {
        self.engine.kernel_agrees().await
    }

    /// How often others were found to have changed our rules in the kernel, where the back end notices.
    #[must_use]
    pub fn n_drifts(&self) -> u64 {
        self.engine.n_drifts()
    }

    /// Whether the disk or the kernel may not hold the rules that it should: commands are refused (503) until they do, which is
    /// tried every second. At a start nothing is in doubt.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.engine.is_in_doubt()
    }

    /// Takes no further commands (503), and waits until those before are performed and the store is let go. Without it,
    /// the drop of the last clone blocks its thread for that long.
    pub async fn close(&self) {
        self.engine.close().await;
    }

    /// Refuses what this host cannot do, without a look at the rules there are.
    async fn order(&self, command: Command) -> Result<Order, Rejection> {
        match command {
            Command::Allow(rule) => NewRule::allow(rule, &self.config.mode).map(Order::Insert),
            Command::Deny { rule, drop_process } => {
                NewRule::deny(rule, drop_process, &self.config.mode).map(Order::Insert)
            }
            Command::Delete(number) => Ok(Order::Remove(number)),
            Command::Update(file) => self.read(file).await.map(Order::Replace),
        }
    }

    /// Reads a file of rules on a thread of its own: it takes up to a second, and the engine has other things to do.
    async fn read(&self, file: UpdateFile) -> Result<Vec<NewRule>, Rejection> {
        let (reply, answer) = oneshot::channel();
        let config = Arc::clone(&self.config);
        let read = move || {
            // Nobody waits any more: nothing is lost.
            let _ = reply.send(update::read(&file, &config));
        };
        thread::Builder::new().name("oc2-update-file".into()).spawn(read).map_err(|error| {
            tracing::error!(%error, "No thread to read a file of rules.");
            Rejection::unavailable("no thread to read the file")
        })?;
        answer.await.unwrap_or_else(|_| Err(Rejection::failed("internal error")))
    }
}

impl Actuator for PacketFilter {
    type Profile = Slpf;

    fn commands(&self) -> Vec<&'static CommandRow> {
        Slpf::COMMANDS.iter().filter(|row| self.config.supports(row.pair())).collect()
    }

    fn unsupported_args(&self) -> &[String] {
        &self.config.disabled_args
    }

    fn is_addressed(&self, specifiers: &Specifiers) -> bool {
        self.config.is_addressed_by(specifiers)
    }

    /// What can only change until a window opens is not refused before: a rule to delete may come, and so may a file.
    /// A number that was used stays used. What would cut off something guarded if it began now is refused at once, and judged
    /// again when it begins.
    async fn check(&self, command: &Command, context: &Context) -> Result<(), Rejection> {
        let now = self.config.clock.now();
        let Context { window, .. } = context;
        if self.config.reject_expired && window.stop.is_some_and(|stop| stop < now && window.start < stop) {
            return Err(Rejection::malformed("args: the time for this Command is over"));
        }
        if window.is_ahead(now) && matches!(command, Command::Delete(_) | Command::Update(_)) {
            return Ok(());
        }
        match self.order(command.clone()).await? {
            Order::Insert(NewRule { insert_rule: None, .. }) | Order::Replace(_) if self.config.guard.is_none() => {
                Ok(())
            }
            order => self.engine.check(order, context.clone()).await,
        }
    }

    async fn perform(&self, command: Command, context: Context) -> Result<Option<Results>, Rejection> {
        let order = self.order(command).await?;
        let number = self.engine.perform(order, context).await?;
        Ok(self.config.results(number))
    }

    /// Ends a rule that an allow or deny made, and a suspension by a delete with a window, if nothing has changed the rule since.
    async fn undo(&self, note: &[u8], receipt: Option<Receipt>) -> Result<(), Rejection> {
        let deed = Deed::read(note, &self.config.chain_prefix)
            .ok_or_else(|| Rejection::not_found("no command of this actuator"))?;
        let now = self.config.clock.now();
        let mut context = Context::new(String::new(), Window { start: now, stop: None });
        context.receipt = receipt;
        self.engine.perform(Order::Undo(deed), context).await.map(drop)
    }

    /// Rules that are not persistent have their receipts written too: after a restart they are gone, and were performed.
    fn keeps(&self, receipt: &Receipt) -> bool {
        receipt.is_for(&self.store)
    }
}
