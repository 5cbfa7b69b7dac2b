//! Building a tree from what the writers of typed values emit.

use serde::ser::{self, SerializeMap, SerializeSeq, Serializer};

use super::Tree;
use crate::shape::read::{MAX_INTEGER, ReadError, too_large};

/// Builds a tree from what the writers of typed values emit.
pub(super) struct Build;

pub(super) struct BuildList(Vec<Tree>);

pub(super) struct BuildMap {
    members: Vec<(Box<str>, Tree)>,
    name: Box<str>,
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

    fn serialize_seq(self, _: Option<usize>) -> Result<BuildList, ReadError> {
        Ok(BuildList(Vec::new()))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<BuildMap, ReadError> {
        Ok(BuildMap { members: Vec::new(), name: Box::default() })
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

    fn serialize_bytes(self, _: &[u8]) -> Result<Tree, ReadError> {
        Err(not_in_shapes())
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
        self.0.push(value.serialize(Build)?);
        Ok(())
    }

    fn end(self) -> Result<Tree, ReadError> {
        Ok(Tree::List(self.0))
    }
}

impl SerializeMap for BuildMap {
    type Ok = Tree;
    type Error = ReadError;

    fn serialize_key<T: ?Sized + ser::Serialize>(&mut self, key: &T) -> Result<(), ReadError> {
        match key.serialize(Build)? {
            Tree::Text(name) => self.name = name,
            _ => return Err(ReadError::new("a member is known by its name")),
        }
        Ok(())
    }

    fn serialize_value<T: ?Sized + ser::Serialize>(&mut self, value: &T) -> Result<(), ReadError> {
        let value = value.serialize(Build)?;
        self.members.push((std::mem::take(&mut self.name), value));
        Ok(())
    }

    fn end(self) -> Result<Tree, ReadError> {
        Ok(Tree::Map(self.members))
    }
}

fn not_in_shapes() -> ReadError {
    ReadError::new("no shape is written like this")
}
