//! What is known of a rule.

use std::sync::Arc;

use oc2_core::types::time::DateTime;
use oc2_profile_slpf::{Direction, Packets, RuleNumber};

use crate::rule::Verdict;

/// A rule of the list: what an allow or deny asked for, and what became of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RuleRecord {
    /// Its number: identity, and place in the list, lowest first.
    pub number: RuleNumber,
    /// Which packets.
    pub packets: Packets,
    /// In which direction.
    pub direction: Direction,
    /// What happens to them.
    pub verdict: Verdict,
    /// Whether it survives a restart.
    pub persistent: bool,
    /// When it ends. Absent means never.
    pub stop: Option<DateTime>,
    /// Until when it is out of force by a `delete` with a window (DECISIONS S3). Absent means it is in force.
    pub suspended_until: Option<DateTime>,
    /// Who asked for it. Rules of one Producer share the name.
    pub producer: Arc<str>,
    /// When it came to be.
    pub created: DateTime,
}

impl RuleRecord {
    /// When something is due for it: its end, or its return.
    pub(crate) fn deadline(&self) -> Option<DateTime> {
        [self.stop, self.suspended_until].into_iter().flatten().min()
    }

    /// Whether it is over at `now`.
    pub(crate) fn is_over(&self, now: DateTime) -> bool {
        self.stop.is_some_and(|stop| stop <= now)
    }

    /// What it is at `now`: back in force if its suspension is over.
    pub(crate) fn resumed(&self, now: DateTime) -> Self {
        Self { suspended_until: self.suspended_until.filter(|until| *until > now), ..self.clone() }
    }
}
