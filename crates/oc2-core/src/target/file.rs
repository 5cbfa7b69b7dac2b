//! File (LS 3.4.1.6).

use crate::invalid::Invalid;
use crate::map;
use crate::types::hashes::Hashes;

map! {
    /// A file (LS 3.4.1.6); at least one property is present.
    pub struct File: "File", sealed by FileBuilder checked by at_least_one {
        /// Its name.
        optional name: String = 1,
        /// The absolute path to its location in the file system of the Consumer.
        optional path: String = 2,
        /// Hashes of its content.
        optional hashes: Hashes = 3,
    }
}

fn at_least_one(file: &File) -> Result<(), Invalid> {
    if file.is_empty() {
        return Err(Invalid::new("at least one of name, path, hashes is due"));
    }
    Ok(())
}
