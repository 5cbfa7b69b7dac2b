//! The Consumer's side: who receives messages.

use std::future::Future;

use crate::error::TransferError;
use crate::handler::Handler;

/// Brings messages to a handler until it is told to stop.
pub trait Listener: Send + 'static {
    /// Serves until `shutdown` is ready, then takes nothing new, finishes what is under way, and returns.
    ///
    /// # Errors
    /// The listener cannot go on.
    fn serve<H: Handler>(
        self,
        handler: H,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = Result<(), TransferError>> + Send;
}
