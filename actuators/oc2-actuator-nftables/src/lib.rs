//! SLPF performed on a Linux host with nftables: allow and deny of nets and connections, IPv4 and IPv6, as elements of maps in
//! a table of our own.
//!
//! Neither the cost of a command nor that of a packet grows with the number of rules. The kernel is spoken to by netlink: no
//! process is started, no library is bound, and a change of both families is one transaction.
//!
//! Take this crate to filter packets on command where the kernel has nf_tables (5.13 or later). Where it has not, take
//! `oc2-actuator-iptables`; for another packet filter, `oc2-packet-filter`, which does everything here but speak to the kernel.
//!
//! ```no_run
//! use oc2_actuator::AnyActuator;
//! use oc2_packet_filter::Config;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let firewall = oc2_actuator_nftables::open(Config::default(), "/var/lib/oc2-consumer".as_ref())?;
//! // A Consumer performs with it what it receives.
//! let actuator = AnyActuator::new(firewall);
//! # drop(actuator);
//! # Ok(())
//! # }
//! ```
//!
//! A packet that no rule matches goes on to the rules of others, and so does one that is allowed: nf_tables has no verdict that
//! keeps the chains of other tables from stopping a packet.

mod backend;
mod image;
mod kernel;
mod octets;
mod op;
mod open;
mod rank;

pub use backend::Nftables;
pub use open::{backend, open, uninstall};
