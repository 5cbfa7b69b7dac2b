use std::time::Duration;

use oc2_packet_filter::backend::BackendError;
use oc2_packet_filter::{Change, Family, Ruleset};

use super::children::Children;
use super::committer::Committer;
use super::image::{Delta, Image, NewSet};
use super::lister::Lister;
use super::script;
use super::sets::Sets;
use super::tools::Tools;
use crate::backend::{BackendConfig, ChainNames, FamilyListing};

/// The table `filter` of one family, and its sets.
#[derive(Debug)]
pub(super) struct Table {
    family: Family,
    lister: Lister,
    committer: Committer,
    /// None while it is not known in which chains and sets the rules are.
    pub(super) image: Option<Image>,
    /// Sets that nothing leads to, which the kernel did not let go of yet.
    doomed: Vec<String>,
}

/// What a table had and has after it was turned into something else.
#[derive(Debug)]
pub(super) struct Turned {
    present: FamilyListing,
    target: FamilyListing,
    image: Option<Image>,
    /// Sets that were made for it.
    new_sets: Vec<String>,
}

/// Why a transaction failed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) cause: BackendError,
    /// Whether something of it is done.
    pub(super) is_begun: bool,
}

impl Table {
    pub(super) fn open(family: Family, config: &BackendConfig, children: &Children) -> Result<Self, BackendError> {
        let Tools { iptables, restore } = Tools::find(family, config)?;
        Ok(Self {
            family,
            lister: Lister::new(family, iptables, config.timeout),
            committer: Committer::start(family, restore, config.timeout, children.clone()),
            image: None,
            doomed: Vec::new(),
        })
    }

    /// Whether the tool can speak of sets. Nothing of ours is in the kernel then, or what is left of a question before.
    pub(super) fn knows_sets(&self, sets: &mut Sets, chains: &ChainNames) -> bool {
        let name = chains.of_block(self.family, oc2_packet_filter::Hook::Input, u32::MAX);
        sets.destroy(vec![name.clone()], Duration::ZERO);
        let set = NewSet { name: name.clone(), members: Vec::new() };
        let knows = sets.create(&set, self.family).is_ok()
            && self.committer.understands(&format!("-A INPUT -m set --match-set {name} src -j DROP\n"));
        sets.destroy(vec![name], PATIENCE);
        knows
    }

    /// What the kernel holds of ours, and the highest number in a name.
    pub(super) fn list(
        &mut self,
        chains: &ChainNames,
        sets: Option<&mut Sets>,
    ) -> Result<(FamilyListing, u32), BackendError> {
        let mut listing = self.lister.list(chains)?;
        let unusable = |cause| BackendError::Unusable { family: Some(self.family), cause };
        if let Some(sets) = sets {
            for name in sets.names().map_err(unusable)? {
                if chains.id(self.family, &name).is_none() {
                    continue;
                }
                match sets.list(&name, self.family) {
                    Ok(Some(nets)) => listing.add_set(name, nets),
                    Ok(None) => listing.add_odd_set(name),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(error) => return Err(unusable(error)),
                }
            }
        }
        let names = listing.chains().map(|(name, _)| name).chain(listing.set_names());
        let last_id = names.filter_map(|name| chains.id(self.family, name)).max().unwrap_or_default();
        self.doomed.iter().for_each(|name| listing.remove_set(name));
        Ok((listing, last_id))
    }

    /// Makes the changes, and says whether there were any here. The image is what the kernel holds then, or is none.
    pub(super) fn change(
        &mut self,
        changes: &[Change],
        chains: &ChainNames,
        mut sets: Option<&mut Sets>,
    ) -> Result<bool, Failed> {
        let not_begun = |cause| Failed { cause, is_begun: false };
        let mut image = self.image.take().ok_or(BackendError::Unsynced).map_err(not_begun)?;
        let delta = image.apply(changes, chains);
        let is_here = !delta.is_empty();
        self.perform(delta, sets.as_deref_mut())?;
        self.image = Some(image);
        if let Some(sets) = sets
            && !self.doomed.is_empty()
        {
            self.doomed = sets.destroy(std::mem::take(&mut self.doomed), Duration::ZERO);
        }
        Ok(is_here)
    }

