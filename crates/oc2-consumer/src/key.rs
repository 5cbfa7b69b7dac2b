//! What a request or a Command is found again by.

use oc2_transfer::Peer;
use sha2::{Digest, Sha256};

/// Who asked, under which id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key<'a> {
    producer: Producer<'a>,
    id: &'a str,
}

/// Whom requests are told apart by: the authenticated identity, else `from`, else the address. A name that is only claimed
/// is never one that was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Producer<'a> {
    /// The transfer authenticated it.
    Proved(&'a str),
    /// It says so itself.
    Claimed(&'a str),
    /// It says nothing.
    At(&'a str),
}

impl<'a> Key<'a> {
    pub(crate) fn new(producer: Producer<'a>, id: &'a str) -> Self {
        Self { producer, id }
    }

    /// The same for all keys that are equal, and for no others.
    pub(crate) fn fingerprint(self) -> Fingerprint {
        let kind = match self.producer {
            Producer::Proved(_) => 0,
            Producer::Claimed(_) => 1,
            Producer::At(_) => 2,
        };
        let name = self.producer.name();
        // The length says where the name ends and the id begins.
        let hash = Sha256::new().chain_update([kind]).chain_update((name.len() as u64).to_le_bytes());
        Fingerprint(hash.chain_update(name).chain_update(self.id).finalize().into())
    }
}

/// A digest: of one size whatever it is of, and not to be forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint(pub(crate) [u8; 32]);

impl Fingerprint {
    /// That of the bytes of a message.
    pub(crate) fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }
}

impl<'a> Producer<'a> {
    pub(crate) fn of(peer: &'a Peer, from: Option<&'a str>) -> Self {
        match (peer, from) {
            (Peer::Authenticated(name), _) => Self::Proved(name),
            (_, Some(from)) => Self::Claimed(from),
            (peer, None) => Self::At(peer.name()),
        }
    }

    pub(crate) fn name(self) -> &'a str {
        let (Self::Proved(name) | Self::Claimed(name) | Self::At(name)) = self;
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_differ_have_fingerprints_that_differ() {
        let named = |kind: fn(&'static str) -> Producer<'static>, name, id| Key::new(kind(name), id).fingerprint();
        let prints = [
            named(Producer::Proved, "a", "bc"),
            named(Producer::Claimed, "a", "bc"),
            named(Producer::At, "a", "bc"),
            named(Producer::At, "ab", "c"),
            named(Producer::At, "", "abc"),
        ];
        for (i, print) in prints.iter().enumerate() {
            assert_eq!(prints.iter().position(|other| other == print), Some(i));
        }
        assert_eq!(named(Producer::At, "a", "b"), named(Producer::At, "a", "b"));
    }
}
