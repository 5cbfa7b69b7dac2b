//! Targets that profiles define (LS 3.1.4).

use serde::de::{Error, MapAccess};
use serde::{Deserializer, Serializer};

use crate::any::{Any, Tree};
use crate::form::Form;
use crate::invalid::{Cut, Invalid};
use crate::nsid::{FieldName, Nsid};
use crate::profile::Profile;
use crate::shape::read::{Context, ForeignField, Read, ReadError, Segment, value};
use crate::shape::write::Write;
use crate::shape::{Choice, Field, Kind, Shape};
use crate::target::Target;

/// A target in a profile's namespace: `slpf:rule_number` and its value, typed on demand.
#[derive(Clone, Debug, PartialEq)]
pub struct Extended {
    nsid: Nsid,
    name: FieldName,
    value: Any,
}

impl Extended {
    pub(crate) fn new<P: Profile>(target: P::Target) -> Result<Self, Invalid> {
        let field = target.field().ok_or_else(|| Invalid::new("not a row of the profile's table"))?;
        Ok(Self { nsid: P::NSID, name: field.name.parse()?, value: Any::field_of(target) })
    }

    /// The namespace.
    #[must_use]
    pub fn nsid(&self) -> Nsid {
        self.nsid
    }

    /// The name within it.
    #[must_use]
    pub fn name(&self) -> FieldName {
        self.name
    }

    /// The value, not typed.
    #[must_use]
    pub fn value(&self) -> &Any {
        &self.value
    }

    pub(crate) fn of<P: Profile>(&self) -> Result<Option<P::Target>, ReadError> {
        if self.nsid != P::NSID {
            return Ok(None);
        }
        self.value
            .of_field(self.name.as_str())
            .map_err(|error| error.within(Segment::Name(&self.wire_name())).within(Segment::Name("target")))
    }

    pub(crate) fn field(&self) -> Option<&'static Field> {
        None
    }

    pub(crate) fn wire_name(&self) -> String {
        format!("{}:{}", self.nsid, self.name)
    }

    pub(crate) fn write_field<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.write(form, serializer)
    }
}

/// `"slpf:rule_number": 1`, and in lenient mode `"slpf": {"rule_number": 1}` (DECISIONS S15).
impl ForeignField<Target> for Extended {
    fn read_foreign<'de, A: MapAccess<'de>>(
        context: &mut Context,
        name: &str,
        map: &mut A,
    ) -> Result<Target, A::Error> {
        if let Some((nsid, field)) = name.split_once(':') {
            let nsid = nsid.parse().map_err(A::Error::custom)?;
            let name = field.parse().map_err(A::Error::custom)?;
            let value = value(context, map, &format!("{nsid}:{name}"))?;
            return Ok(Target::Extended(Self { nsid, name, value }));
        }
        match name.parse::<Nsid>() {
            Ok(nsid) if nsid.is_established() => {
                let members: Any = value(context, map, name)?;
                context.at(Segment::Name(name), |context| {
                    context.tolerate(&format!("the target is to be spelled {name}:... (LS 3.1.4)"))?;
                    Self::nested(nsid, &members, context).map_err(A::Error::custom)
                })
            }
            _ => context.as_top(|_| {
                Err(A::Error::custom(format_args!(
                    "Validation Error: Target: {} is not a target (LS 3.3.1.2)",
                    Cut(name)
                )))
            }),
        }
    }
}

impl Extended {
    fn nested(nsid: Nsid, members: &Any, context: &Context) -> Result<Target, Invalid> {
        match &*members.tree(Form::DEFAULT) {
            Tree::Map(members) if members.len() == 1 => {
                let (name, tree) = &members[0];
                Ok(Target::Extended(Self {
                    nsid,
                    name: name.parse()?,
                    value: Any::read_as(tree.clone(), context.mode()),
                }))
            }
            _ => Err(Invalid::new("exactly one target is due")),
        }
    }
}

/// The targets of a profile that defines none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTarget {}

impl Choice for NoTarget {
    const TABLE: &'static Shape = &Shape { name: "Target", kind: Kind::Choice, fields: &[] };

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
    const TYPE: &'static str = "Target";

    fn read<'de, D: Deserializer<'de>>(_: &mut Context, _: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("the profile has no targets"))
    }
}

impl Write for NoTarget {
    fn write<S: Serializer>(&self, _: Form, _: S) -> Result<S::Ok, S::Error> {
        match *self {}
    }
}
