//! The wall clock of a host, and alarms that ring when it shows a time.
//!
//! The times of OpenC2 (`start_time`, `stop_time`) are times of the wall clock, which is set now and then: by hand, by NTP after a
//! start, by the host that a virtual machine was moved to. An [`Alarm`] follows the clock: it rings when the clock shows its
//! time, however it came to show it, without looking at it every few seconds. On Linux the kernel does that (`timerfd` with
//! `TFD_TIMER_CANCEL_ON_SET`); elsewhere, and where the kernel gives no such timer, the clock is looked at once a second.
//!
//! Who waits for a length of time that passes (a time-out) takes `tokio::time` or a channel of the standard library instead.
//!
//! ```
//! use std::sync::mpsc::channel;
//!
//! use oc2_clock::Clock;
//!
//! let clock = Clock::of_host();
//! let (ring, rings) = channel();
//! let alarm = clock.alarm(move || _ = ring.send(())).expect("a thread");
//! alarm.set(Some(clock.now()));
//! rings.recv().expect("it rings");
//! ```
//!
//! *Invariants.* An alarm that is set to a time rings once the clock shows it, and may ring before: who hears it looks at the
//! clock. No sound is lost: a time that is over when it is set rings at once.

mod alarm;
mod clock;
#[cfg(feature = "testing")]
mod hand;

pub use alarm::Alarm;
pub use clock::Clock;
#[cfg(feature = "testing")]
pub use hand::Hand;
