//! Commands of the profile that are understood.

use crate::lock::types::{Bolt, Door, Zone};

/// A command, with every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Throw or draw back a bolt.
    Move {
        /// Which door.
        door: Door,
        /// Where the bolt is to be.
        to: Bolt,
        /// Even if somebody stands in the door.
        force: bool,
    },
    /// Throw all bolts of a zone.
    Seal(Zone),
    /// Look at a bolt.
    Look(Door),
    /// Start the controller anew.
    Restart,
}
