//! A policy in Cedar, for those who keep the policies of many programs in one place.

mod request;
mod schema;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use cedar_policy::{
    Authorizer, Decision, Effect, Entities, Entity, EntityUid, EvalResult, Policy as CedarRule, PolicyId, PolicySet,
    PrincipalConstraint, Response, Schema, ValidationMode, Validator,
};
use oc2_core::Terms;

use self::request::Asked;
use super::from::FromNames;
use super::{Objection, Permit, Policy, PolicyError, Question};

/// A policy in [Cedar](https://www.cedarpolicy.com). A Command is allowed if a policy permits it and none forbids it; what
/// no policy permits is refused. Policies are checked against [`CedarPolicy::schema`] when they are read.
///
/// The principal is an `OpenC2::Peer` with the identity that the transfer has authenticated, in the groups that the entities
/// say. Who is not authenticated is `OpenC2::Stranger::"unauthenticated"`, whom only a policy permits anything that names
/// this type: `principal` alone stands for those who are known. The action is one of the standard's, and the resource is
/// made from the target.
///
/// ```
/// use oc2_consumer::{CedarPolicy, Question};
/// use oc2_core::Terms;
/// use oc2_profile_slpf::Slpf;
/// use oc2_transfer::Peer;
///
/// let policy = CedarPolicy::parse(
///     r#"
///     @id("soc stops small nets")
///     permit (
///       principal in OpenC2::Group::"soc",
///       action == OpenC2::Action::"deny",
///       resource is OpenC2::Net
///     ) when {
///       resource.net.isIpv4() && resource.prefix >= 24 && context has slpf.persistent && context.slpf.persistent == [false]
///     };
///
///     @id("nobody touches the management net")
///     forbid (principal, action, resource is OpenC2::Net)
///     when { resource.net.isInRange(ip("10.0.0.0/8")) || ip("10.0.0.0/8").isInRange(resource.net) };
///     "#,
///     Some(r#"[{"uid": {"type": "OpenC2::Peer", "id": "soc-1"}, "attrs": {"from": ["soc-1"]},
///               "parents": [{"type": "OpenC2::Group", "id": "soc"}]}]"#),
///     &[Terms::of::<Slpf>()],
/// )?;
/// let (soc, slpf) = (Peer::Authenticated("soc-1".into()), [Terms::of::<Slpf>()]);
/// let deny = |net: &str| Slpf::deny(net.parse::<oc2_core::target::Ipv4Net>().unwrap()).persistent(false).build().unwrap();
/// let permit = policy.judge(&Question::new(&soc, Some("soc-1"), &deny("198.51.100.0/24"), &slpf));
/// assert_eq!(permit.map_err(|no| no.reason().to_owned())?.rule().as_deref(), Some("soc stops small nets"));
///
/// let refused = policy.judge(&Question::new(&soc, None, &deny("10.1.0.0/24"), &slpf)).unwrap_err();
/// assert_eq!(refused.rule(), Some("nobody touches the management net"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CedarPolicy {
    policies: PolicySet,
    schema: Schema,
    authorizer: Authorizer,
    peers: Peers,
    from: FromNames,
    /// In the order of the file.
    rules: Vec<Named>,
}

/// Each identity that the entities name, with its groups; `None` stands for all peers that are not authenticated.
type Peers = HashMap<Option<Arc<str>>, Entities>;

/// A policy of the file.
#[derive(Debug)]
struct Named {
    id: PolicyId,
    /// Its annotation `@id`, or else its number.
    name: Arc<str>,
    is_for_strangers: bool,
}

impl CedarPolicy {
    /// What policies may speak of where a Consumer has these profiles, in Cedar's language for schemas.
    #[must_use]
    pub fn schema(profiles: &[Terms]) -> String {
        schema::text(profiles)
    }

