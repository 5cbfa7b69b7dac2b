//! Bounds on what is read (DECISIONS L24). Depth and length of lists are bounded by [`oc2_core::shape::read::Limits`].

/// The longest message that is read, in bytes: 1 MiB.
pub const MAX_MESSAGE: usize = 1 << 20;
