//! `[signatures]`: who is believed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use oc2_consumer::Signatures;
use serde::Deserialize;

use crate::daemon::Failure;

/// `[signatures]` (DECISIONS M14)
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignaturesTable {
    mode: SignatureMode,
    /// A JWK or JWKS with the public keys of Producers.
    keys: Option<PathBuf>,
    /// Seconds that a signature counts from `headers.created` on; 0 is for ever.
    max_age: Option<u32>,
    /// By key id, what `from` may be besides.
    #[serde(default)]
    from: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SignatureMode {
    Ignore,
    Verify,
    Require,
}

impl SignaturesTable {
    /// Reads the keys; none if signatures are ignored.
    pub(super) fn load(&self) -> Result<Option<Signatures>, Failure> {
        let new = match self.mode {
            SignatureMode::Ignore => return Ok(None),
            SignatureMode::Verify => Signatures::verify,
            SignatureMode::Require => Signatures::require,
        };
        let path = self.keys.as_ref().ok_or("signatures.keys is missing: a file with the public keys of Producers")?;
        let unusable = |error: &dyn std::fmt::Display| format!("signatures.keys {}: {error}", path.display());
        let bytes = std::fs::read(path).map_err(|error| unusable(&error))?;
        let keys = oc2_encoding::VerifyingKeys::from_json(&bytes).map_err(|error| unusable(&error))?;
        for skipped in keys.skipped() {
            tracing::warn!(path = %path.display(), skipped, "A key was left out.");
        }
        if let Some(id) = self.from.keys().find(|id| !keys.ids().any(|known| known == id.as_str())) {
            return Err(unusable(&format!("signatures.from speaks of {id:?}, and there is no such key")).into());
        }
        let signatures = self.from.iter().fold(new(keys), |signatures, (id, names)| signatures.may_say(id, names));
        Ok(Some(match self.max_age {
            None => signatures,
            Some(0) => signatures.max_age(None),
            Some(seconds) => signatures.max_age(Some(Duration::from_secs(seconds.into()))),
        }))
    }

    pub(super) fn describe(&self) -> Result<String, Failure> {
        Ok(match (self.mode, self.load()?) {
            (SignatureMode::Require, Some(signatures)) => {
                format!("takes messages signed by one of {:?}, and no others", signatures.key_ids().collect::<Vec<_>>())
            }
            (_, Some(signatures)) => {
                format!("verifies what is signed, by one of {:?}", signatures.key_ids().collect::<Vec<_>>())
            }
            (_, None) => "ignores signatures".to_owned(),
        })
    }
}
