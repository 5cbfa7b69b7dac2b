//! Shapes: the standard's tables as data, and the macros that turn one declaration into a Rust type, its reader and its
//! writer (LS 3.1.1).
//!
//! [`enumerated!`](crate::enumerated), [`map!`](crate::map), [`record!`](crate::record) and [`choice!`](crate::choice)
//! are also for authors of profiles; `tests/outside` in the repository shows them used by a stranger.

pub mod read;
pub mod write;

/// One table of the standard: the name of a type and its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The name of the type as the standard prints it, for instance `IPv4-Connection`.
    pub name: &'static str,
    /// How values of the type are serialised (LS 3.1.5).
    pub kind: Kind,
    /// The rows of the table in the order of the standard.
    pub fields: &'static [Field],
}

impl Shape {
    /// The row with this name, and its position.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<(usize, &'static Field)> {
        self.fields.iter().enumerate().find(|(_, field)| field.name == name)
    }

    /// The names of the rows for error texts: `both, ingress, egress`.
    #[must_use]
    pub fn names(&self) -> String {
        let names: Vec<_> = self.fields.iter().map(|field| field.name).collect();
        names.join(", ")
    }
}

/// The structures of LS 3.1.1 that have tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// One of a list of names, written by name.
    Enumerated,
    /// One of a list of ids, written as a number in every form (`Enumerated.ID`).
    EnumeratedId,
    /// Exactly one of several fields.
    Choice,
    /// Fields in any order, known by id.
    Map,
    /// Fields in the order of the table, known by position.
    Record,
}

/// One row of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The id; in a Record the position, counted from 1.
    pub id: u32,
    /// The name on the wire.
    pub name: &'static str,
    /// The standard's name of the type of the field; empty in enumerations.
    pub type_name: &'static str,
    /// Whether the field must be present (multiplicity 1).
    pub required: bool,
}

