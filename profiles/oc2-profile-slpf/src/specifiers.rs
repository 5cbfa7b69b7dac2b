//! What narrows down the actuators that are meant (SLPF 2.1.4).

use std::fmt;
use std::net::IpAddr;

use oc2_core::shape::read::{Context, Read, list, text};
use oc2_core::shape::write::Write;
use oc2_core::shape::{Format, Kind, Shape};
use oc2_core::types::text::Hostname;
use oc2_core::{Form, Invalid, map};
use serde::de::Error;
use serde::{Deserializer, Serializer};

map! {
    /// Specifiers; an actuator is meant if it matches all that are given, every one if none is (SLPF table 2.1.4-1).
    #[derive(Default)]
    pub struct Specifiers: "Specifiers" in "SLPF 2.1.4 (SLPF-037)" {
        /// The name or address of a device.
        optional hostname: Host = 1,
        /// A collection of devices that the user defines.
        optional named_group: String = 2,
        /// The identifier of one SLPF.
        optional asset_id: String = 3,
        /// The identifier of one SLPF, made of several texts.
        optional asset_tuple: AssetTuple = 4,
    }
}

/// A hostname or an IP address (SLPF table 2.1.4-1).
#[derive(Clone, Debug)]
pub enum Host {
    /// A hostname (RFC 1123); case does not count.
    Name(Hostname),
    /// An address.
    Addr(IpAddr),
}

impl PartialEq for Host {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(a), Self::Name(b)) => a.as_str().eq_ignore_ascii_case(b.as_str()),
            (Self::Addr(a), Self::Addr(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Host {}

impl std::str::FromStr for Host {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.parse() {
            Ok(addr) => Ok(Self::Addr(addr)),
            // Without its final dot a name may be an address.
            Err(_) => Hostname::new(text).map(|name| name.as_str().parse().map_or(Self::Name(name), Self::Addr)),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Addr(addr) => addr.fmt(f),
        }
    }
}

impl Read for Host {
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain(
            "String",
            "SLPF 2.1.4 (SLPF-038)",
            Kind::String { format: Format::OneOf(&["hostname", "ipv4", "ipv6"]), min: 1, max: None },
        );
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        text(context, deserializer, "a hostname or an IP address", str::parse)
    }
}

impl Write for Host {
    fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One to ten texts that together identify an SLPF (DECISIONS S13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetTuple(Vec<String>);

impl AssetTuple {
    /// Checks the texts.
    ///
    /// # Errors
    /// There are none, or more than ten.
    pub fn new(texts: Vec<String>) -> Result<Self, Invalid> {
        if (1..=MAX_TEXTS).contains(&texts.len()) {
            return Ok(Self(texts));
        }
        Err(Invalid::new(format!("{} texts, where 1 to {MAX_TEXTS} are due", texts.len())))
    }

    /// The texts.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl Read for AssetTuple {
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain(
            "ArrayOf",
            "SLPF 2.1.4 (SLPF-041), DECISIONS S13",
            Kind::ArrayOf { item: String::shape, min: 1, max: Some(MAX_TEXTS as u32), unique: false },
        );
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        Self::new(list(context, deserializer, "strings")?).map_err(D::Error::custom)
    }
}

impl Write for AssetTuple {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(form, serializer)
    }
}

const MAX_TEXTS: usize = 10;
