//! What the writers of JSON and CBOR have in common.

use std::fmt;

use serde::ser;

/// Why a value cannot be written.
#[derive(Debug)]
pub(crate) struct WriteError(Box<str>);

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WriteError {}

impl ser::Error for WriteError {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string().into())
    }
}

pub(crate) fn not_in_shapes<T>() -> Result<T, WriteError> {
    Err(ser::Error::custom("no shape is written like this"))
}

/// Bytes that are told in text.
pub(crate) struct Appended<'b>(pub(crate) &'b mut Vec<u8>);

impl fmt::Write for Appended<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Appends the start of a name in quotation marks, as a table has it (oc2-core, `shape/write.rs`); not if it has none. It copies
/// as many bytes whatever the name, which takes no call and no guess.
#[inline(always)]
pub(crate) fn append_start(out: &mut Vec<u8>, quoted: &'static str, len: usize) -> bool {
    match quoted.as_bytes().first_chunk::<32>() {
        Some(start) if len <= start.len() => {
            out.extend_from_slice(start);
            out.truncate(out.len() - (start.len() - len));
            true
        }
        _ => false,
    }
}

/// The methods of a [`Serializer`](serde::Serializer) that are the same in every encoding: what no shape asks for, and what is
/// another name of something else.
macro_rules! as_shapes_do {
    () => {
        type SerializeTuple = serde::ser::Impossible<(), WriteError>;
        type SerializeTupleStruct = serde::ser::Impossible<(), WriteError>;
        type SerializeTupleVariant = serde::ser::Impossible<(), WriteError>;
        type SerializeStruct = serde::ser::Impossible<(), WriteError>;
        type SerializeStructVariant = serde::ser::Impossible<(), WriteError>;

        $crate::write::as_shapes_do!(integers serialize_i8 i8, serialize_i16 i16, serialize_i32 i32 as serialize_i64);
        $crate::write::as_shapes_do!(integers serialize_u8 u8, serialize_u16 u16, serialize_u32 u32 as serialize_u64);
        $crate::write::as_shapes_do!(integers serialize_f32 f32 as serialize_f64);

        fn serialize_char(self, value: char) -> Result<(), WriteError> {
            self.serialize_str(value.encode_utf8(&mut [0; 4]))
        }

        fn serialize_none(self) -> Result<(), WriteError> {
            self.serialize_unit()
        }

        fn serialize_some<T: ?Sized + serde::Serialize>(self, value: &T) -> Result<(), WriteError> {
            value.serialize(self)
        }

        fn serialize_newtype_struct<T: ?Sized + serde::Serialize>(
            self,
            _: &'static str,
            value: &T,
        ) -> Result<(), WriteError> {
            value.serialize(self)
        }

        fn serialize_newtype_variant<T: ?Sized + serde::Serialize>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<(), WriteError> {
            $crate::write::not_in_shapes()
        }

        fn serialize_unit_struct(self, _: &'static str) -> Result<(), WriteError> {
            $crate::write::not_in_shapes()
        }

        fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, WriteError> {
            $crate::write::not_in_shapes()
        }

        fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, WriteError> {
            $crate::write::not_in_shapes()
        }

        fn serialize_tuple_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleVariant, WriteError> {
            $crate::write::not_in_shapes()
        }

        fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, WriteError> {
            $crate::write::not_in_shapes()
        }

        fn serialize_struct_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeStructVariant, WriteError> {
            $crate::write::not_in_shapes()
        }
    };

    (integers $($method:ident $ty:ty),+ as $wide:ident) => {
        $(#[inline]
        fn $method(self, value: $ty) -> Result<(), WriteError> {
            self.$wide(value.into())
        })+
    };
}

pub(crate) use as_shapes_do;
