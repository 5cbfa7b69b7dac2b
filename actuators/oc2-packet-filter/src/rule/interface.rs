use std::fmt;
use std::str::FromStr;

use super::RuleError;

/// The name of one network interface, as Linux takes it.
///
/// Stricter than the kernel in what would mean something else to iptables: no `+` (a pattern), no leading `!` or `-`, no
/// quotes or backslash, no `:` (a label, not an interface).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Interface(Box<str>);

impl Interface {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Interface {
    type Err = RuleError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let is_plain = |octet: u8| octet.is_ascii_graphic() && !br#"/:+"'\"#.contains(&octet);
        let is_name = (1..=MAX_LEN).contains(&name.len())
            && name.bytes().all(is_plain)
            && !name.starts_with(['-', '!'])
            && name != "."
            && name != "..";
        if is_name { Ok(Self(name.into())) } else { Err(RuleError::Interface(name.to_owned())) }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `IFNAMSIZ` without the terminating zero.
const MAX_LEN: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_interfaces_are_accepted() {
        for name in ["lo", "eth0", "eth0.100", "br-7", "wlp3s0", "a23456789012345", "x_y", "dummy@1"] {
            assert_eq!(name.parse::<Interface>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn what_means_something_else_to_iptables_is_refused() {
        for name in [
            "",
            "eth+",
            "+",
            "!eth0",
            "-j",
            "a/b",
            "a b",
            "a\tb",
            "a\nb",
            "\"",
            "a'",
            "a\\",
            "eth0:1",
            ".",
            "..",
            "\u{e9}th",
            "a234567890123456",
            "a\0",
        ] {
            assert_eq!(name.parse::<Interface>(), Err(RuleError::Interface(name.to_owned())));
        }
    }
}
