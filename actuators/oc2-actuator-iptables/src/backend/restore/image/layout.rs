//! Where rules go: which shard, which set.
//!
//! Two rules *conflict* if some packet matches both and they say different things of it. *Invariant.* Of two rules that
//! conflict, the one with the lower number comes first. Rules in shards are in the order of their numbers, also where that
//! makes no difference; members of sets are not.

use oc2_packet_filter::{Family, Hook, InForce, KernelRule, Network};
use oc2_profile_slpf::RuleNumber;

use super::block::{Block, Line, Set, Shard};
use super::journal::Journal;
use super::template::Template;

/// What our chain at one hook leads to, first match first.
#[derive(Debug)]
pub(super) struct Layout {
    family: Family,
    hook: Hook,
    limits: Limits,
    pub(super) blocks: Vec<Block>,
}

/// What is too much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Rules in a chain: what a delete looks through.
    pub(crate) lines: usize,
    /// Sets at one hook: more would cost packets more than rules do that are looked at one after the other.
    pub(crate) sets: usize,
    /// Members of a set that a rule is compared with one by one.
    pub(crate) members_compared: usize,
    /// Shards whose rules a rule is compared with one by one.
    pub(crate) shards_compared: usize,
}

impl Limits {
    /// Where there are sets.
    pub(crate) const WITH_SETS: Self = Self { lines: 100, sets: 64, members_compared: 64, shards_compared: 4 };
    /// Where there are none.
    pub(crate) const WITHOUT_SETS: Self = Self { sets: 0, ..Self::WITH_SETS };
}

/// The blocks between which there is room: behind the first so many, and before this one.
#[derive(Clone, Copy, Debug)]
struct Gap {
    after: usize,
    before: usize,
}

/// There is no place for a rule unless others move.
#[derive(Debug)]
struct Tangled;

impl Layout {
    pub(super) fn new(family: Family, hook: Hook, limits: Limits) -> Self {
        Self { family, hook, limits, blocks: Vec::new() }
    }

    /// Takes a rule in. Where it has no place between what there is, everything is arranged anew.
    pub(super) fn insert(&mut self, rule: &InForce, ids: &mut u32, journal: &mut Journal) {
        if self.place(rule, ids, journal).is_ok() {
            return;
        }
        let mut rules = vec![rule.clone()];
        for block in std::mem::take(&mut self.blocks) {
            match &block {
                Block::Shard(shard) => rules.extend(shard.lines.iter().map(|line| line.rule().clone())),
                Block::Set(set) => rules.extend(set.members.values().map(|(_, rule)| rule.clone())),
            }
            journal.drop_block(block);
        }
        rules.sort_by_key(InForce::number);
        rules.dedup_by_key(|rule| rule.number());
        self.fill(rules.iter(), ids, journal);
    }

