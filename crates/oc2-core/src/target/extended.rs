//! Targets that profiles define (LS 3.1.4).

use serde::de::{Error, MapAccess};
use serde::ser::{Error as _, SerializeMap};
use serde::{Deserializer, Serialize, Serializer};

use crate::any::{Any, CANNOT_CHANGE, Key};
use crate::form::{Form, Notation};
use crate::invalid::{Cut, Invalid};
use crate::nsid::{FieldName, Flat, Nsid};
use crate::profile::Profile;
use crate::shape::read::{Context, ForeignField, KeyText, Read, ReadError, Segment, decimal, member_value};
use crate::shape::write::{Write, Written};
use crate::shape::{Choice, Field, Kind, Shape};
use crate::target::Target;

/// A target in a profile's namespace: `slpf:rule_number` and its value, typed on demand.
#[derive(Clone, Debug)]
pub struct Extended(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    nsid: Nsid,
    name: FieldName,
    /// The id it came with, where no name did.
    id: Option<u64>,
    value: Any,
}

impl Extended {
    pub(crate) fn new<P: Profile>(target: P::Target) -> Result<Self, Invalid> {
        let field = target.field().ok_or_else(|| Invalid::new("not a row of the profile's table"))?;
        let name = field.name.parse()?;
        Ok(Self::with(P::NSID, name, None, Any::field_of(target)))
    }

    fn with(nsid: Nsid, name: FieldName, id: Option<u64>, value: Any) -> Self {
        Self(Box::new(Parts { nsid, name, id, value }))
    }

    /// The namespace.
    #[must_use]
    pub fn nsid(&self) -> Nsid {
        self.0.nsid
    }

    /// The name within it; its id in decimal, if it came with an id that only its profile knows.
    #[must_use]
    pub fn name(&self) -> FieldName {
        self.0.name
    }

    /// The value, not typed.
    #[must_use]
    pub fn value(&self) -> &Any {
        &self.0.value
    }

    pub(crate) fn of<P: Profile>(&self) -> Result<Option<P::Target>, ReadError> {
        self.row_in::<P>()
            .map(|field| self.0.value.of_field::<P::Target>(field))
            .transpose()
            .map_err(|error| self.placed(error))
    }

    /// All that is wrong with the value, as a target of the profile `P`; the places are those within it.
    pub(crate) fn check<P: Profile>(&self) -> Result<(), Vec<ReadError>> {
        self.row_in::<P>().map_or(Ok(()), |field| self.0.value.check_field::<P::Target>(field))
    }

    /// The row of the profile's table, if it is the profile's and has one.
    pub(crate) fn row_in<P: Profile>(&self) -> Option<&'static Field> {
        if self.0.nsid != P::NSID {
            return None;
        }
        let row = match self.0.id {
            Some(id) => P::Target::TABLE.by_id(id),
            None => P::Target::TABLE.by_name(self.0.name.as_str()),
        };
        row.map(|(_, field)| field)
    }

    /// The name that the profile has for it; its own if it is none of the profile's.
    pub(crate) fn name_in<P: Profile>(&self) -> FieldName {
        self.row_in::<P>().and_then(|field| field.name.parse().ok()).unwrap_or(self.0.name)
    }

    pub(crate) fn field(&self) -> Option<&'static Field> {
        None
    }

    /// The path to the value in its Command.
    pub(crate) fn placed(&self, error: ReadError) -> ReadError {
        error.within(Segment::Name(&self.wire_name())).within(Segment::Name("target"))
    }

    fn known_id(&self) -> Option<u64> {
        self.0.id.or_else(|| self.0.value.field_id().map(u64::from))
    }

    fn wire_name(&self) -> String {
        format!("{}:{}", self.0.nsid, self.0.name)
    }

    pub(crate) fn write_member<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        let flat = Flat::of(self.0.nsid, self.0.name.as_str());
        match (form.notation, flat, self.0.nsid.registered_id()) {
            (Notation::Concise, Some(flat), _) => map.serialize_entry(&flat.id, &Written(&self.0.value, form))?,
            (Notation::Concise, None, Some(id)) => map.serialize_entry(&id, &Nested(self, form))?,
            (Notation::Verbose | Notation::Compact, ..) if self.0.id.is_some() => {
                return Err(S::Error::custom(CANNOT_CHANGE));
            }
            _ => map.serialize_entry(&self.wire_name(), &Written(&self.0.value, form))?,
        }
        map.end()
    }

    pub(crate) fn write_value<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.value.write(form, serializer)
    }
}

