//! The file: `state.redb` in the directory of the state, for its owner only.
//!
//! A [redb](https://docs.rs/redb) database. `meta`: `schema` is 1 where it is whole by itself, and 2 where the [log](crate::log) goes
//! on; `log` is the id of the log, `applied` the number of the last record of it that is in here; `sequence` is the number of the
//! last transaction. Every other table is `AREA/NAME`, from bytes to bytes.
//!
//! *Invariants.* A file that is not such a store is never written to: it is opened for writing with the first write, after
//! those who keep rows in it have read them. A transaction that failed has landed if the file has its number, and what nobody was
//! promised of it is taken back in the next.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::backends::InMemoryBackend;
use redb::{
    Builder, Database, ReadOnlyDatabase, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable,
    StorageBackend, TableDefinition, TableError, TableHandle, WriteTransaction,
};

use crate::batch::{Batch, Table, Write};
use crate::error::{Cause, Damage, StoreError};
use crate::lock::{Lock, OWNER_ONLY};
use crate::merged::{Below, EachRow, Merged};

/// The file, open.
pub(crate) struct File {
    path: PathBuf,
    access: Access,
    opener: Opener,
    /// The number of the next transaction; no two have the same.
    next: u64,
    /// Transactions that failed when they were committed, with what takes each back. At most one is on the disk.
    in_doubt: Vec<(u64, Batch)>,
    /// What is read between two transactions.
    snapshot: Option<Snapshot>,
    _lock: Lock,
}

/// How the database stands to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The id of the log.
    pub(crate) log: u64,
    /// The last record of it that is in the database.
    pub(crate) applied: u64,
    /// Whether the log may hold more.
    pub(crate) goes_on: bool,
}

/// What is written in one transaction.
pub(crate) struct Content<'a> {
    /// What stays, whatever becomes of it: it is in the log.
    pub(crate) logged: &'a Merged,
    /// What is there only once it succeeds.
    pub(crate) batches: &'a [Batch],
    /// Absent where there is no log.
    pub(crate) mark: Option<Mark>,
}

/// How the file becomes a database; tests put a failing disk in between.
pub(crate) type Opener = Box<dyn Fn(&Path) -> Result<Database, redb::DatabaseError> + Send>;

enum Access {
    /// Nothing was written yet, and the file was closed in order by those before.
    Reading(ReadOnlyDatabase),
    Writing(Database),
    /// After an error: only opening it anew tells what was written.
    Shut,
}

