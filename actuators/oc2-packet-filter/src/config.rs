//! What an operator sets: the table `[[actuator]]` of a Consumer's configuration.

mod guard;
mod names;
mod table;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use oc2_clock::Clock;
use oc2_core::{Command, Pair, Profile, Rejection, Terms};
use oc2_profile_slpf::{AssetTuple, Host, Results, RuleNumber, Slpf, Specifiers};

use crate::rule::Interface;

pub use guard::{Guard, Keep, KeptProtocol};
pub use names::{ChainPrefix, Flavor};

/// The settings of a [`PacketFilter`](crate::PacketFilter). Every field is a key of the same name, but where its
/// line says otherwise; an unknown key is an error.
///
/// ```
/// let config: oc2_packet_filter::Config = toml::from_str(
///     r#"
///     profile = "slpf"                    # what a Consumer picks the actuator by; "slpf" or absent
///     mode = "gateway"
///     outside = ["eth0"]
///     hostname = ["fw1.example.net", "192.0.2.1"]
///     update_dir = "/etc/oc2/rules"
///     disabled_pairs = ["delete slpf:rule_number"]
///     "#,
/// )?;
/// # Ok::<(), toml::de::Error>(())
/// ```
///
/// Exhaustive on purpose: `Config { asset_id, ..Config::default() }` is how a program sets it.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(try_from = "table::Table")]
pub struct Config {
    /// What performs the changes: `"iptables"` (default), `"nftables"`, `"auto"` or `"dry-run"`.
    pub backend: BackendKind,
    /// Which iptables, if it is iptables: `"auto"` (default), `"nft"` or `"legacy"`.
    pub flavor: Flavor,
    /// How the names of our chains begin, and the name of the store. Default `"OC2"`.
    pub chain_prefix: ChainPrefix,
    /// Keys `mode`, `"host"` (default) or `"gateway"`, and with the latter `outside`.
    pub mode: Mode,
    /// Key `hostname`, a text or a list: the names and addresses this device answers to.
    pub hostnames: Vec<Host>,
    /// Key `named_group`, a text or a list: the groups this device is in.
    pub named_groups: Vec<String>,
    /// The identifier of this SLPF.
    pub asset_id: Option<String>,
    /// The identifier of this SLPF, as a list of one to ten texts.
    pub asset_tuple: Option<AssetTuple>,
    /// The directory that `update file` reads from. Absent means that `update file` is not supported.
    pub update_dir: Option<PathBuf>,
    /// Pairs that are answered as if they were not implemented: `"delete slpf:rule_number"`.
    pub disabled_pairs: Vec<Pair>,
    /// Arguments of the profile that are answered as if they were not implemented: `"direction"`.
    pub disabled_args: Vec<String>,
    /// The first number that is given to a rule without `insert_rule`. Default 999990.
    pub first_rule_number: RuleNumber,
    /// By how much the next one is lower, so that a Producer can place rules between. Default 10.
    pub rule_number_step: NonZeroU32,
    /// Whether a Command whose window is over is refused with 400; if not it succeeds without effect (DECISIONS L13).
    /// Default false.
    pub reject_expired: bool,
    /// What becomes of changes that others make in our chains or table, where the back end notices them: `"mend"` (default) or
    /// `"leave"`.
    pub drift: Drift,
    /// After how many seconds a back end that does not hear of the changes of others looks for them again: iptables. 0 is never.
    /// Default 60.
    pub drift_interval: u32,
    /// Key `guard`, a table: what no command may cut off. Absent means nothing.
    pub guard: Option<Guard>,
    /// No key: the clock by which windows open and close. Default that of this host.
    pub clock: Clock,
}

impl Config {
    /// Whether a Command with these specifiers is meant: all that are given match, and one that is not set here does not
    /// (DECISIONS S13).
    #[must_use]
    pub fn is_addressed_by(&self, specifiers: &Specifiers) -> bool {
        let Specifiers { hostname, named_group, asset_id, asset_tuple } = specifiers;
        hostname.as_ref().is_none_or(|host| self.hostnames.contains(host))
            && named_group.as_ref().is_none_or(|group| self.named_groups.contains(group))
            && asset_id.as_ref().is_none_or(|id| self.asset_id.as_ref() == Some(id))
            && asset_tuple.as_ref().is_none_or(|tuple| self.asset_tuple.as_ref() == Some(tuple))
    }

    /// What a policy may speak of in the commands that the actuator performs.
    #[must_use]
    pub fn terms() -> Terms {
        Terms::of::<Slpf>()
    }

    /// Whether a Command means the actuator, and a pair that it supports.
    ///
    /// # Errors
    /// The specifiers are ill-typed.
    pub fn would_perform(&self, command: &Command) -> Result<bool, Rejection> {
        let specifiers = command.actuator.as_ref().map(oc2_core::Actuator::of::<Slpf>).transpose()?;
        let is_addressed =
            specifiers.is_none_or(|specifiers| specifiers.is_some_and(|specifiers| self.is_addressed_by(&specifiers)));
        let pair = command.pair_in::<Slpf>();
        Ok(is_addressed && Slpf::COMMANDS.iter().any(|row| row.pair() == pair) && self.supports(pair))
    }

