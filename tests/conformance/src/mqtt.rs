//! Checks of the transfer over MQTT, arranged as the specification is.

mod client;
mod section_2;
mod tls;

use crate::check::Check;

/// All of them.
pub(crate) fn checks() -> Vec<Check> {
    [section_2::checks(), client::checks(), tls::checks()].concat()
}
