//! The file: `state.redb` in the directory of the state, for its owner only.
//!
//! A [redb](https://docs.rs/redb) database. `meta`: `schema` is 1, `sequence` is the number of the last transaction. Every
//! other table is `AREA/NAME`, from bytes to bytes.
//!
//! *Invariants.* A file that is not such a store is never written to: it is opened for writing with the first write, after
//! those who keep rows in it have read them. A transaction that failed has landed if the file has its number, and is taken back
//! in the next.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::backends::InMemoryBackend;
use redb::{
    Builder, Database, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend,
    TableDefinition, TableError, TableHandle, WriteTransaction,
};

use crate::batch::{Batch, Table, Write};
use crate::error::{Cause, Damage, StoreError};
use crate::lock::{Lock, OWNER_ONLY};

/// The file, open.
pub(crate) struct File {
    path: PathBuf,
    access: Access,
    opener: Opener,
    /// The number of the next transaction; no two have the same.
    next: u64,
    /// Transactions that failed when they were committed, with what takes each back. At most one is on the disk.
    in_doubt: Vec<(u64, Batch)>,
    /// Whether the last transaction failed: the next is made even if there is nothing in it.
    has_failed: bool,
    _lock: Lock,
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
    /// Opens the file of a directory, and makes it if there is none.
    pub(crate) fn open(dir: &Path, opener: Opener) -> Result<Self, StoreError> {
        let path = dir.join(NAME);
        let lock = Lock::take(dir)?;
        refuse_former(dir)?;
        let at = |cause: Cause| cause.at(&path);
        if !fs::exists(&path).map_err(|error| at(error.into()))? {
            create(dir, &path).map_err(at)?;
        }
        let (access, number) = caught(|| access(&path, &opener)).map_err(at)?;
        Ok(Self { path, access, opener, next: number + 1, in_doubt: Vec::new(), has_failed: false, _lock: lock })
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

    /// Hands the rows of a table over in the order of their keys.
    pub(crate) fn read(
        &mut self,
        table: &Table,
        mut row: impl FnMut(&[u8], &[u8]) -> Result<(), String>,
    ) -> Result<(), StoreError> {
        if matches!(self.access, Access::Shut) {
            self.write(&[])?;
        }
        let mut read = || {
            let transaction = match &self.access {
                Access::Reading(database) => database.begin_read()?,
                Access::Writing(database) => database.begin_read()?,
                Access::Shut => return Err(Damage::Unreadable.into()),
            };
            let rows = match transaction.open_table(rows_of(table)) {
                Err(TableError::TableDoesNotExist(_)) => return Ok(()),
                rows => rows?,
            };
            for pair in rows.iter()? {
                let (key, value) = pair?;
                row(key.value(), value.value()).map_err(Damage::Row)?;
            }
            Ok(())
        };
        caught(&mut read).map_err(|cause| cause.at(&self.path))
    }

    /// One durable transaction: all batches, or none. What takes each back, in the same order.
    ///
    /// After an error the file is opened anew next time, and what has landed all the same is taken back.
    pub(crate) fn write(&mut self, batches: &[Batch]) -> Result<Vec<Batch>, StoreError> {
        let res = self.transact(batches);
        self.has_failed = res.is_err();
        res.map_err(|cause| cause.at(&self.path))
    }

    fn transact(&mut self, batches: &[Batch]) -> Result<Vec<Batch>, Cause> {
        let database = self.take_database()?;
        match self.transact_in(&database, batches) {
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

    fn transact_in(&mut self, database: &Database, batches: &[Batch]) -> Result<Vec<Batch>, Cause> {
        if batches.iter().all(Batch::is_empty) && self.in_doubt.is_empty() && !self.has_failed {
            return Ok(vec![Batch::new(); batches.len()]);
        }
        let number = self.next;
        self.next += 1;
        let landed = self.in_doubt.first().map(|(_, undo)| undo);
        let (transaction, undos) = caught(|| {
            let transaction = database.begin_write()?;
            let undos = fill(&transaction, number, landed, batches)?;
            Ok((transaction, undos))
        })?;
        // The default durability: on the disk when it returns.
        if let Err(cause) = caught(|| Ok(transaction.commit()?)) {
            self.in_doubt.push((number, Batch(undos.into_iter().rev().flat_map(|undo| undo.0).collect())));
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
            let landed = sequence(&database.begin_read()?)?;
            Ok((database, landed))
        })?;
        self.in_doubt.retain(|(number, _)| *number == landed);
        Ok(database)
    }
}

impl Drop for File {
    fn drop(&mut self) {
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

/// Writes into a transaction: what takes back the one that has landed, then the batches.
fn fill(
    transaction: &WriteTransaction,
    number: u64,
    landed: Option<&Batch>,
    batches: &[Batch],
) -> Result<Vec<Batch>, Cause> {
    let mut tables = Tables { transaction, open: Vec::new() };
    if let Some(undo) = landed {
        tables.write(undo)?;
    }
    let undos = batches.iter().map(|batch| tables.write(batch)).collect::<Result<_, _>>()?;
    drop(tables);
    transaction.open_table(META)?.insert(SEQUENCE, number)?;
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

/// The file, and the number of its last transaction. One that was closed in order is only read: to open it for writing leaves
/// traces in it, and it may be somebody else's.
fn access(path: &Path, opener: &Opener) -> Result<(Access, u64), Cause> {
    match Builder::new().set_cache_size(CACHE_SIZE).open_read_only(path) {
        Ok(database) => {
            let number = judge(&database.begin_read()?)?;
            Ok((Access::Reading(database), number))
        }
        // It was not closed in order.
        Err(redb::DatabaseError::RepairAborted) => {
            let database = opener(path)?;
            let number = judge(&database.begin_read()?)?;
            Ok((Access::Writing(database), number))
        }
        Err(error) => Err(error.into()),
    }
}

fn judge(transaction: &ReadTransaction) -> Result<u64, Cause> {
    match transaction.open_table(META)?.get(SCHEMA)?.map(|version| version.value()) {
        Some(SCHEMA_VERSION) => {}
        Some(version) => return Err(Damage::Version(version).into()),
        None => return Err(Damage::NoVersion.into()),
    }
    for table in transaction.list_tables()?.filter(|table| table.name() != META.name()) {
        transaction.open_table(TableDefinition::<&[u8], &[u8]>::new(table.name()))?;
    }
    sequence(transaction)
}

fn sequence(transaction: &ReadTransaction) -> Result<u64, Cause> {
    Ok(transaction.open_table(META)?.get(SEQUENCE)?.map_or(0, |number| number.value()))
}

/// Makes an empty store under another name first: one that is half made, because the power failed, is not taken for a
/// damaged one.
fn create(dir: &Path, path: &Path) -> Result<(), Cause> {
    let unfinished = path.with_extension("redb.new");
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).read(true).write(true).mode(OWNER_ONLY);
    let database = Builder::new().set_cache_size(CACHE_SIZE).create_file(options.open(&unfinished)?)?;
    let transaction = database.begin_write()?;
    transaction.open_table(META)?.insert(SCHEMA, SCHEMA_VERSION)?;
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
const SCHEMA_VERSION: u64 = 1;
const SEQUENCE: &str = "sequence";
/// Everything is held in memory by those who work with it; the cache is for the pages of one transaction.
const NAME: &str = "state.redb";
const CACHE_SIZE: usize = 2 << 20;

#[cfg(test)]
mod tests;
