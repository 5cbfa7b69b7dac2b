//! Tokens of Producers (RFC 6750, 7519, 8725; DECISIONS H6).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use oc2_tls::TlsError;
use serde_json::{Map, Value};

use super::name::is_legal;

/// Which tokens are accepted: JSON Web Tokens of one issuer for one audience, signed by one of these keys.
///
/// A token has to say when it expires; whether it is valid yet is looked at if it says so. Its claim `sub` names the Producer.
/// The algorithms are ES256, ES384, EdDSA, RS256, RS384, RS512, PS256, PS384 and PS512, each for its own kind of key: no shared
/// secrets, and never `none`.
#[derive(Clone)]
pub struct Tokens {
    keys: Arc<[Key]>,
    rules: Box<Validation>,
    claim: String,
}

impl Tokens {
    /// Accepts what this issuer issues for this audience, with the keys of a JWK Set (RFC 7517). Keys of it that are for
    /// something else are left out.
    ///
    /// # Errors
    /// It is not a JWK Set, has no key to use, more than 64, or a secret key.
    pub fn new(jwks: &[u8], issuer: &str, audience: &str) -> Result<Self, TlsError> {
        let what = "the keys of tokens";
        let jwks: JwkSet = serde_json::from_slice(jwks).map_err(|error| TlsError::unreadable(what, error))?;
        if jwks.keys.iter().any(|key| matches!(key.algorithm, AlgorithmParameters::OctetKey(_))) {
            return Err(TlsError::unusable(what, "a secret key is among them, and whoever knows it can make tokens"));
        }
        let keys: Arc<[Key]> = jwks.keys.iter().filter_map(Key::read).collect();
        match keys.len() {
            0 => return Err(TlsError::unusable(what, "there is none for signatures of a kind that is accepted")),
            1..=MAX_KEYS => {}
            _ => return Err(TlsError::unusable(what, format!("there are more than {MAX_KEYS}"))),
        }
        if issuer.is_empty() || audience.is_empty() {
            return Err(TlsError::unusable("the issuer or the audience of tokens", "it is empty"));
        }
        let mut rules = Validation::new(Algorithm::ES256);
        rules.set_issuer(&[issuer]);
        rules.set_audience(&[audience]);
        rules.set_required_spec_claims(&["exp", "iss", "aud"]);
        rules.validate_nbf = true;
        Ok(Self { keys, rules: Box::new(rules), claim: "sub".to_owned() }.with_leeway(Duration::from_secs(30)))
    }

    /// Has another claim name the Producer. It is a text.
    #[must_use]
    pub fn with_claim(self, claim: impl Into<String>) -> Self {
        Self { claim: claim.into(), ..self }
    }

    /// So much two clocks may differ. Default 30 seconds, at most 10 minutes.
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway.min(MAX_LEEWAY).as_secs();
        self
    }

    /// Whom a token names.
    ///
    /// # Errors
    /// Why it is not accepted; nothing of the token is in it.
    pub(super) fn verify(&self, token: &str) -> Result<String, &'static str> {
        let header = decode_header(token).map_err(|_| "the token is none, or not signed by an accepted algorithm")?;
        // RFC 7515 4.1.11: what has to be understood, and is not.
        if header.crit.is_some() {
            return Err("the token asks for an extension that is not known");
        }
        let mut reason = "the token is signed by a key that is not known";
        for key in self.keys.iter().filter(|key| key.may_have_signed(header.kid.as_deref(), header.alg)) {
            let rules = Validation { algorithms: vec![header.alg], ..(*self.rules).clone() };
            match decode::<Map<String, Value>>(token, &key.key, &rules) {
                Ok(token) => return self.name_in(&token.claims),
                Err(error) => reason = why(error.kind()),
            }
        }
        Err(reason)
    }

    fn name_in(&self, claims: &Map<String, Value>) -> Result<String, &'static str> {
        let name = claims.get(&self.claim).and_then(Value::as_str).filter(|name| is_legal(name));
        name.map(str::to_owned).ok_or("the token does not name its owner")
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("n_keys", &self.keys.len())
            .field("issuer", &self.rules.iss)
            .field("audience", &self.rules.aud)
            .field("claim", &self.claim)
            .finish_non_exhaustive()
    }
}

struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl Key {
    /// A key for signatures; `None` if this one is for something else.
    fn read(jwk: &Jwk) -> Option<Self> {
        let common = &jwk.common;
        let is_for_signatures = common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature)
            && common.key_operations.as_ref().is_none_or(|operations| operations.contains(&KeyOperations::Verify));
        let mut algorithms = algorithms(&jwk.algorithm);
        if let Some(only) = common.key_algorithm {
            algorithms.retain(|&algorithm| name(algorithm) == only);
        }
        if !is_for_signatures || algorithms.is_empty() {
            return None;
        }
        let key = DecodingKey::from_jwk(jwk).ok()?;
        Some(Self { id: common.key_id.clone(), algorithms, key })
    }

    fn may_have_signed(&self, id: Option<&str>, algorithm: Algorithm) -> bool {
        (id.is_none() || self.id.as_deref() == id) && self.algorithms.contains(&algorithm)
    }
}

/// What a key of this kind signs with.
fn algorithms(key: &AlgorithmParameters) -> Vec<Algorithm> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    match key {
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => vec![ES256],
            EllipticCurve::P384 => vec![ES384],
            _ => vec![],
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => vec![EdDSA],
        AlgorithmParameters::RSA(_) => vec![RS256, RS384, RS512, PS256, PS384, PS512],
        _ => vec![],
    }
}

/// How a key says that it is for this algorithm.
fn name(algorithm: Algorithm) -> KeyAlgorithm {
    match algorithm {
        Algorithm::ES256 => KeyAlgorithm::ES256,
        Algorithm::ES384 => KeyAlgorithm::ES384,
        Algorithm::EdDSA => KeyAlgorithm::EdDSA,
        Algorithm::RS256 => KeyAlgorithm::RS256,
        Algorithm::RS384 => KeyAlgorithm::RS384,
        Algorithm::RS512 => KeyAlgorithm::RS512,
        Algorithm::PS256 => KeyAlgorithm::PS256,
        Algorithm::PS384 => KeyAlgorithm::PS384,
        Algorithm::PS512 => KeyAlgorithm::PS512,
        _ => KeyAlgorithm::UNKNOWN_ALGORITHM,
    }
}

fn why(error: &ErrorKind) -> &'static str {
    match error {
        ErrorKind::ExpiredSignature => "the token has expired",
        ErrorKind::ImmatureSignature => "the token is not valid yet",
        ErrorKind::InvalidAudience => "the token is for another audience",
        ErrorKind::InvalidIssuer => "the token is from another issuer",
        ErrorKind::MissingRequiredClaim(_) => "the token lacks its issuer, its audience or its end",
        ErrorKind::InvalidSignature => "the signature of the token is wrong",
        _ => "the token cannot be read",
    }
}

/// More than any issuer rotates; a token that names no key may be tried with each.
const MAX_KEYS: usize = 64;

const MAX_LEEWAY: Duration = Duration::from_secs(600);
