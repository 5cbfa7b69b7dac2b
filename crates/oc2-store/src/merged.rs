//! What several batches come to.

use std::collections::BTreeMap;

use crate::batch::{Batch, Table, Write};
use crate::error::{Cause, Damage};

/// What several batches come to: of each row what was last said of it, so that it does not grow with what is repeated.
#[derive(Debug, Default)]
pub(crate) struct Merged(BTreeMap<Table, Rows>);

/// What was said of a table.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// Whether all rows were deleted of which nothing is said.
    pub(crate) is_cleared: bool,
    pub(crate) said: BTreeMap<Box<[u8]>, Said>,
}

/// What was last said of a row.
#[derive(Debug)]
pub(crate) struct Said {
    /// None: it was deleted.
    pub(crate) value: Option<Box<[u8]>>,
    /// Whether there is no such row below.
    is_new: bool,
}

/// The rows below, of which something is said.
pub(crate) trait Below {
    fn row(&mut self, table: &Table, key: &[u8]) -> Result<Option<Box<[u8]>>, Cause>;
    fn rows(&mut self, table: &Table, row: &mut EachRow<'_>) -> Result<(), Cause>;
}

/// Gets a key and its value; it may say that they make no sense.
pub(crate) type EachRow<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), String> + 'a;

impl Merged {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.values().all(|rows| !rows.is_cleared && rows.said.is_empty())
    }

    /// The tables of which something is said, and what.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (&Table, &Rows)> {
        self.0.iter()
    }

    pub(crate) fn take_in(&mut self, batch: Batch) {
        for write in batch.0 {
            match write {
                Write::Row { table, key, value, is_new } => {
                    let said = &mut self.0.entry(table).or_default().said;
                    let is_new = said.get(&key).map_or(is_new, |said| said.is_new);
                    match value {
                        None if is_new => _ = said.remove(&key),
                        value => _ = said.insert(key, Said { value, is_new }),
                    }
                }
                Write::Clear(table) => _ = self.0.insert(table, Rows { is_cleared: true, said: BTreeMap::new() }),
            }
        }
    }

    /// The same over rows that can be read; what takes it back.
    ///
    /// # Errors
    /// They cannot: nothing was taken in.
    pub(crate) fn take_over(&mut self, batch: Batch, below: &mut impl Below) -> Result<Batch, Cause> {
        let mut undo = Batch(Vec::with_capacity(batch.0.len()));
        let taken = batch.0.into_iter().try_for_each(|write| self.take_one(write, below, &mut undo));
        undo.0.reverse();
        match taken {
            Ok(()) => Ok(undo),
            Err(cause) => {
                self.take_in(undo);
                Err(cause)
            }
        }
    }

    fn take_one(&mut self, write: Write, below: &mut impl Below, undo: &mut Batch) -> Result<(), Cause> {
        match write {
            Write::Row { table, key, value, is_new } => {
                let rows = self.0.entry(table.clone()).or_default();
                let former = match rows.said.get_mut(&key) {
                    Some(said) => std::mem::replace(&mut said.value, value),
                    None => {
                        let is_nowhere = rows.is_cleared || is_new;
                        let former = if is_nowhere { None } else { below.row(&table, &key)? };
                        rows.said.insert(key.clone(), Said { value, is_new: false });
                        former
                    }
                };
                undo.row(&table, key, former, false);
            }
            Write::Clear(table) => {
                let mut former = Batch::new();
                self.read(&table, below, &mut |key, value| {
                    former.put(&table, key, value);
                    Ok(())
                })?;
                undo.append(former);
                self.0.insert(table, Rows { is_cleared: true, said: BTreeMap::new() });
            }
        }
        Ok(())
    }

    /// Hands over the rows of a table in their order: those below, with what is said of them.
    ///
    /// # Errors
    /// They cannot be read, or make no sense.
    pub(crate) fn read(&self, table: &Table, below: &mut impl Below, row: &mut EachRow<'_>) -> Result<(), Cause> {
        let Some(Rows { is_cleared, said }) = self.0.get(table) else { return below.rows(table, row) };
        let mut said = said.iter().peekable();
        if !is_cleared {
            below.rows(table, &mut |key, value| {
                while let Some((key, Said { value, .. })) = said.next_if(|(said, _)| ***said < *key) {
                    value.as_ref().map_or(Ok(()), |value| row(key, value))?;
                }
                match said.next_if(|(said, _)| ***said == *key) {
                    Some((_, Said { value, .. })) => value.as_ref().map_or(Ok(()), |value| row(key, value)),
                    None => row(key, value),
                }
            })?;
        }
        for (key, Said { value, .. }) in said {
            value.as_ref().map_or(Ok(()), |value| row(key, value)).map_err(Damage::Row)?;
        }
        Ok(())
    }

    pub(crate) fn into_batch(self) -> Batch {
        let mut batch = Batch::new();
        for (table, Rows { is_cleared, said }) in self.0 {
            if is_cleared {
                batch.clear(&table);
            }
            said.into_iter().for_each(|(key, Said { value, is_new })| batch.row(&table, key, value, is_new));
        }
        batch
    }
}
