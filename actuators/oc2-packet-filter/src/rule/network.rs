use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::{Family, RuleError};

/// The addresses that begin alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// The network of `prefix` bits that holds `address`; the bits behind the prefix are cleared, as the kernel does.
    ///
    /// # Errors
    ///
    /// When the prefix is longer than the address.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, RuleError> {
        let address = match address {
            IpAddr::V4(v4) if prefix <= 32 => {
                Ipv4Addr::from_bits(v4.to_bits() & !u32::MAX.checked_shr(prefix.into()).unwrap_or(0)).into()
            }
            IpAddr::V6(v6) if prefix <= 128 => {
                Ipv6Addr::from_bits(v6.to_bits() & !u128::MAX.checked_shr(prefix.into()).unwrap_or(0)).into()
            }
            _ => return Err(RuleError::Prefix { address, prefix }),
        };
        Ok(Self { address, prefix })
    }

    /// The first address.
    #[must_use]
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// How many bits its addresses share.
    #[must_use]
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// IPv4 or IPv6.
    #[must_use]
    pub fn family(self) -> Family {
        self.address.into()
    }

    pub(super) fn is_universal(self) -> bool {
        self.prefix == 0
    }
}

/// The network of one address.
impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        let prefix = match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        Self { address, prefix }
    }
}

/// Reads `address` and `address/prefix`.
impl FromStr for Network {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || RuleError::Network(text.to_owned());
        let Some((address, prefix)) = text.split_once('/') else {
            return Ok(text.parse::<IpAddr>().map_err(|_| malformed())?.into());
        };
        Self::new(address.parse().map_err(|_| malformed())?, prefix.parse().map_err(|_| malformed())?)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_behind_the_prefix_are_cleared() {
        for (written, kept) in [
            ("192.0.2.7", "192.0.2.7/32"),
            ("192.0.2.7/32", "192.0.2.7/32"),
            ("192.0.2.7/25", "192.0.2.0/25"),
            ("255.255.255.255/1", "128.0.0.0/1"),
            ("192.0.2.7/0", "0.0.0.0/0"),
            ("2001:DB8::7/127", "2001:db8::6/127"),
            ("2001:db8::7/0", "::/0"),
        ] {
            assert_eq!(written.parse::<Network>().unwrap().to_string(), kept);
        }
    }

    #[test]
    fn prefixes_longer_than_the_address_are_refused() {
        for (address, prefix) in [("192.0.2.7", 33), ("::1", 129), ("::1", 255)] {
            let address = address.parse().unwrap();
            assert_eq!(Network::new(address, prefix), Err(RuleError::Prefix { address, prefix }));
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "/", "a/8", "192.0.2.7/", "192.0.2.7/256", "192.0.2.7/-1", "::1/8/9", "fe80::1%eth0"] {
            assert_eq!(text.parse::<Network>(), Err(RuleError::Network(text.to_owned())));
        }
    }
}
