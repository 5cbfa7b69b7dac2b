//! How the kernel is met.

mod config;
mod listing;
mod restore;

pub use config::{BackendConfig, ChainNames};
pub use listing::{FamilyListing, Listing};
pub use restore::Restore;
