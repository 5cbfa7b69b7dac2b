//! Who may do what.

use std::future::Future;

use async_trait::async_trait;
use oc2_core::{Command, Rejection};
use oc2_transfer::Peer;

/// Decides whether a peer may give a Command. Implementations write `async fn`.
pub trait Policy: Send + Sync + 'static {
    /// Decides; called before anything of the Command is done.
    ///
    /// # Errors
    /// The Command is refused: 401 or 403.
    fn decide(
        &self,
        peer: &Peer,
        from: Option<&str>,
        command: &Command,
    ) -> impl Future<Output = Result<(), Rejection>> + Send;
}

/// Everybody may do everything.
pub(crate) struct Unrestricted;

impl Policy for Unrestricted {
    async fn decide(&self, _: &Peer, _: Option<&str>, _: &Command) -> Result<(), Rejection> {
        Ok(())
    }
}

/// The object-safe twin of [`Policy`].
#[async_trait]
pub(crate) trait AnyPolicy: Send + Sync {
    async fn decide(&self, peer: &Peer, from: Option<&str>, command: &Command) -> Result<(), Rejection>;
}

#[async_trait]
impl<P: Policy> AnyPolicy for P {
    async fn decide(&self, peer: &Peer, from: Option<&str>, command: &Command) -> Result<(), Rejection> {
        Policy::decide(self, peer, from, command).await
    }
}
