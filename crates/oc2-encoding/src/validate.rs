//! Whether a document is right by the standard, and all that is wrong with it.

mod document;
mod fault;
mod kind;
mod parse;

use std::fmt;
use std::str::FromStr;

use oc2_core::shape::read::{Context, Note, Read, ReadError, Seed};
use oc2_core::{Checks, Command, Content, Invalid, Message, Mode, Notation, Profile, Response};
use serde::de::DeserializeSeed;

pub use self::fault::Fault;
pub use self::kind::Kind;

use self::document::Document;
use crate::cbor::{Cbor, CborByName};
use crate::json::{Json, JsonIn, JsonInAscii};
use crate::set::Encodings;

/// Says of documents whether they are right, and if not, all that is wrong with them.
///
/// It accepts what the readers of this crate accept, and refuses besides what a Consumer answers with 400 later on: an
/// argument that is neither the language's nor in a namespace, and what the profiles it knows do not take.
///
/// ```
/// use oc2_encoding::{Kind, Validator};
/// use oc2_profile_slpf::Slpf;
///
/// let validator = Validator::new().kind(Kind::Command).profile::<Slpf>();
/// let document = br#"{"action": "deny", "target": {"ipv4_connection": {"dst_port": 65536}}, "args": {"slpf": {"direction": "up"}}}"#;
/// let faults: Vec<_> = validator.check(document).unwrap_err().iter().map(ToString::to_string).collect();
/// assert_eq!(faults, [
///     "target.ipv4_connection.dst_port: 65536 is not a port (0..65535) [LS 3.4.2.14 (LS-200)]",
///     r#"args.slpf.direction: "up" is not one of both, ingress, egress [SLPF 2.1.3.2 (SLPF-026)]"#,
/// ]);
/// assert!(validator.check(br#"{"action": "query", "target": {"features": []}}"#).is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct Validator {
    kind: Kind,
    mode: Mode,
    syntax: Syntax,
    profiles: Vec<Checks>,
}

impl Default for Validator {
    /// Strict: what is asked is whether a document is right by the standard. Of any kind, in JSON, without profiles.
    fn default() -> Self {
        Self { kind: Kind::Auto, mode: Mode::Strict, syntax: Syntax::Json, profiles: Vec::new() }
    }
}

impl Validator {
    /// Strict, of any kind, in JSON, without profiles.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same for documents of this kind.
    #[must_use]
    pub fn kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// The same in this mode; a lenient one accepts what a Consumer accepts, and notes it.
    #[must_use]
    pub fn mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// The same for documents that are written like this.
    #[must_use]
    pub fn syntax(self, syntax: Syntax) -> Self {
        Self { syntax, ..self }
    }

    /// The same with what the profile `P` defines checked as well.
    #[must_use]
    pub fn profile<P: Profile>(mut self) -> Self {
        self.profiles.push(Checks::of::<P>());
        self
    }

    /// Checks a document; gives what was tolerated or is worth a look.
    ///
    /// # Errors
    /// All that is wrong with it, in the order of the document; at least one, at most 100.
    pub fn check(&self, bytes: &[u8]) -> Result<Vec<Note>, Vec<Fault>> {
        let document = parse::parse(self.syntax, bytes).map_err(|fault| vec![fault])?;
        let kind = self.kind.of(&document, self.may_have_ids()).map_err(|fault| vec![fault])?;
        let context = self.context();
        match kind {
            Kind::Command => {
                let (command, notes) = self.read(context, &document, of::<Command>)?;
                self.check_command(&command, "").map(|()| notes)
            }
            Kind::Response => self.read(context, &document, of::<Response>).map(|(_, notes)| notes),
            Kind::Message | Kind::Auto => {
                let read = |context: &mut Context, document| Message::read_in_any_envelope(context, document);
                let ((message, _), notes) = self.read(context, &document, read)?;
                match message.content() {
                    Content::Request(command) => self.check_command(command, "body.openc2.request.")?,
                    Content::Response(_) | Content::Notification(_) => {}
                }
                Ok(notes)
            }
        }
    }

    fn context(&self) -> Context {
        let context = Context::new(self.mode).checking(self.profiles.clone());
        let context = if self.syntax.is_binary() { context.of_binary() } else { context };
        match (self.syntax.notation(), self.syntax, self.mode) {
            (Some(notation), ..) => context.in_notation(notation),
            (None, Syntax::Json | Syntax::JsonAscii, Mode::Strict) => context.in_notation(Notation::Verbose),
            (None, ..) => context,
        }
    }

