//! Messages: a Command or a Response with its headers (LS 1.1 3.2, HTTPS 1.1 3.3.2).

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, Serializer};

use crate::any::{Any, Members, kept};
use crate::choice;
use crate::command::Command;
use crate::form::{Envelope, Form};
use crate::invalid::Invalid;
use crate::response::Response;
use crate::shape::Choice;
use crate::shape::read::{Context, Read, ReadMembers, list, other_member, unknown_member};
use crate::shape::write::Write;
use crate::types::text::RequestId;
use crate::types::time::DateTime;
use crate::{map, record};

record! {
    /// Content with what is known about it (HTTPS 1.1 3.3.2).
    pub struct Message: "Message" {
        /// Who sent it, when, to whom, and under which id.
        defaulted headers: Headers = 1,
        /// The content.
        required body: Body = 2,
        /// A signature over the rest, carried as it is.
        optional signature: String = 3,
    }
}

impl Message {
    /// A message that asks for something.
    #[must_use]
    pub fn request(headers: Headers, command: Command) -> Self {
        Self { headers, body: Body::OpenC2(Content::Request(command)), signature: None }
    }

    /// A message that answers.
    #[must_use]
    pub fn response(headers: Headers, response: Response) -> Self {
        Self { headers, body: Body::OpenC2(Content::Response(response)), signature: None }
    }

    /// The content.
    #[must_use]
    pub fn content(&self) -> &Content {
        let Body::OpenC2(content) = &self.body;
        content
    }

    /// The content, taken out.
    #[must_use]
    pub fn into_content(self) -> Content {
        let Body::OpenC2(content) = self.body;
        content
    }

    /// Reads a message, or in lenient mode a bare Command or Response, and says which it was (DECISIONS M1).
    ///
    /// # Errors
    /// The deserializer's, with what is wrong; the context knows the place.
    pub fn read_in_any_envelope<'de, D: Deserializer<'de>>(
        context: &mut Context,
        deserializer: D,
    ) -> Result<(Self, Form), D::Error> {
        deserializer.deserialize_any(AnyEnvelope(context))
    }

    /// Writes the message in this form; bare, the headers are left out.
    ///
    /// # Errors
    /// The serializer's.
    pub fn write_in<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        match form.envelope {
            Envelope::Message => self.write(form, serializer),
            Envelope::Bare => self.content().write_field(form, serializer),
        }
    }
}

map! {
    /// What is known about a message (HTTPS 1.1 3.3.2). Empty headers are absent on the wire.
    pub struct Headers: "Headers", sealed by HeadersBuilder checked by fine {
        /// Correlates a Command with its Responses.
        optional request_id: RequestId = 1,
        /// When the content was created.
        optional created: DateTime = 2,
        /// Who created the content, or has authority for it.
        optional from: String = 3,
        /// Who is meant.
        optional to: Recipients = 4,
    } others
    /// Headers that others defined, kept as they are (DECISIONS M7).
    others: kept
}

impl Headers {
    /// The same headers as a builder.
    #[must_use]
    pub fn into_builder(self) -> HeadersBuilder {
        HeadersBuilder(self)
    }
}

impl Default for Headers {
    fn default() -> Self {
        Self::builder().0
    }
}

fn fine(_: &Headers) -> Result<(), Invalid> {
    Ok(())
}

choice! {
    /// The body of a message: the one kind of content there is (HTTPS 1.1 3.3.2).
    pub enum Body: "Body" {
        /// OpenC2.
        OpenC2(Content) = 1 "openc2",
    }
}

choice! {
    /// The content of a message (HTTPS 1.1 3.3.2).
    pub enum Content: "OpenC2-Content" {
        /// A Command.
        Request(Command) = 1 "request",
        /// A Response.
        Response(Response) = 2 "response",
        /// A notification, of which nothing is defined yet (DECISIONS M13).
        Notification(Notification) = 3 "notification",
    }
}

/// Something a Consumer tells unasked: at least one member, of which no standard defines any (LS 1.1, OpenC2-Event).
#[derive(Clone, Debug, PartialEq)]
pub struct Notification(Any);

impl Notification {
    /// The members, not typed.
    #[must_use]
    pub fn members(&self) -> &Any {
        &self.0
    }
}

