//! Requests on disk: the area `requests` of the [store](oc2_store).
//!
//! Two tables. `rows`: from a number that grows to when the request was taken on (milliseconds since 1970), the fingerprint of
//! who asked under which id, that of what was asked for, and the outcome as a message in the form of the request; none as long
//! as the Command may be under way. `appointments`: from a number that grows to a Command that waits for its time, as it came, and
//! who brought it; gone in the very step in which its row comes.

mod revise;
mod stored;

use std::any::Any;
use std::path::Path;
use std::time::Duration;

use oc2_actuator::Receipt;
use oc2_core::types::time::DateTime;
use oc2_store::{Area, Batch, Store, StoreError, Table, key};
use tracing::{info, warn};

use self::revise::{Changes, revise};
use crate::appointment::Appointment;
use crate::journal::{Journal, MakeEntry, NotWritten, Pending, Row};
use crate::replay::{LIFETIME, Remembered};

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

/// The way to the rows.
#[derive(Debug)]
struct Rows {
    area: Area,
    table: Table,
    appointments: Table,
}

impl RequestStore {
    /// Opens the store of a directory, which must exist, and makes it if there is none.
    ///
    /// Waits for the disk: call it where waiting is allowed. The Consumer that it is given to closes it when its last clone is
    /// dropped, which waits for the disk too.
    ///
    /// # Errors
    /// Another process has it open, it is not a store, it is damaged, or the file system fails.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_in(&Store::open(dir)?, LIFETIME)
    }

    /// The same for requests that are to be remembered longer than an hour: no request may come again later than `lifetime`
    /// after it came first, for instance from a broker that keeps it so long (DECISIONS M12). A shorter time counts as an hour.
    ///
    /// # Errors
    /// As [`RequestStore::open`].
    pub fn open_for(lifetime: Duration, dir: &Path) -> Result<Self, StoreError> {
        Self::open_in(&Store::open(dir)?, lifetime)
    }

    /// The same in a store that others work with, too: actuators keep their effects there.
    ///
    /// # Errors
    /// Another Consumer remembers requests in it, they are damaged, or the file system fails.
    pub fn open_in(store: &Store, lifetime: Duration) -> Result<Self, StoreError> {
        let lifetime = lifetime.max(LIFETIME);
        let area = store.area("requests")?;
        let rows = Rows { table: area.table("rows"), appointments: area.table("appointments"), area };
        let (stored, appointments) = (rows.read()?, rows.read_appointments()?);
        let (n_stored, last_row) = (stored.len(), stored.last().map_or(0, |(number, _)| *number));
        let (left, changes) = revise(stored, lifetime, DateTime::now().as_millis());
        if !changes.is_empty() {
            // Nobody waits: what is not written now is written later, or revised again.
            drop(store.owe(rows.batch(&changes)));
        }
        let n_interrupted = left.iter().filter(|(_, row)| row.outcome.is_none()).count();
        info!(n_stored, n_remembered = left.len(), "Requests of before are remembered.");
        if n_interrupted > 0 {
            warn!(n_interrupted, "Commands were interrupted by the end of the process; they may have been performed.");
        }
        if !appointments.is_empty() {
            info!(n_scheduled = appointments.len(), "Commands of before wait for their time.");
        }
        Ok(Self(Remembered { journal: Box::new(rows), rows: left, last_row, appointments, lifetime }))
    }

    pub(crate) fn into_remembered(self) -> Remembered {
        self.0
    }
}

impl Rows {
    fn read(&self) -> Result<Vec<(u64, Row)>, StoreError> {
        let mut rows = Vec::new();
        self.area.store().read(&self.table, |number, row| {
            let number = key::to_u64(number).ok_or("a request has no number")?;
            rows.push((number, stored::read(row).ok_or_else(|| format!("request {number} makes no sense"))?));
            Ok(())
        })?;
        Ok(rows)
    }

    fn read_appointments(&self) -> Result<Vec<(u64, Appointment)>, StoreError> {
        let mut appointments = Vec::new();
        self.area.store().read(&self.appointments, |number, bytes| {
            let number = key::to_u64(number).ok_or("a command that waits has no number")?;
            let read = || Appointment::read(bytes).ok_or_else(|| format!("command {number} that waits makes no sense"));
            appointments.push((number, read()?));
            Ok(())
        })?;
        Ok(appointments)
    }

    fn batch(&self, changes: &Changes) -> Batch {
        let mut batch = Batch::new();
        for (number, row) in changes {
            match row {
                Some(row) => batch.put(&self.table, key::of_u64(*number), stored::write(row)),
                None => batch.delete(&self.table, key::of_u64(*number)),
            }
        }
        batch
    }

    /// The end of appointments.
    fn without(&self, appointments: impl IntoIterator<Item = u64>) -> Batch {
        let mut batch = Batch::new();
        appointments.into_iter().for_each(|number| batch.delete(&self.appointments, key::of_u64(number)));
        batch
    }

    fn write(&self, batch: Batch) -> Pending {
        pending(self.area.store().write(batch))
    }

    fn owe(&self, batch: Batch) -> Pending {
        pending(self.area.store().owe(batch))
    }
}

impl Journal for Rows {
    fn appoint(&self, number: u64, appointment: &Appointment) -> Pending {
        let mut batch = Batch::new();
        batch.insert(&self.appointments, key::of_u64(number), appointment.write());
        self.write(batch)
    }

    fn admit(&self, number: u64, row: &Row, appointment: Option<u64>) -> Pending {
        let mut batch = self.without(appointment);
        batch.insert(&self.table, key::of_u64(number), stored::write(row));
        self.write(batch)
    }

    fn conclude(&self, number: u64, row: &Row, is_first: bool, appointment: Option<u64>) -> Pending {
        let (mut batch, key, row) = (self.without(appointment), key::of_u64(number), stored::write(row));
        match is_first {
            true => batch.insert(&self.table, key, row),
            false => batch.put(&self.table, key, row),
        }
        self.owe(batch)
    }

    fn receipt(&self, entry: Box<MakeEntry>) -> Receipt {
        Receipt::new(self.area.store().id(), entry)
    }

    fn entry(&self, number: u64, row: &Row, appointment: Option<u64>) -> Box<dyn Any + Send> {
        let mut batch = self.without(appointment);
        batch.put(&self.table, key::of_u64(number), stored::write(row));
        Box::new(batch)
    }

    fn forget(&self, rows: &[u64], appointments: &[u64]) -> Pending {
        let mut batch = self.without(appointments.iter().copied());
        rows.iter().for_each(|number| batch.delete(&self.table, key::of_u64(*number)));
        self.owe(batch)
    }

    fn is_failing(&self) -> bool {
        self.area.store().is_failing()
    }
}

fn pending(pending: oc2_store::Pending) -> Pending {
    Pending::new(async { pending.done().await.map_err(|oc2_store::NotWritten| NotWritten) })
}

#[cfg(test)]
mod tests;
