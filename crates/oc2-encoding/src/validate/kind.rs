//! What a document claims to be.

use std::fmt;
use std::str::FromStr;

use oc2_core::Invalid;

use super::document::Document;
use super::{Fault, named};

/// What a document is to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A Command alone, as the Language Specification has it (LS 3.3.1).
    Command,
    /// A Response alone (LS 3.3.2).
    Response,
    /// A Message, with what it holds (HTTPS 1.1 3.3.2).
    Message,
    /// Whichever of these it looks like.
    #[default]
    Auto,
}

impl Kind {
    /// Every kind by its name.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("command", Self::Command), ("response", Self::Response), ("message", Self::Message), ("auto", Self::Auto)];

    /// What a document is to be read as.
    ///
    /// # Errors
    /// It looks like none of them, or like another one than this.
    pub(super) fn of(self, document: &Document, may_have_ids: bool) -> Result<Self, Fault> {
        match (self, Self::seen_in(document, may_have_ids)) {
            (Self::Auto, Some(seen)) => Ok(seen),
            (Self::Auto, None) => Err(Fault::new(
                "",
                "neither a Command (action, target), nor a Response (status), nor a Message (headers, body)",
                CONTENTS,
            )),
            // A bare Command or Response is for the reader of Messages to refuse or tolerate.
            (Self::Command, Some(seen @ (Self::Response | Self::Message)))
            | (Self::Response, Some(seen @ (Self::Command | Self::Message)))
                if matches!(document, Document::Map(_)) =>
            {
                Err(Fault::new("", format!("{}, where {} is due", seen.with_article(), self.with_article()), CONTENTS))
            }
            (kind, _) => Ok(kind),
        }
    }

    fn seen_in(document: &Document, may_have_ids: bool) -> Option<Self> {
        match document {
            Document::Map(members) => {
                let has = |names: &[&str]| {
                    members.iter().any(|(key, _)| matches!(key, Document::Text(name) if names.contains(&&**name)))
                };
                let row = MARKS.iter().find(|(names, _)| has(names));
                // Of these three only a Response has ids for keys.
                let is_id = |key: &Document| match key {
                    Document::Text(name) => matches!(name.as_str(), "1" | "2" | "3"),
                    Document::Unsigned(id) => (1..=3).contains(id),
                    _ => false,
                };
                let has_ids = may_have_ids && members.iter().any(|(key, _)| is_id(key));
                row.map(|(_, kind)| *kind).or(has_ids.then_some(Self::Response))
            }
            Document::List(items) => match items.first()? {
                Document::Map(_) | Document::Null => Some(Self::Message),
                // The ids of actions end far below the first status.
                Document::Unsigned(number) if *number >= 100 => Some(Self::Response),
                Document::Text(_) | Document::Unsigned(_) => Some(Self::Command),
                _ => None,
            },
            _ => None,
        }
    }

    fn with_article(self) -> &'static str {
        match self {
            Self::Command => "a Command",
            Self::Response => "a Response",
            Self::Message | Self::Auto => "a Message",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(_, kind)| kind == self).map_or("", |(name, _)| name))
    }
}

impl FromStr for Kind {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        named(text, Self::ALL)
    }
}

/// The members that tell, the weightiest first.
const MARKS: &[(&[&str], Kind)] = &[
    (&["headers", "body"], Kind::Message),
    (&["action", "target"], Kind::Command),
    (&["status"], Kind::Response),
    (&["args", "actuator", "command_id"], Kind::Command),
    (&["status_text", "results"], Kind::Response),
    (&["signature"], Kind::Message),
];

/// What a Command and a Response are.
const CONTENTS: &str = "LS 1.2 (LS-007)";
