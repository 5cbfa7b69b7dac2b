//! What stands beside a message: type, encoding, payload format (MQTT 2.4.1).

use bytes::Bytes;
use oc2_core::Mode;
use oc2_encoding::{ContentKind, Glimpse};

use crate::flat;

/// The properties of a PUBLISH that OpenC2 has a use for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Properties {
    pub(crate) content_type: Option<String>,
    /// The Payload Format Indicator.
    pub(crate) format: Option<u8>,
    pub(crate) user: Vec<(String, String)>,
}

/// How a message is encoded: the values of the user property `encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Json,
    Cbor,
}

/// What a message says, and what stands beside it.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) kind: Option<ContentKind>,
    pub(crate) coding: Coding,
    /// As the standard lays it out.
    pub(crate) payload: Bytes,
    pub(crate) glimpse: Glimpse,
    /// Whether it came in the flat layout of some peers.
    pub(crate) is_flat: bool,
}

/// A message that is not to be processed, and what could be read of it.
#[derive(Debug)]
pub(crate) struct Unfit {
    pub(crate) reason: String,
    pub(crate) glimpse: Glimpse,
    pub(crate) is_flat: bool,
}

impl Properties {
    /// What is written beside a message.
    pub(crate) fn of(kind: ContentKind, coding: Coding) -> Self {
        let user = [(MSG_TYPE, name(kind)), (ENCODING, coding.name())];
        Self {
            content_type: Some(CONTENT_TYPE.to_owned()),
            format: Some(coding.format()),
            user: user.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        }
    }

    /// The value of a user property; of several they must agree.
    fn user(&self, key: &str) -> Result<Option<&str>, String> {
        let mut values = self.user.iter().filter(|(name, _)| name == key).map(|(_, value)| value.as_str());
        let first = values.next();
        match values.find(|value| Some(*value) != first) {
            Some(_) => Err(format!("the user property {key:?} stands twice")),
            None => Ok(first),
        }
    }

    /// The type that the properties name.
    fn kind(&self, mode: Mode) -> Result<Option<ContentKind>, String> {
        match (self.user(MSG_TYPE)?, mode) {
            (Some("req"), _) => Ok(Some(ContentKind::Request)),
            (Some("rsp"), _) => Ok(Some(ContentKind::Response)),
            (Some("ntf"), _) => Ok(Some(ContentKind::Notification)),
            (Some(other), _) => {
                Err(format!("the user property \"msgType\" is {:?}: req, rsp or ntf are due", cut(other)))
            }
            (None, Mode::Lenient) => Ok(None),
            (None, Mode::Strict) => Err("the user property \"msgType\" is missing".to_owned()),
        }
    }

    /// The encoding that the properties name.
    fn coding(&self, mode: Mode) -> Result<Option<Coding>, String> {
        match (self.user(ENCODING)?, mode) {
            (Some("json"), _) => Ok(Some(Coding::Json)),
            (Some("cbor"), _) => Ok(Some(Coding::Cbor)),
            (Some(other), _) => {
                Err(format!("the user property \"encoding\" is {:?}: json or cbor are due", cut(other)))
            }
            (None, Mode::Lenient) => Ok(None),
            (None, Mode::Strict) => Err("the user property \"encoding\" is missing".to_owned()),
        }
    }

    fn check_content_type(&self, mode: Mode) -> Result<(), String> {
        let is_ours = |text: &str| {
            let lower = text.trim().to_ascii_lowercase();
            let name = lower.split([';', '+']).next().unwrap_or_default().trim_end();
            matches!(name, CONTENT_TYPE | "application/json" | "application/cbor")
        };
        match (self.content_type.as_deref(), mode) {
            (Some(CONTENT_TYPE), _) | (None, Mode::Lenient) => Ok(()),
            (Some(text), Mode::Lenient) if is_ours(text) => Ok(()),
            (Some(text), _) => Err(format!("the content type is {:?}: {CONTENT_TYPE} is due", cut(text))),
            (None, Mode::Strict) => Err(format!("the content type is missing: {CONTENT_TYPE} is due")),
        }
    }

    fn check_format(&self, coding: Coding, mode: Mode) -> Result<(), String> {
        let found = self.format.unwrap_or(0);
        if mode == Mode::Lenient || found == coding.format() {
            return Ok(());
        }
        Err(format!("the payload format indicator is {found}: for {} {} is due", coding.name(), coding.format()))
    }

