//! Records one below the other, each with the digest of the one before.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What every line says of its place in the chain; the rest of a line is of no interest to the chain.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Link {
    pub(super) seq: u64,
    pub(super) prev: String,
    #[serde(default)]
    pub(super) torn: Option<Torn>,
    /// How many records are missing before it.
    #[serde(default)]
    pub(super) lost: u64,
    pub(super) event: String,
}

impl Link {
    /// Reads a line, given without its end.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

/// Bytes between two records that are no record: a line whose writing was interrupted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Torn {
    pub(super) bytes: usize,
    pub(super) sha256: String,
}

impl Torn {
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        (!bytes.is_empty()).then(|| Self { bytes: bytes.len(), sha256: digest(bytes) })
    }
}

/// The end of a chain: what the next record follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: u64,
    pub(super) sha256: String,
}

impl Head {
    /// That of a chain without records.
    pub(super) fn none() -> Self {
        Self { seq: 0, sha256: "0".repeat(64) }
    }

    /// That after a record, given as its line without the end.
    pub(super) fn after(link: &Link, line: &[u8]) -> Self {
        Self { seq: link.seq, sha256: digest(line) }
    }
}

/// SHA-256 in hexadecimal.
pub(super) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
