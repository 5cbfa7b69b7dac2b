//! The rules and their numbers on disk: an area of the [store](oc2_store), named after the prefix of the chains.
//!
//! Three tables. `rules`: from the number to the record as a JSON object (the fields of [`RuleRecord`](crate::RuleRecord), the
//! packets as an OpenC2 target), for persistent rules only. `placed`: the numbers that Producers asked for. `automatic`: the
//! numbers given without being asked, as rows, from the first to step and last.

mod stored;

use std::num::NonZeroU32;
use std::sync::Arc;

use oc2_core::types::time::DateTime;
use oc2_profile_slpf::RuleNumber;
use oc2_store::{Area, Batch, NotWritten, Store, StoreError, StoreId, Table, key};

use crate::config::ChainPrefix;
use crate::plan::{Claims, Edit, Entry, Numbering, RuleList, Span, State, Step};
use crate::record::RuleRecord;

/// The rules and their numbers on disk.
#[derive(Debug)]
pub(crate) struct RuleStore {
    area: Area,
    rules: Table,
    placed: Table,
    automatic: Table,
}

/// What a store holds.
#[derive(Debug, PartialEq)]
pub(crate) struct Contents {
    pub(crate) records: Vec<RuleRecord>,
    pub(crate) numbering: Numbering,
}

impl RuleStore {
    /// Takes the area of this prefix, and reads it.
    ///
    /// # Errors
    /// Another actuator has it, it makes no sense, or the file system fails.
    pub(crate) fn open(store: &Store, prefix: &ChainPrefix) -> Result<(Self, Contents), StoreError> {
        let area = store.area(&format!("slpf-{prefix}"))?;
        let [rules, placed, automatic] = ["rules", "placed", "automatic"].map(|name| area.table(name));
        let opened = Self { area, rules, placed, automatic };
        let contents = opened.contents()?;
        Ok((opened, contents))
    }

    /// Which store it is in.
    pub(crate) fn id(&self) -> StoreId {
        self.area.store().id()
    }

    /// What a step does to the rules, and the numbers that were asked for. Those given automatically are [apart](Self::used_up).
    pub(crate) fn batch(&self, step: &Step, claims: &Claims) -> Batch {
        let mut batch = Batch::new();
        claims.placed().for_each(|number| self.place(&mut batch, number));
        match step {
            Step::Edit(edits) => edits.iter().for_each(|edit| self.edit(&mut batch, edit)),
            Step::Replace(list) => self.replace(&mut batch, list),
        }
        batch
    }

    /// Numbers that were given automatically, which stay used up whatever is taken back.
    pub(crate) fn used_up(&self, spans: &[Span]) -> Batch {
        let mut batch = Batch::new();
        spans.iter().for_each(|span| self.span(&mut batch, *span));
        batch
    }

    /// What makes it hold this state and nothing else, whatever it held before.
    pub(crate) fn whole(&self, state: &State) -> Batch {
        let mut batch = Batch::new();
        batch.clear(&self.placed);
        batch.clear(&self.automatic);
        state.numbering.placed().for_each(|number| self.place(&mut batch, number));
        state.numbering.spans().iter().for_each(|span| self.span(&mut batch, *span));
        self.replace(&mut batch, &state.rules);
        batch
    }

    /// Waits until a batch is on the disk; what takes it back.
    ///
    /// # Errors
    /// It is not; once anything else is written, nothing of it is there.
    pub(crate) fn commit(&self, batch: Batch) -> Result<Batch, NotWritten> {
        if batch.is_empty() { Ok(batch) } else { self.area.store().commit(batch) }
    }

    /// The same for what has to be written in any case.
    ///
    /// # Errors
    /// It is not on the disk yet.
    pub(crate) fn owe(&self, batch: Batch) -> Result<(), NotWritten> {
        if batch.is_empty() { Ok(()) } else { self.area.store().commit_owed(batch) }
    }

    /// Waits until what is owed is on the disk, and nothing else.
    ///
    /// # Errors
    /// The disk fails.
    pub(crate) fn settle(&self) -> Result<(), NotWritten> {
        self.area.store().settle()
    }

    fn contents(&self) -> Result<Contents, StoreError> {
        let store = self.area.store();
        let (mut records, mut placed, mut spans) = (Vec::new(), Vec::new(), Vec::new());
        store.read(&self.rules, |key, json| {
            let number = rule_number(key)?;
            records.push(stored::read(number, json).map_err(|reason| format!("rule {number}: {reason}"))?);
            Ok(())
        })?;
        store.read(&self.placed, |key, _| {
            placed.push(rule_number(key)?);
            Ok(())
        })?;
        store.read(&self.automatic, |key, value| {
            spans.push(read_span(key, value).ok_or(NO_SENSE)?);
            Ok(())
        })?;
        Ok(Contents { records, numbering: Numbering::new(spans, placed) })
    }

    fn place(&self, batch: &mut Batch, number: RuleNumber) {
        batch.put(&self.placed, key_of(number), []);
    }

    fn span(&self, batch: &mut Batch, span: Span) {
        let value = [&span.step.get().to_be_bytes()[..], &key::of_i64(span.last)].concat();
        batch.put(&self.automatic, key::of_i64(span.first), value);
    }

    /// Of rules that are not persistent there is nothing, before or after.
    fn edit(&self, batch: &mut Batch, edit: &Edit) {
        let persistent = |entry: &&Arc<Entry>| entry.record().persistent;
        match (edit.before.as_ref().filter(persistent), edit.after.as_ref().filter(persistent)) {
            (_, Some(entry)) => self.record(batch, entry.record()),
            (Some(_), None) => batch.delete(&self.rules, key_of(edit.number)),
            (None, None) => {}
        }
    }

    fn replace(&self, batch: &mut Batch, list: &RuleList) {
        batch.clear(&self.rules);
        let persistent = list.iter().map(|entry| entry.record()).filter(|record| record.persistent);
        persistent.for_each(|record| self.record(batch, record));
    }

    fn record(&self, batch: &mut Batch, record: &RuleRecord) {
        batch.put(&self.rules, key_of(record.number), stored::write(record));
    }
}

/// The rules that a store holds and the next start would put in force, for actuators with this chain prefix.
///
/// # Errors
/// An actuator works with them, they make no sense, or the file system fails.
pub fn stored_rules(store: &Store, prefix: &ChainPrefix) -> Result<Vec<RuleRecord>, StoreError> {
    let (_, contents) = RuleStore::open(store, prefix)?;
    let now = DateTime::now();
    let records = contents.records.into_iter().filter(|record| !record.is_over(now));
    Ok(records.map(|record| record.resumed(now)).collect())
}

fn key_of(number: RuleNumber) -> [u8; 8] {
    key::of_i64(number.as_i64())
}

fn rule_number(key: &[u8]) -> Result<RuleNumber, &'static str> {
    key::to_i64(key).and_then(|number| RuleNumber::new(number).ok()).ok_or(NO_SENSE)
}

fn read_span(key: &[u8], value: &[u8]) -> Option<Span> {
    let (step, last) = value.split_at_checked(4)?;
    let step = NonZeroU32::new(u32::from_be_bytes(step.try_into().ok()?))?;
    Some(Span { first: key::to_i64(key)?, step, last: key::to_i64(last)? })
}

const NO_SENSE: &str = "the rule numbers make no sense";

#[cfg(test)]
mod tests;
