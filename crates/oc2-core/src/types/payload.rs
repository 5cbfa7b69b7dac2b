//! The content of an artifact (LS 3.4.2.13).

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserializer, Serializer};

use crate::choice;
use crate::form::Form;
use crate::shape::read::{Context, Read, from_base64url, octets};
use crate::shape::write::{Write, octets as write_octets};
use crate::shape::{Kind, Octets, Shape};
use crate::types::text::Uri;

choice! {
    /// The content itself or where it lies (LS 3.4.2.13).
    pub enum Payload: "Payload" in "LS 3.4.2.13 (LS-198)" {
        /// The content.
        Bin(Binary) = 1 "bin",
        /// A URL that resolves to the content as it is, without encoding. Never fetched here (DECISIONS L28).
        Url(Uri) = 2 "url",
    }
}

/// Octets, in base64url on the wire (LS 3.1.5). Written without padding, read with or without (DECISIONS L15).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Binary(pub Vec<u8>);

impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        BASE64URL_NOPAD.encode_display(&self.0).fmt(f)
    }
}

impl Read for Binary {
    fn shape() -> &'static Shape {
        const SHAPE: Shape =
            Shape::plain("Binary", "LS 3.1.5 (LS-049)", Kind::Binary { text: Octets::Base64Url, lengths: &[] });
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        let from_text = |_: &mut Context, text: &str| from_base64url(text).map(Self);
        octets(context, deserializer, "base64url", from_text, |octets| Ok(Self(octets.to_owned())))
    }
}

impl Write for Binary {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        write_octets(&self.0, self, form, serializer)
    }
}
