//! Writing a value whose type is behind a pointer: an object-safe side of serde's [`Serializer`], for what shapes are written
//! with.

use std::fmt;

use serde::ser::{self, Error as _, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

/// Where a value goes; what comes of it stays there.
pub(super) trait Sink {
    fn is_human_readable(&self) -> bool;
    fn scalar(&mut self, scalar: Scalar<'_>) -> Result<(), Failed>;
    fn list(&mut self, len: Option<usize>) -> Result<(), Failed>;
    fn item(&mut self, item: &dyn Piece) -> Result<(), Failed>;
    fn map(&mut self, len: Option<usize>) -> Result<(), Failed>;
    fn key(&mut self, key: &dyn Piece) -> Result<(), Failed>;
    fn value(&mut self, value: &dyn Piece) -> Result<(), Failed>;
    fn end(&mut self) -> Result<(), Failed>;
}

/// What contains nothing.
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Unsigned(u64),
    Number(f64),
    Text(&'a str),
    Shown(&'a dyn fmt::Display),
    Octets(&'a [u8]),
    /// A name of a table (`shape/write.rs`).
    Known {
        quoted: &'static str,
        index: u32,
        name: &'static str,
    },
}

/// Anything that can be written to a sink.
pub(super) trait Piece {
    fn write_to(&self, sink: &mut dyn Sink) -> Result<(), Failed>;
}

impl<T: Serialize + ?Sized> Piece for T {
    fn write_to(&self, sink: &mut dyn Sink) -> Result<(), Failed> {
        self.serialize(Through(sink))
    }
}

/// Writes through a sink.
///
/// # Errors
/// The serializer's.
pub(super) fn write<S: Serializer>(
    serializer: S,
    write: impl FnOnce(&mut dyn Sink) -> Result<(), Failed>,
) -> Result<S::Ok, S::Error> {
    let mut state = State::Ready(serializer);
    match (write(&mut state), state) {
        (Ok(()), State::Done(ok)) => Ok(ok),
        (Ok(()), _) => Err(S::Error::custom("a value that is not written")),
        (Err(Failed(reason)), _) => Err(S::Error::custom(reason)),
    }
}

/// Why a value cannot be written.
#[derive(Debug)]
pub(super) struct Failed(Box<str>);

impl Failed {
    fn of(error: impl fmt::Display) -> Self {
        Self(error.to_string().into())
    }

    fn out_of_turn() -> Self {
        Self::of("a value that is written twice")
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

impl ser::Error for Failed {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::of(message)
    }
}

/// How far a serializer has come with its value.
enum State<S: Serializer> {
    Ready(S),
    List(S::SerializeSeq),
    Map(S::SerializeMap),
    Done(S::Ok),
    /// It failed, or its turn is now.
    Gone,
}

impl<S: Serializer> State<S> {
    fn take(&mut self) -> Result<S, Failed> {
        match std::mem::replace(self, Self::Gone) {
            Self::Ready(serializer) => Ok(serializer),
            _ => Err(Failed::out_of_turn()),
        }
    }
}

impl<S: Serializer> Sink for State<S> {
    fn is_human_readable(&self) -> bool {
        matches!(self, Self::Ready(serializer) if serializer.is_human_readable())
    }

    fn scalar(&mut self, scalar: Scalar<'_>) -> Result<(), Failed> {
        let serializer = self.take()?;
        let res = match scalar {
            Scalar::Null => serializer.serialize_unit(),
            Scalar::Bool(value) => serializer.serialize_bool(value),
            Scalar::Integer(value) => serializer.serialize_i64(value),
            Scalar::Unsigned(value) => serializer.serialize_u64(value),
            Scalar::Number(value) => serializer.serialize_f64(value),
            Scalar::Text(text) => serializer.serialize_str(text),
            Scalar::Shown(value) => serializer.collect_str(value),
            Scalar::Octets(octets) => serializer.serialize_bytes(octets),
            Scalar::Known { quoted, index, name } => serializer.serialize_unit_variant(quoted, index, name),
        };
        *self = Self::Done(res.map_err(Failed::of)?);
        Ok(())
    }

    fn list(&mut self, len: Option<usize>) -> Result<(), Failed> {
        *self = Self::List(self.take()?.serialize_seq(len).map_err(Failed::of)?);
        Ok(())
    }

    fn item(&mut self, item: &dyn Piece) -> Result<(), Failed> {
        let Self::List(items) = self else { return Err(Failed::out_of_turn()) };
        items.serialize_element(&Erased(item)).map_err(Failed::of)
    }

    fn map(&mut self, len: Option<usize>) -> Result<(), Failed> {
        *self = Self::Map(self.take()?.serialize_map(len).map_err(Failed::of)?);
        Ok(())
    }

    fn key(&mut self, key: &dyn Piece) -> Result<(), Failed> {
        let Self::Map(members) = self else { return Err(Failed::out_of_turn()) };
        members.serialize_key(&Erased(key)).map_err(Failed::of)
    }

    fn value(&mut self, value: &dyn Piece) -> Result<(), Failed> {
        let Self::Map(members) = self else { return Err(Failed::out_of_turn()) };
        members.serialize_value(&Erased(value)).map_err(Failed::of)
    }

    fn end(&mut self) -> Result<(), Failed> {
        let res = match std::mem::replace(self, Self::Gone) {
            Self::List(items) => items.end(),
            Self::Map(members) => members.end(),
            _ => return Err(Failed::out_of_turn()),
        };
        *self = Self::Done(res.map_err(Failed::of)?);
        Ok(())
    }
}

struct Erased<'a>(&'a dyn Piece);

impl Serialize for Erased<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(serializer, |sink| self.0.write_to(sink))
    }
}

/// A sink as a serializer.
struct Through<'s>(&'s mut dyn Sink);

impl<'s> Serializer for Through<'s> {
    type Ok = ();
    type Error = Failed;
    type SerializeSeq = Self;
    type SerializeMap = Self;

    crate::as_shapes_do!();

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }

    fn serialize_bool(self, value: bool) -> Result<(), Failed> {
        self.0.scalar(Scalar::Bool(value))
    }

    fn serialize_i64(self, value: i64) -> Result<(), Failed> {
        self.0.scalar(Scalar::Integer(value))
    }

    fn serialize_u64(self, value: u64) -> Result<(), Failed> {
        self.0.scalar(Scalar::Unsigned(value))
    }

    fn serialize_f64(self, value: f64) -> Result<(), Failed> {
        self.0.scalar(Scalar::Number(value))
    }

    fn serialize_str(self, text: &str) -> Result<(), Failed> {
        self.0.scalar(Scalar::Text(text))
    }

    fn serialize_bytes(self, octets: &[u8]) -> Result<(), Failed> {
        self.0.scalar(Scalar::Octets(octets))
    }

    fn serialize_unit(self) -> Result<(), Failed> {
        self.0.scalar(Scalar::Null)
    }

    fn serialize_unit_variant(self, quoted: &'static str, index: u32, name: &'static str) -> Result<(), Failed> {
        self.0.scalar(Scalar::Known { quoted, index, name })
    }

    fn collect_str<T: ?Sized + fmt::Display>(self, value: &T) -> Result<(), Failed> {
        self.0.scalar(Scalar::Shown(&value))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self, Failed> {
        self.0.list(len)?;
        Ok(self)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self, Failed> {
        self.0.map(len)?;
        Ok(self)
    }
}

impl SerializeSeq for Through<'_> {
    type Ok = ();
    type Error = Failed;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Failed> {
        self.0.item(&value)
    }

    fn end(self) -> Result<(), Failed> {
        self.0.end()
    }
}

impl SerializeMap for Through<'_> {
    type Ok = ();
    type Error = Failed;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Failed> {
        self.0.key(&key)
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Failed> {
        self.0.value(&value)
    }

    fn end(self) -> Result<(), Failed> {
        self.0.end()
    }
}
