//! TLS as the transfers of OpenC2 want it (HTTPS 3.2.3, MQTT B): what is shown, who is trusted, and with which cryptography. All
//! of it is PEM.
//!
//! Take this crate to write a transfer of your own over TLS; the transfers there are give out again what their users need of it.
//!
//! Versions 1.2 and 1.3, suites with ephemeral keys and authenticated encryption only, no early data. There is no way to leave a
//! certificate unverified.
//!
//! Features: `aws-lc-rs`, on by default, or `ring`, the cryptography.

mod authorities;
mod client;
mod error;
mod identity;
mod provider;
mod validity;

pub use authorities::Authorities;
pub use client::client_config;
pub use error::{TlsError, in_words};
pub use identity::Identity;
pub use provider::{VERSIONS, provider};
pub use validity::Validity;
