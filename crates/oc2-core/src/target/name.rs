//! Names of targets, as `pairs` lists them (LS 3.4.2.1).

use std::fmt;
use std::str::FromStr;

use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

use crate::form::{Form, Notation};
use crate::invalid::Invalid;
use crate::nsid::{FieldName, Flat, Nsid};
use crate::shape::read::{Context, Read, refuse_noncharacters};
use crate::shape::write::Write;
use crate::shape::{Kind, Part, Room, Shape};
use crate::target::TargetKind;

/// The name of a target: the standard's, or `nsid:name` (LS 3.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetName {
    /// A target of LS 3.3.1.2.
    Standard(TargetKind),
    /// A target of a profile.
    Extended(Nsid, FieldName),
}

impl TargetName {
    /// The id it has in forms by id; `None` if it stands by its name in every form (DECISIONS E2, E6).
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        match self {
            Self::Standard(kind) => Some(kind.id()),
            Self::Extended(nsid, name) => Flat::of(*nsid, name.as_str()).map(|flat| flat.id),
        }
    }
}

impl FromStr for TargetName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if let Some((index, _)) = TargetKind::SHAPE.by_name(text) {
            return Ok(Self::Standard(TargetKind::ALL[index]));
        }
        match text.split_once(':') {
            Some((nsid, name)) => Ok(Self::Extended(nsid.parse()?, name.parse()?)),
            None => Err(Invalid::text(text, "is not a target (LS 3.3.1.2)")),
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
    fn shape() -> &'static Shape {
        // The enumeration of the names of Target keeps its ids (LS annex C.1, DECISIONS E3).
        const SHAPE: Shape =
            Shape::table("Targets-Enum", "LS C.1 (LS-232)", Kind::Enumerated, TargetKind::SHAPE.fields)
                .with_room(Room::Profiles(Part::Target));
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameOrId(context))
    }
}

struct NameOrId<'c>(&'c mut Context);

impl Visitor<'_> for NameOrId<'_> {
    type Value = TargetName;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a target")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<TargetName, E> {
        let Self(context) = self;
        if context.is_strict() {
            refuse_noncharacters(context, text)?;
        }
        let name: TargetName = text.parse().map_err(E::custom)?;
        // A target that no registry has an id for stands by its name in every form (DECISIONS E6).
        if name.id().is_some() || !context.is_concise() {
            context.meet_name()?;
        }
        Ok(name)
    }

    fn visit_u64<E: Error>(self, id: u64) -> Result<TargetName, E> {
        let Self(context) = self;
        if !context.may_have_ids() {
            return Err(E::invalid_type(serde::de::Unexpected::Unsigned(id), &Self(context)));
        }
        let name = match (TargetKind::SHAPE.by_id(id), Flat::by_id(id)) {
            (Some((index, _)), _) => TargetName::Standard(TargetKind::ALL[index]),
            (None, Some(flat)) => {
                if id != u64::from(flat.id) {
                    context.tolerate(&format!("the id of the target is {}", flat.id))?;
                }
                TargetName::Extended(flat.nsid, flat.name)
            }
            (None, None) => return Err(E::custom(format_args!("{id} is not the id of a target (LS 3.3.1.2)"))),
        };
        context.meet_id()?;
        Ok(name)
    }
}

impl Write for TargetName {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        let id = if form.notation == Notation::Concise { self.id() } else { None };
        match id {
            Some(id) => serializer.serialize_u32(id),
            None => serializer.collect_str(self),
        }
    }
}
