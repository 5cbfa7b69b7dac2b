//! Properties (LS 3.4.1.16).

use serde::de::Error;
use serde::{Deserializer, Serializer};

use crate::any::Name;
use crate::form::Form;
use crate::invalid::Invalid;
use crate::shape::read::{Context, Read, list, unique};
use crate::shape::write::Write;
use crate::shape::{Kind, Shape};

/// Names of attributes, at least one, each once (LS 3.4.1.16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Properties(Vec<Name>);

impl Properties {
    /// Checks a list of names.
    ///
    /// # Errors
    /// The list is empty, or a name stands twice.
    pub fn new(names: Vec<String>) -> Result<Self, Invalid> {
        Self::of(names.iter().map(|name| name.as_str().into()).collect())
    }

    fn of(names: Vec<Name>) -> Result<Self, Invalid> {
        if names.is_empty() {
            return Err(Invalid::new("at least one property is due"));
        }
        unique(&names)?;
        Ok(Self(names))
    }

    /// The names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|name| &**name)
    }
}

impl Read for Properties {
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain(
            "Properties",
            "LS 3.4.1.16 (LS-182)",
            Kind::ArrayOf { item: String::shape, min: 1, max: None, unique: true },
        );
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        Self::of(list(context, deserializer, "strings")?).map_err(D::Error::custom)
    }
}

impl Write for Properties {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(form, serializer)
    }
}
