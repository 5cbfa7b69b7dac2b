//! Signed messages: whose signature counts, and what it says about who asks (LS 1.1 3.3.4, DECISIONS M6, M14).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use oc2_core::types::time::DateTime;
use oc2_core::{Class, Headers, Message, Rejection};
use oc2_encoding::{Encoding, Json, SignatureError, VerifyingKeys};
use oc2_transfer::Peer;
use tracing::warn;

/// Which signatures count.
///
/// A signature that is there must be right, or the answer is 401. One that is right says who asks: the id of its key is the
/// identity of the peer where the transfer proved none, and `headers.from`, if there is one, must be that id or one that
/// [`may_say`](Self::may_say) allows.
///
/// ```
/// use oc2_consumer::{Settings, Signatures};
/// use oc2_encoding::VerifyingKeys;
///
/// # fn main() -> Result<(), oc2_encoding::KeyError> {
/// let keys = br#"{"kty": "OKP", "crv": "Ed25519", "kid": "soc-1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
/// let signatures = Signatures::require(VerifyingKeys::from_json(keys)?).may_say("soc-1", ["night-shift"]);
/// let settings = Settings::default().with_signatures(signatures);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signatures {
    is_required: bool,
    keys: VerifyingKeys,
    may_say: BTreeMap<String, Vec<String>>,
    max_age: Option<Duration>,
}

impl Signatures {
    /// What is signed must be signed right.
    #[must_use]
    pub fn verify(keys: VerifyingKeys) -> Self {
        Self { is_required: false, keys, may_say: BTreeMap::new(), max_age: Some(DEFAULT_MAX_AGE) }
    }

    /// Everything must be signed, and right.
    #[must_use]
    pub fn require(keys: VerifyingKeys) -> Self {
        Self { is_required: true, ..Self::verify(keys) }
    }

    /// What `from` may be in messages signed with this key, besides its id.
    #[must_use]
    pub fn may_say<Name: Into<String>>(
        mut self,
        key_id: impl Into<String>,
        names: impl IntoIterator<Item = Name>,
    ) -> Self {
        self.may_say.entry(key_id.into()).or_default().extend(names.into_iter().map(Into::into));
        self
    }

    /// How long a signature counts from `headers.created` on; none means for ever. Default 50 minutes, which with five minutes
    /// for clocks that differ is less than repeated requests are remembered, so that a message that was overheard is of no use.
    #[must_use]
    pub fn max_age(self, max_age: Option<Duration>) -> Self {
        Self { max_age, ..self }
    }

    /// The ids of the keys.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.ids()
    }

    /// Whose message this is, if it is signed.
    ///
    /// # Errors
    /// 401: the signature is missing, wrong, too old, or that of somebody else.
    pub(crate) fn signer(
        &self,
        bytes: &[u8],
        message: &Message,
        encoding: &dyn Encoding,
        peer: &Peer,
    ) -> Result<Option<Arc<str>>, Rejection> {
        if message.signature.is_none() && !self.is_required {
            return Ok(None);
        }
        let key_id = self.verified(bytes, encoding).map_err(|error| {
            warn!(%peer, %error, "The signature of a message does not count.");
            unauthenticated(match error {
                // Which keys there are is nobody's business.
                SignatureError::UnknownKey => SignatureError::Wrong,
                error => error,
            })
        })?;
        self.admit(key_id, &message.headers).map_err(|reason| {
            warn!(%peer, key_id, from = message.headers.from().map(String::as_str), reason, "A signed message does not count.");
            unauthenticated(reason)
        })?;
        Ok(Some(key_id.into()))
    }

    /// The bytes as they came: what only their sender can read is signed too.
    fn verified(&self, bytes: &[u8], encoding: &dyn Encoding) -> Result<&str, SignatureError> {
        if encoding.media_type() != Json.media_type() {
            return Err(SignatureError::NotJson("no signature is defined for CBOR (LS 1.1 3.3.4)".into()));
        }
        self.keys.verify(bytes)
    }

    fn admit(&self, key_id: &str, headers: &Headers) -> Result<(), &'static str> {
        let is_its_own = |from: &str| {
            from == key_id || self.may_say.get(key_id).is_some_and(|names| names.iter().any(|name| name == from))
        };
        if headers.from().is_some_and(|from| !is_its_own(from)) {
            return Err("headers.from is not a name of who signed");
        }
        let Some(max_age) = self.max_age else { return Ok(()) };
        let Some(created) = headers.created() else { return Err("a signed message needs headers.created") };
        let (now, created) = (DateTime::now().as_millis(), created.as_millis());
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        if created > now.saturating_add(millis(CLOCKS_DIFFER)) {
            return Err("headers.created is in the future");
        }
        if now.saturating_sub(created) > millis(max_age) {
            return Err("the message was signed too long ago");
        }
        Ok(())
    }
}

fn unauthenticated(reason: impl ToString) -> Rejection {
    Rejection::new(Class::Unauthenticated, format!("signature: {}", reason.to_string()))
}

const DEFAULT_MAX_AGE: Duration = Duration::from_secs(50 * 60);
const CLOCKS_DIFFER: Duration = Duration::from_secs(5 * 60);
