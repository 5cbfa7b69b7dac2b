//! What our chain at a hook leads to, one after the other: shards, and sets.

use std::collections::{BTreeMap, HashMap};

use oc2_core::types::time::DateTime;
use oc2_packet_filter::{Family, Hook, InForce, KernelRule, Network};
use oc2_profile_slpf::RuleNumber;

use super::template::{Template, contradict};

/// A chain of rules in the order of their numbers, or a set of nets that one rule of ours says the same about.
#[derive(Debug)]
pub(super) enum Block {
    /// Rules.
    Shard(Shard),
    /// Nets.
    Set(Set),
}

impl Block {
    pub(super) fn id(&self) -> u32 {
        match self {
            Self::Shard(shard) => shard.id,
            Self::Set(set) => set.id,
        }
    }
}

/// One rule of the kernel in a shard, as a part of a rule of the list.
#[derive(Clone, Debug)]
pub(super) struct Line {
    rule: InForce,
    part: usize,
}

impl Line {
    /// Those of a rule of the list in one chain.
    pub(super) fn all_of(rule: &InForce, family: Family, hook: Hook) -> Vec<Self> {
        let is_there = |part: &usize| {
            let kernel_rule = &rule.kernel_rules()[*part];
            (kernel_rule.family(), kernel_rule.hook()) == (family, hook)
        };
        let parts = (0..rule.kernel_rules().len()).filter(is_there);
        parts.map(|part| Self { rule: rule.clone(), part }).collect()
    }

    pub(super) fn number(&self) -> RuleNumber {
        self.rule.number()
    }

    /// Where it stands among all lines of its chain.
    pub(super) fn place(&self) -> (RuleNumber, usize) {
        (self.number(), self.part)
    }

    pub(super) fn kernel_rule(&self) -> &KernelRule {
        &self.rule.kernel_rules()[self.part]
    }

    pub(super) fn rule(&self) -> &InForce {
        &self.rule
    }
}

/// A chain of not many rules, which is never empty.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) id: u32,
    pub(super) lines: Vec<Line>,
}

impl Shard {
    pub(super) fn first(&self) -> RuleNumber {
        self.lines[0].number()
    }

    pub(super) fn last(&self) -> RuleNumber {
        self.lines[self.lines.len() - 1].number()
    }

    /// Whether all its rules and some others have one verdict, so that the order of all of them makes no difference.
    pub(super) fn agrees_with(&self, rules: &[&KernelRule]) -> bool {
        let mut verdicts =
            self.lines.iter().map(Line::kernel_rule).chain(rules.iter().copied()).map(KernelRule::verdict);
        let first = verdicts.next();
        verdicts.all(|verdict| Some(verdict) == first)
    }

    /// Whether rules of the list with lower numbers than this, and with higher ones, say something else than these rules.
    pub(super) fn conflicts(&self, number: RuleNumber, rules: &[&KernelRule]) -> Conflicts {
        let mut conflicts = Conflicts::default();
        for line in &self.lines {
            if rules.iter().any(|rule| contradict(line.kernel_rule(), rule)) {
                conflicts.note(line.number(), number);
            }
        }
        conflicts
    }
}

/// Nets about which one template says everything, and whose order makes no difference therefore.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) id: u32,
    pub(super) template: Template,
    pub(super) members: BTreeMap<RuleNumber, (Network, InForce)>,
    nets: HashMap<Network, Held>,
}

/// What becomes of a net in a set of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It comes, until then or for ever.
    Comes(Option<DateTime>),
    /// It is there, and stays longer.
    Stays(Option<DateTime>),
    /// It goes.
    Goes {
        /// It may have gone by itself.
        had_end: bool,
    },
}

/// What the kernel knows of a net.
#[derive(Clone, Copy, Debug)]
struct Held {
    n_rules: usize,
    /// When the last rule about it ends; none is never.
    stop: Option<DateTime>,
}

impl Set {
    pub(super) fn new(id: u32, template: Template) -> Self {
        Self { id, template, members: BTreeMap::new(), nets: HashMap::new() }
    }

    /// Takes a rule in, and says what that is to the kernel: nothing if it holds the net already.
    pub(super) fn insert(&mut self, net: Network, rule: &InForce) -> Option<Fate> {
        self.members.insert(rule.number(), (net, rule.clone()));
        let stop = rule.stop();
        let Some(held) = self.nets.get_mut(&net) else {
            self.nets.insert(net, Held { n_rules: 1, stop });
            return Some(Fate::Comes(stop));
        };
        held.n_rules += 1;
        let is_later = held.stop.is_some_and(|held| stop.is_none_or(|stop| held < stop));
        is_later.then(|| {
            held.stop = stop;
            Fate::Stays(stop)
        })
    }

    /// Lets go of a rule. None if it is not here; else the net, and what that is to the kernel.
    pub(super) fn remove(&mut self, number: RuleNumber) -> Option<(Network, Option<Fate>)> {
        let (net, _) = self.members.remove(&number)?;
        let held = self.nets.get_mut(&net)?;
        held.n_rules -= 1;
        if held.n_rules > 0 {
            return Some((net, None));
        }
        let had_end = held.stop.is_some();
        self.nets.remove(&net);
        Some((net, Some(Fate::Goes { had_end })))
    }

    /// The nets, and when the last rule about each ends.
    pub(super) fn nets(&self) -> impl Iterator<Item = (Network, Option<DateTime>)> {
        self.nets.iter().map(|(net, held)| (*net, held.stop))
    }

    /// How far a number is from the numbers in it.
    pub(super) fn distance(&self, number: RuleNumber) -> u64 {
        let (Some((first, _)), Some((last, _))) = (self.members.first_key_value(), self.members.last_key_value())
        else {
            return u64::MAX;
        };
        let number = number.as_i64();
        let (below, above) = (first.as_i64().saturating_sub(number), number.saturating_sub(last.as_i64()));
        below.max(above).max(0).cast_unsigned()
    }

    /// Whether rules of the list with lower numbers than this, and with higher ones, say something else than these rules, of
    /// another template. With many members it says yes where it would take long to say no.
    pub(super) fn conflicts(&self, number: RuleNumber, rules: &[&KernelRule], max_compared: usize) -> Conflicts {
        let mut conflicts = Conflicts::default();
        if !self.template.may_contradict(rules) {
            return conflicts;
        }
        if self.members.len() <= max_compared {
            for (member, (net, _)) in &self.members {
                if self.template.contradicts(*net, rules) {
                    conflicts.note(*member, number);
                }
            }
        } else {
            let ends = [self.members.first_key_value(), self.members.last_key_value()];
            ends.into_iter().flatten().for_each(|(member, _)| conflicts.note(*member, number));
        }
        conflicts
    }
}

/// Whether something that must come first has a lower number than a rule, and something that must come after it a higher one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Conflicts {
    pub(super) lower: bool,
    pub(super) higher: bool,
}

impl Conflicts {
    fn note(&mut self, other: RuleNumber, number: RuleNumber) {
        self.lower |= other < number;
        self.higher |= other > number;
    }
}