    /// Reads what is beside a message, and looks at the message: strictly as it must be, or leniently what it can be (DECISIONS
    /// Q7). A value that is none of the legal ones is refused in both modes, and so is a contradiction (MQTT-027, MQTT-083,
    /// MQTT-084).
    pub(crate) fn read(&self, payload: &Bytes, mode: Mode) -> Result<Reading, Unfit> {
        let seen = Coding::of(payload);
        let labels = self.labels(seen, mode);
        let looked_at = labels.as_ref().map_or(seen, |(_, coding)| Some(*coding));
        let look = |payload: &[u8]| looked_at.map(|coding| coding.glimpse(payload)).unwrap_or_default();
        let glimpse = look(payload);
        // What is laid out as the standard has it is not looked at again.
        let may_be_flat = mode == Mode::Lenient && seen == Some(Coding::Json) && glimpse.content.is_none();
        let unfolded = if may_be_flat { flat::unfold(payload) } else { None };
        let is_flat = unfolded.is_some();
        let glimpse = unfolded.as_deref().map_or(glimpse, look);
        let payload = unfolded.unwrap_or_else(|| payload.clone());
        match labels.and_then(|(kind, coding)| agree(kind, glimpse.content).map(|kind| (kind, coding))) {
            Ok((kind, coding)) => Ok(Reading { kind, coding, payload, glimpse, is_flat }),
            Err(reason) => Err(Unfit { reason, glimpse, is_flat }),
        }
    }

    fn labels(&self, seen: Option<Coding>, mode: Mode) -> Result<(Option<ContentKind>, Coding), String> {
        self.check_content_type(mode)?;
        let kind = self.kind(mode)?;
        let coding = match (self.coding(mode)?, seen) {
            (Some(named), Some(seen)) if named != seen => {
                return Err(format!(
                    "the user property \"encoding\" is {:?}, and the message is {seen:?}",
                    named.name()
                ));
            }
            (Some(coding), _) | (None, Some(coding)) => coding,
            (None, None) => return Err("the message is neither JSON nor CBOR".to_owned()),
        };
        self.check_format(coding, mode)?;
        Ok((kind, coding))
    }
}

impl Coding {
    /// What a message looks like (DECISIONS Q7). JSON has no first octet of CBOR messages, and the other way round.
    pub(crate) fn of(payload: &[u8]) -> Option<Self> {
        match payload.iter().find(|octet| !octet.is_ascii_whitespace())? {
            b'{' | b'[' => Some(Self::Json),
            0x80..=0xbf | 0xd9 if !payload[0].is_ascii_whitespace() => Some(Self::Cbor),
            _ => None,
        }
    }

    /// The encoding of this media type.
    pub(crate) fn of_media_type(media_type: &str) -> Self {
        if media_type.to_ascii_lowercase().contains("cbor") { Self::Cbor } else { Self::Json }
    }

    /// The media type that other transfers name it by (DECISIONS M2).
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/openc2+json;version=1.0",
            Self::Cbor => "application/openc2+cbor;version=1.0",
        }
    }

    pub(crate) fn glimpse(self, payload: &[u8]) -> Glimpse {
        match self {
            Self::Json => Glimpse::of_json(payload),
            Self::Cbor => Glimpse::of_cbor(payload),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Cbor => "cbor",
        }
    }

    /// The Payload Format Indicator: 1 for text in UTF-8, 0 for anything else (MQTT 3.2).
    fn format(self) -> u8 {
        match self {
            Self::Json => 1,
            Self::Cbor => 0,
        }
    }
}

/// What a message is, if its properties and its body say the same (DECISIONS M3). A body that says nothing is for the reader of
/// the message to refuse.
fn agree(beside: Option<ContentKind>, within: Option<ContentKind>) -> Result<Option<ContentKind>, String> {
    match (beside, within) {
        (Some(beside), Some(within)) if beside != within => {
            Err(format!("the user property \"msgType\" is {:?}, and the message is a {within:?}", name(beside)))
        }
        _ => Ok(beside.or(within)),
    }
}

fn name(kind: ContentKind) -> &'static str {
    match kind {
        ContentKind::Request => "req",
        ContentKind::Response => "rsp",
        ContentKind::Notification => "ntf",
    }
}

/// Short enough for a log and an answer.
fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

