//! The topics of OpenC2 (MQTT 2.2, table 2-1).

use std::fmt;
use std::str::FromStr;

use oc2_core::Nsid;

use crate::error::SetupError;

/// What a device is known by to Producers: one level of a topic (MQTT 2.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceId(String);

/// What a Producer is known by: one level of a topic (MQTT 2.2), and by default the `from` of its messages (DECISIONS Q2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProducerId(String);

/// A topic of OpenC2. None of them has a wildcard in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// `oc2/cmd/all`: Commands to all devices.
    All,
    /// `oc2/cmd/ap/[actuator_profile]`: Commands to all devices with this profile.
    Profile(Nsid),
    /// `oc2/cmd/device/[device_id]`: Commands to one device.
    Device(DeviceId),
    /// `oc2/rsp`: Responses.
    Responses,
    /// `oc2/rsp/[producer_id]`: Responses to one Producer.
    ResponsesTo(ProducerId),
}

impl Topic {
    /// The topic of this name, if it is one of OpenC2.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let levels = name.strip_prefix("oc2/")?;
        if let Some(device) = levels.strip_prefix("cmd/device/") {
            return device.parse().ok().map(Self::Device);
        }
        if let Some(nsid) = levels.strip_prefix("cmd/ap/") {
            return nsid.parse().ok().map(Self::Profile);
        }
        if let Some(producer) = levels.strip_prefix("rsp/") {
            return producer.parse().ok().map(Self::ResponsesTo);
        }
        match levels {
            "cmd/all" => Some(Self::All),
            "rsp" => Some(Self::Responses),
            _ => None,
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("oc2/cmd/all"),
            Self::Profile(nsid) => write!(f, "oc2/cmd/ap/{}", nsid.as_str()),
            Self::Device(device) => write!(f, "oc2/cmd/device/{device}"),
            Self::Responses => f.write_str("oc2/rsp"),
            Self::ResponsesTo(producer) => write!(f, "oc2/rsp/{producer}"),
        }
    }
}

impl DeviceId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ProducerId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeviceId {
    type Err = SetupError;

    fn from_str(text: &str) -> Result<Self, SetupError> {
        level(text).map(Self)
    }
}

impl FromStr for ProducerId {
    type Err = SetupError;

    fn from_str(text: &str) -> Result<Self, SetupError> {
        level(text).map(Self)
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ProducerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where some peers answer one Producer. Not a topic of the standard, and used with those peers only.
pub(crate) fn responses_of_peers(producer: &ProducerId) -> String {
    format!("oc2/rsp/device/{producer}")
}

fn level(text: &str) -> Result<String, SetupError> {
    let is_level = (1..=MAX_LEVEL).contains(&text.len()) && !text.contains(['/', '+', '#', '\0']);
    if is_level { Ok(text.to_owned()) } else { Err(SetupError::Level(text.to_owned())) }
}

/// DECISIONS Q1
const MAX_LEVEL: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_those_of_table_2_1() {
        // MQTT-008, MQTT-009, MQTT-010, MQTT-011, DECISIONS Q3
        let topics = [
            (Topic::All, "oc2/cmd/all"),
            (Topic::Profile(Nsid::SLPF), "oc2/cmd/ap/slpf"),
            (Topic::Device("zulu".parse().unwrap()), "oc2/cmd/device/zulu"),
            (Topic::Responses, "oc2/rsp"),
            (Topic::ResponsesTo("omega".parse().unwrap()), "oc2/rsp/omega"),
        ];
        for (topic, name) in topics {
            assert_eq!(topic.to_string(), name);
            assert_eq!(Topic::parse(name), Some(topic));
        }
        for other in ["oc2/cmd/slpf", "oc2/device/zulu01", "oc2/rsp/device/omega", "oc2/cmd/all/", "oc2/cmd/ap/", "oc2"]
        {
            assert_eq!(Topic::parse(other), None, "{other}");
        }
    }

    #[test]
    fn an_id_is_one_level_without_wildcards() {
        // MQTT-012, MQTT-015
        for text in ["", "a/b", "+", "#", "a+b", "a#", "a\0b", &"a".repeat(129)] {
            assert!(text.parse::<DeviceId>().is_err(), "{text:?}");
            assert!(text.parse::<ProducerId>().is_err(), "{text:?}");
        }
        for text in ["zulu", "Producer1@example.com", "a b", "\u{e9}", &"a".repeat(128)] {
            assert_eq!(text.parse::<DeviceId>().unwrap().as_str(), text);
        }
    }
}
