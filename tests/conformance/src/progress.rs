//! A bar while the checks run, on a terminal.

use std::io::{IsTerminal, Write, stderr};

/// How far a run has come.
#[derive(Debug)]
pub(crate) struct Progress {
    n_checks: usize,
    n_done: usize,
    is_shown: bool,
}

impl Progress {
    pub(crate) fn new(n_checks: usize) -> Self {
        Self { n_checks, n_done: 0, is_shown: stderr().is_terminal() }
    }

    /// One that shows nothing.
    pub(crate) fn silent() -> Self {
        Self { n_checks: 0, n_done: 0, is_shown: false }
    }

    /// Another way to the subject.
    pub(crate) fn begin(&mut self, n_checks: usize) {
        (self.n_checks, self.n_done) = (n_checks, 0);
    }

    /// Another check begins.
    pub(crate) fn step(&mut self, name: &str, n_faulty: usize) {
        self.n_done += 1;
        if self.is_shown {
            let n_full = (WIDTH * self.n_done / self.n_checks.max(1)).min(WIDTH);
            let bar = format!("{}{}", "█".repeat(n_full), "░".repeat(WIDTH - n_full));
            let name: String = name.chars().take(60).collect();
            // That the bar cannot be drawn harms nobody.
            let _ = write!(stderr(), "\r\x1b[K{bar} {}/{}  {n_faulty} not met  {name}", self.n_done, self.n_checks);
            let _ = stderr().flush();
        }
    }

    /// Something that the reader should know.
    pub(crate) fn say(&mut self, text: &str) {
        self.clear();
        eprintln!("{text}");
    }

    pub(crate) fn clear(&mut self) {
        if self.is_shown {
            let _ = write!(stderr(), "\r\x1b[K");
            let _ = stderr().flush();
        }
    }
}

const WIDTH: usize = 30;