    /// Reads and checks policies, and entities in Cedar's JSON: peers, their groups, and the `from` they may use.
    ///
    /// # Errors
    /// What is wrong, and in which policy.
    pub fn parse(policies: &str, entities: Option<&str>, profiles: &[Terms]) -> Result<Self, PolicyError> {
        let (schema, _) = Schema::from_cedarschema_str(&schema::text(profiles)).map_err(|error| told(&error))?;
        let policies: PolicySet = policies.parse().map_err(|error| told(&error))?;
        if let Some(template) = policies.templates().next() {
            return Err(PolicyError::new(format!("{}: a template, which nothing here links", template.id())));
        }
        let rules = name(&policies)?;
        let result = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
        if let Some(error) = result.validation_errors().next() {
            return Err(told(error));
        }
        let entities =
            Entities::from_json_str(entities.unwrap_or("[]"), Some(&schema)).map_err(|error| told(&error))?;
        let (peers, from) = read_peers(&entities)?;
        Ok(Self { policies, schema, authorizer: Authorizer::new(), peers, from, rules })
    }

    /// The same from files.
    ///
    /// # Errors
    /// A file cannot be read, or what is wrong in them.
    pub fn load(policies: &Path, entities: Option<&Path>, profiles: &[Terms]) -> Result<Self, PolicyError> {
        let read = |path: &Path| {
            std::fs::read_to_string(path).map_err(|error| PolicyError::new(error.to_string()).within(path))
        };
        let text = read(policies)?;
        let of_entities = entities.map(read).transpose()?;
        // Which of the two is wrong is told by trying one without the other.
        Self::parse(&text, None, profiles).map_err(|error| error.within(policies))?;
        let parsed = Self::parse(&text, of_entities.as_deref(), profiles);
        parsed.map_err(|error| error.within(entities.unwrap_or(policies)))
    }

    /// The names of the policies, in their order: the annotation `@id`, or else a number.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &str> {
        self.rules.iter().map(|rule| &*rule.name)
    }

    /// The names of the policies that let peers do something whom nobody has authenticated.
    pub fn rules_for_unauthenticated(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().filter(|rule| rule.is_for_strangers).map(|rule| &*rule.name)
    }

    /// Decides, without an effect.
    ///
    /// # Errors
    /// The Command is refused: 401, 403, or as a profile refuses what it does not understand.
    pub fn judge(&self, question: &Question<'_>) -> Result<Permit, Objection> {
        let Question { peer, from, command, profiles } = *question;
        self.from.check(peer, from)?;
        let mut permit = Permit::default();
        let mut judge_in = |terms: Option<&Terms>| -> Result<(), Objection> {
            let asked = Asked { peer, from, command, terms };
            self.judge_in(&asked)?.iter().for_each(|rule| permit.and(rule, None));
            Ok(())
        };
        if profiles.is_empty() {
            judge_in(None)?;
        }
        // Each that would perform it has to be allowed: what the peer did not name is not to slip through.
        profiles.iter().try_for_each(|terms| judge_in(Some(terms)))?;
        Ok(permit)
    }

    /// The policies by which it is permitted.
    fn judge_in(&self, asked: &Asked<'_>) -> Result<Vec<Arc<str>>, Objection> {
        let own = self.peers.get(&asked.identity()).or_else(|| self.peers.get(&None)).cloned().unwrap_or_default();
        let entities = own.add_entities([asked.resource()?], None).map_err(|error| unclear(&error))?;
        let response = self.authorizer.is_authorized(&asked.request(&self.schema)?, &self.policies, &entities);
        // A policy that fails is left out, and it might be one that forbids.
        if let Some(error) = response.diagnostics().errors().next() {
            return Err(Objection::forbidden(format!("a policy cannot be evaluated: {error}")));
        }
        let by: Vec<&Named> = self.reasons(&response).collect();
        let is_stranger = asked.identity().is_none();
        match response.decision() {
            Decision::Allow if !is_stranger || by.iter().any(|rule| rule.is_for_strangers) => {
                Ok(by.into_iter().map(|rule| Arc::clone(&rule.name)).collect())
            }
            Decision::Deny if !by.is_empty() => {
                let objection = Objection::forbidden("a policy forbids it");
                Err(objection.by(Arc::clone(&by[0].name)))
            }
            _ => Err(Objection::forbidden(format!("no policy permits {asked}"))),
        }
    }

    fn reasons(&self, response: &Response) -> impl Iterator<Item = &Named> {
        let ids: HashSet<PolicyId> = response.diagnostics().reason().cloned().collect();
        self.rules.iter().filter(move |rule| ids.contains(&rule.id))
    }
}

