//! Which `from` an identity may use.

use std::collections::HashMap;
use std::sync::Arc;

use oc2_transfer::Peer;

use super::Objection;

/// The values of `from` that identities may use; `None` stands for all peers that are not authenticated.
#[derive(Debug, Default)]
pub(super) struct FromNames(pub(super) HashMap<Option<Arc<str>>, Vec<String>>);

impl FromNames {
    /// A name that is listed for somebody is nobody else's (DECISIONS M6).
    pub(super) fn check(&self, peer: &Peer, from: Option<&str>) -> Result<(), Objection> {
        let Some(from) = from else { return Ok(()) };
        let own = match peer {
            Peer::Authenticated(name) => Some(Arc::clone(name)),
            _ => None,
        };
        let is_listed = |names: &Vec<String>| names.iter().any(|name| name == from);
        let is_allowed = match self.0.get(&own) {
            Some(names) => is_listed(names),
            None => !self.0.values().any(is_listed),
        };
        if is_allowed {
            return Ok(());
        }
        Err(Objection::unauthenticated(format!("from {from:?} is not one that the policy lists for this peer")))
    }
}