    /// Whether the pair is implemented, and not switched off.
    pub(crate) fn supports(&self, pair: Pair) -> bool {
        let needs_update_dir = pair.action == oc2_core::Action::Update;
        !self.disabled_pairs.contains(&pair) && (!needs_update_dir || self.update_dir.is_some())
    }

    /// What is told of a new rule: a number that nobody can delete by is not (SLPF 2.3.1, DECISIONS S10).
    pub(crate) fn results(&self, number: Option<RuleNumber>) -> Option<Results> {
        let row = Slpf::COMMANDS.iter().find(|row| row.target == Slpf::RULE_NUMBER);
        number.filter(|_| row.is_some_and(|row| self.supports(row.pair()))).map(Results::rule)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            backend: BackendKind::default(),
            flavor: Flavor::default(),
            chain_prefix: ChainPrefix::default(),
            mode: Mode::default(),
            hostnames: Vec::new(),
            named_groups: Vec::new(),
            asset_id: None,
            asset_tuple: None,
            update_dir: None,
            disabled_pairs: Vec::new(),
            disabled_args: Vec::new(),
            first_rule_number: RuleNumber::new(FIRST_RULE_NUMBER).expect("it is far from 2^53"),
            rule_number_step: NonZeroU32::new(RULE_NUMBER_STEP).expect("it is not 0"),
            reject_expired: false,
            drift: Drift::default(),
            drift_interval: DRIFT_INTERVAL,
            guard: None,
            clock: Clock::of_host(),
        }
    }
}

/// What becomes of changes that others make in our chains or table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drift {
    /// They are undone at once.
    #[default]
    Mend,
    /// They are told and counted, and stay until the next change that they disturb or the next start.
    Leave,
}

impl FromStr for Drift {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "mend" => Ok(Self::Mend),
            "leave" => Ok(Self::Leave),
            _ => Err(ConfigError::not_one_of(text, "mend, leave")),
        }
    }
}

/// What performs the changes. Two back ends are two firewalls: who goes from one to the other takes the rules of the former
/// out of the kernel, as the daemon does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackendKind {
    /// nf_tables where the kernel has it and lets us, else iptables.
    Auto,
    /// The nf_tables of the kernel, by way of netlink.
    Nftables,
    /// The kernel, by way of `iptables-restore`.
    #[default]
    Iptables,
    /// Nothing: everything is answered, numbered and stored, and no packet is stopped.
    DryRun,
}

impl FromStr for BackendKind {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "nftables" => Ok(Self::Nftables),
            "iptables" => Ok(Self::Iptables),
            "dry-run" => Ok(Self::DryRun),
            _ => Err(ConfigError::not_one_of(text, "auto, nftables, iptables, dry-run")),
        }
    }
}

/// Whose packets are filtered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Those of this host.
    #[default]
    Host,
    /// Those that this host passes on too. What comes in by an outside interface is ingress, what leaves by one egress.
    Gateway(Outside),
}

/// The interfaces of a gateway that lead outside; at least one. Clones share them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside(Arc<[Interface]>);

impl Outside {
    /// These interfaces.
    ///
    /// # Errors
    /// There is none.
    pub fn new(interfaces: Vec<Interface>) -> Result<Self, ConfigError> {
        if interfaces.is_empty() {
            return Err(ConfigError::new("mode gateway needs the names of the outside interfaces").within("outside"));
        }
        Ok(Self(interfaces.into()))
    }

    /// The interfaces.
    #[must_use]
    pub fn interfaces(&self) -> &[Interface] {
        &self.0
    }
}

/// A setting that cannot be; the text names its key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    fn not_one_of(text: &str, names: &str) -> Self {
        Self(format!("{text:?} is not one of {names}"))
    }

    fn within(self, key: &str) -> Self {
        Self(format!("{key}: {self}"))
    }
}

