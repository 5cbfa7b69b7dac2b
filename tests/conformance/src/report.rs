//! What is told of a run.

mod html;
mod json;
mod junit;
pub(crate) mod statement;
mod terminal;

use crate::class::{Class, Sum, classes};
use crate::clause::Role;
use crate::verdict::{Outcome, Verdict};

/// A run, for whoever wants to know.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) subject: String,
    pub(crate) role: Role,
    pub(crate) outcomes: Vec<Outcome>,
}

/// How a run is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Terminal { is_verbose: bool },
    Json,
    Junit,
    Html,
}

impl Report {
    pub(crate) fn render(&self, format: Format) -> String {
        match format {
            Format::Terminal { is_verbose } => terminal::render(self, is_verbose),
            Format::Json => json::render(self),
            Format::Junit => junit::render(self),
            Format::Html => html::render(self),
        }
    }

    /// Whether nothing is not met.
    pub(crate) fn is_met(&self) -> bool {
        self.count(Verdict::NotMet) == 0
    }

    pub(crate) fn count(&self, verdict: Verdict) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.verdict == verdict).count()
    }

    /// The clauses that rows of this run count towards, and how they end.
    pub(crate) fn classes(&self) -> Vec<(&'static Class, Sum)> {
        classes(self.role).filter_map(|class| Some((class, class.sum(&self.outcomes)?))).collect()
    }
}
