//! A second look at bytes that are not a message: what is needed to answer them all the same.

use std::fmt;

use oc2_core::types::text::RequestId;
use oc2_core::{Envelope, Form, ResponseType};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::limits::MAX_MESSAGE;

/// What could be read of a message that cannot be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Glimpse {
    /// `headers.request_id`
    pub request_id: Option<RequestId>,
    /// `args.response_requested` of the Command (DECISIONS L3: once it could be read, it counts).
    pub response_requested: Option<ResponseType>,
    /// The form the answer is due in.
    pub form: Form,
}

impl Glimpse {
    /// Looks at JSON as far as it can be read, in linear time, and no further than a message may be long.
    pub(crate) fn of_json(bytes: &[u8]) -> Self {
        let mut glimpse = Self::default();
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_MESSAGE)]);
        let mut deserializer = serde_json::Deserializer::from_str(&text);
        // Whatever goes wrong, what was seen before stays seen.
        let _ = Look(&mut glimpse, At::Top).deserialize(&mut deserializer);
        glimpse
    }

    fn see(&mut self, at: At, text: &str) {
        match at {
            At::RequestId if self.request_id.is_none() && !text.contains(char::REPLACEMENT_CHARACTER) => {
                self.request_id = text.parse().ok();
            }
            At::ResponseRequested if self.response_requested.is_none() => {
                self.response_requested = text.parse().ok();
            }
            _ => {}
        }
    }
}

/// Where the look is, on the way to what is of interest.
#[derive(Clone, Copy)]
enum At {
    Top,
    Headers,
    RequestId,
    Body,
    OpenC2,
    Request,
    Args,
    ResponseRequested,
    Elsewhere,
}

impl At {
    fn member(self, name: &str) -> Self {
        match (self, name) {
            (Self::Top, "headers") => Self::Headers,
            (Self::Headers, "request_id") => Self::RequestId,
            (Self::Top, "body") => Self::Body,
            (Self::Body, "openc2") => Self::OpenC2,
            (Self::OpenC2, "request") => Self::Request,
            // A bare Command has its arguments at the top.
            (Self::Request | Self::Top, "args") => Self::Args,
            (Self::Args, "response_requested") => Self::ResponseRequested,
            _ => Self::Elsewhere,
        }
    }
}

struct Look<'g>(&'g mut Glimpse, At);

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.1 {
            At::Elsewhere => deserializer.deserialize_ignored_any(IgnoredAny).map(|_| ()),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut is_wrapped = false;
        while let Some(name) = map.next_key::<String>()? {
            match (self.1, name.as_str()) {
                // What looks like a Message is one, whatever else it looks like (DECISIONS M1).
                (At::Top, "headers" | "body") => {
                    is_wrapped = true;
                    self.0.form = Form::DEFAULT;
                }
                (At::Top, "action" | "target") if !is_wrapped => {
                    self.0.form = Form::DEFAULT.with_envelope(Envelope::Bare);
                }
                _ => {}
            }
            map.next_value_seed(Look(self.0, self.1.member(&name)))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.see(self.1, text);
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}
