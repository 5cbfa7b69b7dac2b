//! The rate limit, enforced (DECISIONS L12).

use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use oc2_core::Rejection;

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
