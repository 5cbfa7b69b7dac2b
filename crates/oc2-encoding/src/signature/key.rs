//! Keys, from JWK and JWKS (RFC 7517, RFC 8037).

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    VerificationAlgorithm,
};
use data_encoding::BASE64URL_NOPAD;
use thiserror::Error;

use super::SignatureError;
use crate::canonical::Value;

/// A key that signs messages.
pub struct SigningKey {
    id: String,
    pair: Pair,
}

enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// The keys that messages may be signed with, each known by its id.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyingKeys {
    keys: Vec<VerifyingKey>,
    skipped: Vec<String>,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) struct VerifyingKey {
    id: String,
    algorithm: Algorithm,
    /// As `aws-lc-rs` takes it: 32 octets, or an uncompressed point.
    public: Vec<u8>,
}

/// What a signature is made with (RFC 7518 3.4, RFC 8037 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Es256,
    EdDsa,
}

/// Keys that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It is no JSON.
    #[error("the keys are {0}")]
    NotJson(String),
    /// It is JSON, and no JWK or JWKS.
    #[error("this is neither a key (JWK) nor a set of keys (JWKS): {0}")]
    NotAKey(String),
    /// It has no id (`kid`), which says who signed.
    #[error("a key has no id (kid)")]
    NoId,
    /// Two keys have the same id.
    #[error("two keys have the id {0:?}")]
    SameId(String),
    /// It is of a kind that is not used for messages.
    #[error("key {id:?}: {reason}")]
    Unusable {
        /// Its id.
        id: String,
        /// What is the matter with it.
        reason: String,
    },
    /// A private key where public ones are due.
    #[error("key {0:?} is private; it belongs to whoever signs, and to nobody else")]
    Private(String),
    /// No key, or several, where one is due.
    #[error("one private key is due, and there are {0}")]
    NotOne(usize),
    /// There is nothing to verify with.
    #[error("no key is for ES256 or EdDSA")]
    None,
}

impl Algorithm {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(super) fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Es256 => &ECDSA_P256_SHA256_FIXED,
            Self::EdDsa => &ED25519,
        }
    }
}

impl SigningKey {
    /// Reads a private key: a JWK, or a JWKS with one private key. It needs an id (`kid`), which tells the recipient who signed.
    ///
    /// # Errors
    /// It is none, it is for another algorithm than ES256 and EdDSA, or its halves do not belong together.
    pub fn from_json(bytes: &[u8]) -> Result<Self, KeyError> {
        let document = document(bytes)?;
        let private: Vec<_> = entries(&document)?.into_iter().filter(|key| key.member("d").is_some()).collect();
        let [key] = private.as_slice() else { return Err(KeyError::NotOne(private.len())) };
        let Parts { id, algorithm, public } = Parts::of(key, "sign")?;
        let unusable = |reason: &str| KeyError::Unusable { id: id.clone(), reason: reason.into() };
        let secret = octets(key, "d").map_err(|reason| unusable(&reason))?;
        let mismatch = |_| unusable("the private half does not belong to the public one");
        let pair = match algorithm {
            Algorithm::Es256 => {
                let scheme = &ECDSA_P256_SHA256_FIXED_SIGNING;
                Pair::P256(EcdsaKeyPair::from_private_key_and_public_key(scheme, &secret, &public).map_err(mismatch)?)
            }
            Algorithm::EdDsa => {
                Pair::Ed25519(Ed25519KeyPair::from_seed_and_public_key(&secret, &public).map_err(mismatch)?)
            }
        };
        Ok(Self { id, pair })
    }

    /// Its id, which is in every signature.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match &self.pair {
            Pair::P256(_) => Algorithm::Es256,
            Pair::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    pub(super) fn over(&self, bytes: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::P256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), bytes);
                signature.expect("a sound key signs anything, as long as the system has randomness").as_ref().to_vec()
            }
            Pair::Ed25519(pair) => pair.sign(bytes).as_ref().to_vec(),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?}, {})", self.id, self.algorithm().name())
    }
}

impl VerifyingKeys {
    /// Reads public keys: a JWK, or a JWKS, of which keys for other algorithms than ES256 and EdDSA and for other uses than
    /// signatures are left out (RFC 7517 5). Each needs an id (`kid`) of its own.
    ///
    /// # Errors
    /// It is none, a key is private or broken, an id is missing or stands twice, or nothing is left.
    pub fn from_json(bytes: &[u8]) -> Result<Self, KeyError> {
        let document = document(bytes)?;
        let mut read = Self { keys: Vec::new(), skipped: Vec::new() };
        for key in entries(&document)? {
            if key.member("d").is_some() {
                return Err(KeyError::Private(id_of(key).unwrap_or_default()));
            }
            if let Some(reason) = other_purpose(key, "verify") {
                read.skipped.push(format!("{}: {reason}", id_of(key).unwrap_or_else(|_| "a key without an id".into())));
                continue;
            }
            let Parts { id, algorithm, public } = Parts::of(key, "verify")?;
            if read.keys.iter().any(|known| known.id == id) {
                return Err(KeyError::SameId(id));
            }
            read.keys.push(VerifyingKey { id, algorithm, public });
        }
        if read.keys.is_empty() { Err(KeyError::None) } else { Ok(read) }
    }

