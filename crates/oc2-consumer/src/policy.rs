//! Who may do what.

#[cfg(feature = "cedar")]
mod cedar;
mod decision;
#[cfg(feature = "policy")]
mod error;
#[cfg(feature = "policy")]
mod flow;
#[cfg(feature = "policy")]
mod from;
#[cfg(feature = "policy")]
mod rulebook;

use std::future::Future;

use async_trait::async_trait;

#[cfg(feature = "cedar")]
pub use cedar::CedarPolicy;
pub use decision::{Objection, Permit, Question};
#[cfg(feature = "policy")]
pub use error::PolicyError;
#[cfg(feature = "policy")]
pub use rulebook::Rulebook;

/// Decides whether a peer may give a Command. Implementations write `async fn`.
pub trait Policy: Send + Sync + 'static {
    /// Decides; called before anything of the Command is done.
    ///
    /// # Errors
    /// The Command is refused: 401 or 403.
    fn decide(&self, question: &Question<'_>) -> impl Future<Output = Result<Permit, Objection>> + Send;
}

/// Everybody may do everything.
pub(crate) struct Unrestricted;

impl Policy for Unrestricted {
    async fn decide(&self, _: &Question<'_>) -> Result<Permit, Objection> {
        Ok(Permit::default())
    }
}

/// The object-safe twin of [`Policy`].
#[async_trait]
pub(crate) trait AnyPolicy: Send + Sync {
    async fn decide(&self, question: &Question<'_>) -> Result<Permit, Objection>;
}

#[async_trait]
impl<P: Policy> AnyPolicy for P {
    async fn decide(&self, question: &Question<'_>) -> Result<Permit, Objection> {
        Policy::decide(self, question).await
    }
}
