//! A time to look at things again, which is put off far more often than it comes.

use std::pin::Pin;

use tokio::time::{Instant, Sleep, sleep_until};

/// Tells when a time has come. To put the time off costs nothing: the timer that runs goes off, and is set anew.
#[derive(Debug, Default)]
pub(crate) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ready at this time or later.
    pub(crate) async fn at(&mut self, due: Instant) {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if due < sleep.deadline() {
            sleep.as_mut().reset(due);
        }
        loop {
            sleep.as_mut().await;
            if due <= sleep.deadline() {
                // What has gone off does not go off again by itself.
                self.0 = None;
                return;
            }
            sleep.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::select;
    use tokio::time::advance;

    use super::*;

    async fn has_come(alarm: &mut Alarm, due: Instant) -> bool {
        select! {
            biased;
            () = alarm.at(due) => true,
            () = std::future::ready(()) => false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_that_is_put_off_or_brought_forward_comes_when_it_is_due() {
        let (mut alarm, start) = (Alarm::default(), Instant::now());
        let second = Duration::from_secs(1);
        assert!(!has_come(&mut alarm, start + 10 * second).await);
        assert!(!has_come(&mut alarm, start + 20 * second).await, "put off");
        advance(15 * second).await;
        assert!(!has_come(&mut alarm, start + 20 * second).await, "the timer went off, the time did not come");
        assert!(!has_come(&mut alarm, start + 18 * second).await, "brought forward");
        advance(4 * second).await;
        assert!(has_come(&mut alarm, start + 18 * second).await);
        assert!(!has_come(&mut alarm, start + 30 * second).await, "a time of its own");
        alarm.at(start + 30 * second).await;
        assert_eq!(Instant::now(), start + 30 * second);
    }
}
