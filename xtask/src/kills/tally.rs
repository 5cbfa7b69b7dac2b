//! What was done, for the summary.

use std::collections::BTreeMap;
use std::fmt;

/// In which part of its life the daemon was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    StartUp,
    Repetition,
    Load,
    Rest,
}

/// Figures.
#[derive(Debug, Default)]
pub(super) struct Tally {
    points: BTreeMap<&'static str, [u32; 4]>,
    /// Commands by what became of them at first, and of those without an answer later.
    counts: BTreeMap<&'static str, u32>,
}

impl Tally {
    pub(super) fn killed(&mut self, point: &'static str, phase: Phase) {
        self.points.entry(point).or_default()[phase as usize] += 1;
    }

    pub(super) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// How many points were met before all was done.
    pub(super) fn n_met(&self) -> u32 {
        self.points.values().map(|[start, repeat, load, _]| start + repeat + load).sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["killed before", "start", "repeat", "load", "rest", "all"];
        let line = |f: &mut fmt::Formatter<'_>, name: &str, cells: [u32; 4]| {
            let [a, b, c, d] = cells;
            writeln!(f, "{name:<14}{a:>7}{b:>8}{c:>7}{d:>7}{:>7}", a + b + c + d)
        };
        let [name, a, b, c, d, all] = header;
        writeln!(f, "{name:<14}{a:>7}{b:>8}{c:>7}{d:>7}{all:>7}")?;
        let mut sum = [0; 4];
        for (name, cells) in &self.points {
            line(f, name, *cells)?;
            sum.iter_mut().zip(cells).for_each(|(sum, cell)| *sum += cell);
        }
        line(f, "all", sum)?;
        self.counts.iter().try_for_each(|(what, n)| writeln!(f, "{n:>8}  {what}"))
    }
}
