//! A policy as it is written, and what becomes of it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

use oc2_core::target::TargetKind;
use oc2_core::types::port::L4Protocol;
use oc2_core::{Action, Nsid, TargetName, Terms};
use serde::Deserialize;
use toml::Spanned;

use super::Rulebook;
use super::reach::{Prefix, Reach};
use super::rule::{Allowed, Bound, Rates, Rule, Set};
use super::values::{AnyOr, Many, Name, Parsed, Permitted, Ports, Span};
use super::who::{AUTHENTICATED, UNAUTHENTICATED, Who};
use crate::policy::PolicyError;
use crate::policy::flow::Net;
use crate::policy::from::FromNames;
use crate::rate::Rate;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    /// Names for several identities.
    #[serde(default)]
    groups: BTreeMap<String, Many<Parsed<Name>>>,
    /// The values of `from` that an identity may use.
    #[serde(default)]
    from: BTreeMap<Spanned<String>, Many<Parsed<Name>>>,
    #[serde(default, rename = "rule")]
    rules: Vec<RuleTable>,
}

/// `[[rule]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    name: Spanned<Parsed<Name>>,
    who: Option<Many<Parsed<Name>>>,
    groups: Option<Spanned<Many<String>>>,
    actions: Many<Parsed<AnyOr<Action>>>,
    targets: Spanned<Many<Parsed<AnyOr<TargetName>>>>,
    profiles: Option<Spanned<Many<Parsed<Nsid>>>>,
    within: Option<Many<Parsed<Net>>>,
    outside: Option<Many<Parsed<Net>>>,
    widest_ipv4: Option<Spanned<Parsed<Prefix>>>,
    widest_ipv6: Option<Spanned<Parsed<Prefix>>>,
    #[serde(default)]
    both_ends: bool,
    src_ports: Option<Many<Ports>>,
    dst_ports: Option<Many<Ports>>,
    protocols: Option<Many<Parsed<L4Protocol>>>,
    max_duration: Option<Parsed<Span>>,
    rate: Option<NonZeroU32>,
    #[serde(default, rename = "where")]
    facts: BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Spanned<Permitted>>>,
}

impl Document {
    pub(super) fn read(text: &str) -> Result<Self, PolicyError> {
        toml::from_str(text).map_err(|error| PolicyError::new(error.to_string().trim_end()))
    }

    pub(super) fn compile(self, text: &str, profiles: &[Terms]) -> Result<Rulebook, PolicyError> {
        let compiler = Compiler { text, groups: &self.groups, profiles };
        let mut rules: Vec<Rule> = Vec::with_capacity(self.rules.len());
        for table in self.rules {
            let span = table.name.span();
            let rule = compiler.rule(table)?;
            if rules.iter().any(|other| other.name == rule.name) {
                return Err(compiler.error(&span, format_args!("there are two rules {:?}", rule.name)));
            }
            rules.push(rule);
        }
        Ok(Rulebook { rules, from: compiler.from(self.from)? })
    }
}

struct Compiler<'a> {
    text: &'a str,
    groups: &'a BTreeMap<String, Many<Parsed<Name>>>,
    profiles: &'a [Terms],
}