const FIRST_RULE_NUMBER: i64 = 999_990;
const DRIFT_INTERVAL: u32 = 60;
const RULE_NUMBER_STEP: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_is_the_default() {
        assert_eq!(toml::from_str(""), Ok(Config::default()));
        assert_eq!(toml::from_str("profile = \"slpf\""), Ok(Config::default()));
    }

    #[test]
    fn every_key_is_read() {
        let config: Config = toml::from_str(
            r#"
            profile = "slpf"
            backend = "dry-run"
            flavor = "legacy"
            chain_prefix = "FW"
            mode = "gateway"
            outside = ["eth0", "ppp0"]
            hostname = ["fw.example.net", "192.0.2.1"]
            named_group = "perimeter"
            asset_id = "30"
            asset_tuple = ["a", "b"]
            update_dir = "/etc/oc2/rules"
            disabled_pairs = ["update file", "delete slpf:rule_number"]
            disabled_args = ["direction"]
            first_rule_number = -5
            rule_number_step = 1
            reject_expired = true
            drift = "leave"
            drift_interval = 0
            "#,
        )
        .unwrap();
        let outside = ["eth0", "ppp0"].map(|name| name.parse().unwrap()).to_vec();
        assert_eq!(
            config,
            Config {
                backend: BackendKind::DryRun,
                flavor: Flavor::Legacy,
                chain_prefix: "FW".parse().unwrap(),
                mode: Mode::Gateway(Outside::new(outside).unwrap()),
                hostnames: vec!["FW.example.net".parse().unwrap(), "192.0.2.1".parse().unwrap()],
                named_groups: vec!["perimeter".to_owned()],
                asset_id: Some("30".to_owned()),
                asset_tuple: Some(AssetTuple::new(vec!["a".to_owned(), "b".to_owned()]).unwrap()),
                update_dir: Some("/etc/oc2/rules".into()),
                disabled_pairs: ["update file", "delete slpf:rule_number"].map(|pair| pair.parse().unwrap()).to_vec(),
                disabled_args: vec!["direction".to_owned()],
                first_rule_number: RuleNumber::new(-5).unwrap(),
                rule_number_step: NonZeroU32::MIN,
                reject_expired: true,
                drift: Drift::Leave,
                drift_interval: 0,
                guard: None,
                clock: Clock::of_host(),
            }
        );
    }

    #[test]
    fn an_error_names_its_key() {
        for (text, expected) in [
            ("profile = \"pf\"", "profile: \"pf\" is not one of slpf"),
            ("backend = \"nft\"", "backend: \"nft\" is not one of auto, nftables, iptables, dry-run"),
            ("flavor = \"x\"", "flavor: \"x\" is not one of auto, nft, legacy"),
            ("chain_prefix = \"oc2\"", "chain_prefix: \"oc2\" is not a capital letter"),
            ("mode = \"bridge\"", "mode: \"bridge\" is not one of host, gateway"),
            ("mode = \"gateway\"", "outside: mode gateway needs"),
            ("outside = \"eth0\"", "outside: goes with mode = \"gateway\" only"),
            ("mode = \"gateway\"\noutside = [\"eth+\"]", "outside: \"eth+\" is not the name"),
            ("hostname = [\"a b\"]", "hostname: \"a b\" is not a hostname"),
            ("hostname = 1", "a string or a list of strings for hostname"),
            ("asset_id = 30", "a string for asset_id"),
            (
                "asset_tuple = [\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\"]",
                "asset_tuple: 11 texts",
            ),
            ("update_dir = \"rules\"", "update_dir: \"rules\" is not an absolute path"),
            ("disabled_pairs = [\"scan file\"]", "disabled_pairs: \"scan file\" is not a pair of the profile"),
            ("disabled_pairs = [\"deny\"]", "disabled_pairs: \"deny\" is not an action and a target"),
            ("disabled_args = [\"start_time\"]", "disabled_args: \"start_time\" is not an argument of the profile"),
            ("first_rule_number = 9007199254740992", "first_rule_number: 9007199254740992 is not a rule number"),
            ("rule_number_step = 0", "rule_number_step: "),
            ("reject_expired = \"no\"", "reject_expired"),
            ("drift_interval = -1", "drift_interval: "),
            ("drift = \"ignore\"", "drift: \"ignore\" is not one of mend, leave"),
            ("asset = \"30\"", "unknown field `asset`"),
        ] {
            let error = toml::from_str::<Config>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
            // As part of a table that was read before, where no line is known.
            let table: toml::Table = toml::from_str(text).unwrap();
            let error = table.try_into::<Config>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn specifiers_that_are_given_must_all_match() {
        let config: Config = toml::from_str(
            r#"
            hostname = ["fw.example.net", "2001:db8::1"]
            named_group = ["a", "b"]
            asset_tuple = ["x", "y"]
            "#,
        )
        .unwrap();
        let host = |text: &str| Some(text.parse().unwrap());
        let tuple = |texts: &[&str]| AssetTuple::new(texts.iter().map(ToString::to_string).collect()).ok();
        let none = Specifiers::default();
        for (specifiers, expected) in [
            (none.clone(), true),
            (Specifiers { hostname: host("FW.Example.NET"), ..none.clone() }, true),
            (Specifiers { hostname: host("2001:db8:0::1"), named_group: Some("b".into()), ..none.clone() }, true),
            (Specifiers { hostname: host("fw.example.net"), named_group: Some("c".into()), ..none.clone() }, false),
            (Specifiers { hostname: host("192.0.2.1"), ..none.clone() }, false),
            (Specifiers { asset_tuple: tuple(&["x", "y"]), ..none.clone() }, true),
            (Specifiers { asset_tuple: tuple(&["x"]), ..none.clone() }, false),
            (Specifiers { asset_tuple: tuple(&["y", "x"]), ..none.clone() }, false),
            (Specifiers { asset_id: Some("30".into()), ..none }, false),
        ] {
            assert_eq!(config.is_addressed_by(&specifiers), expected, "{specifiers:?}");
        }
    }
}
