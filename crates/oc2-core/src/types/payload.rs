//! The content of an artifact (LS 3.4.2.13).

use data_encoding::{BASE64URL, BASE64URL_NOPAD};
use serde::{Deserializer, Serializer};

use crate::choice;
use crate::form::Form;
use crate::invalid::Invalid;
use crate::shape::read::{Context, Read, text};
use crate::shape::write::Write;
use crate::types::text::Uri;

choice! {
    /// The content itself or where it lies (LS 3.4.2.13).
    pub enum Payload: "Payload" {
        /// The content.
        Bin(Binary) = 1 "bin",
        /// A URL that resolves to the content as it is, without encoding. Never fetched here (DECISIONS L28).
        Url(Uri) = 2 "url",
    }
}

/// Octets, in base64url on the wire (LS 3.1.5). Written without padding, read with or without (DECISIONS L15).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Binary(pub Vec<u8>);

impl Binary {
    fn from_base64url(text: &str) -> Result<Self, Invalid> {
        let not_base64url = || Invalid::text(text, "is not base64url");
        // The decoder takes several padded texts in a row for one.
        if text.trim_end_matches('=').contains('=') {
            return Err(not_base64url());
        }
        let encoding = if text.ends_with('=') { BASE64URL } else { BASE64URL_NOPAD };
        encoding.decode(text.as_bytes()).map(Self).map_err(|_| not_base64url())
    }
}

impl Read for Binary {
    const TYPE: &'static str = "Binary";

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        text(context, deserializer, "base64url", Self::from_base64url)
    }
}

impl Write for Binary {
    fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}
