//! `[mqtt]`

use std::fmt::Display;
use std::num::NonZeroU32;
use std::time::Duration;

use oc2_core::{Mode, Nsid};
use oc2_encoding::Encodings;
use oc2_transfer_mqtt::{
    Broker, Credentials, DeviceId, KeepAlive, Options, Qos, RespondTo, Session, Settings, SetupError, Tls, Validity,
};
use serde::de::{Deserialize, Deserializer, Error};

use super::{Identity, Location, encodings};
use crate::daemon::Failure;
use crate::daemon::file;
use crate::daemon::papers::Papers;

/// `[mqtt]`
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MqttTable {
    /// `mqtts://HOST[:8883]`, or for tests `mqtt://HOST[:1883]`.
    #[serde(deserialize_with = "broker")]
    pub(crate) broker: Broker,
    /// What Producers know the device by; absent means `consumer.id`.
    #[serde(default, deserialize_with = "device_id")]
    device_id: Option<DeviceId>,
    /// Who we are to the broker.
    pub(crate) username: Option<String>,
    /// Where the password stands.
    password_file: Option<Location>,
    /// The authorities that may have signed the broker's certificate; absent means those of the system.
    ca: Option<Location>,
    /// Our certificate, with its chain.
    pub(crate) cert: Option<Location>,
    /// Its key.
    key: Option<Location>,
    /// Seconds the broker keeps what arrives while we are away; absent means a day.
    #[serde(default, deserialize_with = "session_expiry")]
    session_expiry: Option<u32>,
    /// Seconds the connection may be silent; absent means 300.
    #[serde(default, deserialize_with = "keep_alive")]
    keep_alive: Option<KeepAlive>,
    /// How Responses are published.
    #[serde(default, deserialize_with = "qos")]
    qos: Qos,
    /// Where Responses are published to.
    #[serde(default)]
    respond_to: Recipient,
    /// Whether retained messages are performed.
    #[serde(default)]
    serves_retained: bool,
    /// Whether Producers are told that a Command takes long, before its Response.
    #[serde(default)]
    tells_processing: bool,
    /// Commands from the broker that are handled at once.
    max_commands: Option<NonZeroU32>,
    /// Whether CBOR is read too.
    #[serde(default = "yes")]
    cbor: bool,
    /// Whether JSON is written in ASCII, with escapes for all else.
    #[serde(default)]
    ascii: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Recipient {
    #[default]
    All,
    Individual,
}

impl MqttTable {
    /// What no single key can tell.
    pub(super) fn check_whole(&self, id: &Identity) -> Result<(), String> {
        self.device(id).map_err(|error| format!("mqtt.device_id is missing, and consumer.id does not do: {error}"))?;
        let needs = |key, other| Err(format!("mqtt.{key} needs mqtt.{other}"));
        match self {
            Self { password_file: Some(_), username: None, .. } => needs("password_file", "username"),
            Self { cert: Some(_), key: None, .. } => needs("cert", "key"),
            Self { key: Some(_), cert: None, .. } => needs("key", "cert"),
            Self { ca, cert, broker, .. } if !broker.is_secure() && (ca.is_some() || cert.is_some()) => {
                let key = if ca.is_some() { "ca" } else { "cert" };
                Err(format!("mqtt.{key} needs a broker with TLS: mqtts:// instead of {broker}"))
            }
            _ => Ok(()),
        }
    }

    /// What Producers know the device by.
    pub(crate) fn device(&self, id: &Identity) -> Result<DeviceId, SetupError> {
        self.device_id.clone().map_or_else(|| id.0.parse(), Ok)
    }

    /// What is read, and answered in kind.
    pub(crate) fn encodings(&self) -> Encodings {
        encodings(self.cbor, self.ascii)
    }

    /// How to reach the broker; reads the files that are named.
    pub(crate) fn options(&self, session: Session) -> Result<Options, Failure> {
        let mut options = Options::new(&self.broker.to_string(), session)?;
        options.credentials = self.credentials()?;
        options.tls = self.tls()?;
        options.qos = self.qos;
        if let Some(keep_alive) = self.keep_alive {
            options.keep_alive = keep_alive;
        }
        if let Some(seconds) = self.session_expiry {
            options.session_expiry = seconds;
        }
        Ok(options)
    }

    /// For how long the broker may bring a request again that it brought before.
    pub(crate) fn comes_again_for(&self) -> Duration {
        // It counts from the end of the connection, until which a request may have been without acknowledgement.
        Duration::from_secs(self.session_expiry.unwrap_or(Options::SESSION_EXPIRY).into()) + HOUR
    }

    /// Who we are to Producers.
    pub(crate) fn settings(&self, device: DeviceId, mode: Mode, profiles: Vec<Nsid>) -> Settings {
        let mut settings = Settings::new(device, profiles);
        settings.mode = mode;
        settings.serves_retained = self.serves_retained;
        settings.tells_processing = self.tells_processing;
        settings.respond_to = match self.respond_to {
            Recipient::All => RespondTo::All,
            Recipient::Individual => RespondTo::Individual,
        };
        if let Some(n) = self.max_commands {
            settings.max_commands = usize::try_from(n.get()).unwrap_or(usize::MAX);
        }
        settings
    }

    /// The certificates that are named, and when they end.
    pub(crate) fn papers(&self) -> Result<Papers, Failure> {
        let mut papers = Papers::default();
        for (key, location) in [("mqtt.cert", &self.cert), ("mqtt.ca", &self.ca)] {
            if let Some(Location(path)) = location {
                papers.add(key, path, Validity::of_certificates(&file::open(key, path)?));
            }
        }
        Ok(papers)
    }

    fn credentials(&self) -> Result<Option<Credentials>, Failure> {
        let Some(username) = self.username.clone() else { return Ok(None) };
        let password = self.password_file.as_ref().map(|path| file::password("mqtt.password_file", &path.0));
        Ok(Some(Credentials { username, password: password.transpose()? }))
    }

    fn tls(&self) -> Result<Tls, Failure> {
        let mut tls = Tls::default();
        if let Some(Location(path)) = &self.ca {
            let pem = file::open("mqtt.ca", path)?;
            tls = tls.with_authorities(&pem).map_err(|error| file::wrong("mqtt.ca", path, error))?;
        }
        if let (Some(Location(cert)), Some(Location(key))) = (&self.cert, &self.key) {
            let (chain, secret) = (file::open("mqtt.cert", cert)?, file::secret("mqtt.key", key)?);
            tls = tls
                .with_identity(&chain, &secret)
                .map_err(|error| format!("mqtt.cert {} and mqtt.key {}: {error}", cert.display(), key.display()))?;
        }
        Ok(tls)
    }
}

fn broker<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Broker, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(|error| wrong("broker", error))
}

