//! Values that only a profile can type: carried as they came, or as they were set, until somebody knows the type.

mod distinct;
mod tree;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::ser::Error;
use serde::{Deserializer, Serializer};

pub use tree::Tree;

use self::distinct::Distinct;
use crate::form::Form;
use crate::shape::Choice;
use crate::shape::read::{Context, Mode, Read, ReadError};
use crate::shape::write::Write;

/// A value of a type that a profile defines (LS 3.1.4): *read*, a subtree as it came, or *typed*, not written yet.
#[derive(Clone)]
pub struct Any(Inner);

#[derive(Clone)]
enum Inner {
    Read(Arc<Tree>, Mode),
    Typed(Arc<dyn Typed>),
}

impl Any {
    /// A value that is known by its type.
    pub fn typed<T: Extension>(value: T) -> Self {
        Self(Inner::Typed(Arc::new(value)))
    }

    /// The value of the field that a Choice holds, without the field's name.
    pub(crate) fn field_of<T: Choice + Extension>(choice: T) -> Self {
        Self(Inner::Typed(Arc::new(FieldOf(choice))))
    }

    /// A value as it came, to be typed as strictly as the rest of its message.
    pub(crate) fn read_as(tree: Tree, mode: Mode) -> Self {
        Self(Inner::Read(Arc::new(tree), mode))
    }

    /// Types the value.
    ///
    /// # Errors
    /// It is not a `T`: the place within the value, and the reason.
    pub fn of<T: Extension>(&self) -> Result<T, ReadError> {
        self.interpret(|value| value.downcast_ref::<T>().cloned(), |context, tree| T::read(context, tree))
    }

    /// Types the value as the field of this name of a Choice.
    pub(crate) fn of_field<T: Choice + Extension>(&self, name: &str) -> Result<Option<T>, ReadError> {
        let Some((_, field)) = T::TABLE.by_name(name) else { return Ok(None) };
        self.interpret(
            |value| value.downcast_ref::<FieldOf<T>>().map(|field| field.0.clone()),
            |context, tree| T::read_field(context, field, tree),
        )
        .map(Some)
    }

    fn interpret<T>(
        &self,
        recall: impl FnOnce(&dyn std::any::Any) -> Option<T>,
        read: impl FnOnce(&mut Context, &Tree) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let mode = match &self.0 {
            Inner::Read(_, mode) => *mode,
            Inner::Typed(value) => {
                if let Some(value) = recall(value.as_any()) {
                    return Ok(value);
                }
                Mode::Strict
            }
        };
        let mut context = Context::new(mode);
        let tree = self.tree(Form::DEFAULT);
        read(&mut context, &tree).map_err(|error| context.fail(error.to_string()))
    }

    /// The value as a tree.
    #[must_use]
    pub fn tree(&self, form: Form) -> Cow<'_, Tree> {
        match &self.0 {
            Inner::Read(tree, _) => Cow::Borrowed(tree),
            // What cannot be written shows as null here; to write it is an error.
            Inner::Typed(value) => Cow::Owned(value.tree(form).unwrap_or(Tree::Null)),
        }
    }

    /// Whether the message it came in was read strictly; what is set here is always strict.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        match &self.0 {
            Inner::Read(_, mode) => *mode == Mode::Strict,
            Inner::Typed(_) => true,
        }
    }

    /// Whether the value is an object, as every namespace is (DECISIONS L31).
    #[must_use]
    pub fn is_object(&self) -> bool {
        matches!(*self.tree(Form::DEFAULT), Tree::Map(_))
    }

    /// The names of the members that are present, if the value is an object; in lenient mode null is absence (DECISIONS
    /// L36).
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let is_present = |value: &Tree| self.is_strict() || !matches!(value, Tree::Null);
        match &*self.tree(Form::DEFAULT) {
            Tree::Map(members) => {
                members.iter().filter(|(_, value)| is_present(value)).map(|(name, _)| name.to_string()).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Read for Any {
    const TYPE: &'static str = "Any";

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        let tree = Tree::read(context, deserializer)?;
        Ok(Self::read_as(tree, context.mode()))
    }
}

impl Write for Any {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Inner::Read(tree, _) => tree.write(form, serializer),
            Inner::Typed(value) => value.tree(form).map_err(S::Error::custom)?.write(form, serializer),
        }
    }
}

impl PartialEq for Any {
    fn eq(&self, other: &Self) -> bool {
        self.tree(Form::DEFAULT) == other.tree(Form::DEFAULT)
    }
}

impl fmt::Debug for Any {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Read(tree, _) => tree.fmt(f),
            Inner::Typed(value) => value.fmt(f),
        }
    }
}

/// What a profile may put where the language has room for it: any type with a reader and a writer.
pub trait Extension: Read + Write + Clone + fmt::Debug + Send + Sync + 'static {}

impl<T: Read + Write + Clone + fmt::Debug + Send + Sync + 'static> Extension for T {}

/// Members of an object that its table does not have, in the order they came or were set.
#[derive(Clone, Debug, Default)]
pub struct Members {
    entries: Vec<(Box<str>, Any)>,
    names: Distinct,
}

impl Members {
    /// The value of a member.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Any> {
        self.entries.iter().find(|(known, _)| &**known == name).map(|(_, any)| any)
    }

    /// Adds a member; gives it back if the name is taken.
    pub fn insert(&mut self, name: &str, value: Any) -> Option<Any> {
        if !self.names.insert(name) {
            return Some(value);
        }
        self.entries.push((name.into(), value));
        None
    }

    /// Sets a member, in the place of one of the same name if there is one.
    pub fn set(&mut self, name: &str, value: Any) {
        match self.entries.iter_mut().find(|(known, _)| &**known == name) {
            Some((_, known)) => *known = value,
            None => {
                self.insert(name, value);
            }
        }
    }

    /// The members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Any)> {
        self.entries.iter().map(|(name, any)| (&**name, any))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// The order of members has no meaning (LS-004).
impl PartialEq for Members {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(name, any)| other.value(name) == Some(any))
    }
}

/// A policy for [`map!`](crate::map): every member is kept.
///
/// # Errors
/// None.
pub fn kept(_: &mut Context, _: &str, _: &Any) -> Result<(), String> {
    Ok(())
}

/// A policy for [`map!`](crate::map): members are kept in lenient mode and refused in strict mode.
///
/// # Errors
/// Strict mode.
pub fn kept_in_lenient(context: &mut Context, _: &str, _: &Any) -> Result<(), String> {
    context.tolerate("unknown member").map_err(|error: ReadError| error.to_string())
}

/// The object-safe side of [`Extension`].
trait Typed: fmt::Debug + Send + Sync {
    fn as_any(&self) -> &dyn std::any::Any;
    fn tree(&self, form: Form) -> Result<Tree, ReadError>;
}

impl<T: Extension> Typed for T {
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn tree(&self, form: Form) -> Result<Tree, ReadError> {
        Tree::of(self, form)
    }
}

/// A Choice that is written as the value of its field alone.
#[derive(Debug)]
struct FieldOf<T>(T);

impl<T: Choice + Extension> Typed for FieldOf<T> {
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn tree(&self, form: Form) -> Result<Tree, ReadError> {
        Ok(match Tree::of(&self.0, form)? {
            Tree::Map(mut members) if members.len() == 1 => members.remove(0).1,
            other => other,
        })
    }
}
