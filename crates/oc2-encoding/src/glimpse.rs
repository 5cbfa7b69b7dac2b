//! A look at bytes without reading them as a message: what is needed to answer what is none, and to bring an answer to whoever
//! waits for it.

use std::borrow::Cow;
use std::fmt;

use oc2_core::types::text::RequestId;
use oc2_core::{Envelope, Form, Headers, Notation, ResponseType};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::json::read::Reader;
use crate::limits::MAX_MESSAGE;

/// What could be read of a message without reading it: of one that cannot be read, and of one that is for somebody else to
/// read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Glimpse {
    /// `headers.request_id`
    pub request_id: Option<RequestId>,
    /// `headers.from`, if it is one that a message may have (DECISIONS M16).
    pub from: Option<String>,
    /// What the message says to be.
    pub content: Option<ContentKind>,
    /// `status` of the Response.
    pub status: Option<u64>,
    /// `args.response_requested` of the Command (DECISIONS L3: once it could be read, it counts).
    pub response_requested: Option<ResponseType>,
    /// The form the answer is due in.
    pub form: Form,
}

/// What a message says to be (HTTPS 1.1 3.3.2, OpenC2-Content).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentKind {
    /// A Command.
    Request,
    /// A Response.
    Response,
    /// A notification.
    Notification,
}

impl Glimpse {
    /// Looks at JSON as far as it can be read, in linear time, and no further than a message may be long.
    #[must_use]
    pub fn of_json(bytes: &[u8]) -> Self {
        let mut glimpse = Self::default();
        let bytes = &bytes[..bytes.len().min(MAX_MESSAGE)];
        // To mend what needs no mending takes longer than to see that it needs none.
        let text = str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
        let mut deserializer = Reader::new(&text);
        // Whatever goes wrong, what was seen before stays seen.
        let source = if matches!(text, Cow::Owned(_)) { Source::MendedJson } else { Source::Json };
        let _ = Look { glimpse: &mut glimpse, at: At::Top, source }.deserialize(&mut deserializer);
        glimpse
    }

    /// The same where the notation was agreed on.
    pub(crate) fn in_notation(self, notation: Notation) -> Self {
        Self { form: self.form.with_notation(notation), ..self }
    }

    /// The same for CBOR.
    #[must_use]
    pub fn of_cbor(bytes: &[u8]) -> Self {
        let mut glimpse = Self { form: Form::DEFAULT.with_notation(Notation::Concise), ..Self::default() };
        let mut deserializer = serde_cbor::Deserializer::from_slice(&bytes[..bytes.len().min(MAX_MESSAGE)]);
        let _ = Look { glimpse: &mut glimpse, at: At::Top, source: Source::Cbor }.deserialize(&mut deserializer);
        glimpse
    }

    fn see_text(&mut self, at: At, text: &str, source: Source) {
        let is_as_sent = source != Source::MendedJson || !text.contains(char::REPLACEMENT_CHARACTER);
        match at {
            At::RequestId if self.request_id.is_none() && is_as_sent => {
                self.request_id = text.parse().ok();
            }
            At::ResponseRequested if self.response_requested.is_none() => {
                self.response_requested = text.parse().ok();
            }
            At::From if self.from.is_none() && is_as_sent => {
                self.from = Headers::builder().from(text).build().is_ok().then(|| text.to_owned());
            }
            _ => {}
        }
    }

    fn see_number(&mut self, at: At, number: u64) {
        if self.form.notation.is_positional()
            && matches!(at, At::ResponseRequested)
            && self.response_requested.is_none()
        {
            let row = ResponseType::SHAPE.by_id(number);
            self.response_requested = row.map(|(index, _)| ResponseType::ALL[index]);
        }
        if matches!(at, At::Status) && self.status.is_none() {
            self.status = Some(number);
        }
    }

    /// What looks like a Message is one, whatever else it looks like (DECISIONS M1).
    fn is_in(&mut self, envelope: Envelope) {
        self.form = self.form.with_envelope(envelope);
    }
}

/// Where the look is, on the way to what is of interest.
#[derive(Clone, Copy)]
enum At {
    Top,
    Headers,
    RequestId,
    From,
    Body,
    OpenC2,
    Request,
    Response,
    Status,
    Notification,
    Args,
    ResponseRequested,
    Elsewhere,
}

/// From an object or a list to what is in it.
#[derive(Clone, Copy)]
enum Step<'a> {
    Name(&'a str),
    Id(u64),
    Index(usize),
}

