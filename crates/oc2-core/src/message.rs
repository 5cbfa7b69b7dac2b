//! Messages: a Command or a Response with its headers (LS 1.1 3.2, HTTPS 1.1 3.3.2).

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{StrDeserializer, U64Deserializer};
use serde::de::{DeserializeSeed, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, Serializer};

use crate::any::{Any, KEPT, KEPT_IN_LENIENT, Members, Name};
use crate::choice;
use crate::command::Command;
use crate::form::{Envelope, Form};
use crate::invalid::Invalid;
use crate::response::Response;
use crate::shape::read::{
    Context, MemberKey, Read, ReadError, ReadMembers, Segment, clauses, list, next_key, other_member, read_items,
    read_members, stands_twice, unknown_member,
};
use crate::shape::write::Write;
use crate::shape::{Choice, Field, Kind, Room, Shape};
use crate::types::text::{RequestId, identifier};
use crate::types::time::DateTime;
use crate::{map, record};

record! {
    /// Content with what is known about it (HTTPS 1.1 3.3.2).
    pub struct Message: "Message" in "HTTPS 3.3.2 (HTTPS-032)" {
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
        let was_open = !context.has_notation();
        let (mut message, envelope) = deserializer.deserialize_any(AnyEnvelope(context))?;
        if was_open {
            message.settle(context).map_err(D::Error::custom)?;
        }
        Ok((message, Form { envelope, notation: context.notation() }))
    }

