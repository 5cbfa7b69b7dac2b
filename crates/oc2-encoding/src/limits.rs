//! Bounds on what is read (DECISIONS L24). Depth and length of lists are bounded by [`oc2_core::shape::read::Limits`].

use oc2_core::shape::read::ReadError;

/// The longest message that is read, in bytes: 1 MiB.
pub const MAX_MESSAGE: usize = 1 << 20;

pub(crate) fn check_length(bytes: &[u8]) -> Result<(), ReadError> {
    if bytes.len() > MAX_MESSAGE {
        return Err(ReadError::new(format!("the message has {} bytes, at most {MAX_MESSAGE} are read", bytes.len())));
    }
    Ok(())
}
