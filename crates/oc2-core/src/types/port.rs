//! Ports and protocols of the transport layer (LS 3.4.2.10, 3.4.2.14).

use std::fmt;

use serde::{Deserializer, Serializer};

use crate::enumerated;
use crate::form::Form;
use crate::shape::read::{Context, Read, integer};
use crate::shape::write::Write;
use crate::shape::{Kind, Shape};

/// A port (LS 3.4.2.14), 0 to 65535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(pub u16);

impl From<u16> for Port {
    fn from(port: u16) -> Self {
        Self(port)
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Read for Port {
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain("Port", "LS 3.4.2.14 (LS-200)", Kind::Integer { min: 0, max: 65_535 });
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        let port = integer(context, deserializer, 0, u16::MAX.into(), "a port")?;
        u16::try_from(port).map(Self).map_err(serde::de::Error::custom)
    }
}

impl Write for Port {
    fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(self.0)
    }
}

enumerated! {
    /// A protocol above the internet layer (LS 3.4.2.10); the ids are IANA's.
    pub enum L4Protocol: "L4-Protocol" in "LS 3.4.2.10 (LS-195)" {
        /// Internet Control Message Protocol; in an `ipv6_connection`, ICMPv6 (DECISIONS L26).
        Icmp = 1 "icmp",
        /// Transmission Control Protocol.
        Tcp = 6 "tcp",
        /// User Datagram Protocol.
        Udp = 17 "udp",
        /// Stream Control Transmission Protocol.
        Sctp = 132 "sctp",
    }
}
