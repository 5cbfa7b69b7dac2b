//! Names of targets, as `pairs` lists them (LS 3.4.2.1).

use std::fmt;
use std::str::FromStr;

use serde::{Deserializer, Serializer};

use crate::form::Form;
use crate::invalid::Invalid;
use crate::nsid::{FieldName, Nsid};
use crate::shape::read::{Context, Read, text};
use crate::shape::write::Write;
use crate::target::TargetKind;

/// The name of a target: the standard's, or `nsid:name` (LS 3.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetName {
    /// A target of LS 3.3.1.2.
    Standard(TargetKind),
    /// A target of a profile.
    Extended(Nsid, FieldName),
}

impl FromStr for TargetName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.split_once(':') {
            Some((nsid, name)) => Ok(Self::Extended(nsid.parse()?, name.parse()?)),
            None => text.parse().map(Self::Standard).map_err(|_| Invalid::text(text, "is not a target (LS 3.3.1.2)")),
        }
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard(kind) => f.write_str(kind.name()),
            Self::Extended(nsid, name) => write!(f, "{nsid}:{name}"),
        }
    }
}

impl Read for TargetName {
    const TYPE: &'static str = "Targets";

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        text(context, deserializer, "the name of a target", str::parse)
    }
}

impl Write for TargetName {
    fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
