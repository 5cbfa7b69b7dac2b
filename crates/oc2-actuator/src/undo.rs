//! How a Command is taken back that was performed.

use std::sync::{Arc, OnceLock};

/// Where an actuator notes how to undo a Command (DECISIONS L27). Clones are the same place.
///
/// The note is for nobody but the actuator, which gets it back by [`Actuator::undo`](crate::Actuator::undo), perhaps after a
/// restart and with another configuration. It is kept as long as the request is remembered, so it should be short: what is
/// longer than [`MAX`](Self::MAX) octets is not kept.
#[derive(Clone, Debug, Default)]
pub struct Undo(Arc<OnceLock<Vec<u8>>>);

impl Undo {
    /// The length of a note at the most.
    pub const MAX: usize = 1024;

    /// Notes how to undo the Command; the first note counts.
    ///
    /// It is written down before the effects are in force, or with them: a Command that fails after all is not undone.
    pub fn note(&self, how: Vec<u8>) {
        if how.len() <= Self::MAX {
            // Another one was first.
            let _ = self.0.set(how);
        }
    }

    /// What was noted.
    #[must_use]
    pub fn noted(&self) -> Option<&[u8]> {
        self.0.get().map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_note_that_is_short_counts() {
        let undo = Undo::default();
        undo.note(vec![0; Undo::MAX + 1]);
        assert_eq!(undo.noted(), None);
        undo.clone().note(vec![1; Undo::MAX]);
        undo.note(vec![2]);
        assert_eq!(undo.noted(), Some(&[1; Undo::MAX][..]));
    }
}
