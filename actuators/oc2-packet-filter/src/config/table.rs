use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use oc2_clock::Clock;
use oc2_core::{Pair, Profile};
use oc2_profile_slpf::{AssetTuple, Host, RuleNumber, Slpf};
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use super::{BackendKind, ChainPrefix, Config, ConfigError, Drift, Flavor, Guard, Mode, Outside};
use crate::rule::Interface;

/// The table as it is written.
#[derive(serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Table {
    #[serde(deserialize_with = "keys::profile")]
    profile: ProfileName,
    #[serde(deserialize_with = "keys::backend")]
    backend: BackendKind,
    #[serde(deserialize_with = "keys::flavor")]
    flavor: Flavor,
    #[serde(deserialize_with = "keys::chain_prefix")]
    chain_prefix: ChainPrefix,
    #[serde(deserialize_with = "keys::mode")]
    mode: ModeName,
    #[serde(deserialize_with = "keys::outside")]
    outside: Vec<Interface>,
    #[serde(deserialize_with = "keys::hostname")]
    hostname: Vec<Host>,
    #[serde(deserialize_with = "keys::named_group")]
    named_group: Vec<String>,
    #[serde(deserialize_with = "keys::asset_id")]
    asset_id: Option<String>,
    #[serde(deserialize_with = "keys::asset_tuple")]
    asset_tuple: Vec<String>,
    #[serde(deserialize_with = "keys::update_dir")]
    update_dir: Option<UpdateDir>,
    #[serde(deserialize_with = "keys::disabled_pairs")]
    disabled_pairs: Vec<Row>,
    #[serde(deserialize_with = "keys::disabled_args")]
    disabled_args: Vec<OwnArg>,
    #[serde(deserialize_with = "keys::first_rule_number")]
    first_rule_number: RuleNumber,
    #[serde(deserialize_with = "keys::rule_number_step")]
    rule_number_step: NonZeroU32,
    reject_expired: bool,
    #[serde(deserialize_with = "keys::drift")]
    drift: Drift,
    #[serde(deserialize_with = "keys::drift_interval")]
    drift_interval: u32,
    guard: Option<Guard>,
}

impl Default for Table {
    fn default() -> Self {
        let Config { first_rule_number, rule_number_step, drift_interval, .. } = Config::default();
        Self {
            profile: ProfileName,
            backend: BackendKind::default(),
            flavor: Flavor::default(),
            chain_prefix: ChainPrefix::default(),
            mode: ModeName::Host,
            outside: Vec::new(),
            hostname: Vec::new(),
            named_group: Vec::new(),
            asset_id: None,
            asset_tuple: Vec::new(),
            update_dir: None,
            disabled_pairs: Vec::new(),
            disabled_args: Vec::new(),
            first_rule_number,
            rule_number_step,
            reject_expired: false,
            drift: Drift::default(),
            drift_interval,
            guard: None,
        }
    }
}

impl TryFrom<Table> for Config {
    type Error = ConfigError;

    fn try_from(table: Table) -> Result<Self, Self::Error> {
        let ProfileName = table.profile;
        Ok(Self {
            backend: table.backend,
            flavor: table.flavor,
            chain_prefix: table.chain_prefix,
            mode: mode(table.mode, table.outside)?,
            hostnames: table.hostname,
            named_groups: table.named_group,
            asset_id: table.asset_id,
            asset_tuple: asset_tuple(table.asset_tuple)?,
            update_dir: table.update_dir.map(|UpdateDir(path)| path),
            disabled_pairs: table.disabled_pairs.into_iter().map(|Row(pair)| pair).collect(),
            disabled_args: table.disabled_args.into_iter().map(|OwnArg(name)| name).collect(),
            first_rule_number: table.first_rule_number,
            rule_number_step: table.rule_number_step,
            reject_expired: table.reject_expired,
            drift: table.drift,
            drift_interval: table.drift_interval,
            guard: table.guard,
            clock: Clock::of_host(),
        })
    }
}

fn mode(name: ModeName, outside: Vec<Interface>) -> Result<Mode, ConfigError> {
    match name {
        ModeName::Gateway => Outside::new(outside).map(Mode::Gateway),
        ModeName::Host if outside.is_empty() => Ok(Mode::Host),
        ModeName::Host => Err(ConfigError::new("goes with mode = \"gateway\" only").within("outside")),
    }
}

fn asset_tuple(texts: Vec<String>) -> Result<Option<AssetTuple>, ConfigError> {
    if texts.is_empty() {
        return Ok(None);
    }
    AssetTuple::new(texts).map(Some).map_err(|invalid| ConfigError::new(invalid.to_string()).within("asset_tuple"))
}

/// The one profile there is.
struct ProfileName;