const CONTENT_TYPE: &str = "application/openc2";
const MSG_TYPE: &str = "msgType";
const ENCODING: &str = "encoding";

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = r#"{"headers":{"request_id":"a","from":"p"},"body":{"openc2":{"request":{}}}}"#;

    fn read(properties: &Properties, payload: &[u8], mode: Mode) -> Result<Option<ContentKind>, String> {
        let read = properties.read(&Bytes::copy_from_slice(payload), mode);
        read.map(|reading| reading.kind).map_err(|unfit| unfit.reason)
    }

    fn with(change: impl FnOnce(&mut Properties)) -> Properties {
        let mut properties = Properties::of(ContentKind::Request, Coding::Json);
        change(&mut properties);
        properties
    }

    #[track_caller]
    fn check(properties: &Properties, payload: &[u8], strict: bool, lenient: bool) {
        let results = [Mode::Strict, Mode::Lenient].map(|mode| read(properties, payload, mode));
        assert_eq!([strict, lenient], [results[0].is_ok(), results[1].is_ok()], "{results:?}");
    }

    #[test]
    fn what_is_written_is_read() {
        // MQTT-023 to MQTT-026
        let written = Properties::of(ContentKind::Request, Coding::Json);
        assert_eq!(written.content_type.as_deref(), Some("application/openc2"));
        assert_eq!(written.format, Some(1));
        assert_eq!(Properties::of(ContentKind::Request, Coding::Cbor).format, Some(0));
        assert_eq!(read(&written, REQUEST.as_bytes(), Mode::Strict), Ok(Some(ContentKind::Request)));
    }

    #[test]
    fn what_is_missing_is_found_out_in_lenient_mode_only() {
        // DECISIONS Q7
        check(&Properties::default(), REQUEST.as_bytes(), false, true);
        check(&with(|properties| properties.content_type = None), REQUEST.as_bytes(), false, true);
        check(&with(|properties| properties.format = None), REQUEST.as_bytes(), false, true);
        check(&with(|properties| properties.user.clear()), REQUEST.as_bytes(), false, true);
        let cbor = [0x82, 0xa1, 0x03, 0x61, b'c', 0xa1, 0x01, 0xa1, 0x02, 0xa1, 0x01, 0x18, 0xc8];
        assert_eq!(read(&Properties::default(), &cbor, Mode::Lenient), Ok(Some(ContentKind::Response)));
        assert!(read(&Properties::default(), b"\xff\xfe", Mode::Lenient).is_err());
        assert!(read(&Properties::default(), b"", Mode::Lenient).is_err());
    }

    #[test]
    fn values_that_are_not_legal_are_refused() {
        // MQTT-027
        let user = |key: &str, value: &str| {
            with(|properties| {
                properties.user.retain(|(name, _)| name != key);
                properties.user.push((key.to_owned(), value.to_owned()));
            })
        };
        for (key, value) in [("msgType", "command"), ("msgType", "REQ"), ("encoding", "xml"), ("encoding", "")] {
            check(&user(key, value), REQUEST.as_bytes(), false, false);
        }
        check(
            &with(|properties| properties.content_type = Some("text/plain".to_owned())),
            REQUEST.as_bytes(),
            false,
            false,
        );
        check(
            &with(|properties| properties.user.push(("msgType".to_owned(), "rsp".to_owned()))),
            REQUEST.as_bytes(),
            false,
            false,
        );
        // The same again says nothing else, and others may have properties of their own.
        check(
            &with(|properties| properties.user.push(("msgType".to_owned(), "req".to_owned()))),
            REQUEST.as_bytes(),
            true,
            true,
        );
        check(
            &with(|properties| properties.user.push(("x".to_owned(), "y".to_owned()))),
            REQUEST.as_bytes(),
            true,
            true,
        );
    }

    #[test]
    fn properties_and_message_must_agree() {
        // MQTT-083, MQTT-084
        let response = br#"{"headers":{"request_id":"a"},"body":{"openc2":{"response":{"status":200}}}}"#;
        check(&Properties::of(ContentKind::Request, Coding::Json), response, false, false);
        check(&Properties::of(ContentKind::Response, Coding::Json), response, true, true);
        check(&Properties::of(ContentKind::Response, Coding::Cbor), response, false, false);
    }

    #[test]
    fn content_types_of_other_transfers_are_tolerated() {
        for text in ["application/openc2+json;version=1.0", "Application/OpenC2", "application/json"] {
            check(&with(|properties| properties.content_type = Some(text.to_owned())), REQUEST.as_bytes(), false, true);
        }
    }
}
