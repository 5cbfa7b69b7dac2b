//! The key of an element: some octets, in place.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// Up to forty octets. A rule may change several elements, and each of their keys in a place of its own would be most of what the change
/// takes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Octets {
    /// What is left of the room is zero.
    octets: [u8; Self::MAX],
    len: u8,
}

impl Octets {
    /// As many as the longest key has: two addresses of IPv6, a protocol and ports.
    pub(crate) const MAX: usize = 40;

    /// None yet.
    pub(crate) const fn new() -> Self {
        Self { octets: [0; Self::MAX], len: 0 }
    }

    /// These; none if they are too many for a key of ours.
    pub(crate) fn read(octets: &[u8]) -> Option<Self> {
        let mut read = Self::new();
        read.octets.get_mut(..octets.len())?.copy_from_slice(octets);
        read.len = u8::try_from(octets.len()).ok()?;
        Some(read)
    }

    /// The same and these.
    ///
    /// # Panics
    /// They are too many.
    pub(crate) fn push(&mut self, octets: &[u8]) {
        let (start, end) = (self.len(), self.len() + octets.len());
        self.octets[start..end].copy_from_slice(octets);
        self.len = u8::try_from(end).expect("there is no room for more");
    }

    /// Zeros up to a multiple of this.
    pub(crate) fn fill_up(&mut self, unit: usize) {
        let end = self.len().next_multiple_of(unit);
        self.len = u8::try_from(end).expect("there is no room for more");
    }
}

impl From<&[u8]> for Octets {
    /// # Panics
    /// They are too many.
    fn from(octets: &[u8]) -> Self {
        Self::read(octets).expect("the parts of a packet that a rule looks at are no more")
    }
}

impl<const N: usize> From<[u8; N]> for Octets {
    fn from(octets: [u8; N]) -> Self {
        const { assert!(N <= Self::MAX) };
        Self::from(&octets[..])
    }
}

impl Deref for Octets {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.octets[..usize::from(self.len)]
    }
}

impl DerefMut for Octets {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.octets[..usize::from(self.len)]
    }
}

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_kept_as_they_come() {
        let mut octets = Octets::from([1, 2]);
        octets.push(&[3]);
        assert_eq!(*octets, [1, 2, 3]);
        octets.fill_up(4);
        assert_eq!(*octets, [1, 2, 3, 0]);
        octets.fill_up(4);
        assert_eq!(octets, Octets::from([1, 2, 3, 0]));
        assert_ne!(octets, Octets::from([1, 2, 3]));
        assert!(Octets::from([1, 2, 3, 0]) < Octets::from([1, 2, 3, 1]));
    }

    #[test]
    fn more_than_a_key_has_is_none() {
        assert_eq!(Octets::read(&[7; 40]).as_deref(), Some(&[7; 40][..]));
        assert_eq!(Octets::read(&[7; 41]), None);
    }
}
