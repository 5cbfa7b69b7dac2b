//! The rules in the order of their numbers, and what a change of them is to the kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use oc2_actuator::Context;
use oc2_core::types::time::DateTime;
use oc2_profile_slpf::RuleNumber;

use super::expand::{Inexpressible, expressible, kernel_rules};
use crate::config::Mode;
use crate::record::RuleRecord;
use crate::rule::KernelRule;
use crate::ruleset::{Change, InForce, Rules};

/// A rule, and where it is in force.
///
/// What it is to the kernel is told when it is asked for: kept, it would be most of what a rule takes of the memory.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    record: RuleRecord,
    /// *Invariant.* The kernel has rules for the record in this mode.
    mode: Mode,
}

impl Entry {
    /// A rule for which it is known that the kernel has rules.
    pub(super) fn new(record: RuleRecord, mode: Mode) -> Arc<Self> {
        Arc::new(Self { record, mode })
    }

    /// A rule of which the record is known.
    ///
    /// # Errors
    /// The kernel has no rule that means exactly this.
    pub(crate) fn of(record: RuleRecord, mode: &Mode) -> Result<Arc<Self>, Inexpressible> {
        expressible(&record.packets)?;
        Ok(Self::new(record, mode.clone()))
    }

    /// The same rule with another record: suspended, or back.
    pub(crate) fn with(&self, record: RuleRecord) -> Arc<Self> {
        Self::new(record, self.mode.clone())
    }

    pub(crate) fn record(&self) -> &RuleRecord {
        &self.record
    }

    /// Its rules of the kernel, in force or not.
    pub(super) fn kernel_rules(&self) -> Vec<KernelRule> {
        let RuleRecord { packets, direction, verdict, .. } = &self.record;
        let rules = kernel_rules(packets, *direction, *verdict, &self.mode);
        rules.expect("there were some when it was made")
    }

    /// The first and the last millisecond in which it is in force.
    pub(super) fn in_force_from(&self) -> (u128, u128) {
        let RuleRecord { suspended_until, stop, .. } = &self.record;
        let from = suspended_until.map_or(0, |until| until.as_millis().into());
        let until = stop.map_or(u128::MAX, |stop| u128::from(stop.as_millis()).saturating_sub(1));
        (from, until)
    }

    /// What it is to the kernel while it is in force.
    fn in_force(&self) -> Option<InForce> {
        let RuleRecord { number, stop, suspended_until, .. } = self.record;
        suspended_until.is_none().then(|| InForce::new(number, self.kernel_rules()).until(stop))
    }
}

/// A rule comes, goes, or changes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Edit {
    pub(crate) number: RuleNumber,
    pub(crate) before: Option<Arc<Entry>>,
    pub(crate) after: Option<Arc<Entry>>,
}

/// The rules, lowest number first; of those in force the first that matches a packet decides.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RuleList {
    entries: BTreeMap<RuleNumber, Arc<Entry>>,
    deadlines: BTreeSet<(DateTime, RuleNumber)>,
}

impl RuleList {
    pub(crate) fn get(&self, number: RuleNumber) -> Option<&Arc<Entry>> {
        self.entries.get(&number)
    }

    /// The name of who commands, which rules share: mostly it is who commanded the rule before.
    pub(super) fn producer(&self, context: &Context) -> Arc<str> {
        let end = context.producer.char_indices().nth(MAX_PRODUCER).map_or(context.producer.len(), |(end, _)| end);
        let name = &context.producer[..end];
        let first = self.entries.values().next().map(|entry| &entry.record.producer);
        first.filter(|first| ***first == *name).map_or_else(|| name.into(), Arc::clone)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Entry>> {
        self.entries.values()
    }

    /// The rules that packets meet before one with this number.
    pub(super) fn above(&self, number: RuleNumber) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.range(..number).map(|(_, entry)| entry)
    }

    /// When something is due next.
    pub(crate) fn next_deadline(&self) -> Option<DateTime> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// The rules for which something is due at `now`.
    pub(crate) fn due(&self, now: DateTime) -> impl Iterator<Item = &Arc<Entry>> {
        let due = self.deadlines.iter().take_while(move |(deadline, _)| *deadline <= now);
        due.filter_map(|(_, number)| self.get(*number))
    }

    /// Makes an edit, and says what it is to the kernel.
    pub(crate) fn enact(&mut self, edit: &Edit) -> Vec<Change> {
        self.set(edit.number, edit.after.clone());
        let in_force = |entry: &Option<Arc<Entry>>| entry.as_ref().and_then(|entry| entry.in_force());
        let (before, after) = (in_force(&edit.before), in_force(&edit.after));
        before.map(Change::Delete).into_iter().chain(after.map(Change::Insert)).collect()
    }

    /// Makes one rule what it is to be, whatever it was.
    pub(crate) fn set(&mut self, number: RuleNumber, entry: Option<Arc<Entry>>) {
        let deadline = |entry: &Arc<Entry>| entry.record.deadline().map(|deadline| (deadline, number));
        let new = entry.as_ref().and_then(deadline);
        let former = match entry {
            Some(entry) => self.entries.insert(number, entry),
            None => self.entries.remove(&number),
        };
        if let Some(former) = former.as_ref().and_then(deadline) {
            self.deadlines.remove(&former);
        }
        self.deadlines.extend(new);
    }
}

/// All that the kernel is to hold.
impl Rules for RuleList {
    fn in_order(&self) -> Box<dyn Iterator<Item = InForce> + '_> {
        Box::new(self.iter().filter_map(|entry| entry.in_force()))
    }
}

/// Of two rules with one number the later counts. A tree that is made at once takes half the room of one that grew.
impl FromIterator<Arc<Entry>> for RuleList {
    fn from_iter<I: IntoIterator<Item = Arc<Entry>>>(entries: I) -> Self {
        let entries: BTreeMap<_, _> = entries.into_iter().map(|entry| (entry.record.number, entry)).collect();
        let deadline = |(number, entry): (&RuleNumber, &Arc<Entry>)| Some((entry.record.deadline()?, *number));
        let deadlines = entries.iter().filter_map(deadline).collect();
        Self { entries, deadlines }
    }
}

/// More than any name of a Producer; the text comes from outside.
const MAX_PRODUCER: usize = 256;