fn device_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DeviceId>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(|error| wrong("device_id", error))
}

fn keep_alive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<KeepAlive>, D::Error> {
    let seconds = i64::deserialize(deserializer)?;
    let keep_alive = u64::try_from(seconds).ok().and_then(|seconds| KeepAlive::from_secs(seconds).ok());
    keep_alive.map(Some).ok_or_else(|| wrong("keep_alive", format!("{seconds} is not 1 to 300 seconds (MQTT 2.7)")))
}

fn session_expiry<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let seconds = i64::deserialize(deserializer)?;
    let expiry = u32::try_from(seconds).ok().filter(|seconds| *seconds > 0);
    expiry
        .map(Some)
        .ok_or_else(|| wrong("session_expiry", format!("{seconds} is not 1 to {} seconds (MQTT 2.9)", u32::MAX)))
}

fn qos<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Qos, D::Error> {
    match i64::deserialize(deserializer)? {
        1 => Ok(Qos::AtLeastOnce),
        2 => Ok(Qos::ExactlyOnce),
        other => Err(wrong("qos", format!("{other} is not 1 (at least once) or 2 (exactly once) (MQTT 2.5)"))),
    }
}

fn wrong<E: Error>(key: &str, error: impl Display) -> E {
    E::custom(format!("mqtt.{key}: {error}"))
}

fn yes() -> bool {
    true
}

const HOUR: Duration = Duration::from_secs(60 * 60);
