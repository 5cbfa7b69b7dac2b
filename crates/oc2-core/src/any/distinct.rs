//! Names that were met, in linear time however many there are.

use std::collections::HashSet;

/// A set of names that stays small and unhashed while it is short.
#[derive(Clone, Debug, Default)]
pub(crate) struct Distinct {
    few: Vec<Box<str>>,
    many: HashSet<Box<str>>,
}

impl Distinct {
    /// Adds a name; false if it was there.
    pub(crate) fn insert(&mut self, name: &str) -> bool {
        if self.few.iter().any(|known| &**known == name) || self.many.contains(name) {
            return false;
        }
        if self.few.len() < FEW {
            self.few.push(name.into());
        } else {
            self.many.insert(name.into());
        }
        true
    }
}

/// A search through so few names is faster than hashing.
const FEW: usize = 16;
