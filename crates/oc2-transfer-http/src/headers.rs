//! Names and values that both sides use (HTTPS 3.2.2, 3.3.3, 3.4).

use http::{HeaderName, HeaderValue};

/// Where Commands are posted to (HTTPS 3.2.2).
pub(crate) const PATH: &str = "/.well-known/openc2";

/// The id of a message beside the message (HTTPS 3.3.3).
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// `Cache-control` of everything that carries OpenC2 (HTTPS 3.2.1).
pub(crate) const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// HTTP/1.1 is all there is, and all that is named by ALPN (HTTPS 3.2.1, DECISIONS H8).
#[cfg(feature = "tls")]
pub(crate) const ALPN: &[u8] = b"http/1.1";
