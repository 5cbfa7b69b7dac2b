//! One rule, and whether it covers a Command.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use oc2_core::facts::{Fact, Facts};
use oc2_core::types::time::{DateTime, Duration};
use oc2_core::{Action, Command, Nsid, Pair, Rejection, TargetName, Terms};
use oc2_transfer::Peer;

use super::reach::Reach;
use super::who::Who;
use crate::rate::Rate;

/// Somebody may do something, within bounds.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: Arc<str>,
    pub(super) who: Who,
    pub(super) actions: Set<Action>,
    pub(super) targets: Set<TargetName>,
    pub(super) profiles: Set<Nsid>,
    pub(super) reach: Reach,
    pub(super) max_duration: Option<Duration>,
    pub(super) facts: Vec<Bound>,
    pub(super) rates: Option<Rates>,
}

/// A bound on a fact that a profile offers.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) profile: Nsid,
    pub(super) name: String,
    pub(super) allowed: Allowed,
}

/// The values that a fact may have.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Allowed {
    These(Vec<Fact>),
    Between { min: Option<i64>, max: Option<i64> },
}

/// Some, or any.
#[derive(Debug)]
pub(super) enum Set<T> {
    Any,
    These(Vec<T>),
}

impl<T: PartialEq> Set<T> {
    fn holds(&self, item: &T) -> bool {
        match self {
            Self::Any => true,
            Self::These(items) => items.contains(item),
        }
    }
}

/// A count for each peer that a rule names, and one for all that come by one of the words.
#[derive(Debug)]
pub(super) struct Rates {
    pub(super) of: HashMap<Arc<str>, Arc<Rate>>,
    pub(super) of_others: Arc<Rate>,
}

/// Why a rule does not cover a Command that it is about.
#[derive(Debug)]
pub(super) enum Outside {
    /// It is beyond a bound.
    Bounds(String),
    /// Its profile refuses it, so nobody will perform it.
    Unintelligible(Rejection),
}

/// A Command as the profile sees it that would perform it.
pub(super) struct Seen<'a> {
    command: &'a Command,
    terms: Option<&'a Terms>,
    /// Action and target by the profile's own names.
    pub(super) pair: Pair,
    facts: OnceCell<Result<Facts, Rejection>>,
}

impl<'a> Seen<'a> {
    pub(super) fn new(command: &'a Command, terms: Option<&'a Terms>) -> Self {
        let pair = terms.map_or_else(|| command.pair(), |terms| terms.pair_in(command));
        Self { command, terms, pair, facts: OnceCell::new() }
    }

    /// Only asked for where a rule has a bound on them.
    fn facts(&self, terms: &Terms) -> Result<&Facts, Outside> {
        let facts = self.facts.get_or_init(|| terms.facts_of(self.command));
        facts.as_ref().map_err(|rejection| Outside::Unintelligible(rejection.clone()))
    }
}

impl Rule {
    /// Whether action, target and profile are those of the rule.
    pub(super) fn is_about(&self, seen: &Seen<'_>) -> bool {
        let is_through = match (&self.profiles, seen.terms) {
            (Set::Any, _) => true,
            (profiles, Some(terms)) => profiles.holds(&terms.nsid()),
            (Set::These(_), None) => false,
        };
        is_through && self.actions.holds(&seen.pair.action) && self.targets.holds(&seen.pair.target)
    }

    /// Whether a Command that the rule is about is within its bounds. What cannot be told is not within.
    pub(super) fn covers(&self, seen: &Seen<'_>) -> Result<(), Outside> {
        self.reach.check(&seen.command.target).map_err(Outside::Bounds)?;
        self.check_duration(seen.command).map_err(Outside::Bounds)?;
        self.facts.iter().try_for_each(|bound| bound.check(seen))
    }

    fn check_duration(&self, command: &Command) -> Result<(), String> {
        let Some(max) = self.max_duration else { return Ok(()) };
        // What is too long to be counted is refused by the Consumer, and has no end here.
        let window = command.args.window(DateTime::now()).ok();
        let duration = window.and_then(|window| window.stop.map(|stop| stop.since(window.start)));
        match duration {
            Some(duration) if duration.as_millis() <= max.as_millis() => Ok(()),
            Some(duration) => Err(format!("it lasts {} s, longer than {} s", seconds(duration), seconds(max))),
            None => Err(format!("it has no end, where {} s are allowed", seconds(max))),
        }
    }

    /// What counts how often this peer makes use of the rule.
    pub(super) fn rate_of(&self, peer: &Peer) -> Option<&Arc<Rate>> {
        let rates = self.rates.as_ref()?;
        let own = match peer {
            Peer::Authenticated(name) => rates.of.get(name),
            _ => None,
        };
        Some(own.unwrap_or(&rates.of_others))
    }
}

impl Bound {
    fn check(&self, seen: &Seen<'_>) -> Result<(), Outside> {
        let name = format_args!("{}.{}", self.profile, self.name);
        let beyond = |text: String| Err(Outside::Bounds(text));
        let Some(terms) = seen.terms.filter(|terms| terms.nsid() == self.profile) else {
            return beyond(format!("{name} is bounded, and {} would not perform it", self.profile));
        };
        let mut values = seen.facts(terms)?.values(&self.name).peekable();
        if values.peek().is_none() {
            return beyond(format!("{name} is bounded, and not to be known of {}", seen.pair));
        }
        match values.find(|value| !self.allowed.holds(value)) {
            None => Ok(()),
            Some(value) => beyond(format!("{name} is {value}, where {} is allowed", self.allowed)),
        }
    }
}

impl Allowed {
    fn holds(&self, value: &Fact) -> bool {
        match (self, value) {
            (Self::These(values), value) => values.contains(value),
            (Self::Between { min, max }, Fact::Integer(value)) => {
                min.is_none_or(|min| min <= *value) && max.is_none_or(|max| *value <= max)
            }
            (Self::Between { .. }, _) => false,
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::These(values) => {
                f.write_str(&values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "))
            }
            Self::Between { min, max } => {
                let shown = |end: &Option<i64>| end.map(|end| end.to_string()).unwrap_or_default();
                write!(f, "{}..{}", shown(min), shown(max))
            }
        }
    }
}

/// As decimals where they are not whole.
fn seconds(duration: Duration) -> f64 {
    std::time::Duration::from_millis(duration.as_millis()).as_secs_f64()
}
