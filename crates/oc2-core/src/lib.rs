//! The OpenC2 language: every type of a Command, a Response and the Message around them (Language Specification 1.0 3.2
//! to 3.4, and the wrapper that HTTPS 1.1 and MQTT 1.0 carry).
//!
//! Take this crate to build, read or inspect OpenC2 content. To turn it into bytes and back take `oc2-encoding`; to send
//! and receive, `oc2-producer` and `oc2-consumer`; to write a profile of your own, this crate is all you need.
//!
//! A value that exists is valid: what the standard forbids is refused where a value is made or read, with its place.
//!
//! ```
//! use oc2_core::{Action, Args, Command, Target, types::time::Duration};
//!
//! let net = "198.51.100.0/24".parse().map(Target::Ipv4Net)?;
//! let args = Args::builder().duration(Duration::from_millis(60_000)?).build()?;
//! let command = Command::new(Action::Deny, net).with_args(args);
//! assert_eq!(command.pair().to_string(), "deny ipv4_net");
//! assert!("198.51.100.0/33".parse::<oc2_core::target::Ipv4Net>().is_err());
//! # Ok::<(), oc2_core::Invalid>(())
//! ```
//!
//! What a profile adds (targets, arguments, specifiers, results) is carried as [`any::Any`] and typed on demand:
//! `command.args.of::<Slpf>()`, `target.of::<Slpf>()`. No I/O, no clock but [`DateTime::now`], no runtime, no logging.
//!
//! [`DateTime::now`]: types::time::DateTime::now

pub mod action;
pub mod any;
pub mod args;
pub mod command;
pub mod facts;
pub mod feature;
pub mod form;
pub mod invalid;
pub mod message;
pub mod nsid;
pub mod profile;
pub mod rejection;
pub mod response;
pub mod shape;
pub mod specifiers;
pub mod status;
pub mod target;
pub mod types;

/// What [`shape::read::Read`] and [`shape::write::Write`] are told in: for profiles that write readers of their own.
pub use serde;

pub use action::Action;
pub use args::{Args, ResponseType};
pub use command::{Command, Pair};
pub use facts::{FactRow, Facts, Terms};
pub use feature::{Feature, Features};
pub use form::{Envelope, Form, Notation};
pub use invalid::Invalid;
pub use message::{Body, Content, Headers, Message};
pub use nsid::Nsid;
pub use profile::{Checks, CommandRow, Profile};
pub use rejection::{Class, Rejection};
pub use response::{Response, Results};
pub use shape::read::Mode;
pub use specifiers::Actuator;
pub use status::StatusCode;
pub use target::{Target, TargetName};
