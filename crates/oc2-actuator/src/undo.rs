//! How a Command is taken back that was performed.

use std::sync::{Arc, Mutex, PoisonError};

/// Where an actuator notes how to undo a Command (DECISIONS L27). Clones are the same place.
///
/// The note is for nobody but the actuator, which gets it back by [`Actuator::undo`](crate::Actuator::undo), perhaps after a
/// restart and with another configuration. It is kept as long as the request is remembered, so it should be short: what is
/// longer than [`MAX`](Self::MAX) octets is not kept.
#[derive(Clone, Debug, Default)]
pub struct Undo(Arc<Mutex<Option<Vec<u8>>>>);

impl Undo {
    /// The length of a note at the most.
    pub const MAX: usize = 1024;

    /// Notes how to undo the Command; the last note counts, since a Command may be tried more than once.
    ///
    /// It is written down before the effects are in force, or with them: a Command that fails after all is not undone.
    pub fn note(&self, how: Vec<u8>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(how).filter(|how| how.len() <= Self::MAX);
    }

    /// What was noted.
    #[must_use]
    pub fn noted(&self) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_note_counts_and_one_that_is_too_long_is_none() {
        let undo = Undo::default();
        assert_eq!(undo.noted(), None);
        undo.clone().note(vec![1]);
        undo.note(vec![2; Undo::MAX]);
        assert_eq!(undo.noted(), Some(vec![2; Undo::MAX]));
        undo.note(vec![0; Undo::MAX + 1]);
        assert_eq!(undo.noted(), None);
    }
}