impl File {
    /// Opens the file of a directory, and makes it if there is none; with what it says of the log.
    pub(crate) fn open(dir: &Path, opener: Opener) -> Result<(Self, Option<Mark>), StoreError> {
        let path = dir.join(NAME);
        let lock = Lock::take(dir)?;
        refuse_former(dir)?;
        let at = |cause: Cause| cause.at(&path);
        if !fs::exists(&path).map_err(|error| at(error.into()))? {
            create(dir, &path).map_err(at)?;
        }
        let (access, found) = caught(|| access(&path, &opener)).map_err(at)?;
        let next = found.sequence + 1;
        Ok((Self { path, access, opener, next, in_doubt: Vec::new(), snapshot: None, _lock: lock }, found.mark))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether something may be on the disk that was said not to be.
    pub(crate) fn is_in_doubt(&self) -> bool {
        !self.in_doubt.is_empty()
    }

    #[cfg(test)]
    pub(crate) fn n_in_doubt(&self) -> usize {
        self.in_doubt.len()
    }

    /// One durable transaction: all of it, or nothing. What takes each batch back, in the same order.
    ///
    /// After an error the file is opened anew next time, and batches that have landed all the same are taken back.
    pub(crate) fn write(&mut self, content: &Content<'_>) -> Result<Vec<Batch>, Cause> {
        self.snapshot = None;
        let database = self.take_database()?;
        match self.transact(&database, content) {
            Ok(undos) => {
                self.access = Access::Writing(database);
                Ok(undos)
            }
            Err(cause) => {
                close(Access::Writing(database));
                Err(cause)
            }
        }
    }

    fn transact(&mut self, database: &Database, content: &Content<'_>) -> Result<Vec<Batch>, Cause> {
        let number = self.next;
        self.next += 1;
        let landed = self.in_doubt.first().map(|(_, undo)| undo);
        let (transaction, undos) = caught(|| {
            let transaction = database.begin_write()?;
            let undos = fill(&transaction, number, landed, content)?;
            Ok((transaction, undos))
        })?;
        // The default durability: on the disk when it returns.
        if let Err(cause) = caught(|| Ok(transaction.commit()?)) {
            if !content.batches.is_empty() {
                self.in_doubt.push((number, Batch(undos.into_iter().rev().flat_map(|undo| undo.0).collect())));
            }
            return Err(cause);
        }
        self.in_doubt.clear();
        Ok(undos)
    }

    /// The database, opened for writing; whoever takes it gives it back if all went well.
    fn take_database(&mut self) -> Result<Database, Cause> {
        match std::mem::replace(&mut self.access, Access::Shut) {
            Access::Writing(database) => return Ok(database),
            access => close(access),
        }
        let (database, landed) = caught(|| {
            let database = (self.opener)(&self.path)?;
            let landed = number_of(&database.begin_read()?.open_table(META)?, SEQUENCE)?.unwrap_or(0);
            Ok((database, landed))
        })?;
        self.in_doubt.retain(|(number, _)| *number == landed);
        Ok(database)
    }

    fn snapshot(&mut self) -> Result<&mut Snapshot, Cause> {
        if self.snapshot.is_none() {
            let transaction = match &self.access {
                Access::Reading(database) => database.begin_read()?,
                Access::Writing(database) => database.begin_read()?,
                Access::Shut => {
                    let database = self.take_database()?;
                    let transaction = database.begin_read()?;
                    self.access = Access::Writing(database);
                    transaction
                }
            };
            self.snapshot = Some(Snapshot { transaction, tables: Vec::new() });
        }
        self.snapshot.as_mut().ok_or_else(|| Damage::Unreadable.into())
    }
}

/// What is on the disk, whether it is in doubt or not: who reads has seen to that.
impl Below for File {
    fn row(&mut self, table: &Table, key: &[u8]) -> Result<Option<Box<[u8]>>, Cause> {
        caught(|| {
            let Some(rows) = self.snapshot()?.rows(table)? else { return Ok(None) };
            Ok(rows.get(key)?.map(|value| value.value().into()))
        })
    }

