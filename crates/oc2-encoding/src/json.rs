//! I-JSON by name (LS 3.1.5, RFC 7493), compact and concise (JADN 4.2, 4.3).

mod ascii;
pub(crate) mod read;
mod write;

use oc2_core::shape::read::{Context, Read, ReadError};
use oc2_core::shape::write::Write;
use oc2_core::{Form, Message, Mode, Notation};
use serde::{Serialize, Serializer};

use self::read::{JsonError, Reader};
#[cfg(feature = "signature")]
pub(crate) use self::write::append_text;
use crate::encoding::{Decoded, Encoding};
use crate::error::{DecodeError, EncodeError};
use crate::glimpse::Glimpse;
use crate::limits::check_length;

/// I-JSON by name, the form that every implementation supports (LS 3.1.5). In lenient mode the other two notations are read
/// as well, and answered alike (DECISIONS E8).
#[derive(Clone, Copy, Debug, Default)]
pub struct Json;

/// I-JSON in a notation that was agreed upon.
#[derive(Clone, Copy, Debug)]
pub struct JsonIn(pub Notation);

/// [`Json`] whose octets are all ASCII: other characters are written as escapes, which say the same to every reader of JSON (RFC
/// 8259 7). For peers that take nothing else.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonInAscii;

impl Encoding for Json {
    fn media_type(&self) -> &'static str {
        MEDIA_TYPE
    }

    fn default_form(&self) -> Form {
        Form::DEFAULT
    }

    fn decode(&self, bytes: &[u8], mode: Mode) -> Result<Decoded, DecodeError> {
        let context = match mode {
            Mode::Strict => Context::new(mode).in_notation(Notation::Verbose),
            Mode::Lenient => Context::new(mode),
        };
        read(bytes, context).map_err(|reason| DecodeError::new(reason, Glimpse::of_json(bytes)))
    }

    fn encode(&self, message: &Message, form: Form) -> Result<Vec<u8>, EncodeError> {
        encode(message, form)
    }
}

impl Encoding for JsonIn {
    fn media_type(&self) -> &'static str {
        MEDIA_TYPE
    }

    fn default_form(&self) -> Form {
        Form::DEFAULT.with_notation(self.0)
    }

    fn decode(&self, bytes: &[u8], mode: Mode) -> Result<Decoded, DecodeError> {
        let context = Context::new(mode).in_notation(self.0);
        read(bytes, context).map_err(|reason| DecodeError::new(reason, Glimpse::of_json(bytes).in_notation(self.0)))
    }

    fn encode(&self, message: &Message, form: Form) -> Result<Vec<u8>, EncodeError> {
        encode(message, form)
    }
}

impl Encoding for JsonInAscii {
    fn media_type(&self) -> &'static str {
        MEDIA_TYPE
    }

    fn default_form(&self) -> Form {
        Form::DEFAULT
    }

    fn decode(&self, bytes: &[u8], mode: Mode) -> Result<Decoded, DecodeError> {
        Json.decode(bytes, mode)
    }

    fn encode(&self, message: &Message, form: Form) -> Result<Vec<u8>, EncodeError> {
        encode(message, form).map(ascii::escaped)
    }
}

fn encode(message: &Message, form: Form) -> Result<Vec<u8>, EncodeError> {
    to_bytes(&Sent { message, form })
}

/// A value as JSON.
///
/// # Errors
/// It has what I-JSON does not.
pub(crate) fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::with_capacity(TYPICAL_MESSAGE);
    write::write(&mut bytes, value).map_err(EncodeError::new)?;
    Ok(bytes)
}

/// Writes one value of the language, such as a Target, as JSON by name.
///
/// # Errors
/// It has what I-JSON does not, or what came by id and no profile has typed.
pub fn write_json<T: Write>(value: &T) -> Result<Vec<u8>, EncodeError> {
    to_bytes(&Valued(value))
}

struct Valued<'a, T>(&'a T);

impl<T: Write> Serialize for Valued<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(Form::DEFAULT, serializer)
    }
}

/// A message as serializers take it.
struct Sent<'a> {
    message: &'a Message,
    form: Form,
}

impl Serialize for Sent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.message.write_in(self.form, serializer)
    }
}

fn read(bytes: &[u8], mut context: Context) -> Result<Decoded, ReadError> {
    let was_agreed = context.has_notation();
    let (message, form) =
        read_with(bytes, &mut context, |context, reader| Message::read_in_any_envelope(context, reader))
            .map_err(|error| error.relative_to(&["body", "openc2", "request"]))?;
    if form.notation != Notation::Verbose && !was_agreed {
        context.tolerate::<ReadError>("JSON that is not by name (LS 3.1.5)")?;
    }
    Ok(Decoded { message, form, notes: context.into_notes() })
}

/// Reads one value of the language, such as a bare Command, from JSON.
///
/// # Errors
/// The bytes are not one: the place and the reason.
pub fn read_json<T: Read>(bytes: &[u8], context: &mut Context) -> Result<T, ReadError> {
    read_with(bytes, context, |context, reader| T::read(context, reader))
}

fn read_with<T>(
    bytes: &[u8],
    context: &mut Context,
    read: impl FnOnce(&mut Context, &mut Reader<'_>) -> Result<T, JsonError>,
) -> Result<T, ReadError> {
    check_length(bytes)?;
    let mut reader = Reader::new(text_of(bytes)?);
    let res = read(context, &mut reader);
    // The value is large: it is looked at where it lies, and moved once.
    if res.is_ok()
        && let Err(error) = reader.end()
    {
        return Err(ReadError::new(message_of(&error)));
    }
    res.map_err(|error| context.fail(message_of(&error)))
}

/// The text of JSON.
pub(crate) fn text_of(bytes: &[u8]) -> Result<&str, ReadError> {
    str::from_utf8(bytes).map_err(|error| {
        ReadError::new(format!("the message is not UTF-8 from byte {} on", error.valid_up_to())).against(UTF_8)
    })
}

/// What the reader has to say; line and column only where the text is no JSON, else the place says more.
pub(crate) fn message_of(error: &JsonError) -> String {
    if error.is_data() { error.to_string() } else { format!("not JSON: {error}") }
}

const MEDIA_TYPE: &str = "application/openc2+json;version=1.0";
const TYPICAL_MESSAGE: usize = 512;
const UTF_8: &str = "LS 3.1.5 (LS-045)";
