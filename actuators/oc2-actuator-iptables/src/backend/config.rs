use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::rule::Hook;

/// How to meet the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendConfig {
    /// How the names of our chains begin. Two consumers on a host need two prefixes.
    pub chain_prefix: ChainPrefix,
    /// Which iptables.
    pub flavor: Flavor,
    /// Whether the host passes packets on for others: then our rules are met in FORWARD too.
    pub gateway: bool,
    /// How long one transaction of one family may take. Then the tool is killed, and only a `load` brings certainty.
    ///
    /// With the legacy flavor 5 seconds of it may go by while another program holds the lock of the tables.
    pub timeout: Duration,
    /// The directories in which the tools are looked for, first match first. `PATH` is not asked.
    pub tool_dirs: Vec<PathBuf>,
}

impl Default for BackendConfig {
    fn default() -> Self {
        Self {
            chain_prefix: ChainPrefix::default(),
            flavor: Flavor::Auto,
            gateway: false,
            timeout: Duration::from_secs(10),
            tool_dirs: TOOL_DIRS.map(PathBuf::from).into(),
        }
    }
}

/// The two programs that are called iptables. A rule made by one is unknown to the other, so use the one that the rest of
/// the host uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Flavor {
    /// What the host means by `iptables`.
    #[default]
    Auto,
    /// `iptables-nft`: nf_tables in the kernel.
    Nft,
    /// `iptables-legacy`: ip_tables in the kernel.
    Legacy,
}

impl FromStr for Flavor {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "nft" => Ok(Self::Nft),
            "legacy" => Ok(Self::Legacy),
            _ => Err(ConfigError::Flavor(text.to_owned())),
        }
    }
}

/// How the names of our chains begin: a capital letter, then at most 15 capital letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChainPrefix(Box<str>);

impl Default for ChainPrefix {
    fn default() -> Self {
        Self("OC2".into())
    }
}

impl FromStr for ChainPrefix {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_listed = |octet: u8| octet.is_ascii_uppercase() || octet.is_ascii_digit() || octet == b'-';
        let is_prefix = (1..=MAX_PREFIX_LEN).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_uppercase())
            && text.bytes().all(is_listed);
        if is_prefix { Ok(Self(text.into())) } else { Err(ConfigError::ChainPrefix(text.to_owned())) }
    }
}

impl fmt::Display for ChainPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A setting that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not a beginning for chain names.
    #[error("{0:?} is not a capital letter followed by at most 15 capital letters, digits and hyphens")]
    ChainPrefix(String),
    /// Not a flavor of iptables.
    #[error("{0:?} is not one of auto, nft, legacy")]
    Flavor(String),
}

/// The names of our chains: one for each hook, and one that rejects.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChainNames {
    of_hooks: [String; Hook::ALL.len()],
    reject: String,
}

impl ChainNames {
    /// The names that begin like this.
    #[must_use]
    pub fn new(prefix: &ChainPrefix) -> Self {
        Self { of_hooks: Hook::ALL.map(|hook| format!("{prefix}-{hook}")), reject: format!("{prefix}-REJECT") }
    }

    /// The chain for packets at `hook`.
    #[must_use]
    pub fn of(&self, hook: Hook) -> &str {
        &self.of_hooks[hook as usize]
    }

    /// The chain that rejects what is sent to it.
    #[must_use]
    pub fn reject(&self) -> &str {
        &self.reject
    }
}

impl Default for ChainNames {
    fn default() -> Self {
        Self::new(&ChainPrefix::default())
    }
}

/// With the longest of our suffixes, `-FORWARD`, far enough below the 28 characters that iptables takes.
const MAX_PREFIX_LEN: usize = 16;

const TOOL_DIRS: [&str; 5] = ["/usr/sbin", "/sbin", "/usr/bin", "/usr/local/sbin", "/bin"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_capital_letters_digits_and_hyphens() {
        for text in ["O", "OC2", "A-1", "A234567890123456"] {
            assert_eq!(text.parse::<ChainPrefix>().unwrap().to_string(), text);
        }
        for text in ["", "oc2", "2OC", "-A", "OC 2", "OC2\n", "A2345678901234567", "\u{c9}A"] {
            assert_eq!(text.parse::<ChainPrefix>(), Err(ConfigError::ChainPrefix(text.to_owned())));
        }
    }

    #[test]
    fn the_longest_chain_name_fits_iptables() {
        let names = ChainNames::new(&"A234567890123456".parse().unwrap());
        assert!(names.of(Hook::Forward).len() <= 28);
    }

    #[test]
    fn flavors_have_names() {
        assert_eq!("auto".parse(), Ok(Flavor::Auto));
        assert_eq!("nft".parse(), Ok(Flavor::Nft));
        assert_eq!("legacy".parse(), Ok(Flavor::Legacy));
        assert_eq!("Nft".parse::<Flavor>(), Err(ConfigError::Flavor("Nft".to_owned())));
    }
}
