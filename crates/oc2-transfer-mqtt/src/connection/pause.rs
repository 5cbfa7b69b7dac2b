//! How long to wait before another attempt to connect.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

/// Doubles from the first pause to the longest, each shortened by up to a half at random. A connection that held begins anew; one
/// that did not, such as one that another client under our ClientID takes from us again and again, does not.
#[derive(Debug)]
pub(crate) struct Pause {
    min: Duration,
    max: Duration,
    next: Duration,
    since: Option<Instant>,
}

impl Pause {
    pub(crate) fn new(min: Duration, max: Duration) -> Self {
        let min = min.max(SHORTEST);
        Self { min, max: max.max(min), next: min, since: None }
    }

    /// The connection stands.
    pub(crate) fn succeeds(&mut self) {
        self.since = Some(Instant::now());
    }

    /// How long to wait now.
    pub(crate) fn next(&mut self) -> Duration {
        if self.since.take().is_some_and(|since| since.elapsed() >= HELD) {
            self.next = self.min;
        }
        let pause = self.next;
        self.next = (pause * 2).min(self.max);
        let random = u32::from(Uuid::new_v4().as_bytes()[0]);
        pause - pause * random / 512
    }
}

/// So that no setting makes it an endless loop.
const SHORTEST: Duration = Duration::from_millis(10);
/// How long a connection stands that held.
const HELD: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_the_longest_and_are_shortened_at_random() {
        let mut pause = Pause::new(Duration::from_secs(1), Duration::from_secs(8));
        for longest in [1, 2, 4, 8, 8, 8] {
            let (pause, longest) = (pause.next(), Duration::from_secs(longest));
            assert!(pause > longest / 2 && pause <= longest, "{pause:?} of {longest:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_connection_that_held_begins_anew() {
        let mut pause = Pause::new(Duration::from_secs(1), Duration::from_secs(8));
        pause.next();
        pause.next();
        pause.succeeds();
        assert!(pause.next() > Duration::from_secs(2), "it was cut at once");
        pause.succeeds();
        advance(HELD).await;
        assert!(pause.next() <= Duration::from_secs(1));
    }
}
