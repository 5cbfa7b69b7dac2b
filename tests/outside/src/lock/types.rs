//! What the profile adds to the language.

use oc2_core::serde::{Deserializer, Serializer, de::Error};
use oc2_core::shape::read::{Context, Read, integer, list, text, unique};
use oc2_core::shape::write::Write;
use oc2_core::shape::{Format, Kind, Shape};
use oc2_core::types::time::DateTime;
use oc2_core::{Form, Invalid, choice, enumerated, map, record};

choice! {
    /// A door, or all doors of a zone.
    pub enum Target: "Target" {
        /// One door.
        Door(Door) = 1 "door",
        /// All doors of a zone.
        Zone(Zone) = 2 "zone",
    }
}

map! {
    /// What can be said about locking.
    #[derive(Default)]
    pub struct Args: "Args" {
        /// Even if somebody stands in the door.
        optional force: bool = 1,
        /// For the records.
        optional reason: String = 2,
        /// Whose keys go on working.
        optional except: Keys = 3,
        /// What is called `type` on the wire.
        optional r#type: String = 4,
    }
}

map! {
    /// Which doors are meant.
    #[derive(Default)]
    pub struct Specifiers: "Specifiers" {
        /// Those of a building.
        optional building: String = 1,
    }
}

map! {
    /// What became of it.
    #[derive(Default)]
    pub struct Results: "Results" {
        /// The bolt, now.
        optional bolt: Bolt = 1,
        /// Since when.
        optional since: DateTime = 2,
        /// How many doors were touched.
        optional doors: Floor = 3,
    }
}

enumerated! {
    /// Where a bolt is.
    pub enum Bolt: "Bolt" {
        /// Drawn back.
        Open = 1 "open",
        /// Thrown.
        Locked = 2 "locked",
        /// Neither.
        None = 3 "none",
    }
}

record! {
    /// A part of a building; a floor, or a wing, or a wing of a floor.
    pub struct Zone: "Zone", sealed by ZoneBuilder checked by somewhere {
        /// Which floor.
        optional floor: Floor = 1,
        /// Which wing.
        optional wing: String = 2,
    }
}

fn somewhere(zone: &Zone) -> Result<(), Invalid> {
    if zone.is_empty() {
        return Err(Invalid::new("a floor or a wing is due"));
    }
    Ok(())
}

/// The name of a door: two letters and a number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Door(String);

impl Door {
    /// Checks a name.
    ///
    /// # Errors
    /// It is not one.
    pub fn new(name: &str) -> Result<Self, Invalid> {
        let is_name = name.len() > 2
            && name.bytes().take(2).all(|letter| letter.is_ascii_uppercase())
            && name.bytes().skip(2).all(|digit| digit.is_ascii_digit());
        if is_name { Ok(Self(name.into())) } else { Err(Invalid::new(format!("{name:?} is not a door"))) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Read for Door {
    fn shape() -> &'static Shape {
        const SHAPE: Shape =
            Shape::plain("Door", "", Kind::String { format: Format::Pattern("^[A-Z]{2}[0-9]+$"), min: 3, max: None });
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        text(context, deserializer, "the name of a door", Self::new)
    }
}

impl Write for Door {
    fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The number of a floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor(pub i8);

impl Read for Floor {
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain("Floor", "", Kind::Integer { min: -128, max: 127 });
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        let floor = integer(context, deserializer, i8::MIN.into(), i8::MAX.into(), "a floor")?;
        i8::try_from(floor).map(Self).map_err(D::Error::custom)
    }
}

impl Write for Floor {
    fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i8(self.0)
    }
}

/// Names of keys, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys(Vec<String>);

impl Keys {
    /// Checks a list.
    ///
    /// # Errors
    /// It is empty, or a key stands twice.
    pub fn new(keys: Vec<String>) -> Result<Self, Invalid> {
        if keys.is_empty() {
            return Err(Invalid::new("at least one key is due"));
        }
        unique(&keys)?;
        Ok(Self(keys))
    }
}

impl Read for Keys {
    fn shape() -> &'static Shape {
        const SHAPE: Shape =
            Shape::plain("Keys", "", Kind::ArrayOf { item: String::shape, min: 1, max: None, unique: true });
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        Self::new(list(context, deserializer, "keys")?).map_err(D::Error::custom)
    }
}

impl Write for Keys {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(form, serializer)
    }
}
