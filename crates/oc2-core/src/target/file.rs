//! File (LS 3.4.1.6).

use crate::map;
use crate::types::hashes::Hashes;

map! {
    /// A file (LS 3.4.1.6); at least one property is present.
    pub struct File: "File" in "LS 3.4.1.6 (LS-162)", sealed by FileBuilder {
        /// Its name.
        optional name: String = 1,
        /// The absolute path to its location in the file system of the Consumer.
        optional path: String = 2,
        /// Hashes of its content.
        optional hashes: Hashes = 3,
    }
}
