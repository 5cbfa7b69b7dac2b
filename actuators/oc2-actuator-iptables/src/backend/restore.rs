mod children;
mod committer;
mod image;
mod lister;
mod process;
mod script;
mod sets;
mod table;
mod tools;
mod watcher;

use oc2_packet_filter::backend::{Alarm, Backend, BackendError};
use oc2_packet_filter::{Change, Family, Flavor, Rules, Ruleset};

use super::{BackendConfig, ChainNames, Listing};

use children::Children;
use image::{Image, Limits};
use sets::Sets;
use table::{Failed, Table};
use watcher::Watcher;

/// The kernel, by way of `iptables-restore`, and of sets of nets where it has them.
///
/// It remembers which rules it has put there and where, and tells the kernel only what changes. What foreign hands do in our
/// chains it hears of from the kernel (nft flavor) or looks for from time to time ([`Backend::watch`]); [`Backend::holds`] says
/// whether it matters, [`Backend::load`] puts right.
///
/// Rules of one family change in one step. Members of sets are a step of their own, so with them the steps are ordered: at no
/// moment does a packet pass that passes neither before nor after. In a user namespace the nft flavor takes some 400 rules in one
/// transaction (`Message too long`), because only the host may widen the buffer of a socket.
#[derive(Debug)]
pub struct Restore {
    config: BackendConfig,
    chains: ChainNames,
    children: Children,
    v4: Table,
    v6: Table,
    sets: SetSupport,
    /// None while what the kernel holds is not known.
    held: Option<Ruleset>,
    watcher: Option<Watcher>,
}

/// Whether there are sets.
#[derive(Debug)]
enum SetSupport {
    /// Nobody has asked yet.
    Unknown,
    /// The kernel or a tool has none, or we are not to use them.
    Absent,
    Present(Sets),
}

impl SetSupport {
    fn get(&mut self) -> Option<&mut Sets> {
        match self {
            Self::Unknown | Self::Absent => None,
            Self::Present(sets) => Some(sets),
        }
    }
}

impl Restore {
    /// Finds the tools and starts them. The kernel is not changed before the first `load`.
    ///
    /// # Errors
    ///
    /// When a tool is missing.
    pub fn open(config: &BackendConfig) -> Result<Self, BackendError> {
        let children = Children::default();
        Ok(Self {
            config: config.clone(),
            chains: ChainNames::new(&config.chain_prefix),
            v4: Table::open(Family::V4, config, &children)?,
            v6: Table::open(Family::V6, config, &children)?,
            children,
            sets: SetSupport::Unknown,
            held: None,
            watcher: None,
        })
    }

    /// What the kernel holds of ours now.
    ///
    /// # Errors
    ///
    /// When the kernel or a tool does not play along.
    pub fn list(&mut self) -> Result<Listing, BackendError> {
        self.ask_for_sets();
        let Self { chains, v4, v6, sets, .. } = self;
        Ok(Listing { v4: v4.list(chains, sets.get())?.0, v6: v6.list(chains, sets.get())?.0 })
    }

    /// Finds out, once, whether there are sets.
    fn ask_for_sets(&mut self) {
        if !matches!(self.sets, SetSupport::Unknown) {
            return;
        }
        self.sets = if self.config.sets { self.found_sets() } else { SetSupport::Absent };
    }

    fn found_sets(&self) -> SetSupport {
        let mut sets = match Sets::open() {
            Ok(sets) => sets,
            Err(error) => {
                tracing::info!(%error, "This kernel has no sets of addresses, so each address is a rule.");
                return SetSupport::Absent;
            }
        };
        if [&self.v4, &self.v6].into_iter().all(|table| table.knows_sets(&mut sets, &self.chains)) {
            return SetSupport::Present(sets);
        }
        tracing::warn!(
            "iptables cannot speak of sets of addresses here, so each address is a rule. It needs CAP_NET_RAW for them."
        );
        SetSupport::Absent
    }

