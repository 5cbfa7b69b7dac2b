//! What every OpenC2 transfer implements: a [`Listener`] brings Commands to a [`Handler`], a [`Transfer`] brings them to
//! a Consumer and its answers back.
//!
//! Take this crate to write a transfer or to put something of your own behind one; to use a transfer take
//! `oc2-transfer-http`. Messages pass as bytes: a transfer authenticates the peer and never looks into a Command.
//!
//! ```
//! use std::sync::Arc;
//! use oc2_transfer::{Handler, MemoryTransfer, Outgoing, Refusal, Reply, Request, Transfer};
//! use oc2_core::StatusCode;
//!
//! struct Deaf;
//!
//! impl Handler for Deaf {
//!     async fn handle(&self, _: Request) -> Reply {
//!         Reply::empty(StatusCode::ServiceUnavailable)
//!     }
//!
//!     fn refuse(&self, refusal: Refusal) -> Reply {
//!         Reply::empty(refusal.rejection.status())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), oc2_transfer::TransferError> {
//! let transfer = MemoryTransfer::to(Arc::new(Deaf));
//! let mut answers = transfer.exchange(Outgoing::new("{}", "application/openc2+json;version=1.0")).await?;
//! let answer = answers.next().await.expect("one answer")?;
//! assert_eq!(answer.status, Some(StatusCode::ServiceUnavailable));
//! # Ok(())
//! # }
//! ```

#[cfg(any(test, feature = "conform"))]
pub mod conform;
mod enduring;
mod error;
mod handler;
mod listener;
mod memory;
mod transfer;

pub use enduring::{Enduring, Panicked};
pub use error::TransferError;
pub use handler::{Encoded, Handler, Later, Peer, Refusal, Reply, Request, Scope, Started};
pub use listener::Listener;
pub use memory::MemoryTransfer;
pub use transfer::{Answer, Answers, AnyTransfer, Outgoing, Transfer};