/// One that came by id and one that is known by its type are the same if the id is.
impl PartialEq for Extended {
    fn eq(&self, other: &Self) -> bool {
        let is_same_row = match (self.known_id(), other.known_id()) {
            (Some(a), Some(b)) => a == b,
            _ => self.0.name == other.0.name,
        };
        self.0.nsid == other.0.nsid && is_same_row && self.0.value == other.0.value
    }
}

/// The object that holds a target under the id of its profile.
struct Nested<'a>(&'a Extended, Form);

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(target, form) = self;
        // One that nobody here has an id for keeps its name in the place of it (DECISIONS E6).
        let key = target.known_id().map_or_else(|| target.0.name.as_str().into(), Key::Number);
        if !target.0.value.can_stand_under(&key, *form, !serializer.is_human_readable()) {
            return Err(S::Error::custom(CANNOT_CHANGE));
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(&key, &Written(&target.0.value, *form))?;
        map.end()
    }
}

/// `"slpf:rule_number": 1`, in lenient mode `"slpf": {"rule_number": 1}` (DECISIONS S15), and by id `1024: 1` for the one target
/// whose profile published it like this, `id: {id: value}` for all others (DECISIONS E2).
impl ForeignField<Target> for Extended {
    fn read_foreign<'de, A: MapAccess<'de>>(
        context: &mut Context,
        key: &KeyText<'de>,
        map: &mut A,
    ) -> Result<Target, A::Error> {
        match key {
            KeyText::Name(name) => Self::read_named(context, name, map),
            KeyText::Number(id) => Self::read_numbered(context, *id, map),
        }
    }
}

impl Extended {
    fn read_named<'de, A: MapAccess<'de>>(context: &mut Context, name: &str, map: &mut A) -> Result<Target, A::Error> {
        if let Some((nsid, field)) = name.split_once(':') {
            let nsid: Nsid = nsid.parse().map_err(|invalid| blamed::<Nsid, _>(context, invalid))?;
            context.at(Segment::Name(name), |context| context.meet_namespace::<A::Error>(&nsid.into()))?;
            let field = field.parse().map_err(|invalid| blamed::<FieldName, _>(context, invalid))?;
            let value = member_value(context, map, Segment::Name(name))?;
            return context
                .at(Segment::Name(name), |context| Ok(Self::with(nsid, field, None, value).checked(context)));
        }
        match name.parse::<Nsid>() {
            Ok(nsid) if nsid.is_established() => {
                let members: Any = member_value(context, map, Segment::Name(name))?;
                context.at(Segment::Name(name), |context| {
                    let res = context.tolerate(&format!("the target is to be spelled {name}:... (LS 3.1.4)"));
                    res.inspect_err(|_| context.blame(SPELLING))?;
                    context.meet_namespace::<A::Error>(&nsid.into())?;
                    Self::nested(nsid, &members, context).map_err(A::Error::custom)
                })
            }
            _ => Err(not_a_target(context, &Cut(name))),
        }
    }

