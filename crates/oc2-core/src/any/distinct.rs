//! Members of an object, in linear time however many there are.

use std::collections::HashSet;

use super::key::Key;

/// The keys beyond the first few, for a search that does not grow with them.
#[derive(Clone, Debug, Default)]
#[allow(clippy::box_collection, reason = "most objects have few keys, and a pointer is smaller than a set")]
pub(super) struct Distinct(Option<Box<HashSet<Key>>>);

impl Distinct {
    /// Whether `key` stands among the entries, all of which this has seen coming.
    pub(super) fn adds<T>(&mut self, entries: &[(Key, T)], key: &Key) -> bool {
        // A search through so few is faster than hashing.
        if entries.iter().take(FEW).any(|(known, _)| known == key) {
            return false;
        }
        entries.len() < FEW || self.0.get_or_insert_default().insert(key.clone())
    }
}

const FEW: usize = 16;
