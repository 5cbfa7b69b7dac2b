//! What the serializers of this workspace have in common.

/// The methods of a `serde::Serializer` that are the same in each: what no shape asks for, and what is another name of something
/// else.
#[doc(hidden)]
#[macro_export]
macro_rules! as_shapes_do {
    () => {
        type SerializeTuple = $crate::serde::ser::Impossible<Self::Ok, Self::Error>;
        type SerializeTupleStruct = $crate::serde::ser::Impossible<Self::Ok, Self::Error>;
        type SerializeTupleVariant = $crate::serde::ser::Impossible<Self::Ok, Self::Error>;
        type SerializeStruct = $crate::serde::ser::Impossible<Self::Ok, Self::Error>;
        type SerializeStructVariant = $crate::serde::ser::Impossible<Self::Ok, Self::Error>;

        $crate::as_shapes_do!(wide serialize_i8 i8, serialize_i16 i16, serialize_i32 i32 as serialize_i64);
        $crate::as_shapes_do!(wide serialize_u8 u8, serialize_u16 u16, serialize_u32 u32 as serialize_u64);
        $crate::as_shapes_do!(wide serialize_f32 f32 as serialize_f64);

        fn serialize_char(self, value: char) -> Result<Self::Ok, Self::Error> {
            self.serialize_str(value.encode_utf8(&mut [0; 4]))
        }

        fn serialize_none(self) -> Result<Self::Ok, Self::Error> {
            self.serialize_unit()
        }

        fn serialize_some<T: ?Sized + $crate::serde::Serialize>(self, value: &T) -> Result<Self::Ok, Self::Error> {
            value.serialize(self)
        }

        fn serialize_newtype_struct<T: ?Sized + $crate::serde::Serialize>(
            self,
            _: &'static str,
            value: &T,
        ) -> Result<Self::Ok, Self::Error> {
            value.serialize(self)
        }

        fn serialize_newtype_variant<T: ?Sized + $crate::serde::Serialize>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<Self::Ok, Self::Error> {
            $crate::shape::write::not_in_shapes()
        }

        fn serialize_unit_struct(self, _: &'static str) -> Result<Self::Ok, Self::Error> {
            $crate::shape::write::not_in_shapes()
        }

        fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Self::Error> {
            $crate::shape::write::not_in_shapes()
        }

        fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Self::Error> {
            $crate::shape::write::not_in_shapes()
        }

        fn serialize_tuple_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleVariant, Self::Error> {
            $crate::shape::write::not_in_shapes()
        }

        fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Self::Error> {
            $crate::shape::write::not_in_shapes()
        }

        fn serialize_struct_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeStructVariant, Self::Error> {
            $crate::shape::write::not_in_shapes()
        }
    };

    (wide $($method:ident $ty:ty),+ as $wide:ident) => {
        $(#[inline]
        fn $method(self, value: $ty) -> Result<Self::Ok, Self::Error> {
            self.$wide(value.into())
        })+
    };
}

#[doc(hidden)]
pub fn not_in_shapes<T, E: serde::ser::Error>() -> Result<T, E> {
    Err(E::custom("no shape is written like this"))
}