    fn read_numbered<'de, A: MapAccess<'de>>(context: &mut Context, id: u64, map: &mut A) -> Result<Target, A::Error> {
        let name = id.to_string();
        if Flat::by_id(id).is_some() || Nsid::registered(id).is_some() {
            context.at(Segment::Id(id), |context| context.meet_id::<A::Error>())?;
        }
        if let Some(flat) = Flat::by_id(id) {
            let value: Any = member_value(context, map, Segment::Id(id))?;
            return context.at(Segment::Name(&name), |context| {
                if value.is_object() && id == u64::from(flat.id) {
                    let target = Self::nested(flat.nsid, &value, context).map_err(A::Error::custom)?;
                    // What else the profile may have stands there, as those of every other profile do.
                    if matches!(&target, Target::Extended(one) if one.0.name == flat.name) {
                        context.tolerate("the target is to stand in the place of its namespace (SLPF 2.1.2.2)")?;
                    }
                    return Ok(target);
                }
                if id != u64::from(flat.id) {
                    context.tolerate(&format!("the id of the target is {}", flat.id))?;
                }
                Ok(Self::with(flat.nsid, flat.name, None, value).checked(context))
            });
        }
        match Nsid::registered(id) {
            Some(nsid) => {
                let members: Any = member_value(context, map, Segment::Id(id))?;
                context
                    .at(Segment::Name(&name), |context| Self::nested(nsid, &members, context).map_err(A::Error::custom))
            }
            None => Err(not_a_target(context, &name)),
        }
    }

    /// The target, after its profile looked at it if it is known here.
    fn checked(self, context: &mut Context) -> Target {
        context.check_target(&self);
        Target::Extended(self)
    }

    fn nested(nsid: Nsid, members: &Any, context: &mut Context) -> Result<Target, Invalid> {
        let Some((key, tree)) = members.tree().only_member() else {
            return Err(Invalid::new("exactly one target is due"));
        };
        let id = match &key {
            Key::Number(id) => Some(*id),
            Key::Name(name) if context.is_concise() => decimal(name),
            Key::Name(_) => None,
        };
        let value = Any::read_as(tree, context);
        let target = match id.and_then(|id| Flat::nested(nsid, id)) {
            Some(flat) => Self::with(nsid, flat.name, None, value),
            None => Self::with(nsid, key.text().parse()?, id, value),
        };
        let checked: Result<_, ReadError> =
            context.at(Segment::Name(&key.text()), |context| Ok(target.checked(context)));
        checked.map_err(|error| Invalid::new(error.message()))
    }
}

fn blamed<T: Read, E: Error>(context: &mut Context, invalid: Invalid) -> E {
    context.blame(T::shape().clause);
    E::custom(invalid)
}

fn not_a_target<E: Error>(context: &mut Context, name: &dyn std::fmt::Display) -> E {
    context.blame(NOT_A_TARGET);
    if context.finds_all() {
        return E::custom(format_args!(
            "{name} is neither a target ({}) nor one of a profile (nsid:name)",
            Target::SHAPE.names()
        ));
    }
    let res: Result<(), E> = context
        .as_top(|_| Err(E::custom(format_args!("Validation Error: Target: {name} is not a target (LS 3.3.1.2)"))));
    match res {
        Err(error) => error,
        Ok(()) => E::custom("not a target"),
    }
}

const NOT_A_TARGET: &str = "LS 3.3.1.2 (LS-097), DECISIONS L2";
/// How a target of a profile is spelled.
const SPELLING: &str = "LS 3.1.4 (LS-037), DECISIONS S15";

/// The targets of a profile that defines none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTarget {}

impl Choice for NoTarget {
    const TABLE: &'static Shape = &Shape::table("Target", "", Kind::Choice, &[]);

    fn field(&self) -> Option<&'static Field> {
        match *self {}
    }

    fn read_field<'de, D: Deserializer<'de>>(_: &mut Context, field: &Field, _: D) -> Result<Self, D::Error> {
        Err(D::Error::custom(format_args!("the profile has no target {}", field.name)))
    }

    fn write_field<S: Serializer>(&self, _: Form, _: S) -> Result<S::Ok, S::Error> {
        match *self {}
    }
}

impl Read for NoTarget {
    fn shape() -> &'static Shape {
        Self::TABLE
    }

    fn read<'de, D: Deserializer<'de>>(_: &mut Context, _: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("the profile has no targets"))
    }
}

impl Write for NoTarget {
    fn write<S: Serializer>(&self, _: Form, _: S) -> Result<S::Ok, S::Error> {
        match *self {}
    }
}