    /// The ids of the keys.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.id.as_str())
    }

    /// The keys that were left out, and why, for people.
    #[must_use]
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// The key that a signature names; where it names none, the only one for its algorithm.
    pub(super) fn key(&self, id: Option<&str>, algorithm: Algorithm) -> Result<&VerifyingKey, SignatureError> {
        let Some(id) = id else {
            let mut fitting = self.keys.iter().filter(|key| key.algorithm == algorithm);
            return match (fitting.next(), fitting.next()) {
                (Some(key), None) => Ok(key),
                _ => Err(SignatureError::UnknownKey),
            };
        };
        let key = self.keys.iter().find(|key| key.id == id).ok_or(SignatureError::UnknownKey)?;
        if key.algorithm == algorithm { Ok(key) } else { Err(SignatureError::Algorithm) }
    }
}

impl fmt::Debug for VerifyingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl VerifyingKey {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn public(&self) -> &[u8] {
        &self.public
    }
}

/// What private and public keys have in common.
struct Parts {
    id: String,
    algorithm: Algorithm,
    public: Vec<u8>,
}

impl Parts {
    fn of(key: &Value<'_>, operation: &str) -> Result<Self, KeyError> {
        let id = id_of(key)?;
        let unusable = |reason: String| KeyError::Unusable { id: id.clone(), reason };
        if let Some(reason) = other_purpose(key, operation) {
            return Err(unusable(reason));
        }
        let x = octets(key, "x").map_err(unusable)?;
        let (algorithm, public) = match text(key, "kty") {
            "OKP" => (Algorithm::EdDsa, x),
            _ => {
                let y = octets(key, "y").map_err(unusable)?;
                (Algorithm::Es256, [&[UNCOMPRESSED][..], &x, &y].concat())
            }
        };
        // A point that is not on the curve is refused here and not at the first message.
        if aws_lc_rs::signature::ParsedPublicKey::new(algorithm.verification(), &public).is_err() {
            return Err(unusable("its coordinates are no key on its curve".into()));
        }
        Ok(Self { id, algorithm, public })
    }
}

fn document(bytes: &[u8]) -> Result<Value<'_>, KeyError> {
    Value::read(bytes).map_err(|error| KeyError::NotJson(error.to_string()))
}

/// The keys of a set, or the one there is.
fn entries<'v, 'd>(document: &'v Value<'d>) -> Result<Vec<&'v Value<'d>>, KeyError> {
    match document.member("keys") {
        Some(Value::List(keys)) => Ok(keys.iter().collect()),
        Some(_) => Err(KeyError::NotAKey("its member keys is no list".into())),
        None if document.member("kty").is_some() => Ok(vec![document]),
        None => Err(KeyError::NotAKey("it has neither kty nor keys".into())),
    }
}

fn text<'v>(key: &'v Value<'_>, name: &str) -> &'v str {
    key.member(name).and_then(Value::text).unwrap_or_default()
}

fn id_of(key: &Value<'_>) -> Result<String, KeyError> {
    match text(key, "kid") {
        "" => Err(KeyError::NoId),
        id if id.len() > MAX_ID || id.chars().any(char::is_control) => Err(KeyError::Unusable {
            id: id.chars().filter(|char| !char.is_control()).take(32).collect(),
            reason: format!("its id has control characters or more than {MAX_ID} octets"),
        }),
        id => Ok(id.to_owned()),
    }
}

/// Why a key is for something else, if it is.
fn other_purpose(key: &Value<'_>, operation: &str) -> Option<String> {
    let algorithm = match (text(key, "kty"), text(key, "crv")) {
        ("EC", "P-256") => Algorithm::Es256,
        ("OKP", "Ed25519") => Algorithm::EdDsa,
        ("EC" | "OKP", curve) => return Some(format!("the curve {curve:?} is neither P-256 nor Ed25519")),
        (kind, _) => return Some(format!("the kind {kind:?} is neither EC nor OKP")),
    };
    let says = |name: &str, value: &str| key.member(name).is_none_or(|member| member.text() == Some(value));
    let is_allowed = match key.member("key_ops") {
        None => true,
        Some(Value::List(operations)) => operations.iter().any(|known| known.text() == Some(operation)),
        Some(_) => false,
    };
    if !says("use", "sig") || !is_allowed {
        return Some("it is not for signatures".into());
    }
    (!says("alg", algorithm.name())).then(|| format!("its alg is not {}", algorithm.name()))
}

fn octets(key: &Value<'_>, name: &str) -> Result<Vec<u8>, String> {
    let decoded = BASE64URL_NOPAD.decode(text(key, name).as_bytes()).ok();
    decoded.filter(|octets| octets.len() == N_OCTETS).ok_or(format!("its {name} is not {N_OCTETS} octets in base64url"))
}

/// Both curves have coordinates, and keys, of this length.
const N_OCTETS: usize = 32;
const UNCOMPRESSED: u8 = 4;
/// As `from` (DECISIONS M16).
const MAX_ID: usize = 256;
