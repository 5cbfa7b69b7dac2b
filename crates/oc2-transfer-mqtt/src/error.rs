//! Why a transfer cannot be set up.

use std::io;
use std::path::PathBuf;

use oc2_tls::TlsError;
use thiserror::Error;

/// A program's settings do not make a transfer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The address is none of a broker.
    #[error("the broker {address:?} {reason}")]
    Broker {
        /// The address.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The text is not one topic level (MQTT 2.2): empty, too long, or with `/`, `+`, `#` or U+0000 in it.
    #[error("{0:?} cannot be a level of a topic: 1 to 128 octets without '/', '+', '#' and NUL are due")]
    Level(String),
    /// The keep-alive is out of its range.
    #[error("a keep-alive of {0} s is not one of 1 to 300 s (MQTT 2.7)")]
    KeepAlive(u64),
    /// The state directory cannot be used.
    #[error("the state directory {path:?} cannot be used: {source}")]
    State {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process uses the state directory; two with one ClientID would cut each other off.
    #[error("the state directory {0:?} is in use by another process")]
    InUse(PathBuf),
    /// What is kept is not a ClientID.
    #[error("{0:?} does not hold a ClientID: 1 to 23 letters and digits are due (MQTT 2.6)")]
    ClientId(PathBuf),
    /// Certificates or keys are not what TLS can use.
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
}
