//! Building a tree from what the writers of typed values emit.

use serde::ser::{self, SerializeMap, SerializeSeq, Serializer};

use super::{Key, Tree};
use crate::shape::read::{MAX_INTEGER, ReadError, too_large};

/// Builds a tree from what the writers of typed values emit.
#[derive(Clone, Copy)]
pub(in crate::any) struct Build {
    /// As for JSON, where keys are texts; else as for CBOR.
    pub(in crate::any) is_human_readable: bool,
}

pub(in crate::any) struct BuildList {
    items: Vec<Tree>,
    build: Build,
}

pub(in crate::any) struct BuildMap {
    members: Vec<(Key, Tree)>,
    key: Key,
    build: Build,
}

impl Serializer for Build {
    type Ok = Tree;
    type Error = ReadError;
    type SerializeSeq = BuildList;
    type SerializeMap = BuildMap;

    crate::as_shapes_do!();

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

    fn serialize_seq(self, n_items: Option<usize>) -> Result<BuildList, ReadError> {
        Ok(BuildList { items: Vec::with_capacity(n_items.unwrap_or_default()), build: self })
    }

    fn serialize_map(self, n_members: Option<usize>) -> Result<BuildMap, ReadError> {
        let members = Vec::with_capacity(n_members.unwrap_or_default());
        Ok(BuildMap { members, key: Key::Number(0), build: self })
    }

    fn serialize_u64(self, value: u64) -> Result<Tree, ReadError> {
        i64::try_from(value).map_err(|_| too_large(&value)).and_then(|value| self.serialize_i64(value))
    }

    fn serialize_bytes(self, octets: &[u8]) -> Result<Tree, ReadError> {
        Ok(Tree::Octets(octets.into()))
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Tree, ReadError> {
        self.serialize_str(variant)
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
