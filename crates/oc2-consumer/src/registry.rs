//! The actuators, and which of them a Command means (DECISIONS R1 to R7).

use oc2_actuator::AnyActuator;
use oc2_core::{Action, Command, Nsid, Pair, Rejection, TargetName, Terms};
use oc2_transfer::Scope;

use crate::features::QUERY_FEATURES;

/// The actuators of a Consumer.
#[derive(Debug)]
pub(crate) struct Registry(Vec<AnyActuator>);

/// Why no actuator is meant.
#[derive(Debug)]
pub(crate) enum Nobody {
    /// Others are meant: no answer where many hear the Command, this one elsewhere (DECISIONS R3, R4).
    NotMeant(Rejection),
    /// We are meant and cannot.
    Refused(Rejection),
}

impl Nobody {
    /// The answer where one is due.
    pub(crate) fn into_rejection(self) -> Rejection {
        let (Self::NotMeant(rejection) | Self::Refused(rejection)) = self;
        rejection
    }
}

impl Registry {
    pub(crate) fn new(actuators: Vec<AnyActuator>) -> Self {
        Self(actuators)
    }

    /// The profiles, each once, in the order of the actuators.
    pub(crate) fn profiles(&self) -> Vec<Nsid> {
        let mut profiles = Vec::new();
        for actuator in &self.0 {
            if !profiles.contains(&actuator.nsid()) {
                profiles.push(actuator.nsid());
            }
        }
        profiles
    }

    /// The union over the profiles, and `query features` (DECISIONS L11). `cancel command` and `query command` belong to no
    /// profile and are not listed, though they are accepted (DECISIONS L27): a peer in the field cannot read pairs with the target
    /// `command`.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = Pair> {
        self.0.iter().flat_map(AnyActuator::pairs).copied().chain([QUERY_FEATURES])
    }

    /// The actuators of a profile.
    pub(crate) fn with_profile(&self, nsid: Nsid) -> impl Iterator<Item = &AnyActuator> {
        self.0.iter().filter(move |actuator| actuator.nsid() == nsid)
    }

    /// The actuators that the profile and the specifiers of a Command mean, whatever its pair.
    pub(crate) fn addressed(&self, command: &Command, scope: Scope) -> Result<Vec<&AnyActuator>, Nobody> {
        let of_profile = self.of_profile(command, scope)?;
        let mut addressed = Vec::with_capacity(of_profile.len());
        for actuator in &of_profile {
            if actuator.is_addressed(command).map_err(Nobody::Refused)? {
                addressed.push(*actuator);
            }
        }
        if addressed.is_empty() && !of_profile.is_empty() {
            return Err(Nobody::NotMeant(Rejection::not_found("no actuator here matches the specifiers")));
        }
        Ok(addressed)
    }

    /// The actuators of the profile that the Command names, or the topic it came by (DECISIONS R7).
    fn of_profile(&self, command: &Command, scope: Scope) -> Result<Vec<&AnyActuator>, Nobody> {
        let named = command.actuator.as_ref().map(oc2_core::Actuator::nsid);
        let by_topic = match scope {
            Scope::Profile(nsid) => Some(nsid),
            _ => None,
        };
        let nsid = match (named, by_topic) {
            (None, None) => return Ok(self.0.iter().collect()),
            (Some(named), Some(topic)) if named != topic => return Err(profile_not_supported(named)),
            (Some(nsid), _) | (None, Some(nsid)) => nsid,
        };
        let of_profile: Vec<_> = self.0.iter().filter(|actuator| actuator.nsid() == nsid).collect();
        if of_profile.is_empty() { Err(profile_not_supported(nsid)) } else { Ok(of_profile) }
    }

    /// What is to be known of the profiles that would perform a Command, each once.
    pub(crate) fn terms(addressed: &[&AnyActuator], command: &Command) -> Vec<Terms> {
        if [QUERY_FEATURES, QUERY_COMMAND, CANCEL_COMMAND].contains(&command.pair()) {
            return Vec::new();
        }
        let mut terms: Vec<Terms> = Vec::new();
        for actuator in performing(addressed, command) {
            if terms.iter().all(|known| known.nsid() != actuator.nsid()) {
                terms.push(actuator.terms());
            }
        }
        terms
    }

    /// Of the actuators that are meant, those that support the pair (DECISIONS R1, R2).
    pub(crate) fn supporting(addressed: &[&AnyActuator], command: &Command) -> Result<Vec<AnyActuator>, Rejection> {
        let supporting: Vec<_> = performing(addressed, command).cloned().collect();
        if supporting.is_empty() { Err(unsupported(addressed, command)) } else { Ok(supporting) }
    }
}

fn performing<'a>(addressed: &[&'a AnyActuator], command: &Command) -> impl Iterator<Item = &'a AnyActuator> {
    addressed.iter().copied().filter(|actuator| actuator.pairs().contains(&actuator.pair_of(command)))
}

/// The sentence of the profile that defines the pair, or the general one (DECISIONS L2).
fn unsupported(addressed: &[&AnyActuator], command: &Command) -> Rejection {
    let plain = command.pair();
    let pair = addressed.iter().map(|actuator| actuator.pair_of(command)).find(|pair| *pair != plain).unwrap_or(plain);
    let sentence = addressed.iter().find_map(|actuator| actuator.unsupported(pair));
    let knows_action = |actuator: &&AnyActuator| actuator.pairs().iter().any(|known| known.action == pair.action);
    let general = match pair.target {
        TargetName::Extended(..) => "Target type not supported",
        TargetName::Standard(_) if addressed.iter().any(knows_action) || is_of_core(pair.action) => {
            "Target type not supported"
        }
        TargetName::Standard(_) => "Command not supported",
    };
    Rejection::unsupported(format!("{}: {pair}", sentence.unwrap_or(general)))
}

fn is_of_core(action: Action) -> bool {
    action == QUERY_FEATURES.action || action == CANCEL_COMMAND.action
}

fn profile_not_supported(nsid: Nsid) -> Nobody {
    Nobody::NotMeant(Rejection::unsupported(format!("Profile not supported: {nsid}")))
}

/// The pair by which a Producer asks what became of a Command that was issued before.
pub(crate) const QUERY_COMMAND: Pair =
    Pair { action: Action::Query, target: TargetName::Standard(oc2_core::target::TargetKind::Command) };

/// The pair by which a Command that was issued before is made void.
pub(crate) const CANCEL_COMMAND: Pair =
    Pair { action: Action::Cancel, target: TargetName::Standard(oc2_core::target::TargetKind::Command) };
