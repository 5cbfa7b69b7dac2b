//! The table `[policy]`, and what the policy would say.

use std::path::{Path, PathBuf};

#[cfg(feature = "cedar")]
use oc2_consumer::CedarPolicy;
use oc2_consumer::{Consumer, ConsumerBuilder, Objection, Permit, Question, Rulebook, WantsActuators, WantsPolicy};
use oc2_core::{Action, Command, Content, Headers, Message, Mode, Terms};
use oc2_encoding::{Cbor, Encoding, Json};
use oc2_transfer::Peer;
use serde::Deserialize;
use tracing::{info, warn};

use super::Failure;
use super::config::Config;

/// `[policy]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PolicyTable")]
pub(crate) enum PolicyChoice {
    /// The rules of a file.
    File(PathBuf),
    /// Policies in Cedar, and who is in which group.
    #[cfg(feature = "cedar")]
    Cedar {
        /// The policies.
        policies: PathBuf,
        /// The entities.
        entities: Option<PathBuf>,
    },
    /// None: for testing.
    AllowEverything,
}

/// The table as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyTable {
    file: Option<PathBuf>,
    #[cfg(feature = "cedar")]
    cedar: Option<PathBuf>,
    #[cfg(feature = "cedar")]
    entities: Option<PathBuf>,
    #[serde(default)]
    dangerously_allow_everything: bool,
}

impl TryFrom<PolicyTable> for PolicyChoice {
    type Error = &'static str;

    #[cfg(feature = "cedar")]
    fn try_from(table: PolicyTable) -> Result<Self, Self::Error> {
        let PolicyTable { file, cedar, entities, dangerously_allow_everything } = table;
        if [&file, &cedar, &entities].into_iter().flatten().any(|path| !path.is_absolute()) {
            return Err("policy.file, policy.cedar and policy.entities are absolute paths");
        }
        match (file, cedar, entities) {
            (None, Some(policies), entities) if !dangerously_allow_everything => Ok(Self::Cedar { policies, entities }),
            (file, None, None) => Self::of(file, dangerously_allow_everything),
            (_, None, Some(_)) => Err("policy.entities goes with policy.cedar"),
            (_, Some(_), _) => {
                Err("policy.cedar, a policy file, or dangerously_allow_everything, and one of them only")
            }
        }
    }

    #[cfg(not(feature = "cedar"))]
    fn try_from(table: PolicyTable) -> Result<Self, Self::Error> {
        Self::of(table.file, table.dangerously_allow_everything)
    }
}

impl PolicyChoice {
    fn of(file: Option<PathBuf>, dangerously_allow_everything: bool) -> Result<Self, &'static str> {
        match (file, dangerously_allow_everything) {
            // Where the process is started must not decide what is read.
            (Some(file), false) if file.is_absolute() => Ok(Self::File(file)),
            (Some(_), false) => Err("policy.file is an absolute path"),
            (None, true) => Ok(Self::AllowEverything),
            (Some(_), true) => Err("a policy file, or dangerously_allow_everything, and not both"),
            (None, false) => Err("policy.file is missing"),
        }
    }
}

/// A policy that was read.
#[derive(Debug)]
pub(crate) enum Loaded {
    Rules(PathBuf, Rulebook),
    #[cfg(feature = "cedar")]
    Cedar(PathBuf, Box<CedarPolicy>),
    AllowEverything,
}

impl Loaded {
    /// Reads what the configuration names.
    pub(crate) fn of(config: &Config) -> Result<Self, Failure> {
        match config.policy() {
            PolicyChoice::AllowEverything => Ok(Self::AllowEverything),
            PolicyChoice::File(path) => Ok(Self::Rules(path.clone(), Rulebook::load(path, &terms(config))?)),
            #[cfg(feature = "cedar")]
            PolicyChoice::Cedar { policies, entities } => {
                let policy = CedarPolicy::load(policies, entities.as_deref(), &terms(config))?;
                Ok(Self::Cedar(policies.clone(), Box::new(policy)))
            }
        }
    }

    /// Puts it in force with a Consumer that is being built.
    pub(crate) fn build(self, builder: ConsumerBuilder<WantsPolicy>) -> ConsumerBuilder<WantsActuators> {
        self.tell();
        match self {
            Self::Rules(_, rules) => builder.policy(rules),
            #[cfg(feature = "cedar")]
            Self::Cedar(_, policy) => builder.policy(*policy),
            Self::AllowEverything => builder.dangerous().without_policy(),
        }
    }

    /// Puts it in the place of the one that a Consumer has. To have none any more takes a restart: a signal is not to open
    /// what was closed.
    pub(crate) fn replace(self, consumer: &Consumer) {
        if !matches!(self, Self::AllowEverything) {
            self.tell();
        }
        match self {
            Self::Rules(_, rules) => consumer.replace_policy(rules),
            #[cfg(feature = "cedar")]
            Self::Cedar(_, policy) => consumer.replace_policy(*policy),
            Self::AllowEverything => warn!("policy.dangerously_allow_everything takes effect at a start only."),
        }
    }

    /// What an operator has to know of it at each start.
    fn tell(&self) {
        match self {
            Self::AllowEverything => {
                warn!(
                    "DANGER: policy.dangerously_allow_everything is set: whoever reaches a listener may give any command."
                );
            }
            Self::Rules(path, rules) => tell(path, rules.rules(), rules.rules_for_unauthenticated()),
            #[cfg(feature = "cedar")]
            Self::Cedar(path, policy) => tell(path, policy.rules(), policy.rules_for_unauthenticated()),
        }
    }

