//! The rules and their numbers on disk: `slpf-PREFIX.redb` in the directory of the Consumer's state, for its owner only.
//!
//! A [redb](https://docs.rs/redb) database of four tables. `meta`: `schema` is 1. `rules`: from the number to the record
//! as a JSON object (the fields of [`RuleRecord`](crate::RuleRecord), the packets as an OpenC2 target), for persistent
//! rules only. `placed`: the numbers that Producers asked for. `automatic`: the numbers given without being asked, as
//! rows, from the first to (step, last).
//!
//! *Invariants.* What a call of [`Store::commit`] or [`Store::rewrite`] wrote is on the disk when it returns, all of it or
//! nothing. A file that is not such a store is never written to. `slpf-PREFIX.lock` is held from opening to dropping, so
//! that of two processes one is told.

mod error;
mod stored;

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::num::NonZeroU32;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oc2_profile_slpf::RuleNumber;
use redb::{
    Builder, Database, ReadOnlyDatabase, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction,
};

use crate::config::ChainPrefix;
use crate::plan::{Claims, Edit, Entry, Numbering, RuleList, Span, State, Step};
use crate::record::RuleRecord;

pub use error::StoreError;
use error::{Cause, Damage};

/// The rules and their numbers on disk.
pub(crate) struct Store {
    path: PathBuf,
    /// Absent after an error: only opening it anew tells what was written.
    database: Option<Database>,
    opener: Opener,
    _lock: Lock,
}

/// How the file becomes a database; tests put a failing disk in between.
pub(crate) type Opener = Box<dyn Fn(&Path) -> Result<Database, redb::DatabaseError> + Send>;

/// What a store holds.
#[derive(Debug, PartialEq)]
pub(crate) struct Contents {
    pub(crate) records: Vec<RuleRecord>,
    pub(crate) numbering: Numbering,
}

impl Store {
    /// Opens the store of a directory, and makes it if there is none.
    ///
    /// # Errors
    /// Another process has it open, it is not a store, it is damaged, or the file system fails.
    pub(crate) fn open(dir: &Path, prefix: &ChainPrefix) -> Result<(Self, Contents), StoreError> {
        Self::open_with(dir, prefix, Box::new(open))
    }

    pub(crate) fn open_with(dir: &Path, prefix: &ChainPrefix, opener: Opener) -> Result<(Self, Contents), StoreError> {
        let path = dir.join(format!("slpf-{prefix}.redb"));
        let lock = Lock::take(dir, prefix)?;
        let at = |cause: Cause| cause.at(&path);
        if !fs::exists(&path).map_err(|error| at(error.into()))? {
            create(dir, &path).map_err(at)?;
        }
        let (database, contents) = read(&path, &opener).map_err(at)?;
        Ok((Self { path, database: Some(database), opener, _lock: lock }, contents))
    }

    /// Writes what a step does to the rules, and the numbers it uses up.
    ///
    /// # Errors
    /// The disk failed; what is on it is not known before a `rewrite`.
    pub(crate) fn commit(&mut self, step: &Step, claims: &Claims) -> Result<(), StoreError> {
        if claims.is_empty() && !concerns_persistent_rules(step) {
            return Ok(());
        }
        self.write(|transaction| {
            write_claims(transaction, claims)?;
            let mut rules = transaction.open_table(RULES)?;
            match step {
                Step::Edit(edits) => edits.iter().try_for_each(|edit| write_edit(&mut rules, edit)),
                Step::Replace(list) => replace_rules(&mut rules, list),
            }
        })
    }

    /// Makes the store hold this state and nothing else, whatever it held before and whatever failed.
    ///
    /// # Errors
    /// The disk failed again.
    pub(crate) fn rewrite(&mut self, state: &State) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.delete_table(PLACED)?;
            transaction.delete_table(AUTOMATIC)?;
            let mut placed = transaction.open_table(PLACED)?;
            for number in state.numbering.placed() {
                placed.insert(number.as_i64(), ())?;
            }
            let mut automatic = transaction.open_table(AUTOMATIC)?;
            for span in state.numbering.spans() {
                write_span(&mut automatic, *span)?;
            }
            replace_rules(&mut transaction.open_table(RULES)?, &state.rules)
        })
    }

    /// One durable transaction. After an error the database is opened anew next time.
    fn write(&mut self, fill: impl FnOnce(&WriteTransaction) -> Result<(), Cause>) -> Result<(), StoreError> {
        let write = || {
            let database = match self.database.take() {
                Some(database) => database,
                None => (self.opener)(&self.path)?,
            };
            // The default durability: on the disk when `commit` returns.
            let transaction = database.begin_write()?;
            fill(&transaction)?;
            transaction.commit()?;
            self.database = Some(database);
            Ok(())
        };
        write().map_err(|cause: Cause| cause.at(&self.path))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.path.display())
    }
}

/// Says that nobody else works with a store, as long as it is held.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "it is held, not used")] File);

impl Lock {
    /// Takes the lock of a store, whether there is one yet or not.
    ///
    /// # Errors
    /// Another process has it, or the file system fails.
    pub(crate) fn take(dir: &Path, prefix: &ChainPrefix) -> Result<Self, StoreError> {
        let path = dir.join(format!("slpf-{prefix}.lock"));
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(OWNER_ONLY);
        let file = options.open(&path).map_err(|error| Cause::from(error).at(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path }),
            Err(TryLockError::Error(error)) => Err(Cause::from(error).at(&path)),
        }
    }
}

fn open(path: &Path) -> Result<Database, redb::DatabaseError> {
    Builder::new().set_cache_size(CACHE_SIZE).open(path)
}

