//! Waiting for conditions, and not for times.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a test waits for what must happen: long, since a machine that does other things takes its time.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is true.
///
/// # Panics
/// It is not within [`PATIENCE`].
#[track_caller]
pub fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < until, "not in time: {what}");
        sleep(Duration::from_millis(2));
    }
}