    /// Decides, without an effect; `None` where there is no policy.
    fn judge(&self, question: &Question<'_>) -> Option<Result<Permit, Objection>> {
        match self {
            Self::AllowEverything => None,
            Self::Rules(_, rules) => Some(rules.judge(question)),
            #[cfg(feature = "cedar")]
            Self::Cedar(_, policy) => Some(policy.judge(question)),
        }
    }
}

fn tell<'a>(
    path: &Path,
    rules: impl ExactSizeIterator<Item = &'a str>,
    for_unauthenticated: impl Iterator<Item = &'a str>,
) {
    info!(file = %path.display(), n_rules = rules.len(), "What no rule of the policy allows is refused.");
    for rule in for_unauthenticated {
        warn!(rule, "This rule is for peers that nobody has authenticated.");
    }
}

/// What a policy may speak of, by the configuration alone.
#[cfg(feature = "iptables")]
pub(crate) fn terms(config: &Config) -> Vec<Terms> {
    config.actuators.iter().take(1).map(|_| super::config::ActuatorTable::terms()).collect()
}

/// What a policy may speak of, where no actuator is compiled in.
#[cfg(not(feature = "iptables"))]
pub(crate) fn terms(_: &Config) -> Vec<Terms> {
    Vec::new()
}

/// Says what comes of a policy, without a Command.
pub(crate) fn describe(loaded: &Loaded) {
    match loaded {
        Loaded::AllowEverything => {
            println!("  DANGER: has no policy: whoever reaches a listener may give any command");
        }
        Loaded::Rules(path, rules) => describe_rules(path, rules.rules(), rules.rules_for_unauthenticated()),
        #[cfg(feature = "cedar")]
        Loaded::Cedar(path, policy) => describe_rules(path, policy.rules(), policy.rules_for_unauthenticated()),
    }
}

fn describe_rules<'a>(
    path: &Path,
    rules: impl Iterator<Item = &'a str>,
    for_unauthenticated: impl Iterator<Item = &'a str>,
) {
    println!("  allows what a rule of {} allows, and nothing else:", path.display());
    rules.for_each(|rule| println!("    {rule}"));
    for rule in for_unauthenticated {
        println!("    NOTE: {rule:?} is for peers that nobody has authenticated");
    }
}

/// Prints what a policy in Cedar may speak of.
#[cfg(feature = "cedar")]
pub(crate) fn print_schema(path: &Path) -> Result<(), Failure> {
    print!("{}", CedarPolicy::schema(&terms(&Config::load(path)?)));
    Ok(())
}

/// Says what would become of a Command, and why.
pub(crate) fn explain(
    config: &Config,
    loaded: &Loaded,
    peer: &str,
    from: Option<&str>,
    path: &Path,
) -> Result<(), Failure> {
    let (headers, command) = read(path, config.settings().mode)?;
    let from = from.or_else(|| headers.from().map(String::as_str));
    // The word stands for whoever has no identity, as it does in a policy.
    let peer =
        if peer == "unauthenticated" { Peer::Unauthenticated("-".into()) } else { Peer::Authenticated(peer.into()) };
    let meant = meant(config, &command)?;
    let pair = meant.first().map_or_else(|| command.pair(), |terms| terms.pair_in(&command));
    let shown = match &peer {
        Peer::Authenticated(name) => name.to_string(),
        _ => "a peer that is not authenticated".to_owned(),
    };
    println!("{pair}, from {shown}:");
    match loaded.judge(&Question::new(&peer, from, &command, &meant)) {
        None => println!("  allowed: there is no policy (dangerously_allow_everything)"),
        Some(Ok(permit)) => println!("  allowed by {:?}", permit.rule().unwrap_or_default()),
        Some(Err(objection)) => {
            println!("  refused with {}: {}", objection.rejection().status().as_u16(), objection.reason());
            match objection.rule() {
                Some(rule) => println!("  by the rule that forbids it or comes nearest, {rule:?}"),
                None => println!("  by no rule: what none allows is refused"),
            }
            println!("  the answer would say: {}", objection.rejection());
            return Err(Failure::from("the command would be refused"));
        }
    }
    if meant.is_empty() && command.action != Action::Query && command.action != Action::Cancel {
        println!("  but no actuator here performs it");
    }
    #[cfg(feature = "iptables")]
    if !meant.is_empty() && config.actuators.iter().any(|actuator| actuator.get_ref().guard.is_some()) {
        println!("  unless the guard finds, with the rules there are then, that it would cut something off");
    }
    Ok(())
}

/// A message or a bare Command, in JSON or CBOR.
fn read(path: &Path, mode: Mode) -> Result<(Headers, Command), Failure> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let is_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()).is_none_or(|byte| b"{[".contains(byte));
    let decoded = if is_json { Json.decode(&bytes, mode) } else { Cbor.decode(&bytes, mode) };
    let message: Message = decoded.map_err(|error| format!("{}: {error}", path.display()))?.message;
    let headers = message.headers.clone();
    match message.into_content() {
        Content::Request(command) => Ok((headers, command)),
        _ => Err(format!("{}: not a Command", path.display()).into()),
    }
}

/// The profiles that would perform a Command, as the Consumer picks them: by the profile it names, the specifiers and the
/// pairs that are supported.
#[cfg(feature = "iptables")]
fn meant(config: &Config, command: &Command) -> Result<Vec<Terms>, Failure> {
    for actuator in config.actuators.iter().map(toml::Spanned::get_ref) {
        if actuator.would_perform(command).map_err(|error| error.to_string())? {
            return Ok(vec![super::config::ActuatorTable::terms()]);
        }
    }
    Ok(Vec::new())
}

#[cfg(not(feature = "iptables"))]
fn meant(_: &Config, _: &Command) -> Result<Vec<Terms>, Failure> {
    Ok(Vec::new())
}
