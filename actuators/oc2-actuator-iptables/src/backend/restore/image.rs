//! What one family is to hold: from rules to chains and sets, without effects.
//!
//! Rules stand in *shards*, chains of at most a hundred, so that a delete looks through a hundred rules whatever their number;
//! our chain at a hook jumps to them in order. Rules about one net and nothing else are members of *sets* where the kernel has
//! them: neither a packet nor a command takes longer for their number. Where a rule goes is said in [`layout`].
//!
//! *Invariants.* What the kernel is told of a transaction leads from what it holds to what the image says. In which shard or set
//! a rule is depends on what came before it; what becomes of a packet does not.

mod block;
mod delta;
mod journal;
mod layout;
mod lines;
#[cfg(test)]
mod model;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use oc2_packet_filter::{Change, Family, Hook, InForce, Ruleset};

use self::block::Block;
pub(super) use self::delta::{Delta, Member, MemberChange, NewSet, SetChange};
use self::journal::Journal;
use self::layout::Layout;
pub(super) use self::layout::Limits;
use crate::backend::{ChainNames, FamilyListing};

/// The chains and sets of one family.
#[derive(Debug)]
pub(super) struct Image {
    family: Family,
    layouts: [Layout; Hook::ALL.len()],
    /// The last number that a block was given.
    last_id: u32,
}

/// Which chain of ours, in which family.
#[derive(Clone, Copy, Debug)]
struct Place {
    family: Family,
    hook: Hook,
}

impl Image {
    /// That of these rules, with blocks that have numbers above `last_id`.
    pub(super) fn of(rules: &Ruleset, family: Family, limits: Limits, last_id: u32) -> Self {
        let layouts = Hook::ALL.map(|hook| Layout::new(family, hook, limits));
        let mut image = Self { family, layouts, last_id };
        for layout in &mut image.layouts {
            let mut journal = Journal::begin(layout, image.last_id);
            layout.fill(rules.iter(), &mut image.last_id, &mut journal);
        }
        image
    }

    /// Makes the changes, and says what they come to.
    pub(super) fn apply(&mut self, changes: &[Change], chains: &ChainNames) -> Delta {
        let mut delta = Delta::default();
        let names = Names { chains };
        for (layout, hook) in self.layouts.iter_mut().zip(Hook::ALL) {
            let place = Place { family: self.family, hook };
            let is_here = |rule: &InForce| rule.chain(self.family, hook).next().is_some();
            let mut changes = changes.iter().filter(|change| is_here(change.rule())).peekable();
            if changes.peek().is_none() {
                continue;
            }
            let mut journal = Journal::begin(layout, self.last_id);
            for change in changes {
                match change {
                    Change::Insert(rule) => layout.insert(rule, &mut self.last_id, &mut journal),
                    Change::Delete(rule) => layout.remove(rule.number(), &mut journal),
                }
            }
            journal.finish(layout, place, &names, &mut delta);
        }
        delta
    }

    /// What the kernel holds then.
    pub(super) fn listing(&self, chains: &ChainNames, gateway: bool) -> FamilyListing {
        let names = Names { chains };
        let mut listing = FamilyListing::empty(self.family, chains, gateway);
        for (layout, hook) in self.layouts.iter().zip(Hook::ALL) {
            let place = Place { family: self.family, hook };
            let lines = layout.blocks.iter().flat_map(|block| names.lines(place, block)).collect();
            listing.add_chain(chains.of(hook).to_owned(), lines);
            for block in &layout.blocks {
                let name = names.block(place, block.id());
                match block {
                    Block::Shard(shard) => {
                        let specify =
                            |line: &block::Line| line.kernel_rule().specification(chains.reject()).to_string();
                        listing.add_chain(name, shard.lines.iter().map(specify).collect());
                    }
                    Block::Set(set) => listing.add_set(name, set.nets().map(|(net, _)| net)),
                }
            }
        }
        listing
    }

    /// The sets with their members.
    pub(super) fn sets(&self, chains: &ChainNames) -> Vec<NewSet> {
        let names = Names { chains };
        let of_layout = |(layout, hook): (&Layout, Hook)| {
            let place = Place { family: self.family, hook };
            let set = |block: &Block| match block {
                Block::Set(set) => {
                    let members = set.nets().map(|(net, stop)| Member { net, stop }).collect();
                    Some(NewSet { name: names.block(place, set.id), members })
                }
                Block::Shard(_) => None,
            };
            layout.blocks.iter().filter_map(set).collect::<Vec<_>>()
        };
        self.layouts.iter().zip(Hook::ALL).flat_map(of_layout).collect()
    }

    /// Gives what the kernel holds already the name it has there, so that it can stay: counters go on, and a set is not made anew.
    pub(super) fn adopt(&mut self, present: &FamilyListing, chains: &ChainNames) {
        if present.sets().next().is_none() && !present.chains().any(|(name, _)| chains.id(self.family, name).is_some())
        {
            return;
        }
        let target = self.listing(chains, false);
        let names = Names { chains };
        for (layout, hook) in self.layouts.iter_mut().zip(Hook::ALL) {
            let place = Place { family: self.family, hook };
            let is_here = |name: &str| chains.block(self.family, hook, name);
            let mut shards: BTreeMap<&[String], u32> = BTreeMap::new();
            shards.extend(present.chains().filter_map(|(name, lines)| Some((lines, is_here(name)?))));
            let mut sets: Vec<_> = present.sets().filter_map(|(name, nets)| Some((nets, is_here(name)?))).collect();
            for block in &mut layout.blocks {
                let name = names.block(place, block.id());
                match block {
                    Block::Shard(shard) => {
                        let found = target.chain(&name).and_then(|lines| shards.remove(lines));
                        found.into_iter().for_each(|id| shard.id = id);
                    }
                    Block::Set(set) => {
                        let nets = target.set(&name);
                        if let Some(i) = sets.iter().position(|(present, _)| Some(*present) == nets) {
                            set.id = sets.swap_remove(i).1;
                        }
                    }
                }
            }
        }
    }
}

/// How chains, and the rules that lead to blocks, are called.
struct Names<'c> {
    chains: &'c ChainNames,
}

impl Names<'_> {
    fn block(&self, place: Place, id: u32) -> String {
        self.chains.of_block(place.family, place.hook, id)
    }

    /// The rules of our chain at the hook that lead to a block.
    fn lines(&self, place: Place, block: &Block) -> Vec<String> {
        let name = self.block(place, block.id());
        match block {
            Block::Shard(_) => vec![format!("-j {name}")],
            Block::Set(set) => set.template.lines(&name, self.chains),
        }
    }

    fn n_lines(&self, block: &Block) -> usize {
        match block {
            Block::Shard(_) => 1,
            Block::Set(set) => set.template.n_lines(),
        }
    }
}
