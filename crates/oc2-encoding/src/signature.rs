//! Signed messages: a detached JWS (RFC 7515, appendix F) over the canonical JSON (RFC 8785) of a message without its
//! signature (LS 1.1 3.3.4, DECISIONS M14).
//!
//! *Invariants.* A key says which algorithm it is for; what the signature says must agree, and chooses nothing. Keys come from
//! the caller alone: those in a header, and addresses of keys, are ignored. Of one signature there is one spelling.

mod key;

use aws_lc_rs::signature::UnparsedPublicKey;
use data_encoding::BASE64URL_NOPAD;
use thiserror::Error;

use self::key::Algorithm;
use crate::canonical::Value;
use crate::error::EncodeError;

pub use self::key::{KeyError, SigningKey, VerifyingKeys};

/// Why the signature of a message does not count.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// There is none.
    #[error("the message has no signature")]
    Absent,
    /// What is signed is JSON by name (LS 1.1 3.3.4), and this is not.
    #[error("only a message in JSON by name can be signed: {0}")]
    NotJson(String),
    /// It is not a detached JWS in compact serialization.
    #[error("the signature is not a detached JWS: {0}")]
    Malformed(String),
    /// It is by another algorithm than ES256 and EdDSA, or by another than its key is for.
    #[error("the algorithm of the signature is not one that its key is for")]
    Algorithm,
    /// It insists on something that is not understood (RFC 7515 4.1.11).
    #[error("the signature has critical parameters, of which none is understood")]
    Critical,
    /// It names no key that is known.
    #[error("the signature is by no key that is known")]
    UnknownKey,
    /// It was made over something else, or with another key.
    #[error("the signature is not one of this message by this key")]
    Wrong,
}

impl SigningKey {
    /// The signature for a message, given as JSON by name; one that it has already is left out of what is signed.
    ///
    /// # Errors
    /// It is not JSON by name.
    pub fn sign(&self, message: &[u8]) -> Result<String, SignatureError> {
        let (payload, _) = taken_apart(message)?;
        let mut header = Vec::new();
        // The members in the order of their names, as the published example has them.
        let members = [("alg", self.algorithm().name()), ("kid", self.id())];
        Value::Object(members.map(|(name, value)| (name.into(), Value::Text(value.into()))).into()).write(&mut header);
        let header = BASE64URL_NOPAD.encode(&header);
        let signature = self.over(signing_input(&header, &payload).as_bytes());
        Ok(format!("{header}..{}", BASE64URL_NOPAD.encode(&signature)))
    }
}

impl VerifyingKeys {
    /// Verifies the signature of a message as it was received, and tells the id of the key it was made with.
    ///
    /// ```
    /// use oc2_encoding::{SignatureError, SigningKey, VerifyingKeys};
    ///
    /// # let private = br#"{"kty": "OKP", "crv": "Ed25519", "kid": "soc-1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    /// #     "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}"#;
    /// # let public = br#"{"kty": "OKP", "crv": "Ed25519", "kid": "soc-1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    /// let message = r#"{"headers": {"x-origin": [1.0]}, "body": {"openc2": {"request": {"action": "query",
    ///     "target": {"features": []}}}}}"#;
    /// let signature = SigningKey::from_json(private)?.sign(message.as_bytes())?;
    /// let keys = VerifyingKeys::from_json(public)?;
    ///
    /// // Spaces, order and spelling of numbers do not count; everything else does.
    /// let signed = message.replacen('{', &format!(r#"{{"signature": "{signature}", "#), 1).replace("1.0", "1");
    /// assert_eq!(keys.verify(signed.as_bytes()), Ok("soc-1"));
    /// assert_eq!(keys.verify(signed.replace("[1]", "[2]").as_bytes()), Err(SignatureError::Wrong));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// There is none, or it does not count.
    pub fn verify(&self, message: &[u8]) -> Result<&str, SignatureError> {
        let (payload, signature) = taken_apart(message)?;
        let Detached { encoded, header, signature } = Detached::parse(signature.as_deref())?;
        let key = self.key(header.key_id.as_deref(), header.algorithm)?;
        UnparsedPublicKey::new(header.algorithm.verification(), key.public())
            .verify(signing_input(encoded, &payload).as_bytes(), &signature)
            .map(|()| key.id())
            .map_err(|_| SignatureError::Wrong)
    }
}

/// A message that cannot be signed cannot be sent.
impl From<SignatureError> for EncodeError {
    fn from(error: SignatureError) -> Self {
        Self::new(error)
    }
}

/// What is signed of a message, and its signature.
fn taken_apart(message: &[u8]) -> Result<(Vec<u8>, Option<String>), SignatureError> {
    let message = Value::read(message).map_err(|error| SignatureError::NotJson(error.to_string()))?;
    if !matches!(message, Value::Object(_)) {
        return Err(SignatureError::NotJson("it is no object".into()));
    }
    let (message, signature) = message.without("signature");
    // A bare Command has no place for one, whatever it says (DECISIONS M1).
    if message.member("body").is_none() {
        return Err(SignatureError::Absent);
    }
    let signature = match signature {
        // Null means absent (DECISIONS M8).
        None | Some(Value::Null) => None,
        Some(Value::Text(signature)) => Some(signature.into_owned()),
        Some(_) => return Err(SignatureError::Malformed("it is no text".into())),
    };
    let mut payload = Vec::new();
    message.write(&mut payload);
    Ok((payload, signature))
}

fn signing_input(header: &str, payload: &[u8]) -> String {
    format!("{header}.{}", BASE64URL_NOPAD.encode(payload))
}

/// A JWS without its payload.
struct Detached<'s> {
    encoded: &'s str,
    header: Header,
    signature: Vec<u8>,
}

/// What its header says, of what counts.
struct Header {
    algorithm: Algorithm,
    key_id: Option<String>,
}

impl<'s> Detached<'s> {
    fn parse(signature: Option<&'s str>) -> Result<Self, SignatureError> {
        let malformed = |reason: &str| SignatureError::Malformed(reason.into());
        let signature = signature.ok_or(SignatureError::Absent)?;
        if signature.len() > MAX_SIGNATURE {
            return Err(malformed("it is too long"));
        }
        let mut parts = signature.split('.');
        let (Some(encoded), Some(payload), Some(value), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed("it has not three parts"));
        };
        if !payload.is_empty() {
            return Err(malformed("it repeats the message (LS 1.1 3.3.4)"));
        }
        let decode = |part: &str| {
            BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| malformed("a part is not base64url without padding"))
        };
        Ok(Self { encoded, header: Header::parse(&decode(encoded)?)?, signature: decode(value)? })
    }
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        let malformed = |reason: String| SignatureError::Malformed(reason);
        let header = Value::read(bytes).map_err(|error| malformed(format!("its header: {error}")))?;
        if header.member("crit").is_some() {
            return Err(SignatureError::Critical);
        }
        let algorithm = header.member("alg").and_then(Value::text).and_then(Algorithm::named);
        let key_id = match header.member("kid") {
            None => None,
            Some(Value::Text(id)) => Some(id.to_string()),
            Some(_) => return Err(malformed("its header: kid is no text".into())),
        };
        Ok(Self { algorithm: algorithm.ok_or(SignatureError::Algorithm)?, key_id })
    }
}

/// Ours have 150 characters; others may name certificates, which nobody looks at.
const MAX_SIGNATURE: usize = 8192;

#[cfg(test)]
mod tests;
