//! An OpenC2 Consumer: it reads Commands, decides who is to perform them, and answers.
//!
//! Take this crate to put actuators of your own behind OpenC2; for the daemon build its binary `oc2-consumer`. To command
//! a Consumer take `oc2-producer`; to write an actuator, `oc2-actuator`.
//!
//! ```
//! use std::sync::Arc;
//! use oc2_consumer::Consumer;
//! use oc2_transfer::{MemoryTransfer, Outgoing, Transfer};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // `.actuator(..)` adds what performs commands; every Consumer answers `query features`.
//! let consumer = Consumer::builder("fw1.example.net").dangerous().without_policy().build();
//! let transfer = MemoryTransfer::to(Arc::new(consumer));
//! let query = r#"{"headers": {"request_id": "1"}, "body": {"openc2": {"request":
//!     {"action": "query", "target": {"features": ["versions"]}}}}}"#;
//! let mut answers = transfer.exchange(Outgoing::new(query, "application/openc2+json;version=1.0")).await?;
//! let answer = answers.next().await.expect("an answer")?;
//! assert!(String::from_utf8(answer.body.to_vec())?.contains(r#""versions":["1.0"]"#));
//! # Ok(())
//! # }
//! ```
//!
//! A Consumer has no default policy: say which one, or say that it is dangerous to have none. With the feature `policy`
//! `Rulebook` is one that is read from a file; with `cedar`, `CedarPolicy` reads policies in Cedar.
//!
//! A request that is repeated is answered again and not performed again, as long as the Consumer lives; with the feature
//! `durable` and a `RequestStore` also after a restart.

// The daemon uses this library as anybody would.
#[cfg(feature = "bin")]
extern crate self as oc2_consumer;

mod appointment;
mod audit;
#[cfg(feature = "audit")]
mod audit_file;
mod bounded;
mod builder;
mod consumer;
#[cfg(feature = "bin")]
pub mod daemon;
mod execution;
mod features;
mod gather;
mod jobs;
mod journal;
mod key;
mod memo;
#[cfg(feature = "metrics")]
mod metrics;
mod observer;
mod octets;
mod outcome;
mod policy;
mod rate;
mod registry;
mod replay;
#[cfg(feature = "durable")]
mod request_store;
mod respond;
mod schedule;
mod settings;
#[cfg(feature = "signature")]
mod signatures;
mod understand;

#[cfg(feature = "audit")]
pub use audit_file::{
    AuditError, AuditFault, AuditFile, AuditOptions, AuditReport, verify_audit, verify_audit_against,
};
pub use builder::{ConsumerBuilder, Dangerous, WantsActuators, WantsPolicy};
pub use consumer::Consumer;
#[cfg(feature = "metrics")]
pub use metrics::{Metrics, MetricsListener};
pub use observer::{End, Ended, Observer};
#[cfg(feature = "durable")]
#[doc(no_inline)]
pub use oc2_store::{Store, StoreError};
#[cfg(feature = "cedar")]
pub use policy::CedarPolicy;
pub use policy::{Objection, Permit, Policy, Question};
#[cfg(feature = "policy")]
pub use policy::{PolicyError, Rulebook};
#[cfg(feature = "durable")]
pub use request_store::RequestStore;
pub use settings::{Settings, SettingsError};
#[cfg(feature = "signature")]
pub use signatures::Signatures;
