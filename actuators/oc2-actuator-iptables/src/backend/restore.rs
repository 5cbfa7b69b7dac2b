mod committer;
mod lines;
mod lister;
mod process;
mod script;
mod tools;

use oc2_packet_filter::backend::{Backend, BackendError};
use oc2_packet_filter::{Change, Family, Ruleset};

use super::{BackendConfig, ChainNames, FamilyListing, Listing};

use committer::Committer;
use lister::Lister;
use tools::Tools;

/// The kernel, by way of `iptables-restore`.
///
/// It remembers which rules it has put there, and tells the kernel only what changes. What foreign hands do in our chains
/// it does not see: a delete of a rule that is gone fails, which is told, but an insert may come to stand beside its place,
/// and a flush is not noticed at all. [`Backend::holds`] asks the kernel, [`Backend::load`] puts right.
///
/// With the nft flavor a delete, or an insert elsewhere than at the ends, reads the whole chain from the kernel: 3 to 4 ms
/// for each thousand rules. In a user namespace that flavor takes some 400 rules in one transaction
/// (`Message too long`), because only the host may widen the buffer of a socket.
#[derive(Debug)]
pub struct Restore {
    chains: ChainNames,
    gateway: bool,
    v4: Table,
    v6: Table,
    /// None while what the kernel holds is not known.
    held: Option<Ruleset>,
}

impl Restore {
    /// Finds the tools and starts them. The kernel is not changed before the first `load`.
    ///
    /// # Errors
    ///
    /// When a tool is missing.
    pub fn open(config: &BackendConfig) -> Result<Self, BackendError> {
        Ok(Self {
            chains: ChainNames::new(&config.chain_prefix),
            gateway: config.gateway,
            v4: Table::open(Family::V4, config)?,
            v6: Table::open(Family::V6, config)?,
            held: None,
        })
    }

    /// What the kernel holds of ours now.
    ///
    /// # Errors
    ///
    /// When the kernel or a tool does not play along.
    pub fn list(&mut self) -> Result<Listing, BackendError> {
        Ok(Listing { v4: self.v4.lister.list(&self.chains)?, v6: self.v6.lister.list(&self.chains)? })
    }

    fn replace(&mut self, rules: &Ruleset) -> Result<(), BackendError> {
        let Self { chains, v4, v6, .. } = self;
        let target = Listing::of(rules, chains, self.gateway);
        let replaced = v4.turn_into(&target.v4, chains)?;
        v6.turn_into(&target.v6, chains)
            .map(drop)
            .map_err(|cause| rolled_back(cause, || v4.turn(&target.v4, &replaced, chains)))
    }

    fn change(&mut self, held: &mut Ruleset, changes: &[Change]) -> Result<(), BackendError> {
        let Self { chains, v4, v6, .. } = self;
        held.edits(changes)?;
        let of = |family| changes.iter().filter(move |change| change.rule().family() == family);
        v4.change(held, of(Family::V4), chains)?;
        v6.change(held, of(Family::V6), chains).map_err(|cause| {
            let inverses: Vec<_> = of(Family::V4).rev().map(Change::inverse).collect();
            rolled_back(cause, || v4.change(held, &inverses, chains))
        })
    }
}

impl Backend for Restore {
    fn load(&mut self, rules: &Ruleset) -> Result<(), BackendError> {
        let former = self.held.take();
        let res = self.replace(rules);
        self.held = match &res {
            Ok(()) => Some(rules.clone()),
            Err(error) => former.filter(|_| error.left_unchanged()),
        };
        res
    }

    fn apply(&mut self, changes: &[Change]) -> Result<(), BackendError> {
        let mut held = self.held.take().ok_or(BackendError::Unsynced)?;
        let res = self.change(&mut held, changes);
        self.held = match &res {
            Err(error) if !error.left_unchanged() => None,
            _ => Some(held),
        };
        res
    }

    fn remove(&mut self) -> Result<(), BackendError> {
        self.held = None;
        let nothing = FamilyListing::default();
        self.v4.turn_into(&nothing, &self.chains)?;
        self.v6.turn_into(&nothing, &self.chains)?;
        Ok(())
    }

    fn holds(&mut self, rules: &Ruleset) -> Result<bool, BackendError> {
        Ok(self.list()? == Listing::of(rules, &self.chains, self.gateway))
    }
}

/// The table `filter` of one family.
#[derive(Debug)]
struct Table {
    lister: Lister,
    committer: Committer,
}

impl Table {
    fn open(family: Family, config: &BackendConfig) -> Result<Self, BackendError> {
        let Tools { iptables, restore } = Tools::find(family, config)?;
        Ok(Self {
            lister: Lister::new(family, iptables, config.timeout),
            committer: Committer::start(family, restore, config.timeout),
        })
    }

    /// Makes the changes, and `held` what the kernel holds then.
    fn change<'c>(
        &mut self,
        held: &mut Ruleset,
        changes: impl IntoIterator<Item = &'c Change>,
        chains: &ChainNames,
    ) -> Result<(), BackendError> {
        let edits = held.edits(changes)?;
        let mut script = String::new();
        for edit in &edits {
            lines::write(edit, held.rules(edit.family(), edit.hook()), chains, &mut script);
        }
        self.commit(&script)?;
        held.accept(&edits);
        Ok(())
    }

    /// Makes the table hold `target` of ours, and says what it held before.
    ///
    /// Others may move our hooks between the look at the table and the transaction, which then fails; so look again.
    fn turn_into(&mut self, target: &FamilyListing, chains: &ChainNames) -> Result<FamilyListing, BackendError> {
        let mut present = self.lister.list(chains)?;
        for _ in 1..MAX_LOOKS {
            match self.turn(&present, target, chains) {
                Ok(()) => return Ok(present),
                Err(error @ BackendError::Refused { .. }) => {
                    let now = self.lister.list(chains)?;
                    if now == present {
                        return Err(error);
                    }
                    present = now;
                }
                Err(error) => return Err(error),
            }
        }
        self.turn(&present, target, chains).map(|()| present)
    }

    fn turn(
        &mut self,
        present: &FamilyListing,
        target: &FamilyListing,
        chains: &ChainNames,
    ) -> Result<(), BackendError> {
        self.commit(&script::turn(present, target, chains))
    }

    fn commit(&mut self, script: &str) -> Result<(), BackendError> {
        if script.is_empty() { Ok(()) } else { self.committer.commit(script) }
    }
}

/// What is to be said when IPv6 failed because of `cause`, after giving IPv4 back what it had.
///
/// When it is not known what IPv6 did, only a `load` of both helps, so IPv4 is left as it is.
fn rolled_back(cause: BackendError, undo: impl FnOnce() -> Result<(), BackendError>) -> BackendError {
    if !cause.left_unchanged() {
        return cause;
    }
    match undo() {
        Ok(()) => cause,
        Err(undo) => BackendError::HalfApplied { cause: Box::new(cause), undo: Box::new(undo) },
    }
}

const MAX_LOOKS: usize = 5;
