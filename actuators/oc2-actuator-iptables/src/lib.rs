//! SLPF performed on a Linux host with iptables: allow and deny of nets and connections, IPv4 and IPv6, as rules of the
//! kernel in chains of our own.
//!
//! Take this crate to filter packets on command. For the commands alone take `oc2-profile-slpf`; to write an actuator of
//! another kind, `oc2-actuator`; for another packet filter, `oc2-packet-filter`, which does everything here but speak to the
//! kernel.
//!
//! ```
//! use oc2_actuator::{AnyActuator, testing};
//! use oc2_packet_filter::Config;
//! use oc2_profile_slpf::Slpf;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let state_dir = tempfile::tempdir()?;
//! let config: Config = toml::from_str(r#"backend = "dry-run""#)?; // "iptables" is for those who may
//! let firewall = oc2_actuator_iptables::open(config, state_dir.path())?;
//!
//! // A Consumer does this with what it receives.
//! let net: oc2_core::target::Ipv4Net = "198.51.100.0/24".parse()?;
//! testing::perform(&AnyActuator::new(firewall.clone()), &Slpf::deny(net).build()?).await?;
//! assert!(firewall.kernel_agrees().await?);
//! # Ok(())
//! # }
//! ```
//!
//! A packet that no rule matches goes on to the rules of others; one that is allowed does not.

pub mod backend;
mod open;

#[cfg(feature = "testing")]
pub use oc2_packet_filter::testing;
pub use open::{backend, open, uninstall};
