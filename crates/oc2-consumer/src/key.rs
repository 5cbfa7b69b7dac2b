//! What a request or a Command is found again by.

use std::sync::Arc;

use oc2_transfer::Peer;

/// Who asked, under which id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    producer: Producer,
    id: Arc<str>,
}

/// Whom requests are told apart by: the authenticated identity, else `from`, else the address. A name that is only claimed
/// is never one that was proved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Producer {
    /// The transfer authenticated it.
    Proved(Arc<str>),
    /// It says so itself.
    Claimed(Arc<str>),
    /// It says nothing.
    At(Arc<str>),
}

impl Key {
    pub(crate) fn new(producer: Producer, id: &str) -> Self {
        Self { producer, id: id.into() }
    }
}

impl Producer {
    pub(crate) fn of(peer: &Peer, from: Option<&str>) -> Self {
        match (peer, from) {
            (Peer::Authenticated(name), _) => Self::Proved(Arc::clone(name)),
            (_, Some(from)) => Self::Claimed(from.into()),
            (peer, None) => Self::At(peer.name().into()),
        }
    }

    pub(crate) fn name(&self) -> &str {
        let (Self::Proved(name) | Self::Claimed(name) | Self::At(name)) = self;
        name
    }
}
