//! Producers as the subject.

use std::collections::BTreeSet;

/// The rows that it may tell about.
pub(crate) fn rows() -> BTreeSet<&'static str> {
    BTreeSet::new()
}
