//! What actuators for SLPF have in common: the ordered list of rules with its numbers and windows, the store that survives
//! `kill -9`, the guard, and the way from a command to a [`Backend`] that tells the kernel.
//!
//! Take this crate to write a back end for another packet filter. To filter packets on a Linux host take
//! `oc2-actuator-iptables`; for the commands alone, `oc2-profile-slpf`.
//!
//! ```
//! use oc2_actuator::{AnyActuator, testing};
//! use oc2_packet_filter::backend::DryRun;
//! use oc2_packet_filter::{Config, PacketFilter};
//! use oc2_profile_slpf::Slpf;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let state_dir = tempfile::tempdir()?;
//! let firewall = PacketFilter::open(Config::default(), state_dir.path(), Box::new(DryRun::new()))?;
//!
//! // A Consumer does this with what it receives.
//! let net: oc2_core::target::Ipv4Net = "198.51.100.0/24".parse()?;
//! testing::perform(&AnyActuator::new(firewall.clone()), &Slpf::deny(net).build()?).await?;
//! assert_eq!(firewall.rules().await?[0].number.as_i64(), 999_990);
//! assert!(firewall.kernel_agrees().await?);
//! # Ok(())
//! # }
//! ```
//!
//! # The rules
//!
//! The rules are a list in the order of their numbers, lowest first, and the first that matches a packet decides. A new
//! rule gets a number below all that were given before, so the newest wins; `insert_rule` places a rule elsewhere
//! (DECISIONS S1). A rule of the list is several rules of the kernel ([`KernelRule`]): a net is source or destination, a
//! direction is a hook, ports without a protocol are three protocols. A gateway filters what it passes on too.
//!
//! A packet that no rule of the list matches goes on to the rules of others.
//!
//! What must stay reachable can be guarded ([`Guard`]): a command that would cut it off is refused, whatever it looks like.
//!
//! # From a command to the kernel
//!
//! An order of the profile is planned without effects, committed to the store, put in force through a [`Backend`] whole
//! or not at all, and then answered. The store has an area for each chain prefix; it survives `kill -9` at any point, and at
//! the next start the kernel is made to hold what the store holds.
//!
//! [`Backend`]: backend::Backend

mod actuator;
pub mod backend;
mod config;
mod engine;
mod error;
mod keeper;
mod plan;
mod record;
mod reference;
mod rule;
mod ruleset;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod update;

pub use actuator::PacketFilter;
pub use config::{
    BackendKind, ChainPrefix, Config, ConfigError, Drift, Flavor, Guard, Keep, KeptProtocol, Mode, Outside,
};
pub use error::OpenError;
#[doc(no_inline)]
pub use oc2_store::{Store, StoreError};
pub use record::RuleRecord;
pub use reference::{Packet, Reference, Way};
pub use rule::{
    Family, Hook, IcmpKind, Interface, KernelRule, Matching, Network, Ports, Protocol, RuleError, Specification,
    Verdict,
};
pub use ruleset::{Change, InForce, Mismatch, Rules, Ruleset};
pub use store::stored_rules;
