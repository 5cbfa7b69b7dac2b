//! What no command may cut off.

use std::fmt;
use std::ops::RangeInclusive;

use oc2_profile_slpf::Direction;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use super::ConfigError;
use super::table::{many, one, optional};
use crate::rule::{Family, Network};

/// What has to stay reachable whatever is commanded: the table `guard` of an actuator. A command after which a packet of it
/// would be stopped, at once or when another rule ends, is refused with 403.
///
/// ```
/// let config: oc2_packet_filter::Config = toml::from_str(
///     r#"
///     [guard]
///     here = ["198.51.100.1", "2001:db8::1"]  # the addresses of this host; of a gateway also what it guards behind it
///
///     [[guard.keep]]
///     name = "management"                     # told to whoever is refused
///     nets = ["192.0.2.0/24", "2001:db8:1::/64"]
///     protocol = "tcp"                        # tcp, udp, sctp, icmp; absent: any
///     port_here = 22                          # or "8000-8999", or a list; the other end has 1024-65535 if it has no key
///
///     [[guard.keep]]
///     name = "the broker"
///     nets = "203.0.113.7"
///     protocol = "tcp"
///     port_there = 8883
///     direction = "both"                      # ingress, egress; absent: both, which a connection needs
///     "#,
/// )?;
/// assert_eq!(config.guard.unwrap().keep().len(), 2);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "GuardTable")]
pub struct Guard {
    here: Vec<Network>,
    keep: Vec<Keep>,
}

/// Packets between some nets and here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// What it is called in a refusal.
    pub name: String,
    /// Who is at the other end.
    pub nets: Vec<Network>,
    /// By which protocol; absent means any, or with a port every one that has ports.
    pub protocol: Option<KeptProtocol>,
    /// The ports at this end. None means any, or those of clients (1024 and above) if there are some at the other end.
    pub ports_here: Vec<RangeInclusive<u16>>,
    /// The ports at the other end. None means any, or those of clients (1024 and above) if there are some at this end.
    pub ports_there: Vec<RangeInclusive<u16>>,
    /// Ingress means from there to here.
    pub direction: Direction,
}

/// A protocol that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
    /// ICMP; over IPv6, ICMPv6.
    Icmp,
}

impl Guard {
    /// Keeps these between the nets of each and the addresses `here`.
    ///
    /// # Errors
    /// There is nothing to keep, or something that nobody could cut off as it is written.
    pub fn new(here: Vec<Network>, keep: Vec<Keep>) -> Result<Self, ConfigError> {
        if keep.is_empty() {
            return Err(ConfigError::new("nothing is to be kept: add a table guard.keep").within("guard"));
        }
        for Keep { name, nets, protocol, ports_here, ports_there, .. } in &keep {
            if name.trim().is_empty() || name.chars().any(char::is_control) {
                let text = "a name has at least one character and no control characters";
                return Err(ConfigError::new(text).within("guard.keep.name"));
            }
            if nets.is_empty() {
                return Err(ConfigError::new(format!("{name:?} has no nets")).within("guard.keep.nets"));
            }
            let has_ports = !ports_here.is_empty() || !ports_there.is_empty();
            if has_ports && *protocol == Some(KeptProtocol::Icmp) {
                return Err(ConfigError::new(format!("{name:?}: icmp has no ports")).within("guard.keep.protocol"));
            }
            let is_here = |family: Family| here.iter().any(|network| network.family() == family);
            if let Some(net) = nets.iter().find(|net| !is_here(net.family())) {
                let text = format!("no {} address of this host is given, so {net} cannot be kept", net.family());
                return Err(ConfigError::new(text).within("guard.here"));
            }
        }
        Ok(Self { here, keep })
    }

    /// The addresses of this end.
    #[must_use]
    pub fn here(&self) -> &[Network] {
        &self.here
    }

    /// What is kept.
    #[must_use]
    pub fn keep(&self) -> &[Keep] {
        &self.keep
    }
}

impl std::str::FromStr for KeptProtocol {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        match text {
            "tcp" => Ok(Self::Tcp),
            "udp" => Ok(Self::Udp),
            "sctp" => Ok(Self::Sctp),
            "icmp" => Ok(Self::Icmp),
            _ => Err(ConfigError::not_one_of(text, "tcp, udp, sctp, icmp")),
        }
    }
}