    /// Tells what was read before the notation was clear how it was written.
    fn settle(&mut self, context: &Context) -> Result<(), ReadError> {
        self.headers.others.settle(context)?;
        let Body::OpenC2(content) = &mut self.body;
        match content {
            Content::Response(response) => response.settle(context),
            Content::Request(_) | Content::Notification(_) => Ok(()),
        }
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
    pub struct Headers: "Headers" in "HTTPS 3.3.2 (HTTPS-033)", sealed by HeadersBuilder checked by from_is_short {
        /// Correlates a Command with its Responses.
        optional request_id: RequestId = 1,
        /// When the content was created.
        optional created: DateTime = 2,
        /// Who created the content, or has authority for it: at most 256 characters, no control characters (DECISIONS M16).
        optional from: String = 3,
        /// Who is meant.
        optional to: Recipients = 4,
    } others
    /// Headers that others defined, kept as they are (DECISIONS M7).
    others: KEPT
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

/// It goes into logs and records (DECISIONS M16).
fn from_is_short(headers: &Headers) -> Result<(), Invalid> {
    let Some(from) = &headers.from else { return Ok(()) };
    identifier(from).map_err(|reason| Invalid::new(format!("from {reason}")))
}

choice! {
    /// The body of a message: the one kind of content there is (HTTPS 1.1 3.3.2).
    pub enum Body: "Body" in "HTTPS 3.3.2 (HTTPS-035)" {
        /// OpenC2.
        OpenC2(Content) = 1 "openc2",
    }
}

choice! {
    /// The content of a message (HTTPS 1.1 3.3.2).
    pub enum Content: "OpenC2-Content" in "HTTPS 3.3.2 (HTTPS-036)" {
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
    fn shape() -> &'static Shape {
        const SHAPE: Shape =
            Shape::plain("OpenC2-Event", "HTTPS 3.3.2 (HTTPS-036), DECISIONS M13", Kind::Map { min: 1 })
                .with_room(Room::Any);
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        let members = Any::read(context, deserializer)?;
        if members.keys().is_empty() {
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
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain(
            "ArrayOf",
            "HTTPS 3.3.2 (HTTPS-034), DECISIONS M5",
            Kind::ArrayOf { item: String::shape, min: 1, max: None, unique: false },
        );
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        let mut recipients = None;
        Self::read_optional(context, deserializer, &mut recipients)?;
        recipients.ok_or_else(|| D::Error::custom("at least one recipient is due"))
    }

    /// In lenient mode an empty list is absence and a single string a list of one (DECISIONS M5).
    fn read_optional<'de, D: Deserializer<'de>>(
        context: &mut Context,
        deserializer: D,
        slot: &mut Option<Self>,
    ) -> Result<(), D::Error> {
        let recipients = deserializer.deserialize_any(OneOrMore(context))?;
        if recipients.is_empty() {
            return context.tolerate("an empty list is to be left out");
        }
        *slot = Some(Self(recipients));
        Ok(())
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
    type Value = (Message, Envelope);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object (Message)")
    }

    /// The order of members has no meaning (LS-004): the first one that some table has decides, and a Message comes first.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(Message, Envelope), A::Error> {
        let context = self.0;
        let n_faults = context.n_faults();
        let mut unknown = Members::default();
        let key = loop {
            match next_key(context, &TOP, &mut map)? {
                Some(MemberKey::Foreign(key)) => {
                    if let Err(error) = other_member(context, &mut map, &mut unknown, &key, &KEPT) {
                        context.recover(error)?;
                    }
                }
                known => break known,
            }
        };
        let read = match key {
            Some(MemberKey::Known(_, field)) if Response::SHAPE.by_name(field.name).is_some() => {
                tolerate_bare::<A::Error>(context, "a bare Response is no message (HTTPS 1.1 3.3.2)")?;
                admit_before_status::<A::Error>(context, &unknown)?;
                let mut response = bare::<Response, A>(context, field, map)?;
                for (key, value) in unknown.iter() {
                    if response.others.insert(key.clone(), value.clone()).is_some() {
                        context.blame(clauses::DISTINCT);
                        return Err(stands_twice(&key.text()));
                    }
                }
                (Message::response(Headers::default(), response), Envelope::Bare)
            }
            Some(MemberKey::Known(_, field)) if Command::SHAPE.by_name(field.name).is_some() => {
                context.meet_object(Command::SHAPE.name)?;
                tolerate_bare::<A::Error>(context, "a bare Command is no message (HTTPS 1.1 3.3.2)")?;
                refuse::<A::Error>(context, &unknown, &Command::SHAPE)?;
                let command = bare::<Command, A>(context, field, map)?;
                (Message::request(Headers::default(), command), Envelope::Bare)
            }
            Some(MemberKey::Known(_, field)) => {
                context.meet_object(Message::SHAPE.name)?;
                refuse::<A::Error>(context, &unknown, &Message::SHAPE)?;
                (bare::<Message, A>(context, field, map)?, Envelope::Message)
            }
            _ => {
                refuse::<A::Error>(context, &unknown, &Message::SHAPE)?;
                (read_members::<Message, A>(context, None, map)?, Envelope::Message)
            }
        };
        context.settle(n_faults)?;
        Ok(read)
    }

    /// In a form by position the first item tells: an action, a status, or headers.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(Message, Envelope), A::Error> {
        let context = self.0;
        let n_faults = context.n_faults();
        context.meet_list(&"an object (Message)")?;
        let first = seq.next_element_seed(FirstSeed(context))?;
        let Some(first) = first else {
            return read_items(context, seq).map(|message| (message, Envelope::Message));
        };
        let read = match first {
            First::Headers(headers) => (Message::read_after(context, headers, seq)?, Envelope::Message),
            First::Scalar(first) if first.is_status() => {
                tolerate_bare::<A::Error>(context, "a bare Response is no message (HTTPS 1.1 3.3.2)")?;
                let response = read_items::<Response, _>(context, Replayed { first: Some(first), seq })?;
                (Message::response(Headers::default(), response), Envelope::Bare)
            }
            First::Scalar(first) => {
                tolerate_bare::<A::Error>(context, "a bare Command is no message (HTTPS 1.1 3.3.2)")?;
                let command = read_items::<Command, _>(context, Replayed { first: Some(first), seq })?;
                (Message::request(Headers::default(), command), Envelope::Bare)
            }
        };
        context.settle(n_faults)?;
        Ok(read)
    }
}

/// The members that tell a Message, a Command and a Response apart. Of these three only a Response has ids for keys.
const TOP: Shape = Shape::table("Message", "", Kind::Map { min: 1 }, {
    const ROW: Field = Field { id: u32::MAX, also: &[], name: "", quoted: None, shape: None, required: false };
    &[
        Field { name: "headers", ..ROW },
        Field { name: "body", ..ROW },
        Field { name: "signature", ..ROW },
        Field { name: "action", ..ROW },
        Field { name: "target", ..ROW },
        Field { name: "args", ..ROW },
        Field { name: "actuator", ..ROW },
        Field { name: "command_id", ..ROW },
        Field { id: 1, name: "status", ..ROW },
        Field { id: 2, name: "status_text", ..ROW },
        Field { id: 3, name: "results", ..ROW },
    ]
});

/// Reads the rest of what starts with this member.
fn bare<'de, T: ReadMembers, A: MapAccess<'de>>(context: &mut Context, first: &Field, map: A) -> Result<T, A::Error> {
    let first = T::TABLE.by_name(first.name).map(|(index, field)| MemberKey::Known(index, field));
    read_members(context, first, map)
}

fn refuse<E: Error>(context: &mut Context, unknown: &Members, shape: &Shape) -> Result<(), E> {
    for (key, _) in unknown.iter() {
        context.blame(shape.clause);
        context.recover::<E>(unknown_member(shape, key))?;
    }
    Ok(())
}

/// Accepts content without a Message in lenient mode (DECISIONS M1).
fn tolerate_bare<E: Error>(context: &mut Context, deviation: &str) -> Result<(), E> {
    let Err(error) = context.tolerate(deviation) else { return Ok(()) };
    context.blame(BARE);
    context.recover(error)
}

const BARE: &str = "HTTPS 3.3.2 (HTTPS-032), DECISIONS M1";

/// A Response keeps the members that stood before those of its table.
fn admit_before_status<E: Error>(context: &mut Context, unknown: &Members) -> Result<(), E> {
    for (key, value) in unknown.iter() {
        let mut key = key.clone();
        let res = context.at(Segment::Name(&key.text()), |context| {
            (KEPT_IN_LENIENT.admit)(context, &mut key, value).map_err(E::custom)
        });
        if let Err(error) = res {
            context.blame(Response::SHAPE.clause);
            context.recover::<E>(error)?;
        }
    }
    Ok(())
}

impl Message {
    /// Reads the items behind the headers.
    fn read_after<'de, A: SeqAccess<'de>>(context: &mut Context, headers: Headers, seq: A) -> Result<Self, A::Error> {
        let mut message: Self = read_items(context, Replayed { first: Some(Scalar::Null), seq })?;
        message.headers = headers;
        Ok(message)
    }
}

/// The first item of a list that is a Message, a Command or a Response.
enum First {
    Headers(Headers),
    Scalar(Scalar),
}

struct FirstSeed<'c>(&'c mut Context);

