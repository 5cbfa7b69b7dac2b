//! Who is to perform a Command: the `actuator` member (LS 3.3.1.3).

use serde::de::{Error, MapAccess, Visitor};
use serde::ser::{Error as _, SerializeMap};
use serde::{Deserializer, Serializer};

use crate::any::{Any, CANNOT_CHANGE};
use crate::form::{Form, Notation};
use crate::invalid::Invalid;
use crate::nsid::Nsid;
use crate::profile::Profile;
use crate::shape::read::{Context, KeyText, OnlyKey, Place, Read, ReadError, Segment, member_value};
use crate::shape::write::{Write, Written};
use crate::shape::{Kind, Part, Room, Shape};

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
        self.specifiers.of().map(Some).map_err(|error| self.placed(error))
    }

    pub(crate) fn check<P: Profile>(&self) -> Result<(), Vec<ReadError>> {
        if self.nsid != P::NSID {
            return Ok(());
        }
        let placed = |errors: Vec<_>| errors.into_iter().map(|error| self.placed(error)).collect();
        self.specifiers.check::<P::Specifiers>().map_err(placed)
    }

    fn placed(&self, error: ReadError) -> ReadError {
        error.within(Segment::Name(self.nsid.as_str())).within(Segment::Name("actuator"))
    }
}

impl Read for Actuator {
    fn shape() -> &'static Shape {
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        let mut actuator = None;
        Self::read_to(context, deserializer, &mut actuator)?;
        actuator.ok_or_else(|| D::Error::custom("exactly one profile is due"))
    }

    fn read_to<'de, D: Deserializer<'de>>(
        context: &mut Context,
        deserializer: D,
        place: &mut impl Place<Self>,
    ) -> Result<(), D::Error> {
        deserializer.deserialize_map(One(context, place))
    }
}

impl Write for Actuator {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        let is_binary = !serializer.is_human_readable();
        let mut map = serializer.serialize_map(Some(1))?;
        let specifiers = Written(&self.specifiers, form);
        let id = if form.notation == Notation::Concise { self.nsid.registered_id() } else { None };
        match id {
            Some(id) => map.serialize_entry(&id, &specifiers)?,
            None => {
                let name = self.nsid.as_str();
                if !Any::can_stand_under_name(name, form, is_binary) {
                    return Err(S::Error::custom(CANNOT_CHANGE));
                }
                map.serialize_entry(name, &specifiers)?;
            }
        }
        map.end()
    }
}

struct One<'c, P>(&'c mut Context, &'c mut P);

impl<'de, P: Place<Actuator>> Visitor<'de> for One<'_, P> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object of one member, a namespace identifier")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(context, place) = self;
        let n_faults = context.n_faults();
        let mut only = OnlyKey::read(context, &SHAPE, &mut map)?;
        let res = match only.key() {
            // Without rows every key is foreign.
            Some(Err(key)) => read_one(context, key, &mut map, place),
            _ => {
                context.blame(SHAPE.clause);
                Err(A::Error::custom("exactly one profile is due, there is none"))
            }
        };
        if let Err(error) = res {
            context.recover(error)?;
        }
        only.refuse_others(context, "exactly one profile", &mut map)?;
        context.settle(n_faults)
    }
}

fn read_one<'de, A: MapAccess<'de>>(
    context: &mut Context,
    key: &KeyText<'de>,
    map: &mut A,
    place: &mut impl Place<Actuator>,
) -> Result<(), A::Error> {
    if !(context.is_by_name() && matches!(key, KeyText::Name(_))) {
        context.at(key.segment(), |context| context.meet_namespace::<A::Error>(&key.to_key()))?;
    }
    let nsid = match key {
        KeyText::Name(name) => name.parse(),
        KeyText::Number(id) => {
            Nsid::registered(*id).ok_or_else(|| Invalid::new(format!("{key} is not the id of a profile")))
        }
    };
    let segment = key.segment();
    let nsid = nsid.map_err(|invalid| {
        context.blame(Nsid::shape().clause);
        A::Error::custom(invalid)
    })?;
    let specifiers: Any = member_value(context, map, segment)?;
    if !specifiers.is_object() {
        let not_object = || A::Error::custom("specifiers are an object under the profile's name (LS 3.1.4)");
        return context.at(segment, |context| {
            context.blame(SPECIFIERS);
            Err(not_object())
        });
    }
    if context.finds_all() {
        context.at(segment, |context| {
            context.check_part(Part::Specifiers, nsid, &specifiers);
            Ok(())
        })?;
    }
    place.put(Actuator { nsid, specifiers });
    Ok(())
}

/// The standard has a row for each profile, and leaves them to the registry.
const SHAPE: Shape =
    Shape::plain("Actuator", "LS 3.3.1.3 (LS-117)", Kind::Choice).with_room(Room::Profiles(Part::Specifiers));
const SPECIFIERS: &str = "LS 3.1.4 (LS-041), DECISIONS L31";