impl At {
    fn below(self, step: Step<'_>) -> Self {
        use Step::{Id, Index, Name};
        match (self, step) {
            (Self::Top, Name("headers") | Index(0)) => Self::Headers,
            (Self::Headers, Name("request_id") | Id(1)) => Self::RequestId,
            (Self::Headers, Name("from") | Id(3)) => Self::From,
            (Self::Top, Name("body") | Index(1)) => Self::Body,
            (Self::Body, Name("openc2") | Id(1)) => Self::OpenC2,
            (Self::OpenC2, Name("request") | Id(1)) => Self::Request,
            (Self::OpenC2, Name("response") | Id(2)) => Self::Response,
            (Self::OpenC2, Name("notification") | Id(3)) => Self::Notification,
            // A bare Response has its status at the top.
            (Self::Response | Self::Top, Name("status")) | (Self::Response, Id(1) | Index(0)) => Self::Status,
            // A bare Command has its arguments at the top.
            (Self::Request | Self::Top, Name("args") | Index(2)) => Self::Args,
            (Self::Args, Name("response_requested") | Id(4)) => Self::ResponseRequested,
            _ => Self::Elsewhere,
        }
    }

    /// What a message is that has this in it.
    fn content(self) -> Option<ContentKind> {
        match self {
            Self::Request => Some(ContentKind::Request),
            Self::Response => Some(ContentKind::Response),
            Self::Notification => Some(ContentKind::Notification),
            _ => None,
        }
    }
}

struct Look<'g> {
    glimpse: &'g mut Glimpse,
    at: At,
    source: Source,
}

/// What is looked at.
#[derive(Clone, Copy, PartialEq)]
enum Source {
    Json,
    /// JSON in which replacement characters may stand for what is no UTF-8.
    MendedJson,
    Cbor,
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.at {
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
        let Self { glimpse, at, source } = self;
        let mut is_wrapped = false;
        while let Some(Label { name, id }) = map.next_key_seed(LabelSeed { is_binary: source == Source::Cbor })? {
            match (at, &*name) {
                (At::Top, "headers" | "body") => {
                    is_wrapped = true;
                    glimpse.form = Form::DEFAULT;
                }
                (At::Top, "action" | "target") if !is_wrapped => {
                    glimpse.form = Form::DEFAULT.with_envelope(Envelope::Bare);
                    glimpse.content = Some(ContentKind::Request);
                }
                (At::Top, "status") if !is_wrapped => glimpse.content = Some(ContentKind::Response),
                _ => {}
            }
            let step = match id {
                Some(id) if glimpse.form.notation.is_positional() => {
                    glimpse.form = glimpse.form.with_notation(Notation::Concise);
                    Step::Id(id)
                }
                _ => Step::Name(&name),
            };
            let below = at.below(step);
            glimpse.content = below.content().or(glimpse.content);
            map.next_value_seed(Look { glimpse: &mut *glimpse, at: below, source })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { glimpse, at, source } = self;
        if matches!(at, At::Top) && source != Source::Cbor {
            glimpse.form = Form::DEFAULT.with_notation(Notation::Compact);
        }
        for index in 0.. {
            let at = at.below(Step::Index(index));
            if seq.next_element_seed(Look { glimpse: &mut *glimpse, at, source })?.is_none() {
                if index == 0 {
                    glimpse.form = Form::DEFAULT;
                }
                break;
            }
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        match self.at {
            // An action in the place of headers.
            At::Headers => self.glimpse.is_in(Envelope::Bare),
            at => self.glimpse.see_text(at, text, self.source),
        }
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        match self.at {
            At::Headers => {
                self.glimpse.is_in(Envelope::Bare);
                self.glimpse.form = self.glimpse.form.with_notation(Notation::Concise);
            }
            at => self.glimpse.see_number(at, number),
        }
        Ok(())
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A key: its name, and the id that it is or stands for.
struct Label<'de> {
    name: Cow<'de, str>,
    id: Option<u64>,
}

struct LabelSeed {
    is_binary: bool,
}

impl<'de> DeserializeSeed<'de> for LabelSeed {
    type Value = Label<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Label<'de>, D::Error> {
        if self.is_binary { deserializer.deserialize_any(self) } else { deserializer.deserialize_str(self) }
    }
}

impl LabelSeed {
    fn label(self, name: Cow<'_, str>) -> Label<'_> {
        let is_decimal = !self.is_binary && (name == "0" || !name.starts_with(['0', '+']));
        let id = if is_decimal { name.parse().ok() } else { None };
        Label { name, id }
    }
}

impl<'de> Visitor<'de> for LabelSeed {
    type Value = Label<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name or an id")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Label<'de>, E> {
        Ok(self.label(Cow::Borrowed(name)))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Label<'de>, E> {
        Ok(self.label(Cow::Owned(name.to_owned())))
    }

    fn visit_u64<E: Error>(self, id: u64) -> Result<Label<'de>, E> {
        Ok(Label { name: Cow::Borrowed(""), id: Some(id) })
    }
}
