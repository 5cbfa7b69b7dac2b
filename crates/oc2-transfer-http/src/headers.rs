//! Names and values that both sides use (HTTPS 3.2.2, 3.3.3, 3.4).

use http::{HeaderName, HeaderValue};

/// Where Commands are posted to (HTTPS 3.2.2).
pub(crate) const PATH: &str = "/.well-known/openc2";

/// The id of a message beside the message (HTTPS 3.3.3).
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// `Cache-control` of everything that carries OpenC2 (HTTPS 3.2.1).
pub(crate) const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
