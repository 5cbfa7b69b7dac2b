//! The database and the log in front of it, as one.
//!
//! A commit is durable once its record is in the log. The database gets it later, in one transaction with all others that it does
//! not have: where the log is full, when nothing is to do, and at the end. Until then it is in memory as well, where readers
//! find it.
//!
//! *Invariants.*
//!
//! - Every record has a number of its own, which grows by one. The database says up to which it has them; a log is read from
//!   there on.
//! - A record is written after the one before it was synced. So only the last one can be torn, and nobody was told of it.
//! - After an error it is open whether the record is on the disk. Nothing else is written to the log then before the database
//!   has all that was promised, and says that it has this number, too: what is found of it later is passed over.
//! - The database gets no change that was not promised, unless one commit is longer than a log; what becomes of that one where it
//!   fails is for [`File`] to say.
//! - Nothing is written before the first write: not if the log has something from the last process, either.

use std::path::{Path, PathBuf};

use tracing::warn;

use crate::batch::{Batch, Table};
use crate::error::{Cause, Damage, StoreError};
use crate::file::{Content, File, Mark, Opener};
use crate::log::{self, Log, Logs, format};
use crate::merged::{EachRow, Merged};

/// What a store keeps, wherever it is.
pub(crate) struct State {
    file: File,
    front: Front,
    /// What the log has and the database does not.
    logged: Merged,
    /// The number of the last record, whether it was written or not.
    last: u64,
    /// Whether the database has to be told something before the log is written to: which log it is, or that the last number was used
    /// in vain, whose record may be on the disk or not.
    is_unsettled: bool,
    /// Whether the last write failed: the next is tried even if there is nothing in it.
    has_failed: bool,
    dir: PathBuf,
}

/// What stands in front of the database.
enum Front {
    /// Nothing: it is a copy in memory.
    Nothing,
    /// There may be a log, which is not written to yet.
    Unopened {
        logs: Logs,
        mark: Option<Mark>,
    },
    Log(Log),
}

impl State {
    /// Opens what is in a directory, and makes the database if there is none.
    pub(crate) fn open(dir: &Path, opener: Opener, logs: Option<Logs>) -> Result<Self, StoreError> {
        let (file, mark) = File::open(dir, opener)?;
        let mut logged = Merged::default();
        let mut last = mark.map_or(0, |mark| mark.applied);
        if let Some(Mark { log, applied, goes_on: true }) = mark {
            let path = path_of(dir);
            for (number, batch) in log::read(&path, log, applied).map_err(|cause| cause.at(&path))? {
                logged.take_in(batch);
                last = number;
            }
        }
        let front = match logs {
            Some(logs) => Front::Unopened { logs, mark },
            None => Front::Nothing,
        };
        Ok(Self { file, front, logged, last, is_unsettled: false, has_failed: false, dir: dir.to_owned() })
    }

