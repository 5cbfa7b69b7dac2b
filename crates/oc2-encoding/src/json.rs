//! I-JSON by name (LS 3.1.5, RFC 7493).

use oc2_core::shape::read::{Context, ReadError};
use oc2_core::{Form, Message, Mode};
use serde_json::Deserializer;

use crate::encoding::{Decoded, Encoding};
use crate::error::{DecodeError, EncodeError};
use crate::glimpse::Glimpse;
use crate::limits::MAX_MESSAGE;

/// JSON with names for members and enumerated values.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json;

impl Encoding for Json {
    fn media_type(&self) -> &'static str {
        "application/openc2+json;version=1.0"
    }

    fn decode(&self, bytes: &[u8], mode: Mode) -> Result<Decoded, DecodeError> {
        read(bytes, mode).map_err(|reason| DecodeError::new(reason, Glimpse::of_json(bytes)))
    }

    fn encode(&self, message: &Message, form: Form) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = Vec::with_capacity(TYPICAL_MESSAGE);
        message.write_in(form, &mut serde_json::Serializer::new(&mut bytes))?;
        Ok(bytes)
    }
}

fn read(bytes: &[u8], mode: Mode) -> Result<Decoded, ReadError> {
    if bytes.len() > MAX_MESSAGE {
        return Err(ReadError::new(format!("the message has {} bytes, at most {MAX_MESSAGE} are read", bytes.len())));
    }
    let text = str::from_utf8(bytes)
        .map_err(|error| ReadError::new(format!("the message is not UTF-8 from byte {} on", error.valid_up_to())))?;
    let mut context = Context::new(mode);
    let mut deserializer = Deserializer::from_str(text);
    let (message, form) = Message::read_in_any_envelope(&mut context, &mut deserializer)
        .map_err(|error| context.fail(message_of(&error)).relative_to(&["body", "openc2", "request"]))?;
    deserializer.end().map_err(|error| ReadError::new(message_of(&error)))?;
    Ok(Decoded { message, form, notes: context.notes().to_vec() })
}

/// What serde_json has to say; line and column only where the text is no JSON, else the place says more.
fn message_of(error: &serde_json::Error) -> String {
    let message = error.to_string();
    if !error.is_data() {
        return format!("not JSON: {message}");
    }
    match message.rfind(" at line ") {
        Some(end) => message[..end].to_owned(),
        None => message,
    }
}

const TYPICAL_MESSAGE: usize = 512;
