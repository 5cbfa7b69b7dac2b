//! Hardware addresses (LS 3.4.1.14).

use std::fmt;
use std::str::FromStr;

use serde::{Deserializer, Serializer};

use crate::form::Form;
use crate::invalid::Invalid;
use crate::shape::read::{Context, Read, text};
use crate::shape::write::Write;

/// A media access control address, EUI-48 or EUI-64 (LS 3.4.1.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MacAddr {
    /// Six octets.
    Eui48([u8; 6]),
    /// Eight octets.
    Eui64([u8; 8]),
}

impl MacAddr {
    /// The octets.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        match self {
            Self::Eui48(octets) => octets,
            Self::Eui64(octets) => octets,
        }
    }
}

/// The colon form in either case (DECISIONS L21).
impl FromStr for MacAddr {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::text(text, "is not a MAC address: 6 or 8 octets as 00:1A:2B:3C:4D:5E");
        let mut octets = Vec::with_capacity(8);
        for octet in text.split(':') {
            if octet.len() != 2 || !octet.bytes().all(|digit| digit.is_ascii_hexdigit()) || octets.len() == 8 {
                return Err(invalid());
            }
            octets.push(u8::from_str_radix(octet, 16).map_err(|_| invalid())?);
        }
        if let Ok(octets) = octets.as_slice().try_into() {
            return Ok(Self::Eui48(octets));
        }
        octets.as_slice().try_into().map(Self::Eui64).map_err(|_| invalid())
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, octet) in self.octets().iter().enumerate() {
            let colon = if i == 0 { "" } else { ":" };
            write!(f, "{colon}{octet:02X}")?;
        }
        Ok(())
    }
}

impl Read for MacAddr {
    const TYPE: &'static str = "MAC-Addr";

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        text(context, deserializer, "a MAC address", str::parse)
    }
}

impl Write for MacAddr {
    fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
