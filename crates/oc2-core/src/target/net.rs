//! Addresses and connections of the internet layer (LS 3.4.1.9 to 3.4.1.12).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserializer, Serializer};

use crate::form::Form;
use crate::invalid::Invalid;
use crate::record;
use crate::shape::read::{Context, Read, text};
use crate::shape::write::Write;
use crate::types::port::{L4Protocol, Port};

/// Declares a range of addresses: an address, and how many of its leading bits count.
macro_rules! net {
    ($(#[$meta:meta])* $name:ident: $type:literal of $addr:ident as $bits:ident, $width:literal, $what:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name {
            addr: $addr,
            prefix: Option<u8>,
        }

        impl $name {
            /// A range; bits of the address beyond the prefix are kept for the text and do not count (DECISIONS L19).
            ///
            /// # Errors
            /// The prefix is longer than the address.
            pub fn new(addr: $addr, prefix: u8) -> Result<Self, Invalid> {
                if prefix > $width {
                    return Err(Invalid::new(format!("{prefix} is not a prefix length (0..{})", $width)));
                }
                Ok(Self { addr, prefix: Some(prefix) })
            }

            /// The address as it was given.
            #[must_use]
            pub const fn addr(&self) -> $addr {
                self.addr
            }

            /// How many leading bits count; all of them if no prefix was given.
            #[must_use]
            pub fn prefix(&self) -> u8 {
                self.prefix.unwrap_or($width)
            }

            /// The first address of the range.
            #[must_use]
            pub fn network(&self) -> $addr {
                let mask = $bits::MAX.checked_shl(u32::from($width - self.prefix())).unwrap_or(0);
                $addr::from_bits(self.addr.to_bits() & mask)
            }
        }

        /// A single address.
        impl From<$addr> for $name {
            fn from(addr: $addr) -> Self {
                Self { addr, prefix: None }
            }
        }

        /// Ranges are equal when they hold the same addresses.
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.network() == other.network() && self.prefix() == other.prefix()
            }
        }

        impl Eq for $name {}

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.network().hash(state);
                self.prefix().hash(state);
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                let invalid = || Invalid::text(text, $what);
                match text.split_once('/') {
                    None => text.parse().map(|addr| Self { addr, prefix: None }).map_err(|_| invalid()),
                    Some((addr, prefix)) => {
                        Self::new(addr.parse().map_err(|_| invalid())?, prefix_length(prefix).ok_or_else(invalid)?)
                            .map_err(|_| invalid())
                    }
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.prefix {
                    None => self.addr.fmt(f),
                    Some(prefix) => write!(f, "{}/{prefix}", self.addr),
                }
            }
        }

        impl Read for $name {
            const TYPE: &'static str = $type;

            fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
                text(context, deserializer, $type, str::parse)
            }
        }

        impl Write for $name {
            fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

net! {
    /// A range of IPv4 addresses (LS 3.4.1.9); a single address without a prefix.
    Ipv4Net: "IPv4-Net" of Ipv4Addr as u32, 32, "is not an IPv4 net (a.b.c.d or a.b.c.d/0..32)"
}

net! {
    /// A range of IPv6 addresses (LS 3.4.1.11); a single address without a prefix. Written as RFC 5952 has it.
    Ipv6Net: "IPv6-Net" of Ipv6Addr as u128, 128, "is not an IPv6 net (an address, or address/0..128)"
}

record! {
    /// A five-tuple over IPv4 (LS 3.4.1.10); at least one part is present, what is absent means any.
    pub struct Ipv4Connection: "IPv4-Connection", sealed by Ipv4ConnectionBuilder checked by ipv4_at_least_one {
        /// Where packets come from.
        optional src_addr: Ipv4Net = 1,
        /// The port they come from; with `icmp`, the type (DECISIONS S8).
        optional src_port: Port = 2,
        /// Where packets go.
        optional dst_addr: Ipv4Net = 3,
        /// The port they go to; with `icmp`, the code (DECISIONS S8).
        optional dst_port: Port = 4,
        /// The protocol.
        optional protocol: L4Protocol = 5,
    }
}

record! {
    /// A five-tuple over IPv6 (LS 3.4.1.12); at least one part is present, what is absent means any.
    pub struct Ipv6Connection: "IPv6-Connection", sealed by Ipv6ConnectionBuilder checked by ipv6_at_least_one {
        /// Where packets come from.
        optional src_addr: Ipv6Net = 1,
        /// The port they come from; with `icmp`, the type (DECISIONS S8).
        optional src_port: Port = 2,
        /// Where packets go.
        optional dst_addr: Ipv6Net = 3,
        /// The port they go to; with `icmp`, the code (DECISIONS S8).
        optional dst_port: Port = 4,
        /// The protocol; `icmp` means ICMPv6 (DECISIONS L26).
        optional protocol: L4Protocol = 5,
    }
}

fn ipv4_at_least_one(connection: &Ipv4Connection) -> Result<(), Invalid> {
    if connection.is_empty() { Err(no_part()) } else { Ok(()) }
}

fn ipv6_at_least_one(connection: &Ipv6Connection) -> Result<(), Invalid> {
    if connection.is_empty() { Err(no_part()) } else { Ok(()) }
}

fn no_part() -> Invalid {
    Invalid::new("at least one of src_addr, src_port, dst_addr, dst_port, protocol is due")
}

/// Decimal without sign and without leading zeros.
fn prefix_length(text: &str) -> Option<u8> {
    let is_plain = text.bytes().all(|digit| digit.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if is_plain { text.parse().ok() } else { None }
}
