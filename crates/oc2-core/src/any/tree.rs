//! A subtree of a message that nobody has typed yet, kept in one piece.

mod build;
mod grow;
mod value;

use std::fmt;

use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::{Serialize, Serializer};

pub(super) use self::build::Build;
use self::grow::Grow;
pub(super) use self::value::Value;
use self::value::{Content, Head};
use super::key::Key;
use crate::form::Form;
use crate::shape::read::{Context, Read, ReadError};
use crate::shape::write::Write;
use crate::shape::{Kind, Shape};

/// A value as JSON and CBOR have them, with every I-JSON rule kept (RFC 7493).
#[derive(Clone)]
pub struct Tree {
    head: Head,
    content: Content,
}

impl Tree {
    pub(super) const NULL: Self = Self { head: Head::NULL, content: Content::NOTHING };

    /// The value, to look at.
    pub(super) fn value(&self) -> Value<'_> {
        Value::of(self.head, self.content.as_slice())
    }

    /// Whether it is an object.
    pub(crate) fn is_object(&self) -> bool {
        self.head.is_map()
    }

    /// Whether it is null.
    pub(crate) fn is_null(&self) -> bool {
        self.head.is_null()
    }

    /// Whether it is an object without members.
    pub(super) fn is_empty_object(&self) -> bool {
        self.is_object() && self.content.as_slice().is_empty()
    }

    /// The one member of an object that has one.
    pub(crate) fn only_member(&self) -> Option<(Key, Self)> {
        let Value::Map(mut members) = self.value() else { return None };
        let (key, value) = members.next()?;
        members.next().is_none().then(|| (key.to_key(), value.to_tree()))
    }
}

/// The order of members has no meaning (LS-004).
impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value()
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

impl Read for Tree {
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain("Any", "", Kind::Any);
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        let mut content = Content::NOTHING;
        let head = deserializer.deserialize_any(Grow { context, content: &mut content })?;
        Ok(Self { head, content })
    }
}

impl Write for Tree {
    fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de> Deserializer<'de> for &Tree {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.value().deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.value().deserialize_option(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, ReadError> for &Tree {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use serde::de::{IgnoredAny, SeqAccess};

    use super::*;

    fn read(json: &str) -> Result<Tree, String> {
        let mut context = Context::default();
        let tree = Tree::read(&mut context, &mut serde_json::Deserializer::from_str(json));
        tree.map_err(|error| context.fail(error.to_string()).to_string())
    }

    #[test]
    fn what_is_read_is_what_is_written() {
        for json in [
            "null",
            "true",
            "-1",
            "9007199254740991",
            "0.5",
            r#""""#,
            r#""ü""#,
            "[]",
            "{}",
            r#"{"a":[{},[],null,{"b":"c","d":[false,-2.5,"x"]}],"":"","n":{"o":{"p":1}}}"#,
        ] {
            let tree = read(json).expect("it is read");
            let written = serde_json::to_string(&tree.value()).expect("it is written");
            assert_eq!(written, json);
            assert_eq!(tree, tree.value().to_tree(), "{json}");
        }
    }

    // LS-004
    #[test]
    fn the_order_of_members_has_no_meaning() {
        assert_eq!(read(r#"{"a":1,"b":{"c":2,"d":[3,4]}}"#), read(r#"{"b":{"d":[3,4],"c":2},"a":1}"#));
        assert_ne!(read(r#"{"a":1,"b":[3,4]}"#), read(r#"{"a":1,"b":[4,3]}"#));
        assert_ne!(read(r#"{"a":1,"b":2}"#), read(r#"{"a":2,"b":1}"#));
        assert_ne!(read(r#"{"a":1}"#), read(r#"{"a":1,"b":2}"#));
    }

    // LS-046
    #[test]
    fn a_member_that_stands_twice_is_found_however_many_there_are() {
        for n_members in [2, 16, 17, 18, 40] {
            let members: Vec<_> = (0..n_members).map(|number| format!(r#""k{number}":{{"k0":[{number}]}}"#)).collect();
            assert!(read(&format!("{{{}}}", members.join(","))).is_ok());
            for twice in [0, n_members / 2, n_members - 1] {
                let res = read(&format!(r#"{{{},"k{twice}":0}}"#, members.join(",")));
                let error = res.expect_err("it stands twice");
                assert!(error.starts_with(&format!("the member \"k{twice}\" stands twice")), "{n_members}: {error}");
            }
        }
    }

    /// A visitor that looks at the first item only.
    struct First;

    impl<'de> Visitor<'de> for First {
        type Value = usize;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<usize, A::Error> {
            // The first is a list, of which an object cannot be made.
            assert!(items.next_element::<std::collections::BTreeMap<String, u8>>().is_err());
            let mut n_left = 0;
            while items.next_element::<IgnoredAny>()?.is_some() {
                n_left += 1;
            }
            Ok(n_left)
        }
    }

    #[test]
    fn a_value_that_is_not_read_does_not_disturb_the_next() {
        let tree = read(r#"[[1,{"a":"b"},[2]],{"c":[]},"d"]"#).expect("it is read");
        assert_eq!((&tree).deserialize_seq(First), Ok(2));
    }
}