    /// Takes in rules in the order of their numbers, before there were any. Each comes before all there are, so it has a place.
    pub(super) fn fill<'r>(
        &mut self,
        rules: impl DoubleEndedIterator<Item = &'r InForce>,
        ids: &mut u32,
        journal: &mut Journal,
    ) {
        for rule in rules.rev() {
            let placed = self.place(rule, ids, journal);
            debug_assert!(placed.is_ok(), "the first of all has a place");
        }
    }

    /// Lets go of a rule. One empty set may stay: with the nft flavor it takes long to make one, and who removes the last rule may
    /// make another soon.
    pub(super) fn remove(&mut self, number: RuleNumber, journal: &mut Journal) {
        let is_empty = |block: &Block| matches!(block, Block::Set(set) if set.members.is_empty());
        let mut has_empty_set = self.blocks.iter().any(is_empty);
        let mut i = 0;
        while let Some(block) = self.blocks.get_mut(i) {
            let is_empty = match block {
                Block::Set(set) => {
                    let removed = set.remove(number);
                    let is_emptied = removed.is_some() && set.members.is_empty();
                    if let Some((net, Some(fate))) = removed {
                        journal.note(set.id, net, fate);
                    }
                    is_emptied && std::mem::replace(&mut has_empty_set, true)
                }
                Block::Shard(shard) => {
                    if shard.first() <= number && number <= shard.last() {
                        journal.touch(shard);
                        shard.lines.retain(|line| line.number() != number);
                    }
                    shard.lines.is_empty()
                }
            };
            if is_empty {
                journal.drop_block(self.blocks.remove(i));
            } else {
                i += 1;
            }
        }
    }

    fn place(&mut self, rule: &InForce, ids: &mut u32, journal: &mut Journal) -> Result<(), Tangled> {
        let lines = Line::all_of(rule, self.family, self.hook);
        if lines.is_empty() {
            return Ok(());
        }
        let rules: Vec<_> = rule.chain(self.family, self.hook).collect();
        if self.limits.sets > 0
            && let Some((template, net)) = Template::of(rules.iter().copied())
            && self.place_in_set(rule, &rules, template, net, ids, journal)
        {
            return Ok(());
        }
        self.place_in_shard(rule.number(), &rules, lines, ids, journal)
    }

    /// False if there is no set that it may be in, and may be none.
    fn place_in_set(
        &mut self,
        rule: &InForce,
        rules: &[&KernelRule],
        template: Template,
        net: Network,
        ids: &mut u32,
        journal: &mut Journal,
    ) -> bool {
        let number = rule.number();
        let Gap { after, before } =
            self.between_shards(number, rules, self.between_sets(number, rules, Some(&template)));
        if after > before {
            return false;
        }
        let sets = self.blocks[after..before].iter_mut().filter_map(|block| match block {
            Block::Set(set) if set.template == template => Some(set),
            _ => None,
        });
        if let Some(set) = sets.min_by_key(|set| set.distance(number)) {
            set.insert(net, rule).into_iter().for_each(|fate| journal.note(set.id, net, fate));
            return true;
        }
        if self.blocks.iter().filter(|block| matches!(block, Block::Set(_))).count() >= self.limits.sets {
            return false;
        }
        let mut set = Set::new(next(ids), template);
        set.insert(net, rule);
        let natural = self.neighbors(number).1.unwrap_or(before);
        self.blocks.insert(natural.clamp(after, before), Block::Set(set));
        true
    }

    /// Where sets leave room for rules.
    fn between_sets(&self, number: RuleNumber, rules: &[&KernelRule], template: Option<&Template>) -> Gap {
        let mut gap = Gap { after: 0, before: self.blocks.len() };
        for (i, block) in self.blocks.iter().enumerate() {
            let Block::Set(set) = block else { continue };
            if Some(&set.template) == template {
                continue;
            }
            let conflicts = set.conflicts(number, rules, self.limits.members_compared);
            if conflicts.lower {
                gap.after = i + 1;
            }
            if conflicts.higher {
                gap.before = gap.before.min(i);
            }
        }
        gap
    }

    /// Where shards leave room for rules that need not be among their neighbors. Looks at some shards only, nearest first.
    fn between_shards(&self, number: RuleNumber, rules: &[&KernelRule], mut gap: Gap) -> Gap {
        let is_above = |block: &Block| matches!(block, Block::Shard(shard) if shard.last() >= number);
        let natural = self.blocks.iter().position(is_above).unwrap_or(self.blocks.len());
        let mut n_left = self.limits.shards_compared;
        let mut conflicts = |shard: &Shard| {
            if shard.agrees_with(rules) {
                return (false, false);
            }
            if n_left == 0 {
                return (shard.first() < number, shard.last() > number);
            }
            n_left -= 1;
            let conflicts = shard.conflicts(number, rules);
            (conflicts.lower, conflicts.higher)
        };
        for (i, block) in self.blocks.iter().enumerate().skip(natural) {
            let Block::Shard(shard) = block else { continue };
            let (lower, higher) = conflicts(shard);
            if lower {
                gap.after = gap.after.max(i + 1);
            }
            if higher {
                gap.before = gap.before.min(i);
                break;
            }
        }
        for (i, block) in self.blocks[..natural].iter().enumerate().rev() {
            let Block::Shard(shard) = block else { continue };
            if conflicts(shard).0 {
                gap.after = gap.after.max(i + 1);
                break;
            }
        }
        gap
    }

    fn place_in_shard(
        &mut self,
        number: RuleNumber,
        rules: &[&KernelRule],
        lines: Vec<Line>,
        ids: &mut u32,
        journal: &mut Journal,
    ) -> Result<(), Tangled> {
        loop {
            let Gap { after, before } = self.between_sets(number, rules, None);
            let (below, above) = self.neighbors(number);
            let n_lines = lines.len();
            if let Some(inside) = below.filter(|below| Some(*below) == above) {
                if !(after..before).contains(&inside) {
                    return Err(Tangled);
                }
                if !self.join(inside, number, &lines, journal) {
                    self.split(inside, number, n_lines, ids, journal);
                    continue;
                }
                return Ok(());
            }
            let first = below.map_or(0, |below| below + 1).max(after);
            let last = above.unwrap_or(self.blocks.len()).min(before);
            if first > last {
                return Err(Tangled);
            }
            let is_open = |i: &usize| (after..before).contains(i);
            let shards = [below.filter(is_open), above.filter(is_open)];
            if !shards.into_iter().flatten().any(|i| self.join(i, number, &lines, journal)) {
                let chunks = lines
                    .chunks(self.limits.lines)
                    .map(|lines| Block::Shard(Shard { id: next(ids), lines: lines.to_vec() }));
                let new: Vec<_> = chunks.collect();
                self.blocks.splice(last..last, new);
            }
            return Ok(());
        }
    }

    /// The shards with the rules next to a number, below and above; the same one if it is among its rules.
    fn neighbors(&self, number: RuleNumber) -> (Option<usize>, Option<usize>) {
        let (mut below, mut above) = (None, None);
        for (i, block) in self.blocks.iter().enumerate() {
            let Block::Shard(shard) = block else { continue };
            if shard.first() < number {
                below = Some(i);
            }
            if shard.last() > number {
                above = Some(i);
                break;
            }
        }
        (below, above)
    }

    /// Puts lines into a shard, if there is room.
    fn join(&mut self, i: usize, number: RuleNumber, lines: &[Line], journal: &mut Journal) -> bool {
        let Some(Block::Shard(shard)) = self.blocks.get_mut(i) else { return false };
        if shard.lines.len() + lines.len() > self.limits.lines {
            return false;
        }
        journal.touch(shard);
        let at = shard.lines.partition_point(|line| line.number() < number);
        shard.lines.splice(at..at, lines.iter().cloned());
        true
    }

    /// Makes two shards of one: in the middle, or where there is no room for so many lines in a half, before a number.
    fn split(&mut self, i: usize, number: RuleNumber, n_lines: usize, ids: &mut u32, journal: &mut Journal) {
        let Some(Block::Shard(shard)) = self.blocks.get_mut(i) else { return };
        journal.touch(shard);
        let at = if n_lines > self.limits.lines / 2 {
            shard.lines.partition_point(|line| line.number() < number)
        } else {
            shard.lines.len() / 2
        };
        let lines = shard.lines.split_off(at);
        self.blocks.insert(i + 1, Block::Shard(Shard { id: next(ids), lines }));
    }
}

fn next(ids: &mut u32) -> u32 {
    *ids = ids.wrapping_add(1);
    *ids
}