    /// Whether ids may stand for names at the top.
    fn may_have_ids(&self) -> bool {
        match self.syntax {
            Syntax::Json | Syntax::JsonAscii => self.mode == Mode::Lenient,
            Syntax::JsonCompact => false,
            Syntax::JsonConcise | Syntax::Cbor | Syntax::CborVerbose | Syntax::CborConcise => true,
        }
    }

    fn read<'d, T>(
        &self,
        mut context: Context,
        document: &'d Document,
        read: impl FnOnce(&mut Context, &'d Document) -> Result<T, ReadError>,
    ) -> Result<(T, Vec<Note>), Vec<Fault>> {
        let was_agreed = context.has_notation();
        let res = read(&mut context, document);
        let value = match res {
            Ok(value) if context.n_faults() == 0 => value,
            // What was found is recorded, or it is this error.
            Ok(_) => return Err(faults_of(context)),
            Err(error) => {
                context.blame(Message::SHAPE.clause);
                return match context.recover(error) {
                    Ok(()) => Err(faults_of(context)),
                    Err(error) => Err(vec![error.into()]),
                };
            }
        };
        let is_odd = !was_agreed && !self.syntax.is_binary() && context.notation() != Notation::Verbose;
        if is_odd && let Err(error) = context.tolerate::<ReadError>("JSON that is not by name (LS 3.1.5)") {
            return Err(vec![error.into()]);
        }
        Ok((value, context.notes().to_vec()))
    }

    fn check_command(&self, command: &Command, prefix: &str) -> Result<(), Vec<Fault>> {
        let rejections = self.profiles.iter().filter_map(|profile| profile.command(command).err());
        let faults: Vec<_> = rejections.map(|rejection| Fault::of_rejection(&rejection, prefix)).collect();
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

fn faults_of(context: Context) -> Vec<Fault> {
    context.into_faults().into_iter().map(Fault::from).collect()
}

/// How documents are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Syntax {
    /// As [`Json`](crate::Json) reads it: by name, in lenient mode also compact and concise.
    #[default]
    Json,
    /// As [`JsonInAscii`](crate::JsonInAscii) writes it; it is read as the first.
    JsonAscii,
    /// Compact JSON (JADN 4.2).
    JsonCompact,
    /// Concise JSON (JADN 4.3).
    JsonConcise,
    /// As [`Cbor`](crate::Cbor) reads it: by id, or by name.
    Cbor,
    /// CBOR by name.
    CborVerbose,
    /// CBOR by id (JADN 4.4).
    CborConcise,
}

impl Syntax {
    /// Every syntax by its name.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("json", Self::Json),
        ("json-ascii", Self::JsonAscii),
        ("json-compact", Self::JsonCompact),
        ("json-concise", Self::JsonConcise),
        ("cbor", Self::Cbor),
        ("cbor-verbose", Self::CborVerbose),
        ("cbor-id", Self::CborConcise),
    ];

    /// What a program offers that writes messages like this. JSON is read in any case: a Consumer that reads nothing else
    /// says so in JSON.
    #[must_use]
    pub fn encodings(self) -> Encodings {
        match self {
            Self::Json => Encodings::default(),
            Self::JsonAscii => Encodings::of(JsonInAscii),
            Self::JsonCompact => Encodings::of(JsonIn(Notation::Compact)),
            Self::JsonConcise => Encodings::of(JsonIn(Notation::Concise)),
            Self::Cbor | Self::CborConcise => Encodings::of(Cbor).and(Json),
            Self::CborVerbose => Encodings::of(CborByName).and(Json),
        }
    }

    fn is_binary(self) -> bool {
        matches!(self, Self::Cbor | Self::CborVerbose | Self::CborConcise)
    }

    /// The notation, where there is no choice.
    fn notation(self) -> Option<Notation> {
        match self {
            Self::Json | Self::JsonAscii | Self::Cbor => None,
            Self::JsonCompact => Some(Notation::Compact),
            Self::JsonConcise | Self::CborConcise => Some(Notation::Concise),
            Self::CborVerbose => Some(Notation::Verbose),
        }
    }
}

impl fmt::Display for Syntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(_, syntax)| syntax == self).map_or("", |(name, _)| name))
    }
}

impl FromStr for Syntax {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        named(text, Self::ALL)
    }
}

/// The value with this name.
fn named<T: Copy>(text: &str, all: &[(&str, T)]) -> Result<T, Invalid> {
    all.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
        Invalid::new(format!("{} is not one of {}", oc2_core::invalid::Quoted(text), names.join(", ")))
    })
}

fn of<T: Read>(context: &mut Context, document: &Document) -> Result<T, ReadError> {
    Seed::<T>::new(context).deserialize(document)
}
