//! The configuration file, in TOML. What it says wrong is told with line and column.

#[cfg(feature = "http")]
mod http;
#[cfg(feature = "mqtt")]
mod mqtt;

use std::fmt;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use oc2_consumer::Settings;
use oc2_core::Mode;
#[cfg(any(feature = "http", feature = "mqtt"))]
use oc2_encoding::{Cbor, Encodings, JsonInAscii};
use serde::Deserialize;
use toml::Spanned;

#[cfg(feature = "http")]
pub(crate) use self::http::{HttpTable, LoadedTls, TlsTable};
#[cfg(feature = "mqtt")]
pub(crate) use self::mqtt::MqttTable;
use super::policy::PolicyChoice;

/// A configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) consumer: ConsumerTable,
    #[cfg(feature = "http")]
    pub(crate) http: Option<HttpTable>,
    #[cfg(feature = "mqtt")]
    pub(crate) mqtt: Option<MqttTable>,
    #[cfg(feature = "signature")]
    pub(crate) signatures: Option<super::observe::SignaturesTable>,
    #[cfg(feature = "audit")]
    pub(crate) audit: Option<super::observe::AuditTable>,
    #[cfg(feature = "metrics")]
    pub(crate) metrics: Option<super::observe::MetricsTable>,
    policy: Option<PolicyChoice>,
    #[serde(default, rename = "actuator")]
    pub(crate) actuators: Vec<Spanned<ActuatorTable>>,
}

/// `[consumer]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsumerTable {
    /// `from` of its responses.
    pub(crate) id: Identity,
    /// Where rules, numbers and the requests that may come again are kept.
    pub(crate) state_dir: Location,
    /// Commands a minute; absent means no limit.
    rate_limit: Option<NonZeroU32>,
    /// Messages a minute of each peer; absent means no limit.
    rate_limit_per_peer: Option<NonZeroU32>,
    /// How received messages are read.
    #[serde(default)]
    mode: ReadMode,
    /// Seconds an answer waits for the end of a Command before it is 102.
    max_wait: Option<u16>,
    /// Whether a message to others is refused.
    #[serde(default)]
    enforce_to: bool,
    /// Commands that may run at once.
    max_commands: Option<NonZeroU32>,
    /// Commands sent ahead of their time that may be taken on at once.
    max_scheduled: Option<NonZeroU32>,
}

impl ConsumerTable {
    /// How received messages are read.
    pub(crate) fn mode(&self) -> Mode {
        match self.mode {
            ReadMode::Lenient => Mode::Lenient,
            ReadMode::Strict => Mode::Strict,
        }
    }
}

#[cfg(any(feature = "http", feature = "mqtt"))]
fn encodings(with_cbor: bool, in_ascii: bool) -> Encodings {
    let json = if in_ascii { Encodings::of(JsonInAscii) } else { Encodings::default() };
    if with_cbor { json.and(Cbor) } else { json }
}

/// `[[actuator]]`
#[cfg(feature = "packet-filter")]
pub(crate) type ActuatorTable = oc2_packet_filter::Config;

/// `[[actuator]]`, of which none is compiled in.
#[cfg(not(feature = "packet-filter"))]
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActuatorTable {}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ReadMode {
    #[default]
    Lenient,
    Strict,
}

/// A name that is not empty.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Identity(pub(crate) String);

impl TryFrom<String> for Identity {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            return Err("an id has at least one character and no control characters");
        }
        Ok(Self(text))
    }
}

/// A path that is not empty.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PathBuf")]
pub(crate) struct Location(pub(crate) PathBuf);

impl TryFrom<PathBuf> for Location {
    type Error = &'static str;

    fn try_from(path: PathBuf) -> Result<Self, &'static str> {
        if path.as_os_str().is_empty() {
            return Err("a path has at least one character");
        }
        Ok(Self(path))
    }
}

