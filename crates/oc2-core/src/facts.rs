//! What a profile lets a policy know of its commands.

use std::fmt;

use crate::command::{Command, Pair};
use crate::nsid::Nsid;
use crate::profile::{CommandRow, Profile};
use crate::rejection::Rejection;

/// Something that can be said of the commands of a profile, for a policy to bound: a name, and what its values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactRow {
    /// The name; that of an argument if it is one.
    pub name: &'static str,
    /// What its values are.
    pub kind: FactKind,
}

/// What the values of a fact are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactKind {
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// Any text.
    Text,
}

/// What is the case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
}

/// What is the case for one command: names, each with one value or several. What has no value here is not known, and a
/// policy that bounds it refuses.
///
/// ```
/// use oc2_core::facts::{Fact, Facts};
///
/// let facts = Facts::default().with("force", true).with("key", "k1").with("key", "k2");
/// assert_eq!(facts.values("key").count(), 2);
/// assert_eq!(facts.values("force").next(), Some(&Fact::Boolean(true)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts(Vec<(&'static str, Fact)>);

impl Facts {
    /// The same, and this value of a fact; beside those that it has already.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Fact>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// The values of a fact; none if it is not known.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &Fact> {
        self.0.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value)
    }
}

/// What a policy can speak of in the commands of a profile: its names for them, and the facts it offers.
#[derive(Clone, Copy)]
pub struct Terms {
    nsid: Nsid,
    commands: &'static [CommandRow],
    facts: &'static [FactRow],
    pair_in: fn(&Command) -> Pair,
    facts_of: fn(&Command) -> Result<Facts, Rejection>,
}

impl Terms {
    /// Those of the profile `P`.
    #[must_use]
    pub fn of<P: Profile>() -> Self {
        Self {
            nsid: P::NSID,
            commands: P::COMMANDS,
            facts: P::FACTS,
            pair_in: Command::pair_in::<P>,
            facts_of: |command| P::interpret(command).map(|understood| P::facts(&understood)),
        }
    }

    /// The namespace of the profile.
    #[must_use]
    pub fn nsid(&self) -> Nsid {
        self.nsid
    }

    /// The commands that the profile defines.
    #[must_use]
    pub fn commands(&self) -> &'static [CommandRow] {
        self.commands
    }

    /// The facts that the profile offers.
    #[must_use]
    pub fn facts(&self) -> &'static [FactRow] {
        self.facts
    }

    /// The pair of a Command as the profile lists it: a target that came by its id has its name.
    #[must_use]
    pub fn pair_in(&self, command: &Command) -> Pair {
        (self.pair_in)(command)
    }

    /// The facts of a Command, as the profile understands it: with every default filled in.
    ///
    /// # Errors
    /// The profile's refusal: there are no facts of what it does not understand.
    pub fn facts_of(&self, command: &Command) -> Result<Facts, Rejection> {
        (self.facts_of)(command)
    }
}

impl fmt::Debug for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Terms({})", self.nsid)
    }
}

impl From<bool> for Fact {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for Fact {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Fact {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Text(value) => write!(f, "{value:?}"),
        }
    }
}

impl fmt::Display for FactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("true or false"),
            Self::Integer => f.write_str("a whole number"),
            Self::OneOf(texts) => write!(f, "one of {}", texts.join(", ")),
            Self::Text => f.write_str("a text"),
        }
    }
}

impl FactKind {
    /// Whether a value is of this kind.
    #[must_use]
    pub fn admits(self, value: &Fact) -> bool {
        match (self, value) {
            (Self::Boolean, Fact::Boolean(_)) | (Self::Integer, Fact::Integer(_)) | (Self::Text, Fact::Text(_)) => true,
            (Self::OneOf(texts), Fact::Text(text)) => texts.contains(&text.as_str()),
            _ => false,
        }
    }
}
