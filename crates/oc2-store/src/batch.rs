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
    Row { table: Table, key: Box<[u8]>, value: Option<Box<[u8]>>, is_new: bool },
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
        self.row(table, key.as_ref().into(), Some(value.into().into_boxed_slice()), false);
    }

    /// The same for a row of which it is known that there is none with its key yet: where it is owed and deleted before it was
    /// written, nothing is owed any more.
    pub fn insert(&mut self, table: &Table, key: impl AsRef<[u8]>, value: impl Into<Vec<u8>>) {
        self.row(table, key.as_ref().into(), Some(value.into().into_boxed_slice()), true);
    }

    /// Deletes a row, if there is one with this key.
    pub fn delete(&mut self, table: &Table, key: impl AsRef<[u8]>) {
        self.row(table, key.as_ref().into(), None, false);
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

    pub(crate) fn row(&mut self, table: &Table, key: Box<[u8]>, value: Option<Box<[u8]>>, is_new: bool) {
        self.0.push(Write::Row { table: table.clone(), key, value, is_new });
    }
}
