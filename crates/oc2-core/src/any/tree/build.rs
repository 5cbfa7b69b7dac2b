//! Building a tree from what the writers of typed values emit.

use serde::ser::{self, SerializeMap, SerializeSeq, Serializer};

use super::value::{Content, Head, Value};
use super::{Key, Tree};
use crate::shape::read::{MAX_INTEGER, ReadError, too_large};

/// Builds a tree from what the writers of typed values emit.
#[derive(Clone, Copy)]
pub(in crate::any) struct Build {
    /// As for JSON, where keys are texts; else as for CBOR.
    pub(in crate::any) is_human_readable: bool,
}

pub(in crate::any) struct BuildList {
    items: Content,
    build: Build,
}

pub(in crate::any) struct BuildMap {
    members: Content,
    build: Build,
}

fn scalar(head: Head) -> Tree {
    Tree { head, content: Content::NOTHING }
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
        Ok(scalar(Head::bool(value)))
    }

    fn serialize_i64(self, value: i64) -> Result<Tree, ReadError> {
        if value.unsigned_abs() > MAX_INTEGER.unsigned_abs() {
            Err(too_large(&value))
        } else {
            Ok(scalar(Head::integer(value)))
        }
    }

    fn serialize_f64(self, value: f64) -> Result<Tree, ReadError> {
        // A number beyond 2^53 has no fraction.
        if value.is_finite() && value.abs() <= MAX_INTEGER as f64 {
            Ok(scalar(Head::number(value)))
        } else {
            Err(too_large(&value))
        }
    }

    fn serialize_str(self, text: &str) -> Result<Tree, ReadError> {
        Ok(Value::Text(text).to_tree())
    }

    fn serialize_unit(self) -> Result<Tree, ReadError> {
        Ok(Tree::NULL)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<BuildList, ReadError> {
        Ok(BuildList { items: Content::NOTHING, build: self })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<BuildMap, ReadError> {
        Ok(BuildMap { members: Content::NOTHING, build: self })
    }

    fn serialize_u64(self, value: u64) -> Result<Tree, ReadError> {
        i64::try_from(value).map_err(|_| too_large(&value)).and_then(|value| self.serialize_i64(value))
    }

    fn serialize_bytes(self, octets: &[u8]) -> Result<Tree, ReadError> {
        Ok(Value::Octets(octets).to_tree())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Tree, ReadError> {
        self.serialize_str(variant)
    }
}

impl SerializeSeq for BuildList {
    type Ok = Tree;
    type Error = ReadError;

    fn serialize_element<T: ?Sized + ser::Serialize>(&mut self, value: &T) -> Result<(), ReadError> {
        self.items.append_tree(&value.serialize(self.build)?);
        Ok(())
    }

    fn end(self) -> Result<Tree, ReadError> {
        Ok(Tree { head: Head::list(self.items.len()), content: self.items })
    }
}

impl SerializeMap for BuildMap {
    type Ok = Tree;
    type Error = ReadError;

    fn serialize_key<T: ?Sized + ser::Serialize>(&mut self, key: &T) -> Result<(), ReadError> {
        let key = key.serialize(self.build)?;
        match key.value() {
            Value::Text(_) => self.members.append_tree(&key),
            Value::Integer(id) if id >= 0 && self.build.is_human_readable => {
                let name = Key::Number(id.unsigned_abs()).text();
                self.members.append_tree(&Value::Text(&name).to_tree());
            }
            Value::Integer(0..) => self.members.append_tree(&key),
            _ => return Err(ReadError::new("a member is known by its name or id")),
        }
        Ok(())
    }

    fn serialize_value<T: ?Sized + ser::Serialize>(&mut self, value: &T) -> Result<(), ReadError> {
        self.members.append_tree(&value.serialize(self.build)?);
        Ok(())
    }

    fn end(self) -> Result<Tree, ReadError> {
        Ok(Tree { head: Head::map(self.members.len()), content: self.members })
    }
}
