//! A policy in TOML: rules that say who may do what, and nothing is allowed besides.

mod document;
mod reach;
mod rule;
mod values;
mod who;

use std::path::Path;
use std::sync::Arc;

use oc2_core::{Command, Terms};
use oc2_transfer::Peer;

use self::document::Document;
use self::rule::{Outside, Rule, Seen};
use super::from::FromNames;
use super::{Objection, Permit, Policy, PolicyError, Question};

/// A policy in TOML. A Command is allowed if one of the rules covers it whole; what no rule covers is refused.
///
/// ```
/// use oc2_consumer::{Question, Rulebook};
/// use oc2_core::Terms;
/// use oc2_profile_slpf::Slpf;
/// use oc2_transfer::Peer;
///
/// let policy = Rulebook::parse(
///     r#"
///     [groups]
///     auditors = ["audit-1", "audit-2"]
///
///     [from]                                  # which `from` an identity may use; another is 401
///     "soc-1" = ["soc-1", "soc-1@example.net"]
///
///     [[rule]]
///     name = "soc-1 stops small nets"
///     who = "soc-1"
///     actions = "deny"
///     targets = ["ipv4_net", "ipv6_net"]
///     outside = ["10.0.0.0/8", "192.0.2.0/24"]
///     widest_ipv4 = "/24"
///     widest_ipv6 = "/64"
///     where.slpf.persistent = false
///
///     [[rule]]
///     name = "auditors look"
///     groups = "auditors"
///     actions = "query"
///     targets = "any"
///     "#,
///     &[Terms::of::<Slpf>()],
/// )?;
/// let (soc, slpf) = (Peer::Authenticated("soc-1".into()), [Terms::of::<Slpf>()]);
/// let net: oc2_core::target::Ipv4Net = "198.51.100.0/24".parse()?;
/// let small = Slpf::deny(net).persistent(false).build()?;
/// let permit = policy.judge(&Question::new(&soc, None, &small, &slpf)).map_err(|no| no.reason().to_owned())?;
/// assert_eq!(permit.rule().as_deref(), Some("soc-1 stops small nets"));
///
/// let lasting = Slpf::deny(net).build()?;
/// let refused = policy.judge(&Question::new(&soc, None, &lasting, &slpf)).unwrap_err();
/// assert_eq!(refused.reason(), "slpf.persistent is true, where false is allowed");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Rulebook {
    rules: Vec<Rule>,
    from: FromNames,
}

impl Rulebook {
    /// Reads and checks a policy that may speak of these profiles.
    ///
    /// # Errors
    /// What is wrong, with line and column.
    pub fn parse(text: &str, profiles: &[Terms]) -> Result<Self, PolicyError> {
        Document::read(text)?.compile(text, profiles)
    }

    /// The same from a file.
    ///
    /// # Errors
    /// The file cannot be read, or what is wrong in it.
    pub fn load(path: &Path, profiles: &[Terms]) -> Result<Self, PolicyError> {
        let text = std::fs::read_to_string(path).map_err(|error| PolicyError::new(error.to_string()).within(path))?;
        Self::parse(&text, profiles).map_err(|error| error.within(path))
    }

    /// The names of the rules, in their order.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &str> {
        self.rules.iter().map(|rule| &*rule.name)
    }

    /// The names of the rules that let peers do something whom nobody has authenticated.
    pub fn rules_for_unauthenticated(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().filter(|rule| rule.who.unauthenticated).map(|rule| &*rule.name)
    }

    /// Decides, without an effect.
    ///
    /// # Errors
    /// The Command is refused: 401, 403, or as a profile refuses what it does not understand.
    pub fn judge(&self, question: &Question<'_>) -> Result<Permit, Objection> {
        let Question { peer, from, command, profiles } = *question;
        self.from.check(peer, from)?;
        let mut permit = Permit::default();
        if profiles.is_empty() {
            self.judge_in(peer, command, None, &mut permit)?;
        }
        // Each that would perform it has to be allowed: what the peer did not name is not to slip through.
        profiles.iter().try_for_each(|terms| self.judge_in(peer, command, Some(terms), &mut permit))?;
        Ok(permit)
    }

    /// The first rule that covers the Command allows it; if none does, the first that fell short of it by its bounds alone
    /// is named.
    fn judge_in(
        &self,
        peer: &Peer,
        command: &Command,
        terms: Option<&Terms>,
        permit: &mut Permit,
    ) -> Result<(), Objection> {
        let seen = Seen::new(command, terms);
        let mut nearest = None;
        for rule in self.rules.iter().filter(|rule| rule.who.holds(peer) && rule.is_about(&seen)) {
            match rule.covers(&seen) {
                Ok(()) => {
                    permit.and(&rule.name, rule.rate_of(peer));
                    return Ok(());
                }
                Err(Outside::Unintelligible(rejection)) => {
                    let reason = format!("the profile does not understand it: {rejection}");
                    return Err(Objection::with(rejection, reason).by(Arc::clone(&rule.name)));
                }
                Err(Outside::Bounds(reason)) if nearest.is_none() => nearest = Some((rule, reason)),
                Err(Outside::Bounds(_)) => {}
            }
        }
        Err(match nearest {
            Some((rule, reason)) => Objection::forbidden(reason).by(Arc::clone(&rule.name)),
            None => {
                let who = match peer {
                    Peer::Authenticated(name) => name,
                    _ => "peers that are not authenticated",
                };
                let through = terms.map(|terms| format!(" through {}", terms.nsid())).unwrap_or_default();
                Objection::forbidden(format!("no rule allows {who} to {}{through}", seen.pair))
            }
        })
    }
}

impl Policy for Rulebook {
    async fn decide(&self, question: &Question<'_>) -> Result<Permit, Objection> {
        self.judge(question)
    }
}

#[cfg(test)]
mod tests;
