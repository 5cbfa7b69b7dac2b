//! `x-lock`: doors that are locked, unlocked and looked at, and zones that are sealed.

mod actuator;
mod command;
mod profile;
mod types;

pub use actuator::Doors;
pub use command::Command;
pub use profile::Lock;
pub use types::{Args, Bolt, Door, Floor, Keys, Results, Specifiers, Target, Zone, ZoneBuilder};
