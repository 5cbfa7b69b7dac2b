//! Points in time and lengths of time (LS 3.4.2.2, 3.4.2.3), and the window that two of them describe (LS 3.3.1.4).

use std::fmt;
use std::num::NonZeroU64;
use std::time::SystemTime;

use serde::{Deserializer, Serializer};

use crate::form::Form;
use crate::invalid::Invalid;
use crate::shape::read::{Context, MAX_INTEGER, Read, integer};
use crate::shape::write::Write;
use crate::shape::{Kind, Shape};

/// Declares a count of milliseconds, 0 to 2^53 - 1.
macro_rules! milliseconds {
    ($(#[$meta:meta])* $name:ident: $type:literal in $clause:literal, $what:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(NonZeroU64);

        impl $name {
            /// One more is kept, so that an absent one takes no room.
            const fn of(milliseconds: u64) -> Self {
                Self(NonZeroU64::MIN.saturating_add(milliseconds))
            }

            /// From milliseconds.
            ///
            /// # Errors
            /// More than 2^53 - 1, which not every peer can represent (DECISIONS L14).
            pub fn from_millis(milliseconds: u64) -> Result<Self, Invalid> {
                if milliseconds > MAX_INTEGER as u64 {
                    return Err(Invalid::new(format!("{milliseconds} is not {} (0..{MAX_INTEGER})", $what)));
                }
                Ok(Self::of(milliseconds))
            }

            /// In milliseconds.
            #[must_use]
            pub const fn as_millis(self) -> u64 {
                self.0.get() - 1
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.as_millis().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.as_millis())
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::of(0)
            }
        }

        impl Read for $name {
            fn shape() -> &'static Shape {
                const SHAPE: Shape = Shape::plain($type, $clause, Kind::Integer { min: 0, max: MAX_INTEGER });
                &SHAPE
            }

            fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
                let milliseconds = integer(context, deserializer, 0, MAX_INTEGER, $what)?;
                Ok(Self::of(milliseconds.unsigned_abs()))
            }
        }

        impl Write for $name {
            fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_u64(self.as_millis())
            }
        }
    };
}

milliseconds! {
    /// A point in time: milliseconds since 1970-01-01T00:00:00Z (LS 3.4.2.2).
    DateTime: "Date-Time" in "LS 3.4.2.2 (LS-186)", "a time in milliseconds since 1970"
}

milliseconds! {
    /// A length of time in milliseconds (LS 3.4.2.3).
    Duration: "Duration" in "LS 3.4.2.3 (LS-187)", "a duration in milliseconds"
}

impl DateTime {
    /// The present, by the clock of this host; the epoch if the clock is before it.
    #[must_use]
    pub fn now() -> Self {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self::of(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX).min(MAX_INTEGER as u64))
    }

    /// The point a length of time later.
    ///
    /// # Errors
    /// It lies beyond 2^53 - 1 milliseconds (DECISIONS L14).
    pub fn after(self, duration: Duration) -> Result<Self, Invalid> {
        Self::from_millis(self.as_millis() + duration.as_millis())
            .map_err(|_| Invalid::new("start_time and duration lead beyond 2^53 - 1 milliseconds"))
    }

    /// How long from `earlier` to this point; zero if it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::of(self.as_millis().saturating_sub(earlier.as_millis()))
    }
}

/// When a Command takes effect and until when (LS 3.3.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From when on; a point in the past means now (DECISIONS L13).
    pub start: DateTime,
    /// Until when; `None` means for ever.
    pub stop: Option<DateTime>,
}

impl Window {
    /// Resolves start, stop and duration, of which at most two are given, at the time `now`.
    ///
    /// # Errors
    /// All three are given, the stop lies before the start, or a sum lies beyond 2^53 - 1 milliseconds.
    pub fn resolve(
        start: Option<DateTime>,
        stop: Option<DateTime>,
        duration: Option<Duration>,
        now: DateTime,
    ) -> Result<Self, Invalid> {
        let window = match (start, stop, duration) {
            (Some(_), Some(_), Some(_)) => {
                return Err(Invalid::new("at most two of start_time, stop_time and duration may be given"));
            }
            (start, None, None) => Self { start: start.unwrap_or(now), stop: None },
            (start, None, Some(duration)) => {
                let start = start.unwrap_or(now);
                Self { start, stop: Some(start.after(duration)?) }
            }
            (None, Some(stop), Some(duration)) => {
                let start = stop.as_millis().checked_sub(duration.as_millis());
                Self { start: DateTime::of(start.ok_or_else(before_1970)?), stop: Some(stop) }
            }
            (start, Some(stop), None) => {
                if start.is_some_and(|start| stop < start) {
                    return Err(Invalid::new("stop_time lies before start_time"));
                }
                Self { start: start.unwrap_or(now), stop: Some(stop) }
            }
        };
        Ok(window)
    }

    /// Whether the window closed before `now`, so that the Command leaves no lasting effect (DECISIONS L13).
    #[must_use]
    pub fn is_over(&self, now: DateTime) -> bool {
        self.stop.is_some_and(|stop| stop <= now || stop <= self.start)
    }

    /// Whether it has yet to open.
    #[must_use]
    pub fn is_ahead(&self, now: DateTime) -> bool {
        self.start > now
    }
}

fn before_1970() -> Invalid {
    Invalid::new("stop_time and duration lead to a start before 1970")
}
