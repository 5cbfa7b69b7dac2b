//! Values that only a profile can type: carried as they came, or as they were set, until somebody knows the type.

mod distinct;
mod key;
mod members;
mod sink;
mod tree;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::ser::Error;
use serde::{Deserializer, Serializer};

pub use key::{Key, Name};
pub use members::{KEPT, KEPT_IN_LENIENT, Members, Others};
pub use tree::Tree;

use self::sink::{Failed, Piece, Sink};
use self::tree::Value;
use crate::form::{Form, Notation};
use crate::shape::read::{Context, Mode, Read, ReadError, decimal};
use crate::shape::write::{OfField, Write, Written};
use crate::shape::{Choice, Kind, Shape};

/// A value of a type that a profile defines (LS 3.1.4): *read*, a subtree as it came, or *typed*, not written yet.
#[derive(Clone)]
pub struct Any(Inner);

#[derive(Clone)]
enum Inner {
    Read(Tree, Origin),
    Typed(Arc<dyn Typed>),
}

/// How a message was read that a subtree is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Origin {
    mode: Mode,
    notation: Notation,
    is_binary: bool,
}

impl Origin {
    fn of(context: &Context) -> Self {
        Self { mode: context.mode(), notation: context.notation(), is_binary: context.is_binary() }
    }

    fn context(self) -> Context {
        let context = Context::new(self.mode).in_notation(self.notation);
        if self.is_binary { context.of_binary() } else { context }
    }

    /// What a value is typed from that was not read.
    const SET: Self = Self { mode: Mode::Strict, notation: Notation::Verbose, is_binary: false };
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

    /// A part of a value as it came, to be typed as strictly as the rest of its message.
    pub(crate) fn read_as(tree: Tree, context: &Context) -> Self {
        Self(Inner::Read(tree, Origin::of(context)))
    }

    /// The same in the notation of the message, which was not clear when it was read.
    pub(crate) fn settled(self, context: &Context) -> Self {
        match self.0 {
            Inner::Read(tree, _) => Self::read_as(tree, context),
            typed @ Inner::Typed(_) => Self(typed),
        }
    }

    /// Types the value.
    ///
    /// # Errors
    /// It is not a `T`: the place within the value, and the reason.
    pub fn of<T: Extension>(&self) -> Result<T, ReadError> {
        if let Some(value) = self.recall::<T>() {
            return Ok(value.clone());
        }
        self.interpret(|context| context, |context, tree| T::read(context, tree)).map_err(|mut errors| errors.remove(0))
    }

    /// Types the value, and finds all that is wrong with it.
    ///
    /// # Errors
    /// Everything that keeps it from being a `T`, in order; at least one.
    pub fn check<T: Extension>(&self) -> Result<(), Vec<ReadError>> {
        if self.recall::<T>().is_some() {
            return Ok(());
        }
        let read = |context: &mut Context, tree: &Tree| {
            T::read(context, tree).inspect_err(|error| context.blame_shape(T::shape(), error))
        };
        self.interpret(Context::finding_all, read).map(|_| ())
    }

    /// The row of a Choice that this is the value of, by the name or id that came with it.
    pub(crate) fn of_field<T: Choice + Extension>(&self, field: &'static crate::shape::Field) -> Result<T, ReadError> {
        if let Some(FieldOf(value)) = self.recall::<FieldOf<T>>() {
            return Ok(value.clone());
        }
        self.interpret(|context| context, |context, tree| T::read_field(context, field, tree))
            .map_err(|mut errors| errors.remove(0))
    }

    /// As [`check`](Self::check), for the value of a row of a Choice.
    pub(crate) fn check_field<T: Choice + Extension>(
        &self,
        field: &'static crate::shape::Field,
    ) -> Result<(), Vec<ReadError>> {
        if self.recall::<FieldOf<T>>().is_some() {
            return Ok(());
        }
        let read = |context: &mut Context, tree: &Tree| {
            let res = T::read_field(context, field, tree);
            if let (Err(error), Some(shape)) = (&res, field.shape) {
                context.blame_shape(shape(), error);
            }
            res
        };
        self.interpret(Context::finding_all, read).map(|_| ())
    }

