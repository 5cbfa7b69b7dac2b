//! A question as Cedar takes it.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use cedar_policy::{Context, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression, Schema};
use chrono::{SecondsFormat, Utc};
use oc2_core::facts::{Fact, Facts};
use oc2_core::types::time::DateTime;
use oc2_core::{Command, Pair, Target, Terms};
use oc2_transfer::Peer;

use super::{schema, unclear};
use crate::policy::Objection;
use crate::policy::flow::{Flow, Net};

/// May this peer give this Command to this profile?
pub(super) struct Asked<'a> {
    pub(super) peer: &'a Peer,
    pub(super) from: Option<&'a str>,
    pub(super) command: &'a Command,
    pub(super) terms: Option<&'a Terms>,
}

/// Attributes, or what is in a context.
type Attributes = HashMap<String, RestrictedExpression>;

impl Asked<'_> {
    /// An identity that is only claimed, or an address, is none.
    pub(super) fn identity(&self) -> Option<Arc<str>> {
        match self.peer {
            Peer::Authenticated(name) => Some(Arc::clone(name)),
            _ => None,
        }
    }

    /// Action and target by the profile's own names.
    fn pair(&self) -> Pair {
        self.terms.map_or_else(|| self.command.pair(), |terms| terms.pair_in(self.command))
    }

    pub(super) fn request(&self, schema: &Schema) -> Result<Request, Objection> {
        let principal = match self.identity() {
            Some(identity) => uid(schema::PEER, &identity)?,
            None => uid(schema::STRANGER, schema::UNAUTHENTICATED)?,
        };
        let action = uid(schema::ACTION, self.pair().action.name())?;
        let context = Context::from_pairs(self.context()?).map_err(|error| unclear(&error))?;
        Request::new(principal, action, self.resource_uid()?, context, Some(schema)).map_err(|error| unclear(&error))
    }

    /// The target.
    pub(super) fn resource(&self) -> Result<Entity, Objection> {
        let attributes = match Flow::of(&self.command.target) {
            Some(flow) if is_net(&self.command.target) => of_net(&flow),
            Some(flow) => of_connection(&flow),
            None => text_of(&self.command.target).map(|text| ("text", text)).into_iter().collect(),
        };
        let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Entity::new(self.resource_uid()?, attributes, HashSet::new()).map_err(|error| unclear(&error))
    }

    fn resource_uid(&self) -> Result<EntityUid, Objection> {
        let kind = match Flow::of(&self.command.target) {
            Some(_) if is_net(&self.command.target) => schema::NET,
            Some(_) => schema::CONNECTION,
            None => schema::TARGET,
        };
        uid(kind, &self.pair().target.to_string())
    }

    fn context(&self) -> Result<Attributes, Objection> {
        let now = DateTime::now();
        let window = self.command.args.window(now).map_err(|error| unclear(&error))?;
        let mut context =
            Attributes::from([("now".to_owned(), datetime(now)?), ("start".to_owned(), datetime(window.start)?)]);
        // What is too long for Cedar lasts for ever.
        let duration = window.stop.and_then(|stop| i64::try_from(stop.since(window.start).as_millis()).ok());
        context
            .extend(duration.map(|ms| ("duration".to_owned(), RestrictedExpression::new_duration(format!("{ms}ms")))));
        context.extend(self.from.map(|from| ("from".to_owned(), text(from))));
        if let Some(terms) = self.terms {
            context.insert("profile".to_owned(), text(terms.nsid().as_str()));
            let facts = terms.facts_of(self.command).map_err(|rejection| {
                let reason = format!("the profile does not understand it: {rejection}");
                Objection::with(rejection, reason)
            })?;
            context.insert(terms.nsid().to_string(), record(terms, &facts)?);
        }
        Ok(context)
    }
}

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.identity() {
            Some(identity) => write!(f, "{identity} to {}", self.pair())?,
            None => write!(f, "peers that are not authenticated to {}", self.pair())?,
        }
        self.terms.map_or(Ok(()), |terms| write!(f, " through {}", terms.nsid()))
    }
}

fn is_net(target: &Target) -> bool {
    matches!(target, Target::Ipv4Net(_) | Target::Ipv6Net(_))
}

fn of_net(flow: &Flow) -> Vec<(&'static str, RestrictedExpression)> {
    let net = flow.ends[0].unwrap_or_else(|| everything(flow));
    vec![("net", ip(&net)), ("prefix", prefix(&net))]
}

fn of_connection(flow: &Flow) -> Vec<(&'static str, RestrictedExpression)> {
    let [src, dst] = flow.ends.map(|net| net.unwrap_or_else(|| everything(flow)));
    let mut attributes =
        vec![("src", ip(&src)), ("src_prefix", prefix(&src)), ("dst", ip(&dst)), ("dst_prefix", prefix(&dst))];
    let port = |port: u16| RestrictedExpression::new_long(port.into());
    attributes.extend(flow.src_port.map(|number| ("src_port", port(number))));
    attributes.extend(flow.dst_port.map(|number| ("dst_port", port(number))));
    attributes.extend(flow.protocol.map(|protocol| ("protocol", text(protocol.name()))));
    attributes
}

/// The text of a target that is one.
fn text_of(target: &Target) -> Option<RestrictedExpression> {
    let shown: &dyn fmt::Display = match target {
        Target::Command(id) => id,
        Target::DomainName(name) => name,
        Target::EmailAddr(address) => address,
        Target::IdnDomainName(name) => name,
        Target::IdnEmailAddr(address) => address,
        Target::MacAddr(address) => address,
        Target::Uri(uri) => uri,
        Target::Iri(iri) => iri,
        _ => return None,
    };
    Some(RestrictedExpression::new_string(shown.to_string()))
}

fn everything(flow: &Flow) -> Net {
    if flow.is_ipv4 { Net::ALL_IPV4 } else { Net::ALL_IPV6 }
}

fn ip(net: &Net) -> RestrictedExpression {
    RestrictedExpression::new_ip(net.to_string())
}

fn prefix(net: &Net) -> RestrictedExpression {
    RestrictedExpression::new_long(net.prefix.into())
}

fn text(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

/// The facts that a profile offers, each with all its values.
fn record(terms: &Terms, facts: &Facts) -> Result<RestrictedExpression, Objection> {
    let value = |fact: &Fact| match fact {
        Fact::Boolean(value) => RestrictedExpression::new_bool(*value),
        Fact::Integer(value) => RestrictedExpression::new_long(*value),
        Fact::Text(value) => text(value),
    };
    let known = terms.facts().iter().filter(|row| facts.values(row.name).next().is_some());
    let attributes = known.map(|row| {
        let values: Vec<_> = facts.values(row.name).map(value).collect();
        (row.name.to_owned(), RestrictedExpression::new_set(values))
    });
    RestrictedExpression::new_record(attributes).map_err(|error| unclear(&error))
}

/// A time as Cedar writes it, which is of the years that have four digits.
fn datetime(time: DateTime) -> Result<RestrictedExpression, Objection> {
    let of_four_digits = i64::try_from(time.as_millis()).ok().filter(|ms| *ms <= LAST);
    let time = of_four_digits.and_then(chrono::DateTime::<Utc>::from_timestamp_millis);
    let time = time.ok_or_else(|| unclear(&"its start_time is beyond the year 9999"))?;
    Ok(RestrictedExpression::new_datetime(time.to_rfc3339_opts(SecondsFormat::Millis, true)))
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, Objection> {
    let kind: EntityTypeName = kind.parse().map_err(|error| unclear(&error))?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

/// 9999-12-31T23:59:59.999Z
const LAST: i64 = 253_402_300_799_999;
