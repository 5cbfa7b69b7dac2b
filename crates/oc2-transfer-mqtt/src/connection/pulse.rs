//! When to ask a broker for a sign of life, and when it has given none (MQTT 2.7, 3.4).

use std::time::Duration;

use tokio::time::Instant;

use crate::options::KeepAlive;

/// The pulse of a connection.
///
/// PINGREQ is sent when 95 % of the keep-alive have passed since a packet was last sent, or since one was last received: the
/// first is what MQTT asks for (MQTT 5 3.1.2.10), the second notices that a connection is dead while we go on sending. While a
/// message waits for its acknowledgement the question comes earlier, since then somebody waits.
#[derive(Debug)]
pub(crate) struct Pulse {
    configured: Duration,
    keep_alive: Duration,
    answer_timeout: Duration,
    sent: Instant,
    received: Instant,
    /// Since when a message waits for its acknowledgement.
    asked: Instant,
    /// When PINGREQ was sent that nothing came after.
    asked_for_sign: Option<Instant>,
}

impl Pulse {
    pub(crate) fn new(keep_alive: KeepAlive, answer_timeout: Duration) -> Self {
        let (configured, now) = (Duration::from_secs(keep_alive.as_secs().into()), Instant::now());
        Self {
            configured,
            keep_alive: configured,
            answer_timeout,
            sent: now,
            received: now,
            asked: now,
            asked_for_sign: None,
        }
    }

    /// A network connection begins.
    pub(crate) fn begin(&mut self) {
        let now = Instant::now();
        self.keep_alive = self.configured;
        (self.sent, self.received, self.asked, self.asked_for_sign) = (now, now, now, None);
    }

    /// The broker may name a keep-alive of its own, which replaces ours (MQTT 5 3.2.2.3.14) for this connection. None at all (0)
    /// is none we conform with (DECISIONS Q5).
    pub(crate) fn agree(&mut self, server_keep_alive: Option<u16>) {
        if let Some(seconds @ 1..) = server_keep_alive {
            self.keep_alive = Duration::from_secs(seconds.into());
        }
    }

    pub(crate) fn sends(&mut self) {
        self.sent = Instant::now();
    }

    pub(crate) fn receives(&mut self) {
        self.received = Instant::now();
        self.asked_for_sign = None;
    }

    /// A message waits for its acknowledgement, the first one.
    pub(crate) fn asks(&mut self) {
        self.asked = Instant::now();
    }

    pub(crate) fn asks_for_sign(&mut self) {
        self.asked_for_sign = Some(Instant::now());
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.asked_for_sign.is_some()
    }

    /// When to ask for a sign, or if that was done, when to give the connection up.
    pub(crate) fn due(&self, is_awaiting: bool) -> Instant {
        if let Some(asked) = self.asked_for_sign {
            return asked + self.answer_timeout;
        }
        let due = self.sent.min(self.received) + self.keep_alive * 19 / 20;
        if is_awaiting { due.min(self.received.max(self.asked) + self.answer_timeout) } else { due }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn pulse() -> Pulse {
        Pulse::new(KeepAlive::MAX, Duration::from_secs(10))
    }

    fn in_secs(pulse: &Pulse, is_awaiting: bool) -> u64 {
        pulse.due(is_awaiting).duration_since(Instant::now()).as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_sign_is_asked_for_after_95_percent_of_the_keep_alive() {
        // MQTT-054, MQTT-101, MQTT-102
        let mut pulse = pulse();
        assert_eq!(in_secs(&pulse, false), 285);
        advance(Duration::from_secs(100)).await;
        pulse.sends();
        assert_eq!(in_secs(&pulse, false), 185, "nothing was received");
        pulse.receives();
        assert_eq!(in_secs(&pulse, false), 285);
    }

    #[tokio::test(start_paused = true)]
    async fn the_keep_alive_of_the_broker_counts_for_its_connection() {
        // MQTT-055
        let mut pulse = pulse();
        pulse.agree(Some(60));
        assert_eq!(in_secs(&pulse, false), 57);
        pulse.begin();
        assert_eq!(in_secs(&pulse, false), 285);
        pulse.agree(Some(0));
        assert_eq!(in_secs(&pulse, false), 285);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_asks_earlier() {
        let mut pulse = pulse();
        advance(Duration::from_secs(60)).await;
        pulse.asks();
        assert_eq!(in_secs(&pulse, true), 10);
        pulse.asks_for_sign();
        advance(Duration::from_secs(4)).await;
        assert_eq!(in_secs(&pulse, true), 6);
        pulse.receives();
        assert!(!pulse.is_asked());
    }
}
