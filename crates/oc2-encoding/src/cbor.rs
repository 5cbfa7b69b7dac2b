//! CBOR by id, deterministic (JADN 4.4, DECISIONS E1, E7), and by name, as others send it.

pub(crate) mod items;
mod read;
mod write;

use oc2_core::shape::read::{Context, Read, ReadError};
use oc2_core::{Form, Message, Mode, Notation};

use self::items::TAG;
use self::read::{CborError, Reader};
use self::write::Writer;
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
        message.write_in(form, &mut Writer(&mut bytes)).map_err(EncodeError::new)?;
        Ok(bytes)
    }
}

fn read(bytes: &[u8], mode: Mode) -> Result<Decoded, ReadError> {
    let mut context = Context::new(mode).of_binary();
    let (message, form) =
        read_with(bytes, &mut context, |context, deserializer| Message::read_in_any_envelope(context, deserializer))
            .map_err(|error| error.relative_to(&["body", "openc2", "request"]))?;
    Ok(Decoded { message, form, notes: context.into_notes() })
}

/// Reads one value of the language, such as a bare Command, from CBOR; the context is one
/// [`of_binary`](Context::of_binary).
///
/// # Errors
/// The bytes are not one: the place and the reason.
pub fn read_cbor<T: Read>(bytes: &[u8], context: &mut Context) -> Result<T, ReadError> {
    read_with(bytes, context, |context, deserializer| T::read(context, deserializer))
}

fn read_with<T>(
    bytes: &[u8],
    context: &mut Context,
    read: impl FnOnce(&mut Context, &mut Reader<'_>) -> Result<T, CborError>,
) -> Result<T, ReadError> {
    check_length(bytes)?;
    // Tags are looked for in what the reader refuses, and where one may stand.
    let is_tagged = bytes.first().is_some_and(|initial| initial >> 5 == TAG);
    let item = if is_tagged { items::untagged(bytes)? } else { bytes };
    let mut reader = Reader::new(item);
    let res = read(context, &mut reader);
    // The value is large: it is looked at where it lies, and moved once.
    if res.is_ok()
        && let Err(error) = reader.end()
    {
        items::untagged(bytes)?;
        return Err(ReadError::new(message_of(&error)));
    }
    res.map_err(|error| match items::untagged(bytes) {
        Ok(_) => context.fail(message_of(&error)),
        Err(tagged) => tagged,
    })
}

/// What the reader has to say; the offset only where the bytes are no CBOR, else the place says more.
fn message_of(error: &CborError) -> String {
    let message = error.to_string();
    if error.is_data() { message } else { format!("not CBOR: {message}") }
}

const TYPICAL_MESSAGE: usize = 256;
