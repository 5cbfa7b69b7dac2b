//! The macros that turn the declaration of a type into the type, its table, its reader and its writer.

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
    ($(#[$meta:meta])* $vis:vis enum $name:ident: $wire:literal $(in $clause:literal)? {
        $($(#[$variant_meta:meta])* $variant:ident = $id:literal $text:literal),+ $(,)?
    }) => {
        $crate::enumerated!(@type Enumerated $(#[$meta])* [$vis] $name $wire [$($clause)?] {
            $($(#[$variant_meta])* $variant $id $text)+
        });
    };

    ($(#[$meta:meta])* $vis:vis enum $name:ident: $wire:literal $(in $clause:literal)? by id {
        $($(#[$variant_meta:meta])* $variant:ident = $id:literal $text:literal),+ $(,)?
    }) => {
        $crate::enumerated!(@type EnumeratedId $(#[$meta])* [$vis] $name $wire [$($clause)?] {
            $($(#[$variant_meta])* $variant $id $text)+
        });
    };

    (@type $kind:ident $(#[$meta:meta])* [$vis:vis] $name:ident $wire:literal [$($clause:literal)?] {
        $($(#[$variant_meta:meta])* $variant:ident $id:literal $text:literal)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name { $($(#[$variant_meta])* $variant),+ }

        impl $name {
            /// The table of the standard.
            pub const SHAPE: $crate::shape::Shape = $crate::shape::Shape::table(
                $wire,
                concat!($($clause)?),
                $crate::shape::Kind::$kind,
                &[$($crate::shape::Field {
                    id: $id,
                    also: &[],
                    name: $text,
                    quoted: ::core::option::Option::Some(concat!("\"", $text, "\":", "                                ")),
                    shape: None,
                    required: false,
                }),+],
            );

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
            fn shape() -> &'static $crate::shape::Shape {
                &Self::SHAPE
            }

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
                form: $crate::form::Form,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::shape::write::row(&Self::SHAPE, *self as usize, form, serializer)
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
    ($(#[$meta:meta])* $vis:vis enum $name:ident: $wire:literal $(in $clause:literal)?
        $(, named by $kind:ident)? $(, extended by $extended:ident)? {
        $($(#[$variant_meta:meta])* $variant:ident($ty:ty) = $id:literal $(| $also:literal)* $text:literal),+ $(,)?
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
            pub const SHAPE: $crate::shape::Shape = $crate::shape::Shape::table(
                $wire,
                concat!($($clause)?),
                $crate::shape::Kind::Choice,
                &[$($crate::shape::Field {
                    id: $id,
                    also: &[$($also),*],
                    name: $text,
                    quoted: ::core::option::Option::Some(concat!("\"", $text, "\":", "                                ")),
                    shape: Some(<$ty as $crate::shape::read::Read>::shape),
                    required: false,
                }),+],
            )
            .with_room($crate::choice!(@room $($extended)?));
        }

        impl $crate::shape::Choice for $name {
            const TABLE: &'static $crate::shape::Shape = &Self::SHAPE;
            const NAMES: &'static [&'static str] =
                $crate::announced!($(concat!($text, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")),+);
            const IDS: &'static [&'static str] =
                $crate::announced!($(concat!(stringify!($id), "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")),+);

            fn field(&self) -> ::core::option::Option<&'static $crate::shape::Field> {
                match self {
                    $(Self::$variant(_) => const { Self::SHAPE.row($id) },)+
                    $(Self::$extended(value) => value.field(),)?
                }
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
                    $(Self::$extended(value) => value.write_value(form, serializer),)?
                }
            }
        }

        impl $crate::shape::read::Read for $name {
            fn shape() -> &'static $crate::shape::Shape {
                &Self::SHAPE
            }

            fn read<'de, D: $crate::serde::Deserializer<'de>>(
                context: &mut $crate::shape::read::Context,
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::shape::read::choice(context, deserializer)
            }

            fn read_to<'de, D: $crate::serde::Deserializer<'de>>(
                context: &mut $crate::shape::read::Context,
                deserializer: D,
                place: &mut impl $crate::shape::read::Place<Self>,
            ) -> ::core::result::Result<(), D::Error> {
                $crate::shape::read::choice_to::<Self, $crate::choice!(@foreign $($extended)?), D, _>(
                    context,
                    deserializer,
                    place,
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
                    $(Self::$extended(value) => value.write_member(form, serializer),)?
                    #[allow(unreachable_patterns)]
                    _ => $crate::shape::write::choice(self, form, serializer),
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
    (@room) => { $crate::shape::Room::None };
    (@room $extended:ident) => { $crate::shape::Room::Profiles($crate::shape::Part::Target) };
    (@foreign) => { $crate::shape::read::NoForeignField };
    (@foreign $extended:ident) => { $extended };
}

/// Declares a Map: a struct whose fields come in any order and are known by id, its reader and writer.
///
/// Each row says `required`, `optional`, or `defaulted` (absent on the wire when empty). `others name: policy` after the
/// rows keeps members that are not in the table when `policy`, a constant of type [`Others`](crate::any::Others), admits them.
/// `sealed by Builder` makes the fields private: values then come from the builder, which sees to it that at least one field
/// is present, so that every value that exists is valid; with `checked by path` it runs that check instead.
///
/// `in "SLPF 2.1.3.2"` behind the name says where the standard defines the type; errors tell it. An id `= 1024 | 1` is
/// written as 1024 and read as either. `, Record later` behind the name of a Map reads it as an array too.
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
    ($kind:ident $(#[$meta:meta])* $vis:vis struct $name:ident: $wire:literal $(in $clause:literal)? $(, $later:ident later)? {
        $($(#[$field_meta:meta])* $need:ident $field:ident: $ty:ty = $id:literal $(| $also:literal)*),* $(,)?
    } $(others $(#[$others_meta:meta])* $others:ident: $policy:path)?) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name {
            $($(#[$field_meta])* pub $field: $crate::fields!(@slot $need $ty),)*
            $($(#[$others_meta])* pub $others: $crate::any::Members,)?
        }

        $crate::fields!(@common $kind [$($later)?] 0, $name $wire [$($clause)?] {
            $($need $field $ty, $id [$($also),*];)*
        } $($others $policy)?);

        impl $name {
            #[inline(always)]
            fn checked<E: $crate::serde::de::Error>(
                self,
                _: &mut $crate::shape::read::Context,
            ) -> ::core::result::Result<Self, E> {
                ::core::result::Result::Ok(self)
            }
        }
    };

    ($kind:ident $(#[$meta:meta])* $vis:vis struct $name:ident: $wire:literal $(in $clause:literal)?,
        sealed by $builder:ident $(checked by $check:path)? {
        $($(#[$field_meta:meta])* $need:ident $field:ident: $ty:ty = $id:literal $(| $also:literal)*),+ $(,)?
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

            fn validity(&self) -> ::core::result::Result<(), $crate::invalid::Invalid> {
                $crate::fields!(@check self $($check)?)
            }

            #[inline(always)]
            fn checked<E: $crate::serde::de::Error>(
                self,
                context: &mut $crate::shape::read::Context,
            ) -> ::core::result::Result<Self, E> {
                match self.validity() {
                    ::core::result::Result::Ok(()) => ::core::result::Result::Ok(self),
                    ::core::result::Result::Err(invalid) => ::core::result::Result::Err(
                        $crate::shape::read::of_whole(context, &Self::SHAPE, E::custom(invalid)),
                    ),
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
                self.0.validity().map(|()| self.0)
            }
        }

        $crate::fields!(@common $kind [] 1, $name $wire [$($clause)?] {
            $($need $field $ty, $id [$($also),*];)+
        } $($others $policy)?);
    };

    (@common $kind:ident [$($later:ident)?] $min:literal, $name:ident $wire:literal [$($clause:literal)?] {
        $($need:ident $field:ident $ty:ty, $id:literal [$($also:literal),*];)*
    } $($others:ident $policy:path)?) => {
        impl $name {
            /// The table of the standard.
            pub const SHAPE: $crate::shape::Shape = $crate::shape::Shape::table(
                $wire,
                concat!($($clause)?),
                $crate::shape::Kind::$kind { min: $min },
                &[$($crate::shape::Field {
                    id: $id,
                    also: &[$($also),*],
                    name: $crate::shape::wire_name(stringify!($field)),
                    quoted: $crate::shape::wire_quoted(concat!("\"", stringify!($field), "\":", "                                ")),
                    shape: Some(<$ty as $crate::shape::read::Read>::shape),
                    required: $crate::fields!(@required $need),
                }),*],
            )
            .with_room($crate::fields!(@room $($policy)?));
        }

        // A reader remembers in 64 bits which rows it met.
        const _: () = ::core::assert!($name::SHAPE.fields.len() <= 64, "a table of more than 64 rows");

        impl $crate::shape::read::Read for $name {
            fn shape() -> &'static $crate::shape::Shape {
                &Self::SHAPE
            }

            fn read<'de, D: $crate::serde::Deserializer<'de>>(
                context: &mut $crate::shape::read::Context,
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::shape::read::members::<Self, D>(context, deserializer)
            }
        }

        const _: () = {
            /// What was read so far.
            #[derive(Default)]
            #[allow(missing_debug_implementations, unnameable_types, reason = "of the reader alone")]
            pub struct Slots {
                $($field: ::core::option::Option<$ty>,)*
                $($others: $crate::any::Members,)?
            }

            impl $crate::shape::read::ReadMembers for $name {
                const TABLE: &'static $crate::shape::Shape = &Self::SHAPE;
                const NAMES: &'static [&'static str] = $crate::announced!($($crate::shape::wire_name(concat!(
                    stringify!($field),
                    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                ))),*);
                const IDS: &'static [&'static str] =
                    $crate::announced!($(concat!(stringify!($id), "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")),*);
                const ORDER: $crate::shape::read::Order = $crate::fields!(@order $kind $($later)?);
                type Slots = Slots;

                #[allow(unused_variables, reason = "a table may have no rows")]
                fn read_row<'de, S: $crate::shape::read::Source<'de>>(
                    context: &mut $crate::shape::read::Context,
                    slots: &mut Slots,
                    field: &'static $crate::shape::Field,
                    source: &mut S,
                ) -> ::core::result::Result<(), S::Error> {
                    match field.id {
                        $($id => $crate::fields!(@value $need $ty, context, source, field.name, &mut slots.$field),)*
                        _ => ::core::result::Result::Err($crate::shape::read::foreign_field(Self::TABLE)),
                    }
                }

                #[allow(unused_variables, unreachable_code, reason = "a table may have no place for other members")]
                fn read_other<'de, A: $crate::serde::de::MapAccess<'de>>(
                    context: &mut $crate::shape::read::Context,
                    slots: &mut Slots,
                    key: &$crate::shape::read::KeyText<'de>,
                    map: &mut A,
                ) -> ::core::result::Result<(), A::Error> {
                    $(return $crate::shape::read::other_member(context, map, &mut slots.$others, key, &$policy);)?
                    ::core::result::Result::Err($crate::shape::read::unknown_member(Self::TABLE, key))
                }

                #[allow(unused_variables, reason = "a table may have no place for other members")]
                fn has_others(slots: &Slots) -> bool {
                    false $(|| !slots.$others.is_empty())?
                }

                #[allow(unused_variables, reason = "a table may have no rows")]
                #[inline(always)]
                fn finish<E: $crate::serde::de::Error>(
                    context: &mut $crate::shape::read::Context,
                    slots: &mut Slots,
                ) -> ::core::result::Result<Self, E> {
                    Self {
                        $($field: $crate::fields!(@take $need context, slots.$field, stringify!($field))?,)*
                        $($others: ::core::mem::take(&mut slots.$others).present(&$policy),)?
                    }
                    .checked(context)
                }
            }
        };

        impl $crate::shape::write::Write for $name {
            #[allow(unused_assignments, unused_mut, unused_variables, reason = "a table may have no rows")]
            fn write<S: $crate::serde::Serializer>(
                &self,
                form: $crate::form::Form,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                let present = [$($crate::fields!(@present $need self.$field)),*];
                let mut rows = $crate::shape::write::Rows::start(
                    &Self::SHAPE,
                    &present,
                    $crate::fields!(@others self $($others $policy)?),
                    form,
                    serializer,
                )?;
                let mut row = 0;
                $(
                    rows.row(row, $crate::fields!(@some $need self.$field))?;
                    row += 1;
                )*
                rows.end()
            }
        }
    };

    (@slot required $ty:ty) => { $ty };
    (@slot optional $ty:ty) => { ::core::option::Option<$ty> };
    (@slot defaulted $ty:ty) => { $ty };
    (@required required) => { true };
    (@required $need:ident) => { false };
    (@order Record) => { $crate::shape::read::Order::Positional };
    (@order Map) => { $crate::shape::read::Order::Keyed };
    (@order Map Record) => { $crate::shape::read::Order::Either };
    (@check $value:ident) => { $crate::shape::at_least_one(&Self::SHAPE, $value.is_empty()) };
    (@check $value:ident $check:path) => { $check($value) };
    (@value required $ty:ty, $context:ident, $source:ident, $name:expr, $slot:expr) => {
        $crate::shape::read::value($context, $source, $name, $slot)
    };
    (@value optional $ty:ty, $context:ident, $source:ident, $name:expr, $slot:expr) => {
        $crate::shape::read::optional_value($context, $source, $name, $slot)
    };
    (@value defaulted $ty:ty, $context:ident, $source:ident, $name:expr, $slot:expr) => {
        $crate::shape::read::defaulted_value($context, $source, $name, $slot, <$ty>::is_empty)
    };
    (@take required $context:ident, $slot:expr, $name:expr) => {
        $crate::shape::read::required($context, Self::TABLE, $slot.take(), $crate::shape::wire_name($name))
    };
    (@take optional $context:ident, $slot:expr, $name:expr) => { ::core::result::Result::Ok($slot.take()) };
    (@take defaulted $context:ident, $slot:expr, $name:expr) => {
        ::core::result::Result::Ok($slot.take().unwrap_or_default())
    };
    (@present required $value:expr) => { true };
    (@present optional $value:expr) => { $value.is_some() };
    (@present defaulted $value:expr) => { !$value.is_empty() };
    (@some required $value:expr) => { ::core::option::Option::Some(&$value) };
    (@some optional $value:expr) => { $value.as_ref() };
    (@some defaulted $value:expr) => { ::core::option::Option::Some(&$value).filter(|value| !value.is_empty()) };
    (@room) => { $crate::shape::Room::None };
    (@room $policy:path) => { $policy.room };
    (@others $value:ident) => { ::core::option::Option::None };
    (@others $value:ident $others:ident $policy:path) => {
        ::core::option::Option::Some((&$value.$others, &$policy))
    };
}

/// The texts that a table [announces](crate::shape::Announced).
#[doc(hidden)]
#[macro_export]
macro_rules! announced {
    ($($key:expr),*) => {{
        const KEYS: &[&str] = &[$($key),*];
        const INDEX: [u8; $crate::shape::SLOTS] = $crate::shape::Announced::index(KEYS);
        &[$($key,)* $crate::shape::Announced::index_text(&INDEX)]
    }};
}
