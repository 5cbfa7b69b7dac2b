//! CBOR by id, deterministic (JADN 4.4, DECISIONS E1, E7), and by name, as others send it.

mod items;

use oc2_core::shape::read::{Context, ReadError};
use oc2_core::{Form, Message, Mode, Notation};
use serde_cbor::Deserializer;

use crate::encoding::{Decoded, Encoding};
use crate::error::{DecodeError, EncodeError};
use crate::glimpse::Glimpse;
use crate::limits::check_length;

/// CBOR as the standard means it, by id; and by name, the JSON of the standard transcoded one to one.
///
/// No published transfer over HTTP has a place for it: there it is an extension, for peers that agreed on it (DECISIONS M2).
#[derive(Clone, Copy, Debug, Default)]
pub struct Cbor;

/// The same, where what is sent unasked is CBOR by name, for peers that know no other.
#[derive(Clone, Copy, Debug, Default)]
pub struct CborByName;

impl Encoding for CborByName {
    fn media_type(&self) -> &'static str {
        Cbor.media_type()
    }

    fn default_form(&self) -> Form {
        Form::DEFAULT
    }

    fn decode(&self, bytes: &[u8], mode: Mode) -> Result<Decoded, DecodeError> {
        Cbor.decode(bytes, mode)
    }

    fn encode(&self, message: &Message, form: Form) -> Result<Vec<u8>, EncodeError> {
        Cbor.encode(message, form)
    }
}

impl Encoding for Cbor {
    fn media_type(&self) -> &'static str {
        "application/openc2+cbor;version=1.0"
    }

    fn default_form(&self) -> Form {
        Form::DEFAULT.with_notation(Notation::Concise)
    }

    fn decode(&self, bytes: &[u8], mode: Mode) -> Result<Decoded, DecodeError> {
        read(bytes, mode).map_err(|reason| DecodeError::new(reason, Glimpse::of_cbor(bytes)))
    }

    fn encode(&self, message: &Message, form: Form) -> Result<Vec<u8>, EncodeError> {
        if form.notation == Notation::Compact {
            return Err(EncodeError::new("there is no compact CBOR (JADN 4)"));
        }
        let mut bytes = Vec::with_capacity(TYPICAL_MESSAGE);
        message.write_in(form, &mut serde_cbor::Serializer::new(&mut bytes)).map_err(EncodeError::new)?;
        Ok(items::widen(bytes))
    }
}

fn read(bytes: &[u8], mode: Mode) -> Result<Decoded, ReadError> {
    check_length(bytes)?;
    let bytes = items::untagged(bytes)?;
    let mut context = Context::new(mode).of_binary();
    let mut deserializer = Deserializer::from_slice(bytes);
    let (message, form) = Message::read_in_any_envelope(&mut context, &mut deserializer)
        .map_err(|error| context.fail(message_of(&error)).relative_to(&["body", "openc2", "request"]))?;
    deserializer.end().map_err(|error| ReadError::new(message_of(&error)))?;
    Ok(Decoded { message, form, notes: context.notes().to_vec() })
}

/// What serde_cbor has to say; the offset only where the bytes are no CBOR, else the place says more.
pub(crate) fn message_of(error: &serde_cbor::Error) -> String {
    let message = error.to_string();
    if error.is_data() { message } else { format!("not CBOR: {message}") }
}

/// The item itself, without the tag that says it is CBOR.
///
/// # Errors
/// What deterministic CBOR of the standard's types does not have: other tags, undefined.
pub(crate) fn untagged(bytes: &[u8]) -> Result<&[u8], ReadError> {
    items::untagged(bytes)
}

const TYPICAL_MESSAGE: usize = 256;
