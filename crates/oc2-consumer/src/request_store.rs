//! Requests on disk: `requests.redb` in the directory of the Consumer's state, for its owner only.
//!
//! A [redb](https://docs.rs/redb) database of two tables. `meta`: `schema` is 1. `requests`: from a number that grows to when
//! the request was taken on (milliseconds since 1970), the fingerprint of who asked under which id, that of what was asked
//! for, and the outcome as a message in the form of the request; none as long as the Command may be under way.
//!
//! *Invariants.* What was written is on the disk when [`Ledger::write`] returns, all of it or nothing. A file that is not such
//! a store is never written to. `requests.lock` is held from opening to dropping, so that of two processes one is told.

mod error;
mod revise;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use oc2_core::types::time::DateTime;
use redb::{
    Builder, Database, ReadOnlyDatabase, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction,
};
use tracing::{info, warn};

use self::error::{Cause, Damage};
use self::revise::revise;
use crate::journal::{Changes, Failure, Journal, Ledger, Row};
use crate::key::Fingerprint;
use crate::replay::{LIFETIME, Remembered};

pub use self::error::RequestStoreError;

/// The requests that a Consumer was given in the last hour, or as long as it is opened for, on disk; see
/// [`remember_in`](crate::ConsumerBuilder::remember_in).
///
/// A Command with effects is on the disk before an actuator gets it, and its outcome is before it is told. Of each there is a
/// fingerprint and the outcome, and not who asked for what.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use oc2_consumer::{Consumer, RequestStore};
///
/// # let dir = tempfile::tempdir()?;
/// # let state_dir = dir.path();
/// let store = RequestStore::open(state_dir)?;
/// let consumer = Consumer::builder("fw1.example.net").dangerous().without_policy().remember_in(store).build();
/// # drop(consumer);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RequestStore(Remembered);

/// The file.
struct Store {
    path: PathBuf,
    /// Absent after an error: only opening it anew tells what was written.
    database: Option<Database>,
    opener: Opener,
    _lock: File,
}

/// How the file becomes a database; tests put a failing disk in between.
type Opener = Box<dyn Fn(&Path) -> Result<Database, redb::DatabaseError> + Send>;

impl RequestStore {
    /// Opens the store of a directory, which must exist, and makes it if there is none.
    ///
    /// Waits for the disk: call it where waiting is allowed. The Consumer that it is given to closes it when its last clone is
    /// dropped, which waits for the disk too.
    ///
    /// # Errors
    /// Another process has it open, it is not a store of requests, it is damaged, or the file system fails.
    pub fn open(dir: &Path) -> Result<Self, RequestStoreError> {
        Self::open_with(dir, LIFETIME, Box::new(open))
    }

    /// The same for requests that are to be remembered longer than an hour: no request may come again later than `lifetime`
    /// after it came first, for instance from a broker that keeps it so long (DECISIONS M12). A shorter time counts as an hour.
    ///
    /// # Errors
    /// As [`RequestStore::open`].
    pub fn open_for(lifetime: Duration, dir: &Path) -> Result<Self, RequestStoreError> {
        Self::open_with(dir, lifetime.max(LIFETIME), Box::new(open))
    }

    fn open_with(dir: &Path, lifetime: Duration, opener: Opener) -> Result<Self, RequestStoreError> {
        let path = dir.join("requests.redb");
        let lock = lock(dir)?;
        let at = |cause: Cause| cause.at(&path);
        if !fs::exists(&path).map_err(|error| at(error.into()))? {
            create(dir, &path).map_err(at)?;
        }
        let (database, rows) = read(&path, &opener).map_err(at)?;
        let (n_stored, last_row) = (rows.len(), rows.last().map_or(0, |(number, _)| *number));
        let mut store = Store { path: path.clone(), database: Some(database), opener, _lock: lock };
        let (rows, changes) = revise(rows, lifetime, DateTime::now().as_millis());
        if !changes.is_empty() {
            store.commit(&changes, None).map_err(at)?;
        }
        let n_interrupted = rows.iter().filter(|(_, row)| row.outcome.is_none()).count();
        info!(n_stored, n_remembered = rows.len(), "Requests of before are remembered.");
        if n_interrupted > 0 {
            warn!(n_interrupted, "Commands were interrupted by the end of the process; they may have been performed.");
        }
        let journal = Journal::start(store, last_row).map_err(|error| at(error.into()))?;
        Ok(Self(Remembered { journal, rows, last_row, lifetime }))
    }

