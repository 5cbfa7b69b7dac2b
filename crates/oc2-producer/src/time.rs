//! Times as people write them.

use std::str::FromStr;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use oc2_core::Invalid;
use oc2_core::types::time::{DateTime, Duration};

/// A point in time: absolute, or so long from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    At(DateTime),
    FromNow(Duration),
}

impl Moment {
    /// The point in time, if it is told at `now`.
    pub(crate) fn seen_from(self, now: DateTime) -> Result<DateTime, Invalid> {
        match self {
            Self::At(time) => Ok(time),
            Self::FromNow(duration) => now.after(duration),
        }
    }
}

/// Milliseconds since 1970, a timestamp of RFC 3339, or `+` and a length of time.
impl FromStr for Moment {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if let Some(text) = text.strip_prefix('+') {
            return duration(text).map(Self::FromNow);
        }
        if is_number(text) {
            let milliseconds = text.parse().map_err(|_| Invalid::new("is beyond 2^53 - 1 milliseconds"))?;
            return DateTime::from_millis(milliseconds).map(Self::At);
        }
        let timestamp: Timestamp = text.parse().map_err(|_| Invalid::new(NO_MOMENT))?;
        let milliseconds = u64::try_from(timestamp.as_millisecond()).map_err(|_| Invalid::new("lies before 1970"))?;
        DateTime::from_millis(milliseconds).map(Self::At)
    }
}

/// Reads a length of time: `1500ms`, `90s`, `1h 30m`, `2d`.
pub(crate) fn duration(text: &str) -> Result<Duration, Invalid> {
    let duration = signed(text)?;
    if duration.subsec_nanos() % NANOS_OF_A_MILLISECOND != 0 {
        return Err(Invalid::new("is not a whole number of milliseconds, which is what OpenC2 counts"));
    }
    let milliseconds = u64::try_from(duration.as_millis()).map_err(|_| Invalid::new("is negative"))?;
    Duration::from_millis(milliseconds)
}

/// Reads a length of time to wait.
pub(crate) fn timeout(text: &str) -> Result<std::time::Duration, Invalid> {
    let duration = std::time::Duration::try_from(signed(text)?).map_err(|_| Invalid::new("is negative"))?;
    if duration.is_zero() { Err(Invalid::new("leaves no time for an answer")) } else { Ok(duration) }
}

fn signed(text: &str) -> Result<SignedDuration, Invalid> {
    if is_number(text) {
        return Err(Invalid::new(format!("has no unit: say {text}s, {text}m, or {text}ms")));
    }
    let span: Span = text.parse().map_err(|_| Invalid::new(NO_DURATION))?;
    // Fails for months and years, which have no fixed length.
    span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| Invalid::new(NO_DURATION))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit())
}

const NO_MOMENT: &str = "is none of: milliseconds since 1970; a time with its offset, such as 2026-01-31T12:00:00Z; a time \
                         from now, such as +10m";
const NO_DURATION: &str =
    "is not a length of time in days, hours, minutes, seconds or milliseconds, such as 90s or 1h30m";
const NANOS_OF_A_MILLISECOND: i32 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn lasts(text: &str, milliseconds: u64) {
        assert_eq!(duration(text).map(Duration::as_millis), Ok(milliseconds), "{text}");
    }

    fn no_duration(text: &str, reason: &str) {
        assert_eq!(duration(text).unwrap_err().to_string(), reason, "{text}");
    }

    fn is_at(text: &str, milliseconds: u64) {
        let moment: Moment = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        let now = DateTime::from_millis(1_000_000).unwrap();
        assert_eq!(moment.seen_from(now).map(DateTime::as_millis), Ok(milliseconds), "{text}");
    }

    fn no_moment(text: &str, reason: &str) {
        assert_eq!(text.parse::<Moment>().unwrap_err().to_string(), reason, "{text}");
    }

    #[test]
    fn lengths_of_time() {
        lasts("0s", 0);
        lasts("1500ms", 1500);
        lasts("90s", 90_000);
        lasts("5m", 300_000);
        lasts("1h30m", 5_400_000);
        lasts("1h 30m", 5_400_000);
        lasts("1.5s", 1500);
        lasts("2d", 172_800_000);
        lasts("1w", 604_800_000);
        lasts("PT5M", 300_000);
    }

    #[test]
    fn what_is_no_length_of_time() {
        no_duration("90", "has no unit: say 90s, 90m, or 90ms");
        no_duration("-5m", "is negative");
        no_duration("500us", "is not a whole number of milliseconds, which is what OpenC2 counts");
        for text in ["", "m", "5 apples", "1y", "3mo", "99999999999999999999s"] {
            no_duration(text, NO_DURATION);
        }
    }

    #[test]
    fn points_in_time() {
        is_at("0", 0);
        is_at("1534775460000", 1_534_775_460_000);
        is_at("2018-08-20T14:31:00Z", 1_534_775_460_000);
        is_at("2018-08-20T16:31:00.250+02:00", 1_534_775_460_250);
        is_at("+10m", 1_600_000);
        is_at("+0s", 1_000_000);
    }

    #[test]
    fn what_is_no_point_in_time() {
        no_moment("1969-12-31T23:59:59Z", "lies before 1970");
        no_moment(
            "9007199254740992",
            "9007199254740992 is not a time in milliseconds since 1970 (0..9007199254740991)",
        );
        no_moment("99999999999999999999", "is beyond 2^53 - 1 milliseconds");
        no_moment("+10", "has no unit: say 10s, 10m, or 10ms");
        for text in ["", "soon", "-5", "2018-08-20", "2018-08-20T14:31:00", "1.5"] {
            no_moment(text, NO_MOMENT);
        }
    }

    #[test]
    fn a_moment_from_now_beyond_all_times_is_refused() {
        let moment = Moment::FromNow(Duration::from_millis(1).unwrap());
        assert!(moment.seen_from(DateTime::from_millis((1 << 53) - 1).unwrap()).is_err());
    }

    #[test]
    fn no_time_to_wait_is_refused() {
        assert_eq!(timeout("30s"), Ok(std::time::Duration::from_secs(30)));
        assert_eq!(timeout("0s").unwrap_err().to_string(), "leaves no time for an answer");
        assert_eq!(timeout("-1s").unwrap_err().to_string(), "is negative");
    }
}
