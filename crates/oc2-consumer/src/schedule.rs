//! Waiting for the time of a Command.

use std::time::Duration;

use oc2_core::types::time::DateTime;

/// Waits until the clock of this host shows `start`.
///
/// The wait is cut into pieces, so that a clock that is set meanwhile is noticed.
pub(crate) async fn until(start: DateTime) {
    loop {
        let left = Duration::from_millis(start.since(DateTime::now()).as_millis());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(PIECE)).await;
    }
}

const PIECE: Duration = Duration::from_secs(10);
