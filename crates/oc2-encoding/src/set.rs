//! The encodings a program offers, chosen by media type.

use std::sync::Arc;

use mediatype::{MediaType, ReadParams};
use oc2_core::Mode;

use crate::encoding::Encoding;
use crate::error::MediaTypeError;
use crate::json::Json;

/// The encodings a program offers; the first is the default.
#[derive(Clone, Debug)]
pub struct Encodings {
    offered: Vec<Arc<dyn Encoding>>,
}

/// An encoding that was chosen for a message.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The encoding.
    pub encoding: Arc<dyn Encoding>,
    /// How its media type deviates from the standard, if it does.
    pub deviation: Option<&'static str>,
}

impl Default for Encodings {
    /// JSON, which every implementation supports (LS 3.1.5).
    fn default() -> Self {
        Self::of(Json)
    }
}

impl Encodings {
    /// One encoding and no other.
    #[must_use]
    pub fn of(encoding: impl Encoding + 'static) -> Self {
        Self { offered: vec![Arc::new(encoding)] }
    }

    /// The same, and another encoding for those who ask for it.
    #[must_use]
    pub fn and(mut self, encoding: impl Encoding + 'static) -> Self {
        self.offered.push(Arc::new(encoding));
        self
    }

    /// What is written when nobody asks for anything else.
    #[must_use]
    pub fn preferred(&self) -> Arc<dyn Encoding> {
        // There is one at least: no constructor makes an empty set.
        self.offered.first().map_or_else(|| Arc::new(Json) as Arc<dyn Encoding>, Arc::clone)
    }

    fn offered(&self, is_wanted: impl Fn(&Kind) -> bool) -> Option<Arc<dyn Encoding>> {
        let kind = |encoding: &dyn Encoding| MediaType::parse(encoding.media_type()).map(|own| Kind::of(&own));
        self.offered.iter().find(|encoding| kind(&***encoding).is_ok_and(|own| is_wanted(&own))).map(Arc::clone)
    }

    /// Chooses by the content type of a message (DECISIONS M2).
    ///
    /// # Errors
    /// None of ours.
    pub fn for_content_type(&self, content_type: Option<&str>, mode: Mode) -> Result<Selection, MediaTypeError> {
        let expected = self.preferred().media_type();
        let Some(content_type) = content_type else { return Err(MediaTypeError::Missing { expected }) };
        // What nearly everybody sends needs no closer look.
        if let Some(same) = self.offered.iter().find(|encoding| encoding.media_type() == content_type) {
            return Ok(Selection { encoding: Arc::clone(same), deviation: None });
        }
        let found = || content_type.chars().take(MAX_QUOTED).collect::<String>();
        let unsupported = || MediaTypeError::Unsupported { found: found(), expected };
        let media_type = MediaType::parse(content_type.trim()).map_err(|_| unsupported())?;
        let kind = Kind::of(&media_type);
        let deviation = match kind {
            Kind::OpenC2Json | Kind::OpenC2Cbor => None,
            Kind::OpenC2JsonOfHttps1 if mode == Mode::Lenient => Some("the content type is that of HTTPS 1.0"),
            Kind::Json if mode == Mode::Lenient => Some("the content type is plain JSON"),
            Kind::OpenC2JsonOfHttps1 | Kind::Json | Kind::Other => return Err(unsupported()),
        };
        let is_binary = kind == Kind::OpenC2Cbor;
        let encoding = self.offered(|own| (*own == Kind::OpenC2Cbor) == is_binary).ok_or_else(unsupported)?;
        // Which of two would count is not defined (RFC 6838 4.3).
        let versions: Vec<_> =
            media_type.params().filter(|(name, _)| *name == VERSION).map(|(_, value)| value).collect();
        match versions.as_slice() {
            [version] if version.unquoted_str() == "1.0" => Ok(Selection { encoding, deviation }),
            [] if mode == Mode::Lenient => {
                Ok(Selection { encoding, deviation: deviation.or(Some("the content type has no version")) })
            }
            _ => Err(MediaTypeError::Version { found: found() }),
        }
    }

    /// Whether a peer accepts an answer to a message of this content type, which has the encoding of the message: by the value of
    /// an HTTP `Accept` header (DECISIONS H9).
    ///
    /// # Errors
    /// It does not.
    pub fn check_accept(&self, accept: Option<&str>, content_type: Option<&str>) -> Result<(), MediaTypeError> {
        // Whoever does not say takes anything.
        let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else { return Ok(()) };
        let answer = match self.for_content_type(content_type, Mode::Lenient) {
            Ok(selection) => selection.encoding,
            // Whoever reads the message has more to say about that.
            Err(MediaTypeError::Unsupported { .. }) => return Ok(()),
            Err(MediaTypeError::Missing { .. } | MediaTypeError::Version { .. }) => self.preferred(),
        };
        // What nearly everybody says needs no closer look.
        if accept == answer.media_type() {
            return Ok(());
        }
        let is_binary = MediaType::parse(answer.media_type()).is_ok_and(|own| Kind::of(&own) == Kind::OpenC2Cbor);
        let is_ours = |range: &str| {
            MediaType::parse(range.trim()).is_ok_and(|range| {
                let any = range.subty == "*" && (range.ty == "*" || range.ty == mediatype::names::APPLICATION);
                let is_refused = range
                    .get_param(QUALITY)
                    .is_some_and(|quality| quality.as_str().trim_matches(['0', '.']).is_empty());
                let ours = match Kind::of(&range) {
                    Kind::OpenC2Cbor => is_binary,
                    Kind::OpenC2Json | Kind::OpenC2JsonOfHttps1 => !is_binary,
                    Kind::Json | Kind::Other => false,
                } && range.get_param(VERSION).is_none_or(|version| version.unquoted_str() == "1.0");
                !is_refused && (any || ours)
            })
        };
        if accept.split(',').any(is_ours) {
            return Ok(());
        }
        Err(MediaTypeError::Unsupported {
            found: accept.chars().take(MAX_QUOTED).collect(),
            expected: answer.media_type(),
        })
    }
}

/// The media types that are told apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    OpenC2Json,
    OpenC2Cbor,
    OpenC2JsonOfHttps1,
    Json,
    Other,
}

impl Kind {
    fn of(media_type: &MediaType<'_>) -> Self {
        if media_type.ty != mediatype::names::APPLICATION {
            return Self::Other;
        }
        let is_json = media_type.suffix.is_some_and(|suffix| suffix == mediatype::names::JSON);
        let subtype = media_type.subty.as_str().to_ascii_lowercase();
        match subtype.as_str() {
            "openc2" if is_json => Self::OpenC2Json,
            "openc2" if media_type.suffix.is_some_and(|suffix| suffix == CBOR) => Self::OpenC2Cbor,
            "openc2-cmd" | "openc2-rsp" if is_json => Self::OpenC2JsonOfHttps1,
            "json" if media_type.suffix.is_none() => Self::Json,
            _ => Self::Other,
        }
    }
}

const CBOR: mediatype::Name<'static> = mediatype::Name::new_unchecked("cbor");
const VERSION: mediatype::Name<'static> = mediatype::Name::new_unchecked("version");
const QUALITY: mediatype::Name<'static> = mediatype::Name::new_unchecked("q");
const MAX_QUOTED: usize = 80;
