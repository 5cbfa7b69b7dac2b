//! What is printed: the language, and profiles with it.

use oc2_core::shape::read::Read;
use oc2_core::shape::{Choice, Part, Shape};
use oc2_core::{Command, Message, Nsid, Profile, Response};
use serde_json::Value;

use crate::{jadn, json_schema};

/// The types of the language, and of the profiles that were added.
#[derive(Clone, Debug)]
pub struct Schema {
    pub(crate) profiles: Vec<Added>,
}

impl Schema {
    /// Language Specification 1.0 in the Message of HTTPS 1.1 and MQTT 1.0, without any profile.
    #[must_use]
    pub fn of_language() -> Self {
        Self { profiles: Vec::new() }
    }

    /// The same with what the profile `P` adds, once.
    #[must_use]
    pub fn with_profile<P: Profile>(mut self) -> Self {
        if self.profiles.iter().all(|added| added.nsid != P::NSID) {
            self.profiles.push(Added {
                nsid: P::NSID,
                name: P::NAME,
                target: P::Target::TABLE,
                args: P::Args::shape(),
                specifiers: P::Specifiers::shape(),
                results: P::Results::shape(),
            });
        }
        self
    }

    /// The types as a JADN 1.0 package, the information and the list of types.
    ///
    /// A type of a profile has the profile's namespace in its name (`Slpf-Args`). Where profiles have room the type has the
    /// option `X`. Bounds that JSON has for every number (RFC 7493 2.2) are left out. The numbers of members that no
    /// registry has one for are this document's own; in every form such members stand by name.
    #[must_use]
    pub fn jadn(&self) -> Value {
        jadn::package(self)
    }

    /// A JSON Schema (2020-12) for a Message, a Command or a Response, told by its members.
    #[must_use]
    pub fn json_schema(&self) -> Value {
        json_schema::document(self, &[Root::Message, Root::Command, Root::Response])
    }

    /// A JSON Schema (2020-12) for one of them.
    #[must_use]
    pub fn json_schema_of(&self, root: Root) -> Value {
        json_schema::document(self, &[root])
    }

    /// `slpf and x-lock`, for titles; empty without profiles.
    pub(crate) fn profile_names(&self) -> String {
        let names: Vec<_> = self.profiles.iter().map(|added| added.nsid.as_str()).collect();
        names.join(", ")
    }

    /// A name for the whole that nobody else gives.
    pub(crate) fn uri(&self) -> String {
        let profiles: String = self.profiles.iter().map(|added| format!(":{}", added.nsid)).collect();
        format!("urn:x-oc2:ls-1.0{profiles}")
    }

    /// Where the documents of the profiles are named, for descriptions.
    pub(crate) fn documents(&self) -> String {
        let documents: String = self.profiles.iter().map(|added| format!(", {}", added.name)).collect();
        format!("Language Specification 1.0, HTTPS 1.1 3.3.2{documents}")
    }
}

/// What a document holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// A Message, as it travels.
    Message,
    /// A Command alone.
    Command,
    /// A Response alone.
    Response,
}

impl Root {
    pub(crate) const ALL: [Self; 3] = [Self::Message, Self::Command, Self::Response];

    pub(crate) fn shape(self) -> &'static Shape {
        match self {
            Self::Message => Message::shape(),
            Self::Command => Command::shape(),
            Self::Response => Response::shape(),
        }
    }
}

/// A profile, by its shapes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Added {
    pub(crate) nsid: Nsid,
    name: &'static str,
    pub(crate) target: &'static Shape,
    args: &'static Shape,
    specifiers: &'static Shape,
    results: &'static Shape,
}

impl Added {
    /// What it adds to a part; targets are a table of which each row is one.
    pub(crate) fn part(&self, part: Part) -> &'static Shape {
        match part {
            Part::Target => self.target,
            Part::Args => self.args,
            Part::Specifiers => self.specifiers,
            Part::Results => self.results,
        }
    }
}