    /// The file that it is known by.
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Whether something may be on the disk that was said not to be.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.is_unsettled || self.file.is_in_doubt()
    }

    /// Whether the log has something that it wants to get rid of.
    pub(crate) fn is_behind(&self) -> bool {
        matches!(self.front, Front::Log(_)) && !self.logged.is_empty()
    }

    #[cfg(test)]
    pub(crate) fn n_in_doubt(&self) -> usize {
        self.file.n_in_doubt() + usize::from(self.is_unsettled)
    }

    /// Hands the rows of a table over in the order of their keys.
    pub(crate) fn read(&mut self, table: &Table, row: &mut EachRow<'_>) -> Result<(), StoreError> {
        if self.file.is_in_doubt() {
            self.checkpoint()?;
        }
        self.logged.read(table, &mut self.file, row).map_err(|cause| cause.at(self.file.path()))
    }

    /// Makes all batches durable, or none. What takes each back, in the same order.
    ///
    /// # Errors
    /// They are not; once anything else is written, nothing of them is there.
    pub(crate) fn write(&mut self, batches: Vec<Batch>) -> Result<Vec<Batch>, StoreError> {
        let res = self.try_write(batches);
        self.has_failed = res.is_err();
        res
    }

    fn try_write(&mut self, batches: Vec<Batch>) -> Result<Vec<Batch>, StoreError> {
        let is_empty = batches.iter().all(Batch::is_empty);
        if is_empty && !self.has_failed && !self.is_in_doubt() {
            return Ok(batches);
        }
        if matches!(self.front, Front::Nothing) {
            return self.write_through(&batches);
        }
        if is_empty || self.is_in_doubt() || matches!(self.front, Front::Unopened { .. }) {
            self.checkpoint()?;
        }
        if is_empty {
            return Ok(batches);
        }
        let size = format::size_of(&batches);
        match &self.front {
            Front::Log(log) if size > log.capacity() => return self.write_through(&batches),
            Front::Log(log) if size > log.room() => self.checkpoint()?,
            _ => {}
        }
        self.append(batches)
    }

    /// Into the log, where there is room.
    fn append(&mut self, batches: Vec<Batch>) -> Result<Vec<Batch>, StoreError> {
        let Front::Log(log) = &mut self.front else { return self.write_through(&batches) };
        let number = self.last + 1;
        log.prepare(number, &batches);
        let mut undos = Vec::with_capacity(batches.len());
        for batch in batches {
            match self.logged.take_over(batch, &mut self.file) {
                Ok(undo) => undos.push(undo),
                Err(cause) => {
                    undos.into_iter().rev().for_each(|undo| self.logged.take_in(undo));
                    return Err(cause.at(self.file.path()));
                }
            }
        }
        self.last = number;
        if let Err(error) = log.append() {
            self.is_unsettled = true;
            undos.into_iter().rev().for_each(|undo| self.logged.take_in(undo));
            return Err(Cause::from(error).at(&path_of(&self.dir)));
        }
        Ok(undos)
    }

    /// Brings into the database what the log has, so that the log begins again, and nothing is in doubt.
    ///
    /// # Errors
    /// All is as it was.
    pub(crate) fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.open_log()?;
        self.transact(&[], true).map(drop)
    }

    /// Leaves a database that is whole by itself, if anything was written at all.
    pub(crate) fn close(&mut self) -> Result<(), StoreError> {
        match self.front {
            Front::Log(_) => self.transact(&[], false).map(drop),
            Front::Nothing | Front::Unopened { .. } => Ok(()),
        }
    }

    /// Past the log: what has no place in it.
    fn write_through(&mut self, batches: &[Batch]) -> Result<Vec<Batch>, StoreError> {
        self.last += 1;
        // As long as it is under way, and after an error.
        self.is_unsettled = true;
        self.transact(batches, true)
    }

    fn transact(&mut self, batches: &[Batch], goes_on: bool) -> Result<Vec<Batch>, StoreError> {
        let mark = match &self.front {
            Front::Log(log) => Some(Mark { log: log.id(), applied: self.last, goes_on }),
            Front::Nothing | Front::Unopened { .. } => None,
        };
        let content = Content { logged: &self.logged, batches, mark };
        let undos = self.file.write(&content).map_err(|cause| cause.at(self.file.path()))?;
        self.logged = Merged::default();
        self.is_unsettled = false;
        if let Front::Log(log) = &mut self.front {
            log.begin_again();
        }
        Ok(undos)
    }

    /// The log that the database knows, or a new one: what another says is not about this database.
    fn open_log(&mut self) -> Result<(), StoreError> {
        let Front::Unopened { logs, mark } = &self.front else { return Ok(()) };
        let path = path_of(&self.dir);
        let failed = |error| Cause::from(error).at(&path);
        let found = mark.map_or(Ok(None), |mark| logs.find(&path, mark.log)).map_err(failed)?;
        let log = match found {
            Some(log) => log,
            // It was there when it was read: the database must not lose it before it has what it says.
            None if mark.is_some_and(|mark| mark.goes_on) => {
                return Err(Cause::from(Damage::Log("it is gone".to_owned())).at(&path));
            }
            None => {
                if path.exists() {
                    warn!(path = %path.display(), "This log does not belong to the database beside it; a new one takes its place.");
                }
                logs.create(&self.dir, &path).map_err(failed)?
            }
        };
        self.front = Front::Log(log);
        self.is_unsettled = true;
        Ok(())
    }
}

fn path_of(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

const NAME: &str = "state.log";

#[cfg(test)]
mod tests;