impl<'de> DeserializeSeed<'de> for FirstSeed<'_> {
    type Value = First;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<First, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FirstSeed<'_> {
    type Value = First;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("headers, an action or a status")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<First, A::Error> {
        let Self(context) = self;
        let headers = context.at(Segment::Name("headers"), |context| {
            let headers: Headers = read_members(context, None, map)?;
            if headers.is_empty() && context.last_object_was_empty() {
                context.tolerate::<A::Error>("must hold at least one member")?;
            }
            Ok(headers)
        });
        headers.map(First::Headers).inspect_err(|_| context.blame(Headers::SHAPE.clause))
    }

    fn visit_unit<E: Error>(self) -> Result<First, E> {
        Ok(First::Headers(Headers::default()))
    }

    fn visit_none<E: Error>(self) -> Result<First, E> {
        self.visit_unit()
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<First, E> {
        Ok(First::Scalar(Scalar::Name(name.into())))
    }

    fn visit_u64<E: Error>(self, id: u64) -> Result<First, E> {
        Ok(First::Scalar(Scalar::Number(id)))
    }
}

enum Scalar {
    Null,
    Name(Name),
    Number(u64),
}

impl Scalar {
    /// The ids of actions end far below the first status.
    fn is_status(&self) -> bool {
        matches!(self, Self::Number(number) if *number >= 100)
    }
}

/// A list of which the first item was read already.
struct Replayed<A> {
    first: Option<Scalar>,
    seq: A,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Replayed<A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        match self.first.take() {
            None => self.seq.next_element_seed(seed),
            Some(Scalar::Null) => seed.deserialize(NullDeserializer(PhantomData)).map(Some),
            Some(Scalar::Name(name)) => {
                let name: StrDeserializer<'_, A::Error> = (&*name).into_deserializer();
                seed.deserialize(name).map(Some)
            }
            Some(Scalar::Number(number)) => {
                let number: U64Deserializer<A::Error> = number.into_deserializer();
                seed.deserialize(number).map(Some)
            }
        }
    }
}

struct NullDeserializer<E>(PhantomData<E>);

impl<'de, E: Error> Deserializer<'de> for NullDeserializer<E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_none()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
