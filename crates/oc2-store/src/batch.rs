use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A table of rows, from key to value, in the order of the bytes of their keys; see [`Area::table`](crate::Area::table).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(pub(crate) Arc<str>);

/// Changes that are made together or not at all, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch(pub(crate) Vec<Write>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// A row comes, changes, or goes.
    Row { table: Table, key: Box<[u8]>, value: Option<Box<[u8]>> },
    /// All rows go.
    Clear(Table),
}

impl Batch {
    /// No changes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a row, whether there is one with this key or not.
    pub fn put(&mut self, table: &Table, key: impl AsRef<[u8]>, value: impl Into<Vec<u8>>) {
        self.row(table, key.as_ref().into(), Some(value.into().into_boxed_slice()));
    }

    /// Deletes a row, if there is one with this key.
    pub fn delete(&mut self, table: &Table, key: impl AsRef<[u8]>) {
        self.row(table, key.as_ref().into(), None);
    }

    /// Deletes all rows of a table.
    pub fn clear(&mut self, table: &Table) {
        self.0.push(Write::Clear(table.clone()));
    }

    /// Makes the changes of the other after these.
    pub fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn row(&mut self, table: &Table, key: Box<[u8]>, value: Option<Box<[u8]>>) {
        self.0.push(Write::Row { table: table.clone(), key, value });
    }
}

/// What several batches come to: of each row what was last said of it, so that it does not grow with what is repeated.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    cleared: BTreeSet<Table>,
    rows: BTreeMap<(Table, Box<[u8]>), Option<Box<[u8]>>>,
}

impl Merged {
    pub(crate) fn is_empty(&self) -> bool {
        self.cleared.is_empty() && self.rows.is_empty()
    }

    pub(crate) fn take_in(&mut self, batch: Batch) {
        for write in batch.0 {
            match write {
                Write::Row { table, key, value } => _ = self.rows.insert((table, key), value),
                Write::Clear(table) => {
                    self.rows.retain(|(of, _), _| *of != table);
                    self.cleared.insert(table);
                }
            }
        }
    }

    pub(crate) fn into_batch(self) -> Batch {
        let rows = self.rows.into_iter().map(|((table, key), value)| Write::Row { table, key, value });
        Batch(self.cleared.into_iter().map(Write::Clear).chain(rows).collect())
    }
}
