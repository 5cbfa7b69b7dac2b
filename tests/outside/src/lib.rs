//! Profiles and actuators as a stranger would write them: from the published interfaces alone.
//!
//! [`lock`] has something of everything that a profile may add; [`bell`] adds as little as a profile can.

pub mod bell;
pub mod lock;