impl Policy for CedarPolicy {
    async fn decide(&self, question: &Question<'_>) -> Result<Permit, Objection> {
        self.judge(question)
    }
}

impl fmt::Debug for CedarPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CedarPolicy").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// The policies in the order of the file, by names that tell them apart.
fn name(policies: &PolicySet) -> Result<Vec<Named>, PolicyError> {
    let mut rules: Vec<Named> = policies.policies().map(named).collect();
    // Cedar numbers them as they come.
    rules.sort_by_cached_key(|rule| {
        let id: &str = rule.id.as_ref();
        id.trim_start_matches(|letter: char| !letter.is_ascii_digit()).parse::<usize>().unwrap_or(usize::MAX)
    });
    let mut names = HashSet::new();
    match rules.iter().find(|rule| !names.insert(Arc::clone(&rule.name))) {
        Some(twice) => Err(PolicyError::new(format!("there are two policies {:?}", twice.name))),
        None => Ok(rules),
    }
}

fn named(policy: &CedarRule) -> Named {
    let name = policy.annotation("id").filter(|name| !name.is_empty());
    let is_stranger = |name: &cedar_policy::EntityTypeName| name.to_string() == schema::STRANGER;
    let is_named = match policy.principal_constraint() {
        PrincipalConstraint::Is(name) => is_stranger(&name),
        PrincipalConstraint::Eq(uid) => is_stranger(uid.type_name()),
        _ => false,
    };
    Named {
        id: policy.id().clone(),
        name: name.unwrap_or(policy.id().as_ref()).into(),
        is_for_strangers: is_named && policy.effect() == Effect::Permit,
    }
}

/// Each peer with its groups, so that a question takes no more than its own, and the `from` it may use.
fn read_peers(entities: &Entities) -> Result<(Peers, FromNames), PolicyError> {
    let (mut peers, mut from) = (Peers::from([(None, Entities::empty())]), FromNames::default());
    for entity in entities.iter() {
        let uid = entity.uid();
        let identity = match uid.type_name().to_string().as_str() {
            schema::PEER => Some(uid.id().unescaped().into()),
            schema::STRANGER if uid.id().unescaped() == schema::UNAUTHENTICATED => None,
            // Those of the actions are the schema's.
            schema::GROUP | schema::ACTION => continue,
            other => {
                let reason =
                    format!("{uid}: entities are peers and their groups, and {other} is made from the Command");
                return Err(PolicyError::new(reason));
            }
        };
        if let Some(names) = names_of(entity) {
            from.0.insert(identity.clone(), names);
        }
        let groups = entities.ancestors(&uid).into_iter().flatten().cloned().collect::<HashSet<EntityUid>>();
        // What is asked of a peer is which groups it is in, all of which are known here.
        let own = Entity::new(uid, HashMap::new(), groups).map_err(|error| told(&error))?;
        peers.insert(identity, Entities::from_entities([own], None).map_err(|error| told(&error))?);
    }
    Ok((peers, from))
}

/// The attribute `from`, which the schema says is a set of texts.
fn names_of(entity: &Entity) -> Option<Vec<String>> {
    let Some(Ok(EvalResult::Set(names))) = entity.attr("from") else { return None };
    let text = |name: &EvalResult| match name {
        EvalResult::String(name) => Some(name.clone()),
        _ => None,
    };
    Some(names.iter().filter_map(text).collect())
}

/// The sentence of an error, with what Cedar says besides: which policy, and what would do.
fn told(error: &dyn miette::Diagnostic) -> PolicyError {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    let place = error.labels().into_iter().flatten().next().and_then(|label| {
        let code = error.source_code()?;
        let contents = code.read_span(label.inner(), 0, 0).ok()?;
        Some(format!("line {}, column {}: ", contents.line() + 1, contents.column() + 1))
    });
    let help = error.help().map(|help| format!(" ({help})")).unwrap_or_default();
    PolicyError::new(format!("{}{text}{help}", place.unwrap_or_default()))
}

/// What cannot be put to the policies is not allowed by them.
fn unclear(error: &dyn fmt::Display) -> Objection {
    Objection::forbidden(format!("the Command cannot be put to the policies: {error}"))
}

#[cfg(test)]
mod tests;