impl Config {
    /// Reads and checks a file.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError { path: shown.clone(), reason: error.to_string() })?;
        Self::parse(&text).map_err(|reason| ConfigError { path: shown, reason })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        config.check_whole(text)?;
        Ok(config)
    }

    /// What no single key can tell.
    fn check_whole(
        &self,
        #[cfg_attr(not(feature = "packet-filter"), expect(unused))] text: &str,
    ) -> Result<(), String> {
        if self.is_deaf() {
            return Err(format!("nothing listens: add a table {}", LISTENERS.join(" or ")));
        }
        #[cfg(feature = "mqtt")]
        if let Some(mqtt) = &self.mqtt {
            mqtt.check_whole(&self.consumer.id)?;
        }
        #[cfg(feature = "metrics")]
        if let Some(metrics) = &self.metrics {
            metrics.check()?;
        }
        if self.policy.is_none() {
            return Err(NO_POLICY.into());
        }
        #[cfg(feature = "packet-filter")]
        {
            let mut prefixes = std::collections::HashSet::new();
            if let Some(twice) = self.actuators.iter().find(|table| !prefixes.insert(&table.get_ref().chain_prefix)) {
                let line = text[..twice.span().start].lines().count() + 1;
                return Err(format!(
                    "line {line}: this actuator has the chain_prefix \"{}\" of one before; each needs chains of its own",
                    twice.get_ref().chain_prefix
                ));
            }
        }
        Ok(())
    }

    /// Whether it takes Commands from nowhere, though it could.
    fn is_deaf(&self) -> bool {
        let listeners: &[bool] = &[
            #[cfg(feature = "http")]
            self.http.is_some(),
            #[cfg(feature = "mqtt")]
            self.mqtt.is_some(),
        ];
        !listeners.is_empty() && !listeners.contains(&true)
    }

    /// Who decides who may do what.
    pub(crate) fn policy(&self) -> &PolicyChoice {
        self.policy.as_ref().expect("a configuration without was refused when it was read")
    }

    /// For how long a request may come again, as far as the transfers know.
    pub(crate) fn comes_again_for(&self) -> Duration {
        #[cfg(feature = "mqtt")]
        if let Some(mqtt) = &self.mqtt {
            return mqtt.comes_again_for();
        }
        Duration::ZERO
    }

    /// What can be changed while the Consumer runs.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings {
            rate_limit: self.consumer.rate_limit,
            rate_limit_per_peer: self.consumer.rate_limit_per_peer,
            enforce_to: self.consumer.enforce_to,
            mode: self.consumer.mode(),
            ..Settings::default()
        };
        if let Some(seconds) = self.consumer.max_wait {
            settings.max_wait = Duration::from_secs(seconds.into());
        }
        if let Some(n) = self.consumer.max_commands {
            settings.max_commands = usize::try_from(n.get()).unwrap_or(usize::MAX);
        }
        if let Some(n) = self.consumer.max_scheduled {
            settings.max_scheduled = usize::try_from(n.get()).unwrap_or(usize::MAX);
        }
        settings
    }

    /// The keys that changed and need a restart to count.
    pub(crate) fn fixed_keys_changed(&self, new: &Self) -> Vec<&'static str> {
        let mut changed = Vec::new();
        if self.consumer.id != new.consumer.id {
            changed.push("consumer.id");
        }
        if self.consumer.state_dir != new.consumer.state_dir {
            changed.push("consumer.state_dir");
        }
        #[cfg(feature = "http")]
        match (&self.http, &new.http) {
            (Some(http), Some(new)) if !http.differs_for_good(new) => {}
            (None, None) => {}
            _ => changed.push("http, but for certificates and tokens"),
        }
        #[cfg(feature = "mqtt")]
        {
            if self.mqtt != new.mqtt {
                changed.push("mqtt");
            }
            if self.mqtt.is_some() && self.consumer.mode() != new.consumer.mode() {
                changed.push("consumer.mode, as to what stands beside a message over MQTT");
            }
        }
        if !self.actuators.iter().map(Spanned::get_ref).eq(new.actuators.iter().map(Spanned::get_ref)) {
            changed.push("actuator");
        }
        #[cfg(feature = "audit")]
        if self.audit != new.audit {
            changed.push("audit");
        }
        #[cfg(feature = "metrics")]
        if self.metrics != new.metrics {
            changed.push("metrics");
        }
        changed
    }
}

/// What takes Commands, as an operator writes it.
const LISTENERS: &[&str] = &[
    #[cfg(feature = "http")]
    "[http], with cert, key and ca,",
    #[cfg(feature = "mqtt")]
    "[mqtt], for instance with broker = \"mqtts://broker.example.net\"",
];
const NO_POLICY: &str = "nothing says who may do what: add a table [policy] with file = \"/etc/oc2/policy.toml\"; to try it out \
    without one, let it say dangerously_allow_everything = true";

/// A configuration that cannot be used.
#[derive(Debug)]
pub(crate) struct ConfigError {
    path: String,
    reason: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

impl std::error::Error for ConfigError {}