    fn recall<T: 'static>(&self) -> Option<&T> {
        match &self.0 {
            Inner::Read(..) => None,
            Inner::Typed(value) => value.as_any().downcast_ref(),
        }
    }

    fn interpret<T>(
        &self,
        prepare: impl FnOnce(Context) -> Context,
        read: impl FnOnce(&mut Context, &Tree) -> Result<T, ReadError>,
    ) -> Result<T, Vec<ReadError>> {
        let origin = match &self.0 {
            Inner::Read(_, origin) => *origin,
            Inner::Typed(_) => Origin::SET,
        };
        let mut context = prepare(origin.context());
        match read(&mut context, &self.tree()) {
            Ok(value) => Ok(value),
            Err(error) => {
                let last = context.fail(error.to_string());
                let mut errors = context.into_faults();
                if errors.is_empty() {
                    errors.push(last);
                }
                Err(errors)
            }
        }
    }

    /// The value as a tree, in the form it came in; one that was set, by name.
    #[must_use]
    pub fn tree(&self) -> Cow<'_, Tree> {
        self.tree_like(Origin::SET)
    }

    /// The same, one that was set like `origin`.
    fn tree_like(&self, origin: Origin) -> Cow<'_, Tree> {
        match &self.0 {
            Inner::Read(tree, _) => Cow::Borrowed(tree),
            Inner::Typed(value) => {
                let form = Form::DEFAULT.with_notation(origin.notation);
                // What cannot be written shows as null here; to write it is an error.
                let build = tree::Build { is_human_readable: !origin.is_binary };
                let tree = sink::write(build, |sink| value.write_to(form, sink));
                Cow::Owned(tree.unwrap_or(Tree::NULL))
            }
        }
    }

    /// Whether the message it came in was read strictly; what is set here is always strict.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        match &self.0 {
            Inner::Read(_, origin) => origin.mode == Mode::Strict,
            Inner::Typed(_) => true,
        }
    }

    /// Whether the value is an object, as every namespace is (DECISIONS L31).
    #[must_use]
    pub fn is_object(&self) -> bool {
        match &self.0 {
            Inner::Read(tree, _) => tree.is_object(),
            Inner::Typed(_) => self.tree().is_object(),
        }
    }

    /// Whether the value is null.
    pub(crate) fn is_null(&self) -> bool {
        match &self.0 {
            Inner::Read(tree, _) => tree.is_null(),
            Inner::Typed(_) => self.tree().is_null(),
        }
    }

    /// The keys of the members that are present, if the value is an object; in lenient mode null is absence (DECISIONS
    /// L36).
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        let is_present = |value: &Value<'_>| self.is_strict() || !matches!(value, Value::Null);
        match self.tree().value() {
            Value::Map(members) => {
                members.filter(|(_, value)| is_present(value)).map(|(key, _)| key.to_key()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The same as the names that `shape` has for them; a key that it does not have stands as it came.
    #[must_use]
    pub fn names_in(&self, shape: &Shape) -> Vec<String> {
        let has_ids =
            matches!(&self.0, Inner::Read(_, origin) if origin.is_binary || origin.notation == Notation::Concise);
        let keys = self.keys();
        let names = keys.iter().map(|key| {
            let id = match key {
                Key::Number(id) => Some(*id),
                Key::Name(name) if has_ids => decimal(name),
                Key::Name(_) => None,
            };
            let field = id.and_then(|id| shape.by_id(id));
            field.map_or_else(|| key.text().to_string(), |(_, field)| field.name.to_owned())
        });
        names.collect()
    }

    /// Whether it can be written under this key: an id stays one where ids are used and in the form it came in, and digits
    /// are no name where they would be read as an id.
    pub(crate) fn can_stand_under(&self, key: &Key, form: Form, is_binary: bool) -> bool {
        match key {
            Key::Number(_) => form.notation == Notation::Concise || self.came_in(form, is_binary),
            Key::Name(name) => Self::can_stand_under_name(name, form, is_binary),
        }
    }

    /// The same for a name.
    pub(crate) fn can_stand_under_name(name: &str, form: Form, is_binary: bool) -> bool {
        is_binary || form.notation != Notation::Concise || decimal(name).is_none()
    }

    fn came_in(&self, form: Form, is_binary: bool) -> bool {
        matches!(&self.0, Inner::Read(_, origin) if origin.notation == form.notation && origin.is_binary == is_binary)
    }

    /// The id of the field, if it is the value of one and known by its type.
    pub(crate) fn field_id(&self) -> Option<u32> {
        match &self.0 {
            Inner::Read(..) => None,
            Inner::Typed(value) => value.field_id(),
        }
    }
}

impl Read for Any {
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain("Any", "", Kind::Any);
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        let tree = Tree::read(context, deserializer)?;
        Ok(Self::read_as(tree, context))
    }
}

/// What came is passed on in the form it came in and refuses every other: nobody here knows what its names and values are
/// in another one. Only an object without members is the same in all of them.
impl Write for Any {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        let is_binary = !serializer.is_human_readable();
        match &self.0 {
            Inner::Read(tree, origin) => {
                let is_transcoded = origin.notation == form.notation && form.notation == Notation::Verbose;
                if self.came_in(form, is_binary) || (is_transcoded && tree.value().is_plain()) || tree.is_empty_object()
                {
                    return tree.write(form, serializer);
                }
                Err(S::Error::custom(CANNOT_CHANGE))
            }
            Inner::Typed(value) => sink::write(serializer, |sink| value.write_to(form, sink)),
        }
    }
}

/// What nobody here knows is not written otherwise than it came.
pub(crate) const CANNOT_CHANGE: &str = "an extension that nobody here knows cannot change its form";

impl PartialEq for Any {
    fn eq(&self, other: &Self) -> bool {
        let origin = match (&self.0, &other.0) {
            (Inner::Read(_, origin), _) | (_, Inner::Read(_, origin)) => *origin,
            _ => Origin::SET,
        };
        self.tree_like(origin) == other.tree_like(origin)
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

/// The object-safe side of [`Extension`].
trait Typed: fmt::Debug + Send + Sync {
    fn as_any(&self) -> &dyn std::any::Any;
    fn write_to(&self, form: Form, sink: &mut dyn Sink) -> Result<(), Failed>;
    fn field_id(&self) -> Option<u32>;
}

impl<T: Extension> Typed for T {
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn write_to(&self, form: Form, sink: &mut dyn Sink) -> Result<(), Failed> {
        Written(self, form).write_to(sink)
    }

    fn field_id(&self) -> Option<u32> {
        None
    }
}

/// A Choice that is written as the value of its field alone.
#[derive(Debug)]
struct FieldOf<T>(T);

impl<T: Choice + Extension> Typed for FieldOf<T> {
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn write_to(&self, form: Form, sink: &mut dyn Sink) -> Result<(), Failed> {
        OfField(&self.0, form).write_to(sink)
    }

    fn field_id(&self) -> Option<u32> {
        self.0.field().map(|field| field.id)
    }
}