    pub(crate) fn into_remembered(self) -> Remembered {
        self.0
    }
}

impl Ledger for Store {
    fn write(&mut self, changes: &Changes, void_from: Option<u64>) -> Result<(), Failure> {
        self.commit(changes, void_from).map_err(|cause| cause.at(&self.path).into())
    }
}

impl Store {
    /// One durable transaction. After an error the database is opened anew next time.
    fn commit(&mut self, changes: &Changes, void_from: Option<u64>) -> Result<(), Cause> {
        let database = match self.database.take() {
            Some(database) => database,
            None => (self.opener)(&self.path)?,
        };
        // The default durability: on the disk when `commit` returns.
        let transaction = database.begin_write()?;
        fill(&transaction, changes, void_from)?;
        transaction.commit()?;
        self.database = Some(database);
        Ok(())
    }
}

fn fill(transaction: &WriteTransaction, changes: &Changes, void_from: Option<u64>) -> Result<(), Cause> {
    let mut requests = transaction.open_table(REQUESTS)?;
    if let Some(first) = void_from {
        requests.retain_in(first.., |_, _| false)?;
    }
    changes.iter().try_for_each(|(number, row)| write_row(&mut requests, *number, row.as_ref()))
}

fn write_row(requests: &mut Table<'_, u64, Columns>, number: u64, row: Option<&Row>) -> Result<(), Cause> {
    match row {
        Some(Row { admitted, key, content, outcome }) => {
            requests.insert(number, (*admitted, &key.0, &content.0, outcome.as_deref()))?;
        }
        None => {
            requests.remove(number)?;
        }
    }
    Ok(())
}

fn lock(dir: &Path) -> Result<File, RequestStoreError> {
    let path = dir.join("requests.lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(OWNER_ONLY);
    let file = options.open(&path).map_err(|error| Cause::from(error).at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RequestStoreError::InUse { path }),
        Err(TryLockError::Error(error)) => Err(Cause::from(error).at(&path)),
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
    transaction.open_table(REQUESTS)?;
    transaction.commit()?;
    drop(database);
    fs::rename(&unfinished, path)?;
    File::open(dir)?.sync_all()?;
    Ok(())
}

/// What is damaged makes redb panic now and then; that is an error like any other.
fn read(path: &Path, opener: &Opener) -> Result<(Database, Vec<(u64, Row)>), Cause> {
    let read = || {
        let judged = judge(path)?;
        let database = opener(path)?;
        let rows = judged.map_or_else(|| rows(&database), Ok)?;
        Ok((database, rows))
    };
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(Damage::Unreadable.into()))
}

/// Reads a file that was closed in order without writing to it: to open a database leaves traces in it, and it may be
/// somebody else's. None if it was not closed in order.
fn judge(path: &Path) -> Result<Option<Vec<(u64, Row)>>, Cause> {
    match ReadOnlyDatabase::open(path) {
        Ok(database) => rows(&database).map(Some),
        Err(redb::DatabaseError::RepairAborted) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn rows(database: &impl ReadableDatabase) -> Result<Vec<(u64, Row)>, Cause> {
    let transaction = database.begin_read()?;
    match transaction.open_table(META)?.get(SCHEMA)?.map(|version| version.value()) {
        Some(SCHEMA_VERSION) => {}
        Some(version) => return Err(Damage::Version(version).into()),
        None => return Err(Damage::NoVersion.into()),
    }
    let mut rows = Vec::new();
    for row in transaction.open_table(REQUESTS)?.iter()? {
        let (number, columns) = row?;
        let (admitted, key, content, outcome) = columns.value();
        let (key, content) = (Fingerprint(*key), Fingerprint(*content));
        rows.push((number.value(), Row { admitted, key, content, outcome: outcome.map(<[u8]>::to_vec) }));
    }
    Ok(rows)
}

type Columns = (u64, &'static [u8; 32], &'static [u8; 32], Option<&'static [u8]>);

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const REQUESTS: TableDefinition<'_, u64, Columns> = TableDefinition::new("requests");
const SCHEMA: &str = "schema";
const SCHEMA_VERSION: u64 = 1;
const OWNER_ONLY: u32 = 0o600;
/// Everything is held in memory by those who work with it; the cache is for the pages of one transaction.
const CACHE_SIZE: usize = 4 << 20;

#[cfg(test)]
mod failing;
#[cfg(test)]
mod tests;
