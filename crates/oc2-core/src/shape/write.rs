//! Writing a typed value: [`Write`], and what the macros of [`crate::shape`] build writers from.

mod serializer;

use data_encoding::BASE64URL_NOPAD;
use serde::ser::{Error, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

#[doc(hidden)]
pub use self::serializer::not_in_shapes;
use crate::any::{CANNOT_CHANGE, Key, Members, Others};
use crate::form::{Form, Notation};
use crate::shape::{Choice, Field, Kind, Shape};

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

impl<T: Write> Write for Box<T> {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        T::write(self, form, serializer)
    }
}

impl Write for Box<str> {
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
pub fn row<S: Serializer>(shape: &'static Shape, index: usize, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
    let field = &shape.fields[index];
    match (shape.kind, form.notation) {
        (Kind::EnumeratedId, _) | (_, Notation::Concise) => serializer.serialize_u32(field.id),
        _ => serializer.serialize_unit_variant(field.quoted.unwrap_or_default(), UNUSED, field.name),
    }
}

/// The names of tables are written as serde's names of variants. No encoding has an interest in the position that goes with them,
/// nor in the name of the type: that tells JSON what the name looks like with quotation marks and colon (`Field::quoted`).
const UNUSED: u32 = 0;

/// A name of a table as a key, which needs no escape in any encoding.
struct Known(&'static Field);

impl Serialize for Known {
    #[inline(always)]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit_variant(self.0.quoted.unwrap_or_default(), UNUSED, self.0.name)
    }
}

/// Writes octets: as such in the concise notation (base64url where the encoding has no octets), else as the text.
///
/// # Errors
/// The serializer's.
pub fn octets<S: Serializer>(
    octets: &[u8],
    text: &dyn std::fmt::Display,
    form: Form,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match form.notation {
        Notation::Verbose | Notation::Compact => serializer.collect_str(text),
        Notation::Concise if serializer.is_human_readable() => {
            // Addresses and hashes take no allocation.
            let mut buffer = [0; 64];
            match buffer.get_mut(..BASE64URL_NOPAD.encode_len(octets.len())) {
                Some(buffer) => serializer.serialize_str(BASE64URL_NOPAD.encode_mut_str(octets, buffer)),
                None => serializer.serialize_str(&BASE64URL_NOPAD.encode(octets)),
            }
        }
        Notation::Concise => serializer.serialize_bytes(octets),
    }
}

/// Writes the rows of a Map or Record, one after the other.
#[doc(hidden)]
pub struct Rows<'a, S: Serializer> {
    shape: &'static Shape,
    /// Members that the table does not have, if there are any.
    others: Option<(&'a Members, &'static Others)>,
    form: Form,
    into: Container<S>,
}

enum Container<S: Serializer> {
    Object(S::SerializeMap),
    List { items: S::SerializeSeq, n_items: usize },
}

impl<'a, S: Serializer> Rows<'a, S> {
    /// Starts the object or the array.
    ///
    /// # Errors
    /// The serializer's.
    #[inline]
    pub fn start(
        shape: &'static Shape,
        present: &[bool],
        others: Option<(&'a Members, &'static Others)>,
        form: Form,
        serializer: S,
    ) -> Result<Self, S::Error> {
        if form.notation.is_positional() && matches!(shape.kind, Kind::Record { .. }) {
            let n_items = present.iter().rposition(|is_present| *is_present).map_or(0, |last| last + 1);
            let items = serializer.serialize_seq(Some(n_items))?;
            return Ok(Self { shape, others: None, form, into: Container::List { items, n_items } });
        }
        let n_present = present.iter().filter(|is_present| **is_present).count();
        // Most objects have none.
        let Some((members, policy)) = others.filter(|(members, _)| !members.is_empty()) else {
            let object = serializer.serialize_map(Some(n_present))?;
            return Ok(Self { shape, others: None, form, into: Container::Object(object) });
        };
        let is_binary = !serializer.is_human_readable();
        if !members.iter().all(|(key, any)| any.can_stand_under(&policy.key_in(form, key), form, is_binary)) {
            return Err(S::Error::custom(CANNOT_CHANGE));
        }
        let mut object = serializer.serialize_map(Some(n_present + members.len()))?;
        write_others(&mut object, members, policy, form, |key| is_below(shape, key))?;
        Ok(Self { shape, others, form, into: Container::Object(object) })
    }

