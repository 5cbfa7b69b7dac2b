//! Who is to perform a Command: the `actuator` member (LS 3.3.1.3).

use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserializer, Serializer};

use crate::any::Any;
use crate::form::Form;
use crate::invalid::Quoted;
use crate::nsid::Nsid;
use crate::profile::Profile;
use crate::shape::read::{Context, Read, ReadError, Segment, value};
use crate::shape::write::{Write, entry};

/// A profile and its specifiers, which narrow down the actuators that are meant (LS 3.3.1.3).
#[derive(Clone, Debug, PartialEq)]
pub struct Actuator {
    nsid: Nsid,
    specifiers: Any,
}

impl Actuator {
    /// Addresses the actuators of the profile `P` that match the specifiers.
    pub fn new<P: Profile>(specifiers: P::Specifiers) -> Self {
        Self { nsid: P::NSID, specifiers: Any::typed(specifiers) }
    }

    /// The profile.
    #[must_use]
    pub fn nsid(&self) -> Nsid {
        self.nsid
    }

    /// The specifiers, not typed.
    #[must_use]
    pub fn specifiers(&self) -> &Any {
        &self.specifiers
    }

    /// The specifiers of the profile `P`; `None` if another one is addressed.
    ///
    /// # Errors
    /// They are ill-typed.
    pub fn of<P: Profile>(&self) -> Result<Option<P::Specifiers>, ReadError> {
        if self.nsid != P::NSID {
            return Ok(None);
        }
        self.specifiers
            .of()
            .map(Some)
            .map_err(|error| error.within(Segment::Name(self.nsid.as_str())).within(Segment::Name("actuator")))
    }
}

impl Read for Actuator {
    const TYPE: &'static str = "Actuator";

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(One(context))
    }
}

impl Write for Actuator {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        entry(&mut map, self.nsid.as_str(), &self.specifiers, form)?;
        map.end()
    }
}

struct One<'c>(&'c mut Context);

impl<'de> Visitor<'de> for One<'_> {
    type Value = Actuator;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object of one member, a namespace identifier")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Actuator, A::Error> {
        let Some(name) = map.next_key::<Box<str>>()? else {
            return Err(A::Error::custom("exactly one profile is due, there is none"));
        };
        let nsid = name.parse().map_err(A::Error::custom)?;
        let specifiers: Any = value(self.0, &mut map, &name)?;
        if !specifiers.is_object() {
            let not_object = || A::Error::custom("specifiers are an object under the profile's name (LS 3.1.4)");
            return self.0.at(Segment::Name(&name), |_| Err(not_object()));
        }
        match map.next_key::<Box<str>>()? {
            None => Ok(Actuator { nsid, specifiers }),
            Some(second) => {
                Err(A::Error::custom(format_args!("exactly one profile is due, {} is a second", Quoted(&second))))
            }
        }
    }
}
