//! The OpenC2 profile for stateless packet filtering (SLPF 1.0): its language, without effects.
//!
//! Take this crate to build SLPF commands, to read their results, or to write an actuator that performs them. To filter
//! packets on a Linux host take `oc2-actuator-iptables`.
//!
//! A Producer builds commands that keep the profile's rules:
//!
//! ```
//! use oc2_profile_slpf::{Direction, DropProcess, Slpf};
//! use oc2_core::target::Ipv4Net;
//!
//! let net: Ipv4Net = "198.51.100.0/24".parse()?;
//! let command = Slpf::deny(net).direction(Direction::Ingress).drop_process(DropProcess::Reject).build()?;
//! assert_eq!(command.pair().to_string(), "deny ipv4_net");
//! # Ok::<(), oc2_core::Invalid>(())
//! ```
//!
//! A Consumer understands them; what would be wrong cannot be written down in [`Command`]:
//!
//! ```
//! # use oc2_profile_slpf::{Command, Packets, Slpf};
//! # use oc2_core::{Profile, target::Ipv4Net};
//! # let net: Ipv4Net = "198.51.100.0/24".parse()?;
//! # let command = Slpf::deny(net).build()?;
//! match Slpf::interpret(&command)? {
//!     Command::Deny { rule, .. } => assert_eq!(rule.packets, Packets::Ipv4Net(net)),
//!     other => panic!("{other:?}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod args;
mod build;
mod command;
mod facts;
mod interpret;
mod profile;
mod refusal;
mod results;
mod rule_number;
mod specifiers;
mod target;

pub use args::{Args, Direction, DropProcess};
pub use build::{
    Allow, Builder, Complete, Delete, DeleteBuilder, Deny, PacketsTarget, RuleBuilder, RuleDraft, Update, UpdateBuilder,
};
pub use command::{Command, Flow, Packets, Ports, Rule, Traffic, UpdateFile};
pub use profile::Slpf;
pub use refusal::Refusal;
pub use results::Results;
pub use rule_number::RuleNumber;
pub use specifiers::{AssetTuple, Host, Specifiers};
pub use target::Target;