/// The table as it is written.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct GuardTable {
    #[serde(deserialize_with = "here")]
    here: Vec<Network>,
    #[serde(default)]
    keep: Vec<KeepTable>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct KeepTable {
    name: String,
    #[serde(deserialize_with = "nets")]
    nets: Vec<Network>,
    #[serde(default, deserialize_with = "protocol")]
    protocol: Option<KeptProtocol>,
    #[serde(default, deserialize_with = "port_here")]
    port_here: Vec<RangeInclusive<u16>>,
    #[serde(default, deserialize_with = "port_there")]
    port_there: Vec<RangeInclusive<u16>>,
    #[serde(default = "both", deserialize_with = "direction")]
    direction: Direction,
}

impl TryFrom<GuardTable> for Guard {
    type Error = ConfigError;

    fn try_from(table: GuardTable) -> Result<Self, ConfigError> {
        let keep = |table: KeepTable| Keep {
            name: table.name,
            nets: table.nets,
            protocol: table.protocol,
            ports_here: table.port_here,
            ports_there: table.port_there,
            direction: table.direction,
        };
        Self::new(table.here, table.keep.into_iter().map(keep).collect())
    }
}

fn both() -> Direction {
    Direction::Both
}

fn here<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Network>, D::Error> {
    many(deserializer, "guard.here")
}

fn nets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Network>, D::Error> {
    many(deserializer, "guard.keep.nets")
}

fn protocol<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<KeptProtocol>, D::Error> {
    optional(deserializer, "guard.keep.protocol")
}

fn direction<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Direction, D::Error> {
    one(deserializer, "guard.keep.direction")
}

fn port_here<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RangeInclusive<u16>>, D::Error> {
    deserializer.deserialize_any(PortsVisitor("guard.keep.port_here"))
}

fn port_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RangeInclusive<u16>>, D::Error> {
    deserializer.deserialize_any(PortsVisitor("guard.keep.port_there"))
}

/// A port, two such as `"8000-8999"`, or a list of these.
struct PortsVisitor(&'static str);

impl<'de> Visitor<'de> for PortsVisitor {
    type Value = Vec<RangeInclusive<u16>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a port, two such as \"8000-8999\", or a list of these for {}", self.0)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        let port = u16::try_from(number)
            .map_err(|_| E::custom(format_args!("{}: {number} is not a port (0..65535)", self.0)))?;
        Ok(vec![port..=port])
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let ends = text.split_once('-').and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
        match ends {
            Some((first, last)) if first <= last => Ok(vec![first..=last]),
            _ => Err(E::custom(format_args!("{}: {text:?} is not two ports such as \"8000-8999\"", self.0))),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut ports = Vec::new();
        while let Some(mut some) = seq.next_element_seed(Self(self.0))? {
            ports.append(&mut some);
        }
        Ok(ports)
    }
}

impl<'de> DeserializeSeed<'de> for PortsVisitor {
    type Value = Vec<RangeInclusive<u16>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn an_error_names_its_key() {
        let good = "[guard]\nhere = \"198.51.100.1\"\n[[guard.keep]]\nname = \"m\"\nnets = \"192.0.2.0/24\"\n";
        toml::from_str::<Config>(good).unwrap();
        for (text, expected) in [
            ("[guard]\nhere = []\n".to_owned(), "guard: nothing is to be kept"),
            (good.replace("198.51.100.1", "198.51.100"), "guard.here: \"198.51.100\" is not a network"),
            (good.replace("192.0.2.0/24", "2001:db8::/32"), "guard.here: no IPv6 address of this host is given"),
            (good.replace("192.0.2.0/24", "192.0.2.0/33"), "guard.keep.nets: prefix length 33"),
            (good.replace("\"192.0.2.0/24\"", "[]"), "guard.keep.nets: \"m\" has no nets"),
            (good.replace("\"m\"", "\"\""), "guard.keep.name: "),
            (format!("{good}protocol = \"gre\"\n"), "guard.keep.protocol: \"gre\" is not one of tcp, udp, sctp, icmp"),
            (format!("{good}port_here = 65536\n"), "guard.keep.port_here: 65536 is not a port"),
            (format!("{good}port_there = \"ssh\"\n"), "guard.keep.port_there: \"ssh\" is not two ports"),
            (format!("{good}port_there = [\"9-8\"]\n"), "guard.keep.port_there: \"9-8\" is not two ports"),
            (format!("{good}port_there = true\n"), "or a list of these for guard.keep.port_there"),
            (format!("{good}protocol = \"icmp\"\nport_here = 1\n"), "guard.keep.protocol: \"m\": icmp has no ports"),
            (format!("{good}direction = \"up\"\n"), "guard.keep.direction: \"up\" is not one of both, ingress, egress"),
            (format!("{good}ports = 1\n"), "unknown field `ports`"),
            (good.replace("here = \"198.51.100.1\"\n", ""), "missing field `here`"),
        ] {
            let error = toml::from_str::<Config>(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
