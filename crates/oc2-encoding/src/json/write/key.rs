//! Writing the key of a member: a text, or an id in decimal (JADN 4.3).

use serde::ser::{self, Error, Serialize, Serializer};

use super::{digit_of, escape, needs_escape};
use crate::write::{WriteError, append_start};

/// Appends a key and its colon.
pub(super) struct KeyWriter<'b>(pub(super) &'b mut Vec<u8>);

impl KeyWriter<'_> {
    /// A text that needs no escape.
    fn plain(self, text: &str) {
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.extend_from_slice(b"\":");
    }
}

fn no_key<T>() -> Result<T, WriteError> {
    Err(WriteError::custom("a member is known by its name or id"))
}

macro_rules! ids {
    ($($method:ident $ty:ty),*) => {
        $(fn $method(self, id: $ty) -> Result<(), WriteError> {
            match u64::try_from(id) {
                Ok(id) => self.serialize_u64(id),
                Err(_) => no_key(),
            }
        })*
    };
}

macro_rules! no_keys {
    ($($method:ident $ty:ty),*) => {
        $(fn $method(self, _: $ty) -> Result<(), WriteError> {
            no_key()
        })*
    };
}

impl Serializer for KeyWriter<'_> {
    type Ok = ();
    type Error = WriteError;
    type SerializeSeq = ser::Impossible<(), WriteError>;
    type SerializeMap = ser::Impossible<(), WriteError>;
    type SerializeTuple = ser::Impossible<(), WriteError>;
    type SerializeTupleStruct = ser::Impossible<(), WriteError>;
    type SerializeTupleVariant = ser::Impossible<(), WriteError>;
    type SerializeStruct = ser::Impossible<(), WriteError>;
    type SerializeStructVariant = ser::Impossible<(), WriteError>;

    fn serialize_str(self, text: &str) -> Result<(), WriteError> {
        if needs_escape(text.as_bytes()) {
            self.0.push(b'"');
            escape(self.0, text);
            self.0.extend_from_slice(b"\":");
        } else {
            self.plain(text);
        }
        Ok(())
    }

    fn serialize_u64(self, id: u64) -> Result<(), WriteError> {
        // Most ids are a digit.
        if let Some(digit) = digit_of(id) {
            self.0.extend_from_slice(&[b'"', digit, b'"', b':']);
            return Ok(());
        }
        self.plain(itoa::Buffer::new().format(id));
        Ok(())
    }

    /// A name of a table: letters, digits and underscores.
    #[inline(always)]
    fn serialize_unit_variant(self, quoted: &'static str, _: u32, name: &'static str) -> Result<(), WriteError> {
        if !append_start(self.0, quoted, name.len() + 3) {
            self.plain(name);
        }
        Ok(())
    }

    ids! {
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32
    }

    no_keys! {
        serialize_bool bool, serialize_f32 f32, serialize_f64 f64, serialize_char char, serialize_bytes &[u8],
        serialize_unit_struct &'static str
    }

    fn serialize_unit(self) -> Result<(), WriteError> {
        no_key()
    }

    fn serialize_none(self) -> Result<(), WriteError> {
        no_key()
    }

    fn serialize_some<T: ?Sized + Serialize>(self, _: &T) -> Result<(), WriteError> {
        no_key()
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _: &'static str, key: &T) -> Result<(), WriteError> {
        key.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), WriteError> {
        no_key()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, WriteError> {
        no_key()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, WriteError> {
        no_key()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, WriteError> {
        no_key()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, WriteError> {
        no_key()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, WriteError> {
        no_key()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, WriteError> {
        no_key()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, WriteError> {
        no_key()
    }
}