impl Compiler<'_> {
    fn rule(&self, table: RuleTable) -> Result<Rule, PolicyError> {
        let who = self.who(&table)?;
        let rates = table.rate.map(|rate| rates(rate, &who));
        let targets = set(&table.targets.get_ref().0);
        if let Set::These(names) = &targets {
            self.check_targets(names, &table.targets.span())?;
        }
        let profiles = match &table.profiles {
            None => Set::Any,
            Some(named) => {
                for Parsed(nsid) in &named.get_ref().0 {
                    self.terms(nsid.as_str(), &named.span())?;
                }
                Set::These(named.get_ref().0.iter().map(|Parsed(nsid)| *nsid).collect())
            }
        };
        let reach = self.reach(&table, &targets)?;
        Ok(Rule {
            who,
            actions: set(&table.actions.0),
            targets,
            profiles,
            reach,
            max_duration: table.max_duration.map(|Parsed(Span(duration))| duration),
            facts: self.bounds(table.facts)?,
            rates,
            name: table.name.into_inner().0.0.into(),
        })
    }

    fn who(&self, table: &RuleTable) -> Result<Who, PolicyError> {
        let mut who = Who::default();
        let mut add = |names: &Many<Parsed<Name>>| names.0.iter().for_each(|Parsed(Name(name))| who.add(name));
        table.who.iter().for_each(&mut add);
        if let Some(groups) = &table.groups {
            for group in &groups.get_ref().0 {
                let members = self.groups.get(group).ok_or_else(|| {
                    let known = self.groups.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                    self.error(&groups.span(), format_args!("no group {group:?} in [groups] ({known})"))
                })?;
                add(members);
            }
        }
        if who.is_empty() {
            let reason = "the rule says of nobody what they may do: add who or groups";
            return Err(self.error(&table.name.span(), reason));
        }
        Ok(who)
    }

    /// A name in a profile's space is one that the profile has: it would be waited for in vain.
    fn check_targets(&self, names: &[TargetName], span: &Range<usize>) -> Result<(), PolicyError> {
        for name in names {
            let TargetName::Extended(nsid, _) = name else { continue };
            let terms = self.terms(nsid.as_str(), span)?;
            if !terms.commands().iter().any(|row| row.target == *name) {
                return Err(self.error(span, format_args!("no command of {nsid} has the target {name}")));
            }
        }
        Ok(())
    }

    fn reach(&self, table: &RuleTable, targets: &Set<TargetName>) -> Result<Reach, PolicyError> {
        let nets = |nets: &Many<Parsed<Net>>| nets.0.iter().map(|Parsed(net)| *net).collect::<Vec<_>>();
        let ports = |ports: &Many<Ports>| ports.0.iter().map(|Ports(range)| *range).collect();
        let prefix = |prefix: &Spanned<Parsed<Prefix>>| prefix.get_ref().0;
        let reach = Reach {
            within: table.within.as_ref().map(nets),
            outside: table.outside.as_ref().map(nets).unwrap_or_default(),
            widest_ipv4: table.widest_ipv4.as_ref().map(prefix),
            widest_ipv6: table.widest_ipv6.as_ref().map(prefix),
            both_ends: table.both_ends,
            src_ports: table.src_ports.as_ref().map(ports),
            dst_ports: table.dst_ports.as_ref().map(ports),
            protocols: table.protocols.as_ref().map(|of| of.0.iter().map(|Parsed(protocol)| *protocol).collect()),
        };
        if let Some(widest) = &table.widest_ipv4
            && widest.get_ref().0.0 > 32
        {
            return Err(self.error(&widest.span(), "an IPv4 prefix has at most 32 bits"));
        }
        self.check_reach(&reach, targets, &table.targets.span())?;
        Ok(reach)
    }

    /// Bounds that would let one family pass, or none of the targets.
    fn check_reach(&self, reach: &Reach, targets: &Set<TargetName>, span: &Range<usize>) -> Result<(), PolicyError> {
        let Set::These(names) = targets else {
            return self.check_families(reach, [true, true], span);
        };
        let is_of = |kinds: [TargetKind; 2]| {
            names.iter().any(|name| kinds.into_iter().any(|kind| *name == TargetName::Standard(kind)))
        };
        let ipv4 = is_of([TargetKind::Ipv4Net, TargetKind::Ipv4Connection]);
        let ipv6 = is_of([TargetKind::Ipv6Net, TargetKind::Ipv6Connection]);
        let without = names.iter().find(|name| {
            let kinds =
                [TargetKind::Ipv4Net, TargetKind::Ipv6Net, TargetKind::Ipv4Connection, TargetKind::Ipv6Connection];
            kinds.into_iter().all(|kind| **name != TargetName::Standard(kind))
        });
        match without {
            Some(name) if reach.is_bounded() => {
                let reason = format_args!(
                    "bounds on addresses and ports would never let {name} pass: give it a rule of its own"
                );
                Err(self.error(span, reason))
            }
            _ => self.check_families(reach, [ipv4, ipv6], span),
        }
    }

    fn check_families(&self, reach: &Reach, [ipv4, ipv6]: [bool; 2], span: &Range<usize>) -> Result<(), PolicyError> {
        // A bound `within` leaves a family out for which it names no net.
        let open = |is_ipv4| reach.within.as_ref().is_none_or(|nets| nets.iter().any(|net| net.is_ipv4() == is_ipv4));
        let missing = match (reach.widest_ipv4, reach.widest_ipv6) {
            (Some(_), None) if ipv6 && open(false) => "widest_ipv6",
            (None, Some(_)) if ipv4 && open(true) => "widest_ipv4",
            _ => return Ok(()),
        };
        Err(self.error(span, format_args!("one family has a widest prefix and the other none: add {missing}")))
    }

    fn bounds(
        &self,
        facts: BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Spanned<Permitted>>>,
    ) -> Result<Vec<Bound>, PolicyError> {
        let mut bounds = Vec::new();
        for (profile, of_profile) in facts {
            let terms = self.terms(profile.get_ref(), &profile.span())?;
            for (name, permitted) in of_profile {
                let Some(row) = terms.facts().iter().find(|row| row.name == name.get_ref()) else {
                    let known = terms.facts().iter().map(|row| row.name).collect::<Vec<_>>().join(", ");
                    let reason = format_args!(
                        "{profile} offers no {name} to bound ({known})",
                        profile = terms.nsid(),
                        name = name.get_ref()
                    );
                    return Err(self.error(&name.span(), reason));
                };
                let span = permitted.span();
                let Permitted(allowed) = permitted.into_inner();
                let is_of_kind = match &allowed {
                    Allowed::These(values) => values.iter().all(|value| row.kind.admits(value)),
                    Allowed::Between { .. } => row.kind == oc2_core::facts::FactKind::Integer,
                };
                if !is_of_kind {
                    return Err(self.error(&span, format_args!("{} is {}", row.name, row.kind)));
                }
                bounds.push(Bound { profile: terms.nsid(), name: row.name.to_owned(), allowed });
            }
        }
        Ok(bounds)
    }

    fn from(&self, from: BTreeMap<Spanned<String>, Many<Parsed<Name>>>) -> Result<FromNames, PolicyError> {
        let mut names = HashMap::new();
        for (peer, values) in from {
            let identity = match peer.get_ref().as_str() {
                UNAUTHENTICATED => None,
                AUTHENTICATED => {
                    return Err(self.error(&peer.span(), "[from] lists identities one by one"));
                }
                identity => Some(identity.into()),
            };
            names.insert(identity, values.0.into_iter().map(|Parsed(Name(name))| name).collect());
        }
        Ok(FromNames(names))
    }

    fn terms(&self, nsid: &str, span: &Range<usize>) -> Result<&Terms, PolicyError> {
        self.profiles.iter().find(|terms| terms.nsid().as_str() == nsid).ok_or_else(|| {
            let known = self.profiles.iter().map(|terms| terms.nsid().to_string()).collect::<Vec<_>>().join(", ");
            self.error(span, format_args!("{nsid:?} is no profile of this Consumer ({known})"))
        })
    }

    fn error(&self, span: &Range<usize>, reason: impl fmt::Display) -> PolicyError {
        PolicyError::at(span, self.text, reason)
    }
}

fn set<T: Clone>(items: &[Parsed<AnyOr<T>>]) -> Set<T> {
    let named = |Parsed(item): &Parsed<AnyOr<T>>| match item {
        AnyOr::Any => None,
        AnyOr::Named(name) => Some(name.clone()),
    };
    // One "any" is enough for all.
    items.iter().map(named).collect::<Option<Vec<_>>>().map_or(Set::Any, Set::These)
}

fn rates(per_minute: NonZeroU32, who: &Who) -> Rates {
    let rate = || Arc::new(Rate::new(Some(per_minute)));
    let of = who.identities.iter().map(|identity| (Arc::clone(identity), rate())).collect();
    Rates { of, of_others: rate() }
}