/// The name on the wire of a field of Rust: the same, without the mark of a raw identifier (`r#type`).
#[doc(hidden)]
#[must_use]
pub const fn wire_name(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

/// A type with exactly one of several fields; [`choice!`](crate::choice) implements it.
pub trait Choice: read::Read + write::Write {
    /// The table.
    const TABLE: &'static Shape;

    /// The row of the field that is present; `None` for a field that a profile defines.
    fn field(&self) -> Option<&'static Field>;

    /// Reads the value of one field.
    ///
    /// # Errors
    /// The deserializer's, with what is wrong with the value.
    fn read_field<'de, D: serde::Deserializer<'de>>(
        context: &mut read::Context,
        field: &Field,
        deserializer: D,
    ) -> Result<Self, D::Error>;

    /// Writes the value of the field that is present, without its name.
    ///
    /// # Errors
    /// The serializer's.
    fn write_field<S: serde::Serializer>(&self, form: crate::form::Form, serializer: S) -> Result<S::Ok, S::Error>;
}

/// Declares an Enumerated type: the enum, its names and ids, reader and writer.
///
/// `by id` after the name declares an `Enumerated.ID`, which is a number in every form.
///
/// ```
/// oc2_core::enumerated! {
///     /// How denied packets are handled (SLPF 2.1.3.2).
///     pub enum DropProcess: "Drop-Process" {
///         /// No notification.
///         None = 1 "none",
///         /// An ICMP host unreachable.
///         Reject = 2 "reject",
///     }
/// }
/// assert_eq!("reject".parse(), Ok(DropProcess::Reject));
/// ```
#[macro_export]
macro_rules! enumerated {
    ($(#[$meta:meta])* $vis:vis enum $name:ident: $wire:literal {
        $($(#[$variant_meta:meta])* $variant:ident = $id:literal $text:literal),+ $(,)?
    }) => {
        $crate::enumerated!(
            @type Enumerated $(#[$meta])* [$vis] $name $wire { $($(#[$variant_meta])* $variant $id $text)+ }
        );
    };

    ($(#[$meta:meta])* $vis:vis enum $name:ident: $wire:literal by id {
        $($(#[$variant_meta:meta])* $variant:ident = $id:literal $text:literal),+ $(,)?
    }) => {
        $crate::enumerated!(
            @type EnumeratedId $(#[$meta])* [$vis] $name $wire { $($(#[$variant_meta])* $variant $id $text)+ }
        );
    };

    (@type $kind:ident $(#[$meta:meta])* [$vis:vis] $name:ident $wire:literal {
        $($(#[$variant_meta:meta])* $variant:ident $id:literal $text:literal)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name { $($(#[$variant_meta])* $variant),+ }

        impl $name {
            /// The table of the standard.
            pub const SHAPE: $crate::shape::Shape = $crate::shape::Shape {
                name: $wire,
                kind: $crate::shape::Kind::$kind,
                fields: &[$($crate::shape::Field { id: $id, name: $text, type_name: "", required: false }),+],
            };

            /// Every value, in the order of the standard.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The id of the standard's table.
            #[must_use]
            pub const fn id(self) -> u32 {
                match self { $(Self::$variant => $id),+ }
            }
        }

        impl $crate::shape::read::Read for $name {
            const TYPE: &'static str = $wire;

            fn read<'de, D: $crate::serde::Deserializer<'de>>(
                context: &mut $crate::shape::read::Context,
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                let index = $crate::shape::read::row_of(&Self::SHAPE, context, deserializer)?;
                ::core::result::Result::Ok(Self::ALL[index])
            }
        }

        impl $crate::shape::write::Write for $name {
            fn write<S: $crate::serde::Serializer>(
                &self,
                _: $crate::form::Form,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::shape::write::row(&Self::SHAPE, *self as usize, serializer)
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl ::core::str::FromStr for $name {
            type Err = $crate::invalid::Invalid;

            fn from_str(text: &str) -> ::core::result::Result<Self, Self::Err> {
                match Self::SHAPE.by_name(text) {
                    ::core::option::Option::Some((index, _)) => ::core::result::Result::Ok(Self::ALL[index]),
                    ::core::option::Option::None => ::core::result::Result::Err(
                        $crate::invalid::Invalid::not_one_of(text, &Self::SHAPE),
                    ),
                }
            }
        }
    };
}

/// Declares a Choice: an enum of which a value holds exactly one field, its reader and writer.
///
/// `named by Kind` also declares the enumeration of the fields' names; `extended by Type` lets `Type` read and write the
/// fields that the table does not have (used for `Target`).
#[macro_export]
macro_rules! choice {
    ($(#[$meta:meta])* $vis:vis enum $name:ident: $wire:literal $(, named by $kind:ident)? $(, extended by $extended:ident)? {
        $($(#[$variant_meta:meta])* $variant:ident($ty:ty) = $id:literal $text:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        $vis enum $name {
            $($(#[$variant_meta])* $variant($ty),)+
            $(
                /// A field that a profile defines (LS 3.1.4).
                $extended($extended),
            )?
        }

        $crate::choice!(@names $vis $name [$($kind)?] $wire { $($(#[$variant_meta])* $variant $id $text)+ });

        impl $name {
            /// The table of the standard.
            pub const SHAPE: $crate::shape::Shape = $crate::shape::Shape {
                name: $wire,
                kind: $crate::shape::Kind::Choice,
                fields: &[$($crate::shape::Field {
                    id: $id,
                    name: $text,
                    type_name: <$ty as $crate::shape::read::Read>::TYPE,
                    required: false,
                }),+],
            };
        }

        impl $crate::shape::Choice for $name {
            const TABLE: &'static $crate::shape::Shape = &Self::SHAPE;

            fn field(&self) -> ::core::option::Option<&'static $crate::shape::Field> {
                let id: u32 = match self {
                    $(Self::$variant(_) => $id,)+
                    $(Self::$extended(value) => return value.field(),)?
                };
                Self::SHAPE.fields.iter().find(|field| field.id == id)
            }

            fn read_field<'de, D: $crate::serde::Deserializer<'de>>(
                context: &mut $crate::shape::read::Context,
                field: &$crate::shape::Field,
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                match field.id {
                    $($id => <$ty as $crate::shape::read::Read>::read(context, deserializer).map(Self::$variant),)+
                    _ => ::core::result::Result::Err($crate::shape::read::foreign_field(&Self::SHAPE)),
                }
            }

            fn write_field<S: $crate::serde::Serializer>(
                &self,
                form: $crate::form::Form,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(value) => $crate::shape::write::Write::write(value, form, serializer),)+
                    $(Self::$extended(value) => <$extended>::write_field(value, form, serializer),)?
                }
            }
        }

        impl $crate::shape::read::Read for $name {
            const TYPE: &'static str = $wire;

            fn read<'de, D: $crate::serde::Deserializer<'de>>(
                context: &mut $crate::shape::read::Context,
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::shape::read::choice::<Self, $crate::choice!(@foreign $($extended)?), D>(
                    context,
                    deserializer,
                )
            }
        }

        impl $crate::shape::write::Write for $name {
            fn write<S: $crate::serde::Serializer>(
                &self,
                form: $crate::form::Form,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                match self {
                    $(Self::$extended(value) => $crate::shape::write::member(&value.wire_name(), self, form, serializer),)?
                    #[allow(unreachable_patterns)]
                    _ => {
                        let name = $crate::shape::Choice::field(self).map_or("", |field| field.name);
                        $crate::shape::write::member(name, self, form, serializer)
                    }
                }
            }
        }
    };

    (@names $vis:vis $name:ident [] $wire:literal { $($rows:tt)+ }) => {};
    (@names $vis:vis $name:ident [$kind:ident] $wire:literal {
        $($(#[$variant_meta:meta])* $variant:ident $id:literal $text:literal)+
    }) => {
        $crate::enumerated! {
            #[doc = concat!("The names of the fields of [`", stringify!($name), "`].")]
            $vis enum $kind: $wire { $($(#[$variant_meta])* $variant = $id $text),+ }
        }
    };
    (@foreign) => { $crate::shape::read::NoForeignField };
    (@foreign $extended:ident) => { $extended };
}

/// Declares a Map: a struct whose fields come in any order and are known by id, its reader and writer.
///
/// Each row says `required`, `optional`, or `defaulted` (absent on the wire when empty). `others name: policy` after the
/// rows keeps members that are not in the table when `policy` admits them. `sealed by Builder checked by path` makes the
/// fields private: values then come from the builder, which runs the check, so that every value that exists is valid.
///
/// No rows at all declare an object without members, for a profile that has no arguments, specifiers or results. A field
/// `r#type` is `type` on the wire.
#[macro_export]
macro_rules! map {
    ($($declaration:tt)+) => { $crate::fields!(Map $($declaration)+); };
}

/// Declares a Record: as [`map!`](crate::map), with fields known by their position.
#[macro_export]
macro_rules! record {
    ($($declaration:tt)+) => { $crate::fields!(Record $($declaration)+); };
}

/// What [`map!`](crate::map) and [`record!`](crate::record) have in common.
#[doc(hidden)]
#[macro_export]
macro_rules! fields {
    ($kind:ident $(#[$meta:meta])* $vis:vis struct $name:ident: $wire:literal {
        $($(#[$field_meta:meta])* $need:ident $field:ident: $ty:ty = $id:literal),* $(,)?
    } $(others $(#[$others_meta:meta])* $others:ident: $policy:path)?) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name {
            $($(#[$field_meta])* pub $field: $crate::fields!(@slot $need $ty),)*
            $($(#[$others_meta])* pub $others: $crate::any::Members,)?
        }

        $crate::fields!(@common $kind $name $wire { $($need $field $ty, $id;)* } $($others $policy)?);

        impl $name {
            fn checked<E: $crate::serde::de::Error>(self) -> ::core::result::Result<Self, E> {
                ::core::result::Result::Ok(self)
            }
        }
    };

    ($kind:ident $(#[$meta:meta])* $vis:vis struct $name:ident: $wire:literal, sealed by $builder:ident checked by $check:path {
        $($(#[$field_meta:meta])* $need:ident $field:ident: $ty:ty = $id:literal),+ $(,)?
    } $(others $(#[$others_meta:meta])* $others:ident: $policy:path)?) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name {
            $($field: $crate::fields!(@slot $need $ty),)+
            $($others: $crate::any::Members,)?
        }

        impl $name {
            /// Starts with no field set.
            #[must_use]
            pub fn builder() -> $builder {
                $builder(Self {
                    $($field: ::core::option::Option::None,)+
                    $($others: $crate::any::Members::default(),)?
                })
            }

            $(
                $(#[$field_meta])*
                #[must_use]
                pub fn $field(&self) -> ::core::option::Option<&$ty> {
                    self.$field.as_ref()
                }
            )+

            $(
                $(#[$others_meta])*
                #[must_use]
                pub fn $others(&self) -> &$crate::any::Members {
                    &self.$others
                }
            )?

            /// Whether no field is present.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                true $(&& self.$field.is_none())+ $(&& self.$others.is_empty())?
            }

            fn checked<E: $crate::serde::de::Error>(self) -> ::core::result::Result<Self, E> {
                match $check(&self) {
                    ::core::result::Result::Ok(()) => ::core::result::Result::Ok(self),
                    ::core::result::Result::Err(invalid) => ::core::result::Result::Err(E::custom(invalid)),
                }
            }
        }

        #[doc = concat!("Builds a [`", stringify!($name), "`]; fields that are not set stay absent.")]
        #[derive(Clone, Debug)]
        $vis struct $builder($name);

        impl $builder {
            $(
                $(#[$field_meta])*
                #[must_use]
                pub fn $field(mut self, value: impl ::core::convert::Into<$ty>) -> Self {
                    self.0.$field = ::core::option::Option::Some(value.into());
                    self
                }
            )+

            /// The finished value.
            ///
            /// # Errors
            /// What the standard forbids about the fields that are set, or about none being set.
            pub fn build(self) -> ::core::result::Result<$name, $crate::invalid::Invalid> {
                $check(&self.0).map(|()| self.0)
            }
        }

        $crate::fields!(@common $kind $name $wire { $($need $field $ty, $id;)+ } $($others $policy)?);
    };

    (@common $kind:ident $name:ident $wire:literal { $($need:ident $field:ident $ty:ty, $id:literal;)* }
        $($others:ident $policy:path)?) => {
        impl $name {
            /// The table of the standard.
            pub const SHAPE: $crate::shape::Shape = $crate::shape::Shape {
                name: $wire,
                kind: $crate::shape::Kind::$kind,
                fields: &[$($crate::shape::Field {
                    id: $id,
                    name: $crate::shape::wire_name(stringify!($field)),
                    type_name: <$ty as $crate::shape::read::Read>::TYPE,
                    required: $crate::fields!(@required $need),
                }),*],
            };
        }

        // A reader remembers in 64 bits which rows it met.
        const _: () = ::core::assert!($name::SHAPE.fields.len() <= 64, "a table of more than 64 rows");

        impl $crate::shape::read::Read for $name {
            const TYPE: &'static str = $wire;

            fn read<'de, D: $crate::serde::Deserializer<'de>>(
                context: &mut $crate::shape::read::Context,
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::shape::read::members::<Self, D>(context, deserializer)
            }
        }

        impl $crate::shape::read::ReadMembers for $name {
            const TABLE: &'static $crate::shape::Shape = &Self::SHAPE;

            fn read_members<'de, A: $crate::serde::de::MapAccess<'de>>(
                context: &mut $crate::shape::read::Context,
                mut map: A,
            ) -> ::core::result::Result<Self, A::Error> {
                use $crate::shape::read as reading;
                $(let mut $field: ::core::option::Option<$ty> = ::core::option::Option::None;)*
                $(let mut $others = $crate::any::Members::default();)?
                let mut seen = reading::Seen::default();
                while let ::core::option::Option::Some(key) = reading::next_key(Self::TABLE, &mut map)? {
                    match key {
                        reading::MemberKey::Known(index, field) => {
                            seen.insert(index, field)?;
                            match field.id {
                                $($id => $field = $crate::fields!(@value $need $ty, context, map, field.name)?,)*
                                _ => return ::core::result::Result::Err(reading::foreign_field(Self::TABLE)),
                            }
                        }
                        $(reading::MemberKey::Foreign(name) => {
                            reading::other_member(context, &mut map, &mut $others, name, $policy)?;
                            continue;
                        })?
                        #[allow(unreachable_patterns)]
                        reading::MemberKey::Foreign(name) => {
                            return ::core::result::Result::Err(reading::unknown_member(Self::TABLE, &name));
                        }
                    }
                }
                context.leave_object(seen.is_empty() $(&& $others.is_empty())?);
                Self { $($field: $crate::fields!(@take $need $field)?,)* $($others,)? }.checked()
            }
        }

        impl $crate::shape::write::Write for $name {
            fn write<S: $crate::serde::Serializer>(
                &self,
                form: $crate::form::Form,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                let mut map = $crate::serde::Serializer::serialize_map(serializer, ::core::option::Option::None)?;
                $($crate::fields!(@write $need self.$field, $crate::shape::wire_name(stringify!($field)), form, map);)*
                $($crate::shape::write::members(&self.$others, form, &mut map)?;)?
                $crate::serde::ser::SerializeMap::end(map)
            }
        }
    };

    (@slot required $ty:ty) => { $ty };
    (@slot optional $ty:ty) => { ::core::option::Option<$ty> };
    (@slot defaulted $ty:ty) => { $ty };
    (@required required) => { true };
    (@required $need:ident) => { false };
    (@value required $ty:ty, $context:ident, $map:ident, $name:expr) => {
        reading::value($context, &mut $map, $name).map(::core::option::Option::Some)
    };
    (@value optional $ty:ty, $context:ident, $map:ident, $name:expr) => {
        reading::optional_value($context, &mut $map, $name)
    };
    (@value defaulted $ty:ty, $context:ident, $map:ident, $name:expr) => {
        reading::defaulted_value($context, &mut $map, $name, <$ty>::is_empty)
    };
    (@take required $field:ident) => { reading::required($field, $crate::shape::wire_name(stringify!($field))) };
    (@take optional $field:ident) => { ::core::result::Result::Ok($field) };
    (@take defaulted $field:ident) => { ::core::result::Result::Ok($field.unwrap_or_default()) };
    (@write required $value:expr, $name:expr, $form:ident, $map:ident) => {
        $crate::shape::write::entry(&mut $map, $name, &$value, $form)?;
    };
    (@write optional $value:expr, $name:expr, $form:ident, $map:ident) => {
        if let ::core::option::Option::Some(value) = &$value {
            $crate::shape::write::entry(&mut $map, $name, value, $form)?;
        }
    };
    (@write defaulted $value:expr, $name:expr, $form:ident, $map:ident) => {
        if !$value.is_empty() {
            $crate::shape::write::entry(&mut $map, $name, &$value, $form)?;
        }
    };
}
