//! What a policy is asked, and what it answers.

use std::sync::Arc;

use oc2_core::{Class, Command, Rejection, Terms};
use oc2_transfer::Peer;

use crate::rate::Rate;

/// May this peer give this Command?
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Question<'a> {
    /// Who sent it, as far as the transfer knows.
    pub peer: &'a Peer,
    /// Who it says it is from.
    pub from: Option<&'a str>,
    /// What is asked for. The names in it are those that the peer wrote; ask `profiles` for those that count.
    pub command: &'a Command,
    /// What is to be known of the profiles that would perform it, one for each; none if the Consumer itself would, or
    /// nobody.
    pub profiles: &'a [Terms],
}

impl<'a> Question<'a> {
    /// A question.
    #[must_use]
    pub fn new(peer: &'a Peer, from: Option<&'a str>, command: &'a Command, profiles: &'a [Terms]) -> Self {
        Self { peer, from, command, profiles }
    }
}

/// The Command may be performed.
#[derive(Clone, Debug, Default)]
pub struct Permit {
    by: Vec<Arc<str>>,
    rates: Vec<Arc<Rate>>,
}

impl Permit {
    /// By a rule of this name.
    #[must_use]
    pub fn by(rule: impl Into<Arc<str>>) -> Self {
        Self { by: vec![rule.into()], rates: Vec::new() }
    }

    /// The rules it is given by, for the log; `None` if there are no rules.
    #[must_use]
    pub fn rule(&self) -> Option<String> {
        (!self.by.is_empty()).then(|| self.by.join(", "))
    }

    #[cfg(feature = "policy")]
    pub(crate) fn and(&mut self, rule: &Arc<str>, rate: Option<&Arc<Rate>>) {
        if !self.by.contains(rule) {
            self.by.push(Arc::clone(rule));
            self.rates.extend(rate.map(Arc::clone));
        }
    }

    /// Takes one new Command into account, where there is a rate.
    pub(crate) fn admit(&self) -> Result<(), Rejection> {
        self.rates.iter().try_for_each(|rate| rate.admit())
    }
}

/// The Command may not be performed.
#[derive(Clone, Debug)]
pub struct Objection {
    rejection: Rejection,
    rule: Option<Arc<str>>,
    reason: String,
}

impl Objection {
    /// Refuses with 403. The reason goes to the log and not to the peer.
    #[must_use]
    pub fn forbidden(reason: impl Into<String>) -> Self {
        Self::with(Rejection::new(Class::Forbidden, "the policy of this Consumer does not allow it"), reason)
    }

    /// Refuses with 401. The reason goes to the log and not to the peer.
    #[must_use]
    pub fn unauthenticated(reason: impl Into<String>) -> Self {
        Self::with(Rejection::new(Class::Unauthenticated, "headers.from: not a name of this peer"), reason)
    }

    /// Refuses with this answer. The reason goes to the log and not to the peer.
    #[must_use]
    pub fn with(rejection: Rejection, reason: impl Into<String>) -> Self {
        Self { rejection, rule: None, reason: reason.into() }
    }

    /// The same by a rule of this name.
    #[must_use]
    pub fn by(self, rule: impl Into<Arc<str>>) -> Self {
        Self { rule: Some(rule.into()), ..self }
    }

    /// What the peer is answered.
    #[must_use]
    pub fn rejection(&self) -> &Rejection {
        &self.rejection
    }

    /// The rule by which it is refused, or that came nearest to allowing it.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// Why, for the log.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Where a plain refusal will do.
impl From<Rejection> for Objection {
    fn from(rejection: Rejection) -> Self {
        let reason = rejection.text().to_owned();
        Self::with(rejection, reason)
    }
}