/// Makes an empty store under another name first: one that is half made, because the power failed, is not taken for a
/// damaged one.
fn create(dir: &Path, path: &Path) -> Result<(), Cause> {
    let unfinished = path.with_extension("redb.new");
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).read(true).write(true).mode(OWNER_ONLY);
    let database = Builder::new().create_file(options.open(&unfinished)?)?;
    let transaction = database.begin_write()?;
    transaction.open_table(META)?.insert(SCHEMA, SCHEMA_VERSION)?;
    transaction.open_table(RULES)?;
    transaction.open_table(PLACED)?;
    transaction.open_table(AUTOMATIC)?;
    transaction.commit()?;
    drop(database);
    fs::rename(&unfinished, path)?;
    File::open(dir)?.sync_all()?;
    Ok(())
}

/// What is damaged makes redb panic now and then; that is an error like any other.
fn read(path: &Path, opener: &Opener) -> Result<(Database, Contents), Cause> {
    let read = || {
        let judged = judge(path)?;
        let database = opener(path)?;
        let contents = judged.map_or_else(|| contents(&database), Ok)?;
        Ok((database, contents))
    };
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(Damage::Unreadable.into()))
}

/// Reads a file that was closed in order without writing to it: to open a database leaves traces in it, and it may be
/// somebody else's. None if it was not closed in order.
fn judge(path: &Path) -> Result<Option<Contents>, Cause> {
    match ReadOnlyDatabase::open(path) {
        Ok(database) => contents(&database).map(Some),
        Err(redb::DatabaseError::RepairAborted) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn contents(database: &impl ReadableDatabase) -> Result<Contents, Cause> {
    let transaction = database.begin_read()?;
    match transaction.open_table(META)?.get(SCHEMA)?.map(|version| version.value()) {
        Some(SCHEMA_VERSION) => {}
        Some(version) => return Err(Damage::Version(version).into()),
        None => return Err(Damage::NoVersion.into()),
    }
    let mut records = Vec::new();
    for row in transaction.open_table(RULES)?.iter()? {
        let (number, json) = row?;
        let number = rule_number(number.value())?;
        records.push(stored::read(number, json.value()).map_err(|reason| Damage::Rule { number, reason })?);
    }
    let mut placed = Vec::new();
    for row in transaction.open_table(PLACED)?.iter()? {
        placed.push(rule_number(row?.0.value())?);
    }
    let mut spans = Vec::new();
    for row in transaction.open_table(AUTOMATIC)?.iter()? {
        let (first, rest) = row?;
        let (step, last) = rest.value();
        spans.push(Span { first: first.value(), step: NonZeroU32::new(step).ok_or(Damage::Numbers)?, last });
    }
    Ok(Contents { records, numbering: Numbering::new(spans, placed) })
}

fn rule_number(number: i64) -> Result<RuleNumber, Damage> {
    RuleNumber::new(number).map_err(|_| Damage::Numbers)
}

fn concerns_persistent_rules(step: &Step) -> bool {
    let is_persistent = |entry: &Option<Arc<Entry>>| entry.iter().any(|entry| entry.record().persistent);
    match step {
        Step::Edit(edits) => edits.iter().any(|edit| is_persistent(&edit.before) || is_persistent(&edit.after)),
        Step::Replace(_) => true,
    }
}

fn write_claims(transaction: &WriteTransaction, claims: &Claims) -> Result<(), Cause> {
    let mut placed = transaction.open_table(PLACED)?;
    for number in claims.placed() {
        placed.insert(number.as_i64(), ())?;
    }
    if let Some(span) = claims.span() {
        write_span(&mut transaction.open_table(AUTOMATIC)?, span)?;
    }
    Ok(())
}

fn write_span(automatic: &mut Table<'_, i64, (u32, i64)>, span: Span) -> Result<(), Cause> {
    automatic.insert(span.first, (span.step.get(), span.last))?;
    Ok(())
}

fn write_edit(rules: &mut Table<'_, i64, &'static [u8]>, edit: &Edit) -> Result<(), Cause> {
    match &edit.after {
        Some(entry) if entry.record().persistent => write_record(rules, entry.record()),
        _ => {
            rules.remove(edit.number.as_i64())?;
            Ok(())
        }
    }
}

fn replace_rules(rules: &mut Table<'_, i64, &'static [u8]>, list: &RuleList) -> Result<(), Cause> {
    rules.retain(|_, _| false)?;
    let mut persistent = list.iter().map(|entry| entry.record()).filter(|record| record.persistent);
    persistent.try_for_each(|record| write_record(rules, record))
}

fn write_record(rules: &mut Table<'_, i64, &'static [u8]>, record: &RuleRecord) -> Result<(), Cause> {
    rules.insert(record.number.as_i64(), stored::write(record)?.as_slice())?;
    Ok(())
}

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const RULES: TableDefinition<'_, i64, &[u8]> = TableDefinition::new("rules");
const PLACED: TableDefinition<'_, i64, ()> = TableDefinition::new("placed");
const AUTOMATIC: TableDefinition<'_, i64, (u32, i64)> = TableDefinition::new("automatic");
const SCHEMA: &str = "schema";
const SCHEMA_VERSION: u64 = 1;
const OWNER_ONLY: u32 = 0o600;
/// Everything is held in memory by those who work with it; the cache is for the pages of one transaction.
const CACHE_SIZE: usize = 16 << 20;

#[cfg(test)]
pub(crate) mod failing;
#[cfg(test)]
mod tests;
