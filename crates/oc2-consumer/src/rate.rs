//! The rate limits, enforced (DECISIONS L12).

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use oc2_core::Rejection;
use oc2_transfer::Peer;

/// Commands a minute, or no limit.
#[derive(Debug)]
pub(crate) struct Rate {
    per_minute: Option<NonZeroU32>,
    limiter: Option<DefaultDirectRateLimiter>,
}

impl Rate {
    pub(crate) fn new(per_minute: Option<NonZeroU32>) -> Self {
        Self { per_minute, limiter: per_minute.map(|n| RateLimiter::direct(Quota::per_minute(n))) }
    }

    pub(crate) fn per_minute(&self) -> Option<NonZeroU32> {
        self.per_minute
    }

    /// Takes one command into account.
    pub(crate) fn admit(&self) -> Result<(), Rejection> {
        match (&self.limiter, self.per_minute) {
            (Some(limiter), Some(n)) if limiter.check().is_err() => {
                Err(Rejection::unavailable(format!("more than {n} commands a minute; try again later")))
            }
            _ => Ok(()),
        }
    }
}

/// Messages a minute of each peer, whatever becomes of them, or no limit.
#[derive(Debug)]
pub(crate) struct PeerRates {
    per_minute: Option<NonZeroU32>,
    /// How far each peer is ahead of its rate (the generic cell rate algorithm); who is not ahead is not kept.
    ahead: Mutex<HashMap<Peer, Instant>>,
}

impl PeerRates {
    pub(crate) fn new(per_minute: Option<NonZeroU32>) -> Self {
        Self { per_minute, ahead: Mutex::default() }
    }

    pub(crate) fn per_minute(&self) -> Option<NonZeroU32> {
        self.per_minute
    }

    /// Takes one message into account.
    pub(crate) fn admit(&self, peer: &Peer, now: Instant) -> Result<(), Rejection> {
        let Some(n) = self.per_minute else { return Ok(()) };
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        if ahead.len() >= MAX_PEERS {
            ahead.retain(|_, until| *until > now);
        }
        // Where there are too many to keep them apart, the newcomers share one rate.
        let is_kept = ahead.len() < MAX_PEERS || ahead.contains_key(peer);
        let peer = if is_kept { peer.clone() } else { Peer::Unauthenticated("others".into()) };
        let until = ahead.entry(peer).or_insert(now);
        let next = (*until).max(now) + MINUTE / n.get();
        if next.duration_since(now) > MINUTE {
            return Err(Rejection::unavailable(format!(
                "more than {n} messages a minute from this peer; try again later"
            )));
        }
        *until = next;
        Ok(())
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// So many peers are kept apart.
const MAX_PEERS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(per_minute: u32) -> PeerRates {
        PeerRates::new(NonZeroU32::new(per_minute))
    }

    fn peer(name: &str) -> Peer {
        Peer::Authenticated(name.into())
    }

    #[test]
    fn a_peer_has_its_rate_and_takes_nothing_of_another() {
        let (rates, now) = (rates(3), Instant::now());
        for _ in 0..3 {
            rates.admit(&peer("a"), now).unwrap();
        }
        let text = rates.admit(&peer("a"), now).unwrap_err().to_string();
        assert_eq!(text, "more than 3 messages a minute from this peer; try again later");
        rates.admit(&peer("b"), now).unwrap();
        // One more every twenty seconds, and no more than three after a long rest.
        rates.admit(&peer("a"), now + Duration::from_secs(19)).unwrap_err();
        rates.admit(&peer("a"), now + Duration::from_secs(20)).unwrap();
        rates.admit(&peer("a"), now + Duration::from_secs(20)).unwrap_err();
        let later = now + Duration::from_secs(1000);
        let n_admitted = (0..10).filter(|_| rates.admit(&peer("a"), later).is_ok()).count();
        assert_eq!(n_admitted, 3);
    }

    #[test]
    fn peers_without_number_take_no_memory_without_bound() {
        let (rates, now) = (rates(1), Instant::now());
        let n_admitted = (0..2 * MAX_PEERS).filter(|i| rates.admit(&peer(&i.to_string()), now).is_ok()).count();
        // One for each that is kept apart, and one for all the others.
        assert_eq!((n_admitted, rates.ahead.lock().unwrap().len()), (MAX_PEERS + 1, MAX_PEERS + 1));
        rates.admit(&peer("0"), now).unwrap_err();
        let later = now + MINUTE;
        rates.admit(&peer("x"), later).unwrap();
        assert_eq!(rates.ahead.lock().unwrap().len(), 1, "who is not ahead is forgotten");
    }

    #[test]
    fn without_a_limit_nothing_is_kept() {
        let rates = PeerRates::new(None);
        rates.admit(&peer("a"), Instant::now()).unwrap();
        assert!(rates.ahead.lock().unwrap().is_empty());
    }
}
