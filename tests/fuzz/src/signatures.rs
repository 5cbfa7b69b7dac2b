//! Signed messages and the keys for them (DECISIONS M14).

use std::sync::LazyLock;

use oc2_encoding::{SigningKey, VerifyingKeys};
use serde_json::Value;

use crate::seeds;

/// Bytes as a message that may be signed, as a message that is, and as keys.
pub fn signatures(bytes: &[u8]) {
    if let Ok(key_id) = KEYS.1.verify(bytes) {
        assert_eq!(key_id, ID, "a key that is not known");
    }
    let _ = (VerifyingKeys::from_json(bytes), SigningKey::from_json(bytes));
    // What can be signed verifies, however another program spells it.
    let Ok(signature) = KEYS.0.sign(bytes) else { return };
    let mut message: Value = serde_json::from_slice(bytes).expect("what can be signed is JSON");
    message["signature"] = signature.into();
    for spelling in [message.to_string(), format!("{message:#}")] {
        assert_eq!(KEYS.1.verify(spelling.as_bytes()), Ok(ID), "{spelling}");
    }
}

/// Messages, one of them signed, and keys.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = seeds::json();
    let message = r#"{"headers": {"x": [1.5e-7, 1e21, "\u20ac"]}, "body": {"openc2": {"notification": {"a": null}}}}"#;
    let signature = KEYS.0.sign(message.as_bytes()).expect("a message");
    let signed = message.replacen('{', &format!(r#"{{"signature": "{signature}", "#), 1);
    let keys =
        [format!("{PUBLIC}}}"), format!(r#"{PUBLIC}, "d": "{SECRET}"}}"#), format!(r#"{{"keys": [{PUBLIC}}}]}}"#)];
    seeds.extend([message.to_owned(), signed].into_iter().chain(keys).map(String::into_bytes));
    seeds
}

static KEYS: LazyLock<(SigningKey, VerifyingKeys)> = LazyLock::new(|| {
    let private = format!(r#"{PUBLIC}, "d": "{SECRET}"}}"#);
    let public = format!("{PUBLIC}}}");
    let signing = SigningKey::from_json(private.as_bytes()).expect("a key");
    (signing, VerifyingKeys::from_json(public.as_bytes()).expect("a key"))
});

const ID: &str = "soc-1";
/// RFC 8037 A.1
const PUBLIC: &str =
    r#"{"kty": "OKP", "crv": "Ed25519", "kid": "soc-1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
const SECRET: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
