//! Artifact (LS 3.4.1.1).

use crate::record;
use crate::types::hashes::Hashes;
use crate::types::payload::Payload;

record! {
    /// Bytes, or where they lie (LS 3.4.1.1); at least one property is present.
    pub struct Artifact: "Artifact" in "LS 3.4.1.1 (LS-152)", sealed by ArtifactBuilder {
        /// The media type of the content (RFC 6838). Any String when received (DECISIONS L37).
        optional mime_type: String = 1,
        /// The content.
        optional payload: Payload = 2,
        /// Hashes of the content.
        optional hashes: Hashes = 3,
    }
}
