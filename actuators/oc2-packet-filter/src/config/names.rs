//! What the back ends are told by name.

use std::fmt;
use std::str::FromStr;

use super::ConfigError;

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
            _ => Err(ConfigError::not_one_of(text, "auto, nft, legacy")),
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
        if is_prefix {
            Ok(Self(text.into()))
        } else {
            Err(ConfigError(format!(
                "{text:?} is not a capital letter followed by at most 15 capital letters, digits and hyphens"
            )))
        }
    }
}

impl fmt::Display for ChainPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// With the longest suffix of a chain, `-FORWARD`, far enough below the 28 characters that iptables takes.
const MAX_PREFIX_LEN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_capital_letters_digits_and_hyphens() {
        for text in ["O", "OC2", "A-1", "A234567890123456"] {
            assert_eq!(text.parse::<ChainPrefix>().unwrap().to_string(), text);
        }
        for text in ["", "oc2", "2OC", "-A", "OC 2", "OC2\n", "A2345678901234567", "\u{c9}A"] {
            assert!(text.parse::<ChainPrefix>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn flavors_have_names() {
        assert_eq!("auto".parse(), Ok(Flavor::Auto));
        assert_eq!("nft".parse(), Ok(Flavor::Nft));
        assert_eq!("legacy".parse(), Ok(Flavor::Legacy));
        assert!("Nft".parse::<Flavor>().is_err());
    }
}
