//! Writing a typed value: [`Write`], and what the macros of [`crate::shape`] build writers from.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::any::Members;
use crate::form::Form;
use crate::shape::{Choice, Kind, Shape};

/// A type that can be written. What is written is always strict.
pub trait Write {
    /// Writes the value in this form.
    ///
    /// # Errors
    /// The serializer's.
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error>;
}

impl<T: Write> Write for Vec<T> {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|item| Written(item, form)))
    }
}

impl Write for String {
    fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl Write for bool {
    fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(*self)
    }
}

impl Write for i64 {
    fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(*self)
    }
}

/// A value and the form to write it in, for serializers.
#[derive(Debug)]
pub struct Written<'a, T: ?Sized>(pub &'a T, pub Form);

impl<T: Write> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(self.1, serializer)
    }
}

/// Writes a value of an enumeration: the row at this position of its table.
///
/// # Errors
/// The serializer's.
pub fn row<S: Serializer>(shape: &Shape, index: usize, serializer: S) -> Result<S::Ok, S::Error> {
    let field = &shape.fields[index];
    match shape.kind {
        Kind::EnumeratedId => serializer.serialize_u32(field.id),
        Kind::Enumerated | Kind::Choice | Kind::Map | Kind::Record => serializer.serialize_str(field.name),
    }
}

/// Writes one member of an object.
///
/// # Errors
/// The serializer's.
pub fn entry<M: SerializeMap, T: Write>(map: &mut M, name: &str, value: &T, form: Form) -> Result<(), M::Error> {
    map.serialize_entry(name, &Written(value, form))
}

/// Writes the members that are not in a table.
///
/// # Errors
/// The serializer's.
pub fn members<M: SerializeMap>(members: &Members, form: Form, map: &mut M) -> Result<(), M::Error> {
    members.iter().try_for_each(|(name, value)| entry(map, name, value, form))
}

/// Writes a Choice: an object of one member.
///
/// # Errors
/// The serializer's.
pub fn member<T: Choice, S: Serializer>(name: &str, choice: &T, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(name, &Field(choice, form))?;
    map.end()
}

struct Field<'a, T>(&'a T, Form);

impl<T: Choice> Serialize for Field<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write_field(self.1, serializer)
    }
}
