//! Namespace identifiers and the names within them (LS 3.1.4, 3.4.2.12).

use std::fmt;
use std::str::FromStr;

use serde::{Deserializer, Serializer};

use crate::any::Key;
use crate::form::Form;
use crate::invalid::Invalid;
use crate::shape::read::{Context, Read, text};
use crate::shape::write::Write;
use crate::shape::{Format, Kind, Shape};

/// A namespace identifier: 1 to 16 letters, digits, `-` and `_`, the first a letter or digit (DECISIONS L23, L30).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nsid(Short<16>);

impl Nsid {
    /// Stateless packet filtering.
    pub const SLPF: Self = Self::constant("slpf");

    /// An identifier known at compile time.
    ///
    /// # Panics
    /// The text is not an identifier; in a constant that is an error of compilation.
    #[must_use]
    pub const fn constant(text: &str) -> Self {
        match Short::new(text) {
            Some(short) => Self(short),
            None => panic!("not a namespace identifier"),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The id in the registry of profiles, which CBOR uses in place of the name. Of two names of one id the first has it; the
    /// other stands as a text, or it would come back as the first.
    #[must_use]
    pub fn registered_id(&self) -> Option<u32> {
        REGISTRY.iter().find(|(nsid, _)| nsid == self).and_then(|(_, id)| *id)
    }

    /// The profile with this id in the registry.
    #[must_use]
    pub fn registered(id: u64) -> Option<Self> {
        REGISTRY.iter().find(|(_, known)| known.map(u64::from) == Some(id)).map(|(nsid, _)| *nsid)
    }

    /// Whether the registry has it.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        REGISTRY.iter().any(|(nsid, _)| nsid == self)
    }

    /// The namespace that a key stands for, if it does.
    pub(crate) fn of_key(key: &Key) -> Option<Self> {
        match key {
            Key::Name(name) => name.parse().ok(),
            Key::Number(id) => Self::registered(*id),
        }
    }

    /// Whether it marks an extension that no standard defines (`x-`, LS 3.1.4).
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.as_str().starts_with("x-")
    }

    /// Whether it stands for a namespace beyond doubt: registered, or marked as private.
    #[must_use]
    pub(crate) fn is_established(&self) -> bool {
        self.is_private() || self.is_registered()
    }
}

/// The name of a target within a namespace: 1 to 32 characters of the same kind (LS 1.5.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldName(Short<32>);

impl FieldName {
    /// A name known at compile time.
    ///
    /// # Panics
    /// The text is not a name; in a constant that is an error of compilation.
    #[must_use]
    pub const fn constant(text: &str) -> Self {
        match Short::new(text) {
            Some(short) => Self(short),
            None => panic!("not a name"),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

macro_rules! short_text {
    ($name:ident, $type:literal, $clause:literal, $max:literal, $what:literal) => {
        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                Short::new(text).map(Self).ok_or_else(|| Invalid::text(text, concat!("is not ", $what)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl Read for $name {
            fn shape() -> &'static Shape {
                const SHAPE: Shape = Shape::plain(
                    $type,
                    $clause,
                    Kind::String { format: Format::Pattern("^[A-Za-z0-9][A-Za-z0-9_-]*$"), min: 1, max: Some($max) },
                );
                &SHAPE
            }

            fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
                text(context, deserializer, $what, str::parse)
            }
        }

        impl Write for $name {
            fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

short_text!(
    Nsid,
    "Nsid",
    "LS 3.4.2.12 (LS-197), DECISIONS L30",
    16,
    "a namespace identifier (1 to 16 letters, digits, - and _)"
);
short_text!(
    FieldName,
    "Field-Name",
    "LS 1.5.1 (LS-002), DECISIONS L23",
    32,
    "a name (1 to 32 letters, digits, - and _)"
);

/// A short text kept in place, so that it is `Copy` and can be a constant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Short<const N: usize> {
    bytes: [u8; N],
    len: u8,
}

impl<const N: usize> Short<N> {
    const fn new(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.is_empty() || text.len() > N || !text[0].is_ascii_alphanumeric() {
            return None;
        }
        let mut bytes = [0; N];
        let mut i = 0;
        while i < text.len() {
            if !IS_OF_NAME[text[i] as usize] {
                return None;
            }
            bytes[i] = text[i];
            i += 1;
        }
        // N is 16 or 32.
        #[allow(clippy::cast_possible_truncation)]
        Some(Self { bytes, len: text.len() as u8 })
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

/// Whether a byte may stand in an identifier.
const IS_OF_NAME: [bool; 256] = {
    let mut is_of_name = [false; 256];
    let mut byte = 0u8;
    while byte < 128 {
        is_of_name[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        byte += 1;
    }
    is_of_name
};

/// A target of a profile whose id stands in the table of targets itself.
pub(crate) struct Flat {
    pub(crate) nsid: Nsid,
    pub(crate) name: FieldName,
    /// The id that is written.
    pub(crate) id: u32,
    /// Another one that stands in its place.
    also: u32,
    /// The ids it has within the namespace, where others put it.
    nested: &'static [u64],
}

impl Flat {
    /// The one there is: SLPF published its target like this, and other ids in each of its schemas (DECISIONS E2).
    const RULE_NUMBER: Self =
        Self { nsid: Nsid::SLPF, name: FieldName::constant("rule_number"), id: 1024, also: 900, nested: &[1024, 1] };

    pub(crate) fn of(nsid: Nsid, name: &str) -> Option<&'static Self> {
        let flat = &Self::RULE_NUMBER;
        (flat.nsid == nsid && flat.name.as_str() == name).then_some(flat)
    }

    pub(crate) fn by_id(id: u64) -> Option<&'static Self> {
        let flat = &Self::RULE_NUMBER;
        [flat.id, flat.also].into_iter().any(|known| u64::from(known) == id).then_some(flat)
    }

    pub(crate) fn nested(nsid: Nsid, id: u64) -> Option<&'static Self> {
        let flat = &Self::RULE_NUMBER;
        (flat.nsid == nsid && flat.nested.contains(&id)).then_some(flat)
    }
}

/// The registry of profiles and their ids (OpenC2 namespace registry, DECISIONS "Ids").
const REGISTRY: &[(Nsid, Option<u32>)] = &[
    (Nsid::SLPF, Some(1024)),
    (Nsid::constant("sfpf"), Some(1025)),
    (Nsid::constant("sbom"), Some(1026)),
    (Nsid::constant("er"), Some(1027)),
    (Nsid::constant("hop"), Some(1028)),
    (Nsid::constant("av"), Some(1029)),
    (Nsid::constant("ids"), Some(1030)),
    (Nsid::constant("log"), Some(1031)),
    (Nsid::constant("swup"), Some(1032)),
    (Nsid::constant("pf"), Some(1034)),
    (Nsid::constant("pac"), Some(1035)),
    (Nsid::constant("hunt"), Some(1036)),
    // Another name of hunt.
    (Nsid::constant("th"), None),
    (Nsid::constant("blinky"), Some(9001)),
];