impl FromStr for ProfileName {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == Slpf::NSID.as_str() { Ok(Self) } else { Err(ConfigError::not_one_of(text, Slpf::NSID.as_str())) }
    }
}

enum ModeName {
    Host,
    Gateway,
}

impl FromStr for ModeName {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "host" => Ok(Self::Host),
            "gateway" => Ok(Self::Gateway),
            _ => Err(ConfigError::not_one_of(text, "host, gateway")),
        }
    }
}

/// Where the process is started must not decide what is read.
struct UpdateDir(PathBuf);

impl FromStr for UpdateDir {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = PathBuf::from(text);
        if path.is_absolute() { Ok(Self(path)) } else { Err(ConfigError(format!("{text:?} is not an absolute path"))) }
    }
}

/// A pair that the profile has.
struct Row(Pair);

impl FromStr for Row {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut pairs = Slpf::COMMANDS.iter().map(oc2_core::CommandRow::pair);
        let pair: Pair = text.parse().map_err(|invalid: oc2_core::Invalid| ConfigError(invalid.to_string()))?;
        if pairs.any(|known| known == pair) {
            return Ok(Self(pair));
        }
        Err(ConfigError(format!("{text:?} is not a pair of the profile")))
    }
}

/// An argument that a row of the profile has.
struct OwnArg(String);

impl FromStr for OwnArg {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if Slpf::COMMANDS.iter().any(|row| row.own.contains(&text)) {
            return Ok(Self(text.to_owned()));
        }
        Err(ConfigError(format!("{text:?} is not an argument of the profile")))
    }
}

/// A reader for each key, so that an error names the key whatever the format tells of its place.
macro_rules! keys {
    ($($key:ident: $ty:ty = $read:ident,)+) => {
        mod keys {
            use super::*;

            $(pub(super) fn $key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$ty, D::Error> {
                $read(deserializer, stringify!($key))
            })+
        }
    };
}

keys! {
    profile: ProfileName = one,
    backend: BackendKind = one,
    flavor: Flavor = one,
    chain_prefix: ChainPrefix = one,
    mode: ModeName = one,
    outside: Vec<Interface> = many,
    hostname: Vec<Host> = many,
    named_group: Vec<String> = many,
    asset_id: Option<String> = optional,
    asset_tuple: Vec<String> = many,
    update_dir: Option<UpdateDir> = optional,
    disabled_pairs: Vec<Row> = many,
    disabled_args: Vec<OwnArg> = many,
    first_rule_number: RuleNumber = rule_number,
    rule_number_step: NonZeroU32 = number,
    drift: Drift = one,
    drift_interval: u32 = number,
}

pub(super) fn one<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    deserializer: D,
    key: &'static str,
) -> Result<T, D::Error> {
    deserializer.deserialize_str(Text::of(key))
}

pub(super) fn optional<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    deserializer: D,
    key: &'static str,
) -> Result<Option<T>, D::Error> {
    one(deserializer, key).map(Some)
}

pub(super) fn many<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    deserializer: D,
    key: &'static str,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_any(OneOrMany(Text::of(key)))
}

fn rule_number<'de, D: Deserializer<'de>>(deserializer: D, key: &'static str) -> Result<RuleNumber, D::Error> {
    let number = serde::Deserialize::deserialize(deserializer).map_err(|error| D::Error::custom(At(key, error)))?;
    RuleNumber::new(number).map_err(|invalid| D::Error::custom(At(key, invalid)))
}

fn number<'de, D: Deserializer<'de>, T: serde::Deserialize<'de>>(
    deserializer: D,
    key: &'static str,
) -> Result<T, D::Error> {
    serde::Deserialize::deserialize(deserializer).map_err(|error| D::Error::custom(At(key, error)))
}

/// A text that is parsed.
struct Text<T> {
    key: &'static str,
    parsed: PhantomData<T>,
}

impl<T> Text<T> {
    fn of(key: &'static str) -> Self {
        Self { key, parsed: PhantomData }
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Visitor<'de> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a string for {}", self.key)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(|error| E::custom(At(self.key, error)))
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> DeserializeSeed<'de> for Text<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(self)
    }
}

/// A text, or a list of texts.
struct OneOrMany<T>(Text<T>);

impl<'de, T: FromStr<Err: fmt::Display>> Visitor<'de> for OneOrMany<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a string or a list of strings for {}", self.0.key)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
        Ok(vec![self.0.visit_str(text)?])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Text::of(self.0.key))? {
            items.push(item);
        }
        Ok(items)
    }
}

/// What is wrong, with the key before it.
struct At<E>(&'static str, E);

impl<E: fmt::Display> fmt::Display for At<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0, self.1)
    }
}
