//! Checks of the transfer over HTTPS, arranged as the specification is.

mod below;
mod section_3_2;
mod section_3_3;
mod section_3_4;
mod tls;

use crate::check::Check;

/// All of them.
pub(crate) fn checks() -> Vec<Check> {
    [section_3_2::checks(), section_3_3::checks(), section_3_4::checks(), below::checks(), tls::checks()].concat()
}
