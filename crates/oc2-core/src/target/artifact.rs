//! Artifact (LS 3.4.1.1).

use crate::invalid::Invalid;
use crate::record;
use crate::types::hashes::Hashes;
use crate::types::payload::Payload;

record! {
    /// Bytes, or where they lie (LS 3.4.1.1); at least one property is present.
    pub struct Artifact: "Artifact", sealed by ArtifactBuilder checked by at_least_one {
        /// The media type of the content (RFC 6838). Any String when received (DECISIONS L37).
        optional mime_type: String = 1,
        /// The content.
        optional payload: Payload = 2,
        /// Hashes of the content.
        optional hashes: Hashes = 3,
    }
}

fn at_least_one(artifact: &Artifact) -> Result<(), Invalid> {
    if artifact.is_empty() {
        return Err(Invalid::new("at least one of mime_type, payload, hashes is due"));
    }
    Ok(())
}
