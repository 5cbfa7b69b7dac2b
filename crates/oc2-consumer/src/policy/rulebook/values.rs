//! How single values are written in a policy.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use oc2_core::facts::Fact;
use oc2_core::types::time::Duration;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::reach::PortRange;
use super::rule::Allowed;

/// A text that is parsed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Parsed<T>(pub(super) T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

/// One, or a list of one and more.
#[derive(Clone, Debug)]
pub(super) struct Many<T>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ManyVisitor(PhantomData))
    }
}

struct ManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ManyVisitor<T> {
    type Value = Many<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one or a list")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Many<T>, E> {
        let deserializer: StrDeserializer<'_, E> = text.into_deserializer();
        Ok(Many(vec![T::deserialize(deserializer)?]))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Many<T>, E> {
        Ok(Many(vec![T::deserialize(number.into_deserializer())?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Many<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        if items.is_empty() { Err(A::Error::custom("an empty list")) } else { Ok(Many(items)) }
    }
}

/// A name that is not empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(pub(super) String);

impl FromStr for Name {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            return Err("a name has at least one character and no control characters");
        }
        Ok(Self(text.to_owned()))
    }
}

/// `any`, or what is named.
#[derive(Clone, Debug)]
pub(super) enum AnyOr<T> {
    Any,
    Named(T),
}

impl<T: FromStr> FromStr for AnyOr<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        if text == "any" { Ok(Self::Any) } else { text.parse().map(Self::Named) }
    }
}

/// `80` or `"8000-8999"`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports(pub(super) PortRange);

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PortsVisitor)
    }
}

struct PortsVisitor;

impl Visitor<'_> for PortsVisitor {
    type Value = Ports;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a port, or two such as \"8000-8999\"")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Ports, E> {
        let port = u16::try_from(number).map_err(|_| E::custom(format_args!("{number} is not a port (0..65535)")))?;
        Ok(Ports(PortRange { first: port, last: port }))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Ports, E> {
        text.parse().map(Ports).map_err(E::custom)
    }
}

/// `"90s"`, `"15m"`, `"24h"`, `"7d"`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span(pub(super) Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let not_one = || format!("{text:?} is not a time such as \"90s\", \"15m\", \"24h\" or \"7d\"");
        let (digits, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(not_one)?;
        let unit: u64 = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return Err(not_one()),
        };
        let number: u64 = digits.parse().map_err(|_| not_one())?;
        let milliseconds = number.checked_mul(unit * 1000).ok_or_else(not_one)?;
        Duration::from_millis(milliseconds).map(Self).map_err(|_| not_one())
    }
}

/// What a fact may be: a value, a list of values, or `{ min = 1, max = 9 }`.
#[derive(Clone, Debug)]
pub(super) struct Permitted(pub(super) Allowed);

impl<'de> Deserialize<'de> for Permitted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PermittedVisitor)
    }
}

struct PermittedVisitor;

impl PermittedVisitor {
    fn one<E>(value: impl Into<Fact>) -> Result<Permitted, E> {
        Ok(Permitted(Allowed::These(vec![value.into()])))
    }
}

impl<'de> Visitor<'de> for PermittedVisitor {
    type Value = Permitted;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list of values, or { min = .., max = .. }")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Permitted, E> {
        Self::one(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Permitted, E> {
        Self::one(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Permitted, E> {
        Self::one(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Permitted, A::Error> {
        let mut values = Vec::new();
        while let Some(Permitted(item)) = seq.next_element()? {
            match item {
                Allowed::These(mut value) if value.len() == 1 => values.append(&mut value),
                _ => return Err(A::Error::custom("a list of values holds values")),
            }
        }
        if values.is_empty() { Err(A::Error::custom("an empty list")) } else { Ok(Permitted(Allowed::These(values))) }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Permitted, A::Error> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Ends {
            min: Option<i64>,
            max: Option<i64>,
        }

        let Ends { min, max } = Ends::deserialize(MapAccessDeserializer::new(map))?;
        if min.is_none() && max.is_none() {
            return Err(A::Error::custom("at least one of min and max is due"));
        }
        Ok(Permitted(Allowed::Between { min, max }))
    }
}
