//! What is written while answers come: the answers themselves, and on a terminal a line that counts them.

use std::fmt::Display;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::Failure;
use crate::send::{print, tell};

/// Where answers are written.
#[derive(Debug)]
pub(crate) struct Screen {
    /// It shows nothing where stderr is no terminal.
    line: ProgressBar,
}

impl Screen {
    /// One that counts answers until so many are there, or the time is over.
    pub(crate) fn counting(expected: Option<usize>, wait: Duration) -> Self {
        let until = Instant::now() + wait;
        let (line, template) = match expected {
            Some(expected) => (
                ProgressBar::new(u64::try_from(expected).unwrap_or(u64::MAX)),
                "{pos} of {len} answered, {left} s left",
            ),
            None => (ProgressBar::new_spinner(), "{pos} answered, {left} s left"),
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner());
        line.set_style(style.with_key("left", move |_: &indicatif::ProgressState, to: &mut dyn std::fmt::Write| {
            let left = until.saturating_duration_since(Instant::now());
            // Without it the line is the poorer.
            let _ = write!(to, "{:.0}", left.as_secs_f64().ceil());
        }));
        line.enable_steady_tick(TICK);
        Self { line }
    }

    /// One that does not count.
    pub(crate) fn still() -> Self {
        Self { line: ProgressBar::hidden() }
    }

    /// Sets the count.
    pub(crate) fn set(&self, n_answered: usize) {
        self.line.set_position(u64::try_from(n_answered).unwrap_or(u64::MAX));
    }

    /// Writes to stdout.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        self.line.suspend(|| print(format!("{text}\n").as_bytes()))
    }

    /// Says something beside the output.
    pub(crate) fn tell(&self, what: &str, text: impl Display) {
        self.line.suspend(|| tell(what, text));
    }

    /// Takes the line away.
    pub(crate) fn end(&self) {
        self.line.finish_and_clear();
    }
}

const TICK: Duration = Duration::from_millis(200);
