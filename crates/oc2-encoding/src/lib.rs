//! OpenC2 messages as bytes, and back (LS 3.1.5).
//!
//! Take this crate to read or write messages without a network; `oc2-producer` and `oc2-consumer` use it for you.
//!
//! ```
//! use oc2_core::{Action, Content, Mode};
//! use oc2_encoding::{Encoding, Json};
//!
//! let bytes = br#"{"headers": {"request_id": "a"}, "body": {"openc2": {"request":
//!     {"action": "query", "target": {"features": []}}}}}"#;
//! let decoded = Json.decode(bytes, Mode::Strict)?;
//! assert!(matches!(decoded.message.content(), Content::Request(command) if command.action == Action::Query));
//!
//! let bytes = br#"{"action": "deny", "target": {"ipv4_connection": {"dst_port": 65536}}}"#;
//! let error = Json.decode(bytes, Mode::Lenient).unwrap_err();
//! assert_eq!(error.to_string(), "target.ipv4_connection.dst_port: 65536 is not a port (0..65535)");
//! # Ok::<(), oc2_encoding::DecodeError>(())
//! ```
//!
//! Reading is one pass from bytes to types; what is written is always strict.

#[cfg(feature = "signature")]
mod canonical;
mod cbor;
mod encoding;
mod error;
mod glimpse;
mod json;
mod limits;
mod position;
mod set;
#[cfg(feature = "signature")]
mod signature;
mod validate;
mod write;

pub use cbor::{Cbor, CborByName, read_cbor};
pub use encoding::{Decoded, Encoding};
pub use error::{DecodeError, EncodeError, MediaTypeError};
pub use glimpse::{ContentKind, Glimpse};
pub use json::{Json, JsonIn, JsonInAscii, read_json, write_json};
pub use limits::MAX_MESSAGE;
pub use set::{Encodings, Selection};
#[cfg(feature = "signature")]
pub use signature::{KeyError, SignatureError, SigningKey, VerifyingKeys};
pub use validate::{Fault, Kind, Syntax, Validator};
