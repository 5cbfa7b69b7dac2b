//! What a transaction changes at one hook: what there was before, where it is needed to tell the kernel the difference.

use std::collections::{BTreeMap, HashMap};

use oc2_core::types::time::DateTime;
use oc2_packet_filter::Network;

use super::block::{Block, Fate, Line, Shard};
use super::delta::{Delta, Member, MemberChange, NewSet};
use super::layout::Layout;
use super::lines::{self, Removed};
use super::template::Template;
use super::{Names, Place};

/// What there was before a transaction.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// The last number that a block had been given.
    last_id: u32,
    /// The blocks.
    order: Vec<u32>,
    /// The lines of shards that were touched.
    shards: BTreeMap<u32, Vec<Line>>,
    /// The nets of sets that were touched.
    nets: BTreeMap<u32, HashMap<Network, Turn>>,
    /// What was said of sets that are gone.
    dropped: BTreeMap<u32, Template>,
}

/// From what a net was in a set to what it is to be.
#[derive(Clone, Copy, Debug)]
struct Turn {
    was: bool,
    had_end: bool,
    /// There, until then or for ever.
    is: Option<Option<DateTime>>,
}

impl Journal {
    /// Before anything is changed.
    pub(super) fn begin(layout: &Layout, last_id: u32) -> Self {
        Self { last_id, order: layout.blocks.iter().map(Block::id).collect(), ..Self::default() }
    }

    /// A shard is about to change.
    pub(super) fn touch(&mut self, shard: &Shard) {
        if shard.id <= self.last_id {
            self.shards.entry(shard.id).or_insert_with(|| shard.lines.clone());
        }
    }

    /// A net in a set has changed.
    pub(super) fn note(&mut self, set: u32, net: Network, fate: Fate) {
        if set > self.last_id {
            return;
        }
        let turn = self.nets.entry(set).or_default().entry(net).or_insert_with(|| Turn {
            was: !matches!(fate, Fate::Comes(_)),
            had_end: matches!(fate, Fate::Goes { had_end: true } | Fate::Stays(_)),
            is: None,
        });
        turn.is = match fate {
            Fate::Comes(stop) | Fate::Stays(stop) => Some(stop),
            Fate::Goes { .. } => None,
        };
    }

    /// A block has gone.
    pub(super) fn drop_block(&mut self, block: Block) {
        match block {
            Block::Set(set) if set.id <= self.last_id => {
                self.nets.remove(&set.id);
                self.dropped.insert(set.id, set.template);
            }
            Block::Set(_) | Block::Shard(_) => {}
        }
    }

    /// What all of it comes to.
    pub(super) fn finish(mut self, layout: &Layout, place: Place, names: &Names<'_>, delta: &mut Delta) {
        for block in &layout.blocks {
            match block {
                Block::Shard(shard) => self.tell_shard(shard, place, names, delta),
                Block::Set(set) if set.id > self.last_id => {
                    let members = set.nets().map(|(net, stop)| Member { net, stop }).collect();
                    delta.new_sets.push(NewSet { name: names.block(place, set.id), members });
                }
                Block::Set(set) => {
                    if let Some(nets) = self.nets.remove(&set.id) {
                        let name = names.block(place, set.id);
                        delta.change_members(&name, set.template.is_deny(), member_changes(nets));
                    }
                }
            }
        }
        self.tell_hook(layout, place, names, delta);
    }

    fn tell_shard(&mut self, shard: &Shard, place: Place, names: &Names<'_>, delta: &mut Delta) {
        let name = names.block(place, shard.id);
        let specify = |line: &Line| line.kernel_rule().specification(names.chains.reject()).to_string();
        if shard.id > self.last_id {
            delta.new_chain(&name, shard.lines.iter().map(specify));
            return;
        }
        let Some(before) = self.shards.remove(&shard.id) else { return };
        let (removed, added) = difference(&before, &shard.lines);
        if removed.len() > MAX_REMOVED {
            delta.new_chain(&name, shard.lines.iter().map(specify));
            return;
        }
        let removed: Vec<_> = removed
            .into_iter()
            .map(|position| {
                let rule = before[position].kernel_rule();
                let is_first = !before[..position].iter().any(|earlier| earlier.kernel_rule().does_as(rule));
                Removed { position, specification: is_first.then(|| specify(&before[position])) }
            })
            .collect();
        let added: Vec<_> = added.into_iter().map(|position| (position, specify(&shard.lines[position]))).collect();
        lines::write(&name, before.len(), &removed, &added, &mut delta.edits);
    }

    /// Blocks come and go, but never change places.
    fn tell_hook(self, layout: &Layout, place: Place, names: &Names<'_>, delta: &mut Delta) {
        let is_there: BTreeMap<u32, &Block> = layout.blocks.iter().map(|block| (block.id(), block)).collect();
        let (mut removed, mut len) = (Vec::new(), 0);
        for id in &self.order {
            let lines = match (is_there.get(id), self.dropped.get(id)) {
                (Some(block), _) => {
                    len += names.n_lines(block);
                    continue;
                }
                (None, Some(template)) => {
                    delta.old_sets.push(names.block(place, *id));
                    template.lines(&names.block(place, *id), names.chains)
                }
                (None, None) => {
                    let name = names.block(place, *id);
                    let jump = vec![format!("-j {name}")];
                    delta.old_chain(name);
                    jump
                }
            };
            for line in lines {
                removed.push(Removed { position: len, specification: Some(line) });
                len += 1;
            }
        }
        let (mut added, mut position) = (Vec::new(), 0);
        for block in &layout.blocks {
            if block.id() <= self.last_id {
                position += names.n_lines(block);
                continue;
            }
            for line in names.lines(place, block) {
                added.push((position, line));
                position += 1;
            }
        }
        lines::write(names.chains.of(place.hook), len, &removed, &added, &mut delta.edits);
    }
}

/// The positions before of the lines that go, and the positions after of those that come.
fn difference(before: &[Line], after: &[Line]) -> (Vec<usize>, Vec<usize>) {
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    let (mut i, mut k) = (0, 0);
    loop {
        match (before.get(i), after.get(k)) {
            (None, None) => return (removed, added),
            (Some(old), Some(new)) if old.place() == new.place() && old.kernel_rule() == new.kernel_rule() => {
                i += 1;
                k += 1;
            }
            (Some(old), new) if new.is_none_or(|new| old.place() <= new.place()) => {
                removed.push(i);
                i += 1;
            }
            _ => {
                added.push(k);
                k += 1;
            }
        }
    }
}

fn member_changes(nets: HashMap<Network, Turn>) -> Vec<MemberChange> {
    let change = |(net, Turn { was, had_end, is }): (Network, Turn)| match (was, is) {
        (false, Some(stop)) => Some(MemberChange::Add(Member { net, stop })),
        (true, Some(stop)) => Some(MemberChange::Renew(Member { net, stop })),
        (true, None) => Some(MemberChange::Remove { net, may_be_gone: had_end }),
        (false, None) => None,
    };
    nets.into_iter().filter_map(change).collect()
}

/// Beyond it a chain is written anew.
const MAX_REMOVED: usize = 16;