    fn rows(&mut self, table: &Table, row: &mut EachRow<'_>) -> Result<(), Cause> {
        caught(|| {
            let Some(rows) = self.snapshot()?.rows(table)? else { return Ok(()) };
            for pair in rows.iter()? {
                let (key, value) = pair?;
                row(key.value(), value.value()).map_err(Damage::Row)?;
            }
            Ok(())
        })
    }
}

type RowsThen = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// The database as it was at one moment, and the tables that were looked at.
struct Snapshot {
    transaction: ReadTransaction,
    tables: Vec<(Table, Option<RowsThen>)>,
}

impl Snapshot {
    /// None if there is no such table.
    fn rows(&mut self, table: &Table) -> Result<Option<&RowsThen>, Cause> {
        let i = match self.tables.iter().position(|(open, _)| open == table) {
            Some(i) => i,
            None => {
                let rows = match self.transaction.open_table(rows_of(table)) {
                    Err(TableError::TableDoesNotExist(_)) => None,
                    rows => Some(rows?),
                };
                self.tables.push((table.clone(), rows));
                self.tables.len() - 1
            }
        };
        Ok(self.tables[i].1.as_ref())
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.snapshot = None;
        close(std::mem::replace(&mut self.access, Access::Shut));
    }
}

/// A damaged file may make redb panic at its end, too.
fn close(access: Access) {
    let _ = caught(|| {
        drop(access);
        Ok(())
    });
}

/// Writes into a transaction: what takes back the one that has landed, then what is in the log, then the batches.
fn fill(
    transaction: &WriteTransaction,
    number: u64,
    landed: Option<&Batch>,
    content: &Content<'_>,
) -> Result<Vec<Batch>, Cause> {
    let mut tables = Tables { transaction, open: Vec::new() };
    if let Some(undo) = landed {
        tables.write(undo)?;
    }
    tables.write_logged(content.logged)?;
    let undos = content.batches.iter().map(|batch| tables.write(batch)).collect::<Result<_, _>>()?;
    drop(tables);
    let mut meta = transaction.open_table(META)?;
    meta.insert(SEQUENCE, number)?;
    if let Some(Mark { log, applied, goes_on }) = content.mark {
        meta.insert(SCHEMA, if goes_on { SCHEMA_WITH_LOG } else { SCHEMA_ALONE })?;
        meta.insert(LOG, log)?;
        meta.insert(APPLIED, applied)?;
    }
    Ok(undos)
}

/// The tables that a transaction has opened, each of which it may open once.
struct Tables<'t> {
    transaction: &'t WriteTransaction,
    open: Vec<(Table, Rows<'t>)>,
}

type Rows<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;

impl<'t> Tables<'t> {
    /// Makes the changes of a batch; what takes them back.
    fn write(&mut self, batch: &Batch) -> Result<Batch, Cause> {
        let mut undo = Vec::with_capacity(batch.0.len());
        for write in &batch.0 {
            match write {
                Write::Row { table, key, value, .. } => {
                    let rows = self.rows(table)?;
                    let former = match value {
                        Some(value) => rows.insert(&**key, &**value)?,
                        None => rows.remove(&**key)?,
                    };
                    let value = former.map(|former| former.value().into());
                    undo.push(Write::Row { table: table.clone(), key: key.clone(), value, is_new: false });
                }
                Write::Clear(table) => clear(table, self.rows(table)?, &mut undo)?,
            }
        }
        undo.reverse();
        Ok(Batch(undo))
    }

    fn write_logged(&mut self, logged: &Merged) -> Result<(), Cause> {
        for (table, of) in logged.tables() {
            let rows = self.rows(table)?;
            if of.is_cleared {
                rows.retain(|_, _| false)?;
            }
            for (key, said) in &of.said {
                match &said.value {
                    Some(value) => _ = rows.insert(&**key, &**value)?,
                    None => _ = rows.remove(&**key)?,
                }
            }
        }
        Ok(())
    }

    fn rows(&mut self, table: &Table) -> Result<&mut Rows<'t>, Cause> {
        let i = match self.open.iter().position(|(open, _)| open == table) {
            Some(i) => i,
            None => {
                self.open.push((table.clone(), self.transaction.open_table(rows_of(table))?));
                self.open.len() - 1
            }
        };
        Ok(&mut self.open[i].1)
    }
}

fn clear(table: &Table, rows: &mut Rows<'_>, undo: &mut Vec<Write>) -> Result<(), Cause> {
    for row in rows.iter()? {
        let (key, value) = row?;
        let (key, value) = (key.value().into(), Some(value.value().into()));
        undo.push(Write::Row { table: table.clone(), key, value, is_new: false });
    }
    rows.retain(|_, _| false)?;
    Ok(())
}

/// What a file says of itself.
struct Found {
    sequence: u64,
    mark: Option<Mark>,
}

/// The file, and what it says of itself. One that was closed in order is only read: to open it for writing leaves traces in it,
/// and it may be somebody else's.
fn access(path: &Path, opener: &Opener) -> Result<(Access, Found), Cause> {
    match Builder::new().set_cache_size(CACHE_SIZE).open_read_only(path) {
        Ok(database) => {
            let found = judge(&database.begin_read()?)?;
            Ok((Access::Reading(database), found))
        }
        // It was not closed in order.
        Err(redb::DatabaseError::RepairAborted) => {
            let database = opener(path)?;
            let found = judge(&database.begin_read()?)?;
            Ok((Access::Writing(database), found))
        }
        Err(error) => Err(error.into()),
    }
}

