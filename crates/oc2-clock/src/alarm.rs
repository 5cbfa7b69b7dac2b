//! What rings when a clock shows a time.

mod poll;
#[cfg(target_os = "linux")]
mod timer;

use std::io;

use oc2_core::types::time::DateTime;

use self::poll::Poll;
#[cfg(target_os = "linux")]
use self::timer::Timer;
#[cfg(feature = "testing")]
use crate::hand::{Hand, Hung};

/// Rings when its clock shows a time, also when the clock was set; rings no more once it is dropped, but for a sound that is on
/// its way.
#[derive(Debug)]
pub struct Alarm(Kind);

#[derive(Debug)]
enum Kind {
    #[cfg(target_os = "linux")]
    Timer(Timer),
    Poll(Poll),
    #[cfg(feature = "testing")]
    Hung(Hung),
}

impl Alarm {
    #[cfg(target_os = "linux")]
    pub(crate) fn of_host(ring: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        match timer::create() {
            Ok(timer) => Timer::start(timer, ring).map(Kind::Timer).map(Self),
            Err(error) => {
                tracing::warn!(%error, "The kernel has no timer that follows the clock; the clock is looked at every second.");
                Poll::start(ring).map(Kind::Poll).map(Self)
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn of_host(ring: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        Poll::start(ring).map(Kind::Poll).map(Self)
    }

    #[cfg(feature = "testing")]
    pub(crate) fn of_hand(hand: &Hand, ring: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Kind::Hung(hand.hang(ring)))
    }

    /// Sets it to a time, in place of the one it was set to; or to none.
    pub fn set(&self, time: Option<DateTime>) {
        match &self.0 {
            #[cfg(target_os = "linux")]
            Kind::Timer(timer) => timer.set(time),
            Kind::Poll(poll) => poll.set(time),
            #[cfg(feature = "testing")]
            Kind::Hung(hung) => hung.set(time),
        }
    }
}

/// The name of the threads, as the system shows it.
const THREAD: &str = "oc2-clock";

#[cfg(test)]
mod tests;
