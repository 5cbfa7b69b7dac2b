//! An alarm by a timer of the Linux kernel, which follows the wall clock and is cancelled when that is set.
//!
//! One thread waits in `read`. Setting the timer anew does not wake it: the same wait goes on for the new time.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use oc2_core::types::time::DateTime;
use rustix::io::{Errno, read};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use super::THREAD;

#[derive(Debug)]
pub(super) struct Timer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    timer: OwnedFd,
    is_dropped: AtomicBool,
}

pub(super) fn create() -> io::Result<OwnedFd> {
    Ok(timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::CLOEXEC)?)
}

impl Timer {
    pub(super) fn start(timer: OwnedFd, ring: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared { timer, is_dropped: AtomicBool::new(false) });
        let waiting = Arc::clone(&shared);
        thread::Builder::new().name(THREAD.into()).spawn(move || wait(&waiting, ring))?;
        Ok(Self(shared))
    }

    pub(super) fn set(&self, time: Option<DateTime>) {
        self.0.set(time);
    }
}

/// The thread ends by itself: whoever drops an alarm may hold what it takes to hear it.
impl Drop for Timer {
    fn drop(&mut self) {
        self.0.is_dropped.store(true, Ordering::SeqCst);
        self.0.set(Some(DateTime::default()));
    }
}

impl Shared {
    fn set(&self, time: Option<DateTime>) {
        let value = Itimerspec { it_interval: timespec(0, 0), it_value: time.map_or(timespec(0, 0), moment) };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        match timerfd_settime(&self.timer, flags, &value) {
            // Cancelled means that the clock was set since it was looked at last; the timer is set all the same, and the thread
            // is told of it too.
            Ok(_) | Err(Errno::CANCELED) => {}
            Err(error) => tracing::error!(%error, ?time, "The kernel does not set a timer."),
        }
    }
}

fn wait(shared: &Shared, ring: impl Fn()) {
    loop {
        let res = rustix::io::retry_on_intr(|| read(&shared.timer, &mut [0_u8; 8]));
        if shared.is_dropped.load(Ordering::SeqCst) {
            return;
        }
        match res {
            Ok(_) => {}
            Err(Errno::CANCELED) => tracing::info!("The clock of this host was set."),
            Err(error) => {
                tracing::error!(%error, "The kernel does not say when a time has come.");
                return;
            }
        }
        ring();
    }
}

/// Zero would mean no time at all.
fn moment(time: DateTime) -> Timespec {
    let milliseconds = time.as_millis();
    let nanoseconds = (milliseconds % 1000) * 1_000_000;
    timespec(milliseconds / 1000, nanoseconds.max(u64::from(milliseconds == 0)))
}

fn timespec(seconds: u64, nanoseconds: u64) -> Timespec {
    let in_range = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    Timespec { tv_sec: in_range(seconds), tv_nsec: in_range(nanoseconds) }
}