fn judge(transaction: &ReadTransaction) -> Result<Found, Cause> {
    let meta = transaction.open_table(META)?;
    let goes_on = match number_of(&meta, SCHEMA)? {
        Some(SCHEMA_ALONE) => false,
        Some(SCHEMA_WITH_LOG) => true,
        Some(version) => return Err(Damage::Version(version).into()),
        None => return Err(Damage::NoVersion.into()),
    };
    for table in transaction.list_tables()?.filter(|table| table.name() != META.name()) {
        transaction.open_table(TableDefinition::<&[u8], &[u8]>::new(table.name()))?;
    }
    let sequence = number_of(&meta, SEQUENCE)?.unwrap_or(0);
    let mark = number_of(&meta, LOG)?.zip(number_of(&meta, APPLIED)?);
    let mark = mark.map(|(log, applied)| Mark { log, applied, goes_on });
    match mark {
        None if goes_on => Err(Damage::NoLog.into()),
        mark => Ok(Found { sequence, mark }),
    }
}

fn number_of(meta: &impl ReadableTable<&'static str, u64>, name: &str) -> Result<Option<u64>, Cause> {
    Ok(meta.get(name)?.map(|number| number.value()))
}

/// Makes an empty store under another name first: one that is half made, because the power failed, is not taken for a
/// damaged one.
fn create(dir: &Path, path: &Path) -> Result<(), Cause> {
    let unfinished = path.with_extension("redb.new");
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).read(true).write(true).mode(OWNER_ONLY);
    let database = Builder::new().set_cache_size(CACHE_SIZE).create_file(options.open(&unfinished)?)?;
    let transaction = database.begin_write()?;
    transaction.open_table(META)?.insert(SCHEMA, SCHEMA_ALONE)?;
    transaction.commit()?;
    drop(database);
    fs::rename(&unfinished, path)?;
    fs::File::open(dir)?.sync_all()?;
    Ok(())
}

/// Files of an earlier version hold rules: not to look at them would be to forget the rules silently.
fn refuse_former(dir: &Path) -> Result<(), StoreError> {
    let failed = |error| Cause::from(error).at(dir);
    for entry in fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let Some(name) = name.to_str() else { continue };
        if name == "requests.redb" || (name.starts_with("slpf-") && name.ends_with(".redb")) {
            return Err(StoreError::Former { path: dir.join(name) });
        }
    }
    Ok(())
}

/// What opens a file for writing.
pub(crate) fn opener() -> Opener {
    Box::new(|path| Builder::new().set_cache_size(CACHE_SIZE).open(path))
}

/// Makes a database in memory of what is in the file.
pub(crate) fn copier() -> Opener {
    Box::new(|path| {
        let (content, copy) = (fs::read(path)?, InMemoryBackend::new());
        copy.set_len(content.len() as u64)?;
        copy.write(0, &content)?;
        Builder::new().set_cache_size(CACHE_SIZE).create_with_backend(copy)
    })
}

/// Finds the file of a directory.
///
/// # Errors
/// There is none, or the file system does not say.
pub(crate) fn exists_in(dir: &Path) -> Result<(), StoreError> {
    let path = dir.join(NAME);
    fs::metadata(&path).map(drop).map_err(|error| Cause::from(error).at(&path))
}

/// What is damaged makes redb panic now and then; that is an error like any other.
fn caught<T>(act: impl FnOnce() -> Result<T, Cause>) -> Result<T, Cause> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|_| Err(Damage::Unreadable.into()))
}

fn rows_of(table: &Table) -> TableDefinition<'_, &'static [u8], &'static [u8]> {
    TableDefinition::new(&table.0)
}

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const SCHEMA: &str = "schema";
/// All that was written is in the file.
const SCHEMA_ALONE: u64 = 1;
/// More is in the log: who knows of none must not take it for whole.
const SCHEMA_WITH_LOG: u64 = 2;
const SEQUENCE: &str = "sequence";
const LOG: &str = "log";
const APPLIED: &str = "applied";
/// Everything is held in memory by those who work with it; the cache is for the pages of one transaction.
const NAME: &str = "state.redb";
const CACHE_SIZE: usize = 2 << 20;

#[cfg(test)]
mod tests;
