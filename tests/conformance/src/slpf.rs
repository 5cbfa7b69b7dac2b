//! Checks of .

use crate::check::Check;

/// All of them.
pub(crate) fn checks() -> Vec<Check> {
    Vec::new()
}
