//! Building a tree from what the writers of typed values emit.

use serde::ser::{self, SerializeMap, SerializeSeq, Serializer};

use super::{Key, Tree};
use crate::shape::read::{MAX_INTEGER, ReadError, too_large};

/// Builds a tree from what the writers of typed values emit.
#[derive(Clone, Copy)]
pub(super) struct Build {
    /// As for JSON, where keys are texts; else as for CBOR.
    pub(super) is_human_readable: bool,
}

pub(super) struct BuildList {
    items: Vec<Tree>,
    build: Build,
}

pub(super) struct BuildMap {
    members: Vec<(Key, Tree)>,
    key: Key,
    build: Build,
}

impl Serializer for Build {
    type Ok = Tree;
    type Error = ReadError;
    type SerializeSeq = BuildList;
    type SerializeMap = BuildMap;
    type SerializeTuple = ser::Impossible<Tree, ReadError>;
    type SerializeTupleStruct = ser::Impossible<Tree, ReadError>;
    type SerializeTupleVariant = ser::Impossible<Tree, ReadError>;
    type SerializeStruct = ser::Impossible<Tree, ReadError>;
    type SerializeStructVariant = ser::Impossible<Tree, ReadError>;

    fn is_human_readable(&self) -> bool {
        self.is_human_readable
    }

    fn serialize_bool(self, value: bool) -> Result<Tree, ReadError> {
        Ok(Tree::Bool(value))
    }

    fn serialize_i64(self, value: i64) -> Result<Tree, ReadError> {
        if value.unsigned_abs() > MAX_INTEGER.unsigned_abs() {
            Err(too_large(&value))
        } else {
            Ok(Tree::Integer(value))
        }
    }

    fn serialize_f64(self, value: f64) -> Result<Tree, ReadError> {
        // A number beyond 2^53 has no fraction.
        if value.is_finite() && value.abs() <= MAX_INTEGER as f64 {
            Ok(Tree::Number(value))
        } else {
            Err(too_large(&value))
        }
    }

    fn serialize_str(self, text: &str) -> Result<Tree, ReadError> {
        Ok(Tree::Text(text.into()))
    }

    fn serialize_unit(self) -> Result<Tree, ReadError> {
        Ok(Tree::Null)
    }

    fn serialize_none(self) -> Result<Tree, ReadError> {
        Ok(Tree::Null)
    }

    fn serialize_some<T: ?Sized + ser::Serialize>(self, value: &T) -> Result<Tree, ReadError> {
        value.serialize(self)
    }

    fn serialize_seq(self, n_items: Option<usize>) -> Result<BuildList, ReadError> {
        Ok(BuildList { items: Vec::with_capacity(n_items.unwrap_or_default()), build: self })
    }

    fn serialize_map(self, n_members: Option<usize>) -> Result<BuildMap, ReadError> {
        let members = Vec::with_capacity(n_members.unwrap_or_default());
        Ok(BuildMap { members, key: Key::Number(0), build: self })
    }

    fn serialize_i8(self, value: i8) -> Result<Tree, ReadError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<Tree, ReadError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<Tree, ReadError> {
        self.serialize_i64(value.into())
    }

    fn serialize_u8(self, value: u8) -> Result<Tree, ReadError> {
        self.serialize_i64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<Tree, ReadError> {
        self.serialize_i64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<Tree, ReadError> {
        self.serialize_i64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<Tree, ReadError> {
        i64::try_from(value).map_err(|_| too_large(&value)).and_then(|value| self.serialize_i64(value))
    }

    fn serialize_f32(self, value: f32) -> Result<Tree, ReadError> {
        self.serialize_f64(value.into())
    }

    fn serialize_char(self, value: char) -> Result<Tree, ReadError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_bytes(self, octets: &[u8]) -> Result<Tree, ReadError> {
        Ok(Tree::Octets(octets.into()))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Tree, ReadError> {
        Err(not_in_shapes())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Tree, ReadError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: ?Sized + ser::Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Tree, ReadError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + ser::Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Tree, ReadError> {
        Ok(Tree::Map(vec![(variant.into(), value.serialize(self)?)]))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, ReadError> {
        Err(not_in_shapes())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, ReadError> {
        Err(not_in_shapes())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, ReadError> {
        Err(not_in_shapes())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, ReadError> {
        Err(not_in_shapes())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, ReadError> {
        Err(not_in_shapes())
    }
}

impl SerializeSeq for BuildList {
    type Ok = Tree;
    type Error = ReadError;

    fn serialize_element<T: ?Sized + ser::Serialize>(&mut self, value: &T) -> Result<(), ReadError> {
        self.items.push(value.serialize(self.build)?);
        Ok(())
    }

    fn end(self) -> Result<Tree, ReadError> {
        Ok(Tree::List(self.items))
    }
}

impl SerializeMap for BuildMap {
    type Ok = Tree;
    type Error = ReadError;

    fn serialize_key<T: ?Sized + ser::Serialize>(&mut self, key: &T) -> Result<(), ReadError> {
        self.key = match key.serialize(self.build)? {
            Tree::Text(name) => Key::Name(name),
            Tree::Integer(id) if id >= 0 => {
                let key = Key::Number(id.unsigned_abs());
                if self.build.is_human_readable { Key::Name(key.text()) } else { key }
            }
            _ => return Err(ReadError::new("a member is known by its name or id")),
        };
        Ok(())
    }

    fn serialize_value<T: ?Sized + ser::Serialize>(&mut self, value: &T) -> Result<(), ReadError> {
        let value = value.serialize(self.build)?;
        self.members.push((std::mem::replace(&mut self.key, Key::Number(0)), value));
        Ok(())
    }

    fn end(self) -> Result<Tree, ReadError> {
        Ok(Tree::Map(self.members))
    }
}

fn not_in_shapes() -> ReadError {
    ReadError::new("no shape is written like this")
}