    /// Writes the value of a row, if it is present.
    ///
    /// # Errors
    /// The serializer's.
    #[inline]
    pub fn row<T: Write>(&mut self, index: usize, value: Option<&T>) -> Result<(), S::Error> {
        let field = &self.shape.fields[index];
        match (&mut self.into, value) {
            (Container::Object(_), None) => Ok(()),
            (Container::Object(object), Some(value)) => match self.form.notation {
                Notation::Concise => object.serialize_entry(&field.id, &Written(value, self.form)),
                Notation::Verbose | Notation::Compact => {
                    object.serialize_entry(&Known(field), &Written(value, self.form))
                }
            },
            (Container::List { n_items, .. }, _) if index >= *n_items => Ok(()),
            (Container::List { items, .. }, None) => items.serialize_element(&()),
            (Container::List { items, .. }, Some(value)) => items.serialize_element(&Written(value, self.form)),
        }
    }

    /// Ends the object or the array.
    ///
    /// # Errors
    /// The serializer's.
    #[inline]
    pub fn end(self) -> Result<S::Ok, S::Error> {
        match self.into {
            Container::List { items, .. } => items.end(),
            Container::Object(mut object) => {
                if let Some((members, policy)) = self.others {
                    write_others(&mut object, members, policy, self.form, |key| !is_below(self.shape, key))?;
                }
                object.end()
            }
        }
    }
}

impl<S: Serializer> std::fmt::Debug for Rows<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rows({})", self.shape.name)
    }
}

/// Whether a member comes before the rows of a table: ids ascend (DECISIONS E7), and so do those of every table.
fn is_below(shape: &Shape, key: &Key) -> bool {
    let lowest = shape.fields.first().map_or(0, |field| u64::from(field.id));
    matches!(key, Key::Number(number) if *number < lowest)
}

/// Writes those of the members that a table does not have whose turn it is.
#[inline(never)]
fn write_others<M: SerializeMap>(
    object: &mut M,
    members: &Members,
    others: &Others,
    form: Form,
    is_due: impl Fn(&Key) -> bool,
) -> Result<(), M::Error> {
    let mut write =
        |key: &Key, any| if is_due(key) { object.serialize_entry(key, &Written(any, form)) } else { Ok(()) };
    if form.notation != Notation::Concise {
        return members.iter().try_for_each(|(key, any)| write(key, any));
    }
    let mut in_form = members.iter().map(|(key, any)| (others.key_in(form, key), any));
    if members.len() == 1 {
        return in_form.try_for_each(|(key, any)| write(&key, any));
    }
    let mut sorted: Vec<_> = in_form.collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
    sorted.iter().try_for_each(|(key, any)| write(key, any))
}

/// Writes a Choice that holds a field of its table: an object of one member.
///
/// # Errors
/// The serializer's.
pub fn choice<T: Choice, S: Serializer>(choice: &T, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
    let Some(field) = choice.field() else {
        return Err(S::Error::custom(format_args!("not a field of {}", T::TABLE.name)));
    };
    let mut map = serializer.serialize_map(Some(1))?;
    match form.notation {
        Notation::Concise => map.serialize_entry(&field.id, &OfField(choice, form))?,
        Notation::Verbose | Notation::Compact => map.serialize_entry(&Known(field), &OfField(choice, form))?,
    }
    map.end()
}

/// The field that a Choice holds, without its name.
pub(crate) struct OfField<'a, T>(pub(crate) &'a T, pub(crate) Form);

impl<T: Choice> Serialize for OfField<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write_field(self.1, serializer)
    }
}
