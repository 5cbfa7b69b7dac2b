//! `[http.limits]`: how the listener protects itself from who sends too much or too slowly.

use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use oc2_encoding::MAX_MESSAGE;
use oc2_transfer_http::Settings;
use serde::Deserialize;

/// `[http.limits]`; what is absent is as [`Settings`] has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsTable {
    max_connections: Option<NonZeroU32>,
    max_connections_per_address: Option<NonZeroU32>,
    max_handshakes: Option<NonZeroU32>,
    max_handshakes_per_address: Option<NonZeroU32>,
    /// In octets, as the two that follow.
    max_bodies: Option<NonZeroU32>,
    max_body: Option<UpTo<MAX_MESSAGE>>,
    max_head: Option<UpTo<MAX_HEAD>>,
    max_headers: Option<NonZeroU32>,
    /// In seconds, as all that follow.
    handshake_timeout: Option<NonZeroU16>,
    head_timeout: Option<NonZeroU16>,
    body_timeout: Option<NonZeroU16>,
    write_timeout: Option<NonZeroU16>,
    idle_timeout: Option<NonZeroU16>,
}

/// A number that is not zero and not too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
struct UpTo<const MAX: usize>(usize);

impl<const MAX: usize> TryFrom<i64> for UpTo<MAX> {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        let fitting = usize::try_from(number).ok().filter(|number| (1..=MAX).contains(number));
        fitting.map(Self).ok_or_else(|| format!("{number} is not 1 to {MAX} octets"))
    }
}

impl LimitsTable {
    pub(super) fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        for (limit, written) in [
            (&mut settings.max_connections, count(self.max_connections)),
            (&mut settings.max_connections_per_address, count(self.max_connections_per_address)),
            (&mut settings.max_handshakes, count(self.max_handshakes)),
            (&mut settings.max_handshakes_per_address, count(self.max_handshakes_per_address)),
            (&mut settings.max_bodies, count(self.max_bodies)),
            (&mut settings.max_body, self.max_body.map(|UpTo(octets)| octets)),
            (&mut settings.max_head, self.max_head.map(|UpTo(octets)| octets)),
            (&mut settings.max_headers, count(self.max_headers)),
        ] {
            *limit = written.unwrap_or(*limit);
        }
        for (limit, written) in [
            (&mut settings.handshake_timeout, self.handshake_timeout),
            (&mut settings.head_timeout, self.head_timeout),
            (&mut settings.body_timeout, self.body_timeout),
            (&mut settings.write_timeout, self.write_timeout),
            (&mut settings.idle_timeout, self.idle_timeout),
        ] {
            *limit = written.map_or(*limit, |seconds| Duration::from_secs(seconds.get().into()));
        }
        settings
    }
}

fn count(written: Option<NonZeroU32>) -> Option<usize> {
    written.map(|n| usize::try_from(n.get()).unwrap_or(usize::MAX))
}

/// What [`Settings::max_head`] says counts at most.
const MAX_HEAD: usize = 65_000;
