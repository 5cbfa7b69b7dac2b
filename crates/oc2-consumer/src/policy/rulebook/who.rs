//! Whom a rule is for.

use std::collections::HashSet;
use std::sync::Arc;

use oc2_transfer::Peer;

/// Identities, and the two words for whoever has one and whoever has none.
#[derive(Debug, Default)]
pub(super) struct Who {
    pub(super) identities: HashSet<Arc<str>>,
    /// Whoever the transfer has authenticated.
    pub(super) authenticated: bool,
    /// Whoever it has not.
    pub(super) unauthenticated: bool,
}

impl Who {
    /// An identity that is only claimed, or an address, is never compared with one that is listed.
    pub(super) fn holds(&self, peer: &Peer) -> bool {
        match peer {
            Peer::Authenticated(name) => self.authenticated || self.identities.contains(name),
            _ => self.unauthenticated,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.identities.is_empty() && !self.authenticated && !self.unauthenticated
    }

    /// Adds an identity, or what one of the words stands for.
    pub(super) fn add(&mut self, word: &str) {
        match word {
            AUTHENTICATED => self.authenticated = true,
            UNAUTHENTICATED => self.unauthenticated = true,
            identity => {
                self.identities.insert(identity.into());
            }
        }
    }
}

pub(super) const AUTHENTICATED: &str = "authenticated";
pub(super) const UNAUTHENTICATED: &str = "unauthenticated";
