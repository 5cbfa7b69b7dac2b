//! For tests of back ends: namespaces to meet a real kernel in, and lists of rules at random with the [`Reference`] that
//! judges them.
//!
//! [`Reference`]: crate::Reference

pub mod judged;
mod namespace;
mod random;
mod scenario;

pub use namespace::{in_namespace, in_namespace_with, note, skip};
pub use random::Random;
pub use scenario::{Scenario, Told, n_cases};