impl Read for Notification {
    const TYPE: &'static str = "OpenC2-Event";

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        let members = Any::read(context, deserializer)?;
        if members.names().is_empty() {
            return Err(D::Error::custom("expected an object with at least one member"));
        }
        Ok(Self(members))
    }
}

impl Write for Notification {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(form, serializer)
    }
}

/// Who a message is meant for: at least one identifier (HTTPS 1.1 3.3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipients(Vec<String>);

impl Recipients {
    /// Checks a list.
    ///
    /// # Errors
    /// It is empty.
    pub fn new(recipients: Vec<String>) -> Result<Self, Invalid> {
        if recipients.is_empty() {
            return Err(Invalid::new("at least one recipient is due"));
        }
        Ok(Self(recipients))
    }

    /// The identifiers.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl Read for Recipients {
    const TYPE: &'static str = "String";

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        match Self::read_optional(context, deserializer)? {
            Some(recipients) => Ok(recipients),
            None => Err(D::Error::custom("at least one recipient is due")),
        }
    }

    /// In lenient mode an empty list is absence and a single string a list of one (DECISIONS M5).
    fn read_optional<'de, D: Deserializer<'de>>(
        context: &mut Context,
        deserializer: D,
    ) -> Result<Option<Self>, D::Error> {
        let recipients = deserializer.deserialize_any(OneOrMore(context))?;
        if recipients.is_empty() {
            context.tolerate::<D::Error>("an empty list is to be left out")?;
            return Ok(None);
        }
        Ok(Some(Self(recipients)))
    }
}

impl Write for Recipients {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(form, serializer)
    }
}

struct OneOrMore<'c>(&'c mut Context);

impl<'de> Visitor<'de> for OneOrMore<'_> {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of strings")
    }

    fn visit_str<E: Error>(self, recipient: &str) -> Result<Vec<String>, E> {
        self.0.tolerate("a single recipient is to be a list of one")?;
        Ok(vec![recipient.to_owned()])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Vec<String>, A::Error> {
        list(self.0, serde::de::value::SeqAccessDeserializer::new(seq), "strings")
    }
}

struct AnyEnvelope<'c>(&'c mut Context);

impl<'de> Visitor<'de> for AnyEnvelope<'_> {
    type Value = (Message, Form);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object (Message)")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(Message, Form), A::Error> {
        let context = self.0;
        // The order of members has no meaning (LS-004): the first one that some table has decides.
        let mut unknown = Members::default();
        let (name, shape) = loop {
            let Some(name) = map.next_key::<Box<str>>()? else { break (None, &Message::SHAPE) };
            let shapes = [&Message::SHAPE, &Command::SHAPE, &Response::SHAPE];
            if let Some(shape) = shapes.into_iter().find(|shape| shape.by_name(&name).is_some()) {
                break (Some(name), shape);
            }
            other_member(context, &mut map, &mut unknown, name, kept)?;
        };
        let members = Replay { name, map };
        let bare = Form::DEFAULT.with_envelope(Envelope::Bare);
        if *shape == Response::SHAPE {
            context.tolerate::<A::Error>("a bare Response is no message (HTTPS 1.1 3.3.2)")?;
            let response = Response::read_members_after(context, unknown, members)?;
            return Ok((Message::response(Headers::default(), response), bare));
        }
        if *shape == Command::SHAPE {
            context.tolerate::<A::Error>("a bare Command is no message (HTTPS 1.1 3.3.2)")?;
        }
        if let Some((name, _)) = unknown.iter().next() {
            return Err(unknown_member(shape, name));
        }
        if *shape == Command::SHAPE {
            let command = Command::read_members(context, members)?;
            return Ok((Message::request(Headers::default(), command), bare));
        }
        Message::read_members(context, members).map(|message| (message, Form::DEFAULT))
    }
}

/// Members of an object of which a name was read already.
struct Replay<A> {
    name: Option<Box<str>>,
    map: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Replay<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        match self.name.take() {
            None => self.map.next_key_seed(seed),
            Some(name) => {
                let name: StrDeserializer<'_, A::Error> = (&*name).into_deserializer();
                seed.deserialize(name).map(Some)
            }
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}