    fn perform(&mut self, delta: Delta, sets: Option<&mut Sets>) -> Result<(), Failed> {
        let mut is_begun = false;
        let performed = self.perform_steps(&delta, sets, &mut is_begun);
        match performed {
            Ok(()) => {
                self.doomed.extend(delta.old_sets);
                Ok(())
            }
            // Nothing leads to them, unless that is not known; then a load looks for them.
            Err(cause) => {
                self.doomed.extend(delta.new_sets.into_iter().map(|set| set.name));
                Err(Failed { cause, is_begun })
            }
        }
    }

    fn perform_steps(
        &mut self,
        delta: &Delta,
        sets: Option<&mut Sets>,
        is_begun: &mut bool,
    ) -> Result<(), BackendError> {
        let Some(sets) = sets else { return self.commit(&delta.script()) };
        for set in &delta.new_sets {
            sets.create(set, self.family)?;
        }
        for change in &delta.narrowing {
            *is_begun = true;
            sets.change(change, self.family)?;
        }
        self.commit(&delta.script())?;
        for change in &delta.widening {
            *is_begun = true;
            sets.change(change, self.family)?;
        }
        Ok(())
    }

    /// Makes the table hold these rules; nothing of ours if there are none.
    ///
    /// Others may move our hooks between the look at the table and the transaction, which then fails; so look again.
    pub(super) fn turn_into(
        &mut self,
        rules: Option<&Ruleset>,
        chains: &ChainNames,
        gateway: bool,
        mut sets: Option<&mut Sets>,
    ) -> Result<Turned, BackendError> {
        let has_sets = sets.is_some();
        self.doomed.clear();
        let (mut present, last_id) = self.list(chains, sets.as_deref_mut())?;
        let image = rules.map(|rules| {
            let mut image = Image::of(rules, self.family, super::limits(has_sets), last_id);
            image.adopt(&present, chains);
            image
        });
        let target = image.as_ref().map(|image| image.listing(chains, gateway)).unwrap_or_default();
        let mut new_sets = Vec::new();
        if let (Some(sets), Some(image)) = (sets, &image) {
            for set in image.sets(chains).into_iter().filter(|set| present.set(&set.name).is_none()) {
                new_sets.push(set.name.clone());
                if let Err(cause) = sets.create(&set, self.family) {
                    self.doomed.extend(new_sets);
                    return Err(cause);
                }
            }
        }
        let mut n_looks = 1;
        while let Err(error) = self.turn(&present, &target, chains) {
            let is_moved = matches!(error, BackendError::Refused { .. }) && n_looks < MAX_LOOKS && {
                let now = self.lister.list(chains)?;
                !now.chains().eq(present.chains())
                    || oc2_packet_filter::Hook::ALL.iter().any(|hook| now.hooked_at(*hook) != present.hooked_at(*hook))
            };
            if !is_moved {
                self.doomed.extend(new_sets);
                return Err(error);
            }
            n_looks += 1;
            present = self.lister.list(chains)?.with_sets_of(&present);
        }
        Ok(Turned { present, target, image, new_sets })
    }

    /// Gives the table back what it had.
    pub(super) fn turn_back(&mut self, turned: Turned, chains: &ChainNames) -> Result<(), BackendError> {
        self.turn(&turned.target, &turned.present, chains)?;
        self.doomed.extend(turned.new_sets);
        Ok(())
    }

    /// Lets go of what is not needed any more after the table was turned into something else.
    pub(super) fn settle(&mut self, turned: Turned, sets: Option<&mut Sets>) {
        let Turned { present, target, image, .. } = turned;
        let old_sets = present.set_names().filter(|name| target.set(name).is_none()).map(str::to_owned);
        self.doomed.extend(old_sets);
        self.image = image;
        if let Some(sets) = sets {
            self.doomed = sets.destroy(std::mem::take(&mut self.doomed), PATIENCE);
        }
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

const MAX_LOOKS: usize = 5;
/// The kernel lets go of a rule, and then of its set, some milliseconds after the transaction.
const PATIENCE: Duration = Duration::from_millis(200);
