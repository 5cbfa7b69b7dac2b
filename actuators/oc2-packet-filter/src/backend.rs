//! What performs the changes.

mod alarm;
mod dry_run;
mod error;
mod faulty;

use std::fmt;

use crate::ruleset::{Change, Rules};

pub use alarm::Alarm;
pub use dry_run::DryRun;
pub use error::BackendError;
pub use faulty::{Fault, Faults, Faulty};

/// The kernel, or what stands for it.
///
/// A back end starts out not knowing what the kernel holds: first [`load`](Self::load), then [`apply`](Self::apply). It
/// knows no longer after an error with [`BackendError::left_unchanged`] false; then `apply` answers
/// [`BackendError::Unsynced`] until a `load` succeeds.
///
/// It changes its own chains, and of the chains that are there anyway the one rule in each that leads to ours. Everything
/// else in the tables belongs to others.
///
/// The methods wait for the kernel: call them where waiting is allowed.
pub trait Backend: fmt::Debug + Send {
    /// Makes the kernel hold exactly these rules, met before all others, whatever it held in our chains before.
    ///
    /// Each family changes in one step. When IPv6 fails, IPv4 gets back what it had.
    ///
    /// # Errors
    ///
    /// When the kernel or a tool does not play along. With [`BackendError::left_unchanged`] the former rules are in force.
    fn load(&mut self, rules: &dyn Rules) -> Result<(), BackendError>;

    /// Makes the changes in the order given, all or none.
    ///
    /// Each family changes in one step, IPv4 first. When IPv6 fails, IPv4 gets back what it had, so for that moment (under
    /// a millisecond with few rules) packets may meet the half of the change that belongs to IPv4.
    ///
    /// # Errors
    ///
    /// When a change does not fit, or the kernel or a tool does not play along. A refusal ([`BackendError::Refused`]) of
    /// rules the kernel should take means that a foreign hand was in our chains, and what is left there is not what was
    /// loaded; a `load` of the rules as they are to be puts it right.
    fn apply(&mut self, changes: &[Change]) -> Result<(), BackendError>;

    /// Takes our chains and what leads to them out of the kernel. Whether there are any does not matter.
    ///
    /// # Errors
    ///
    /// When the kernel or a tool does not play along, for instance because a foreign rule leads to a chain of ours. One
    /// family may be gone then and the other not: call it again.
    fn remove(&mut self) -> Result<(), BackendError>;

    /// Whether [`apply`](Self::apply) waits for nobody but the kernel, which takes a fraction of a millisecond: then whoever
    /// brings a command alone performs it himself. One that waits for tools or for locks of others is not prompt.
    fn is_prompt(&self) -> bool {
        false
    }

    /// Raises the alarm whenever others change what is ours, from now on. A back end that cannot tell does nothing.
    fn watch(&mut self, alarm: Alarm) {
        let _ = alarm;
    }

    /// Whether the kernel holds exactly these rules, met before all others.
    ///
    /// # Errors
    ///
    /// When the kernel or a tool does not play along.
    fn holds(&mut self, rules: &dyn Rules) -> Result<bool, BackendError>;
}
