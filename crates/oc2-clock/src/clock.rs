//! What tells the time.

use std::io;

use oc2_core::types::time::DateTime;

use crate::alarm::Alarm;
#[cfg(feature = "testing")]
use crate::hand::Hand;

/// A wall clock. Clones are the same clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clock(Kind);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Host,
    #[cfg(feature = "testing")]
    Hand(Hand),
}

impl Clock {
    /// The clock of this host.
    #[must_use]
    pub fn of_host() -> Self {
        Self(Kind::Host)
    }

    #[cfg(feature = "testing")]
    pub(crate) fn of_hand(hand: Hand) -> Self {
        Self(Kind::Hand(hand))
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> DateTime {
        match &self.0 {
            Kind::Host => DateTime::now(),
            #[cfg(feature = "testing")]
            Kind::Hand(hand) => hand.now(),
        }
    }

    /// An alarm that is not set yet. `ring` is called by a thread of its own, which it should not keep long.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn alarm(&self, ring: impl Fn() + Send + Sync + 'static) -> io::Result<Alarm> {
        match &self.0 {
            Kind::Host => Alarm::of_host(ring),
            #[cfg(feature = "testing")]
            Kind::Hand(hand) => Ok(Alarm::of_hand(hand, ring)),
        }
    }
}