    /// Both families, or none.
    fn replace(&mut self, rules: Option<&Ruleset>) -> Result<(), BackendError> {
        self.ask_for_sets();
        let Self { config: BackendConfig { gateway, .. }, chains, v4, v6, sets, .. } = self;
        (v4.image, v6.image) = (None, None);
        let of_v4 = v4.turn_into(rules, chains, *gateway, sets.get())?;
        match v6.turn_into(rules, chains, *gateway, sets.get()) {
            Ok(of_v6) => {
                v4.settle(of_v4, sets.get());
                v6.settle(of_v6, sets.get());
                Ok(())
            }
            Err(cause) => Err(rolled_back(cause, || v4.turn_back(of_v4, chains))),
        }
    }

    /// Makes the changes, in one family after the other.
    fn change(&mut self, changes: &[Change]) -> Result<(), Failed> {
        let Self { chains, v4, v6, sets, .. } = self;
        let is_v4_changed = v4.change(changes, chains, sets.get())?;
        let of_v6 = v6.change(changes, chains, sets.get());
        of_v6.map(drop).map_err(|failed| Failed { is_begun: failed.is_begun || is_v4_changed, ..failed })
    }

    /// Makes the changes to what the kernel holds, all or none.
    fn change_held(&mut self, held: &mut Ruleset, changes: &[Change]) -> Result<(), BackendError> {
        if self.v4.image.is_none() || self.v6.image.is_none() {
            self.replace(Some(held))?;
        }
        held.apply(changes)?;
        self.change(changes).map_err(|Failed { cause, is_begun }| {
            held.take_back(changes);
            if is_begun { rolled_back(cause, || self.replace(Some(held))) } else { cause }
        })
    }
}

impl Backend for Restore {
    fn load(&mut self, rules: &dyn Rules) -> Result<(), BackendError> {
        let former = self.held.take();
        let rules = rules.in_order().collect();
        let res = self.replace(Some(&rules));
        self.held = match &res {
            Ok(()) => Some(rules),
            Err(error) => former.filter(|_| error.left_unchanged()),
        };
        res
    }

    fn apply(&mut self, changes: &[Change]) -> Result<(), BackendError> {
        let mut held = self.held.take().ok_or(BackendError::Unsynced)?;
        let res = self.change_held(&mut held, changes);
        let is_known = res.as_ref().err().is_none_or(BackendError::left_unchanged);
        self.held = is_known.then_some(held);
        res
    }

    fn remove(&mut self) -> Result<(), BackendError> {
        self.held = None;
        self.replace(None)
    }

    fn watch(&mut self, alarm: Alarm) {
        let Self { config, chains, children, .. } = self;
        let hears = config.flavor != Flavor::Legacy;
        self.watcher = Watcher::start(chains.clone(), children.clone(), hears, config.look_every, alarm)
            .inspect_err(|error| tracing::error!(%error, "Changes that others make in iptables are not noticed."))
            .ok();
    }

    fn holds(&mut self, rules: &dyn Rules) -> Result<bool, BackendError> {
        self.ask_for_sets();
        let Self { config, chains, v4, v6, sets, held, .. } = self;
        let rules = rules.in_order().collect();
        let is_held = held.as_ref() == Some(&rules);
        for (table, family) in [v4, v6].into_iter().zip(Family::ALL) {
            let (present, last_id) = table.list(chains, sets.get())?;
            let target = match &table.image {
                Some(image) if is_held => image.listing(chains, config.gateway),
                _ => {
                    let mut image = Image::of(&rules, family, limits(sets.get().is_some()), last_id);
                    image.adopt(&present, chains);
                    image.listing(chains, config.gateway)
                }
            };
            if present != target {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What is too much.
fn limits(has_sets: bool) -> Limits {
    if has_sets { Limits::WITH_SETS } else { Limits::WITHOUT_SETS }
}

/// What is to be said when something failed because of `cause`, after what was done before it was taken back.
///
/// When it is not known what was done, only a `load` of both families helps, so everything is left as it is.
fn rolled_back(cause: BackendError, undo: impl FnOnce() -> Result<(), BackendError>) -> BackendError {
    if !cause.left_unchanged() {
        return cause;
    }
    match undo() {
        Ok(()) => cause,
        Err(undo) => BackendError::HalfApplied { cause: Box::new(cause), undo: Box::new(undo) },
    }
}
