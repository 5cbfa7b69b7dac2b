//! For authors of OpenC2 actuators: what performs the commands of a profile.
//!
//! An actuator says which rows of its profile it supports, whether a Command is addressed to it, and performs what the
//! profile has understood. A Consumer (`oc2-consumer`) takes care of the rest. To find a ready one take
//! `oc2-actuator-iptables`.
//!
//! ```
//! use oc2_actuator::{Actuator, Context};
//! use oc2_core::profile::{CommandRow, CommonArg, Profile};
//! use oc2_core::target::{NoTarget, TargetKind, TargetName};
//! use oc2_core::{Action, Command, Nsid, Rejection};
//!
//! oc2_core::map! {
//!     /// Nothing to say.
//!     #[derive(Default)]
//!     pub struct Nothing: "Nothing" { optional note: String = 1 }
//! }
//!
//! #[derive(Debug)]
//! struct Doors;
//!
//! impl Profile for Doors {
//!     const NSID: Nsid = Nsid::constant("x-doors");
//!     const NAME: &'static str = "example.net/doors";
//!     const COMMANDS: &'static [CommandRow] = &[CommandRow {
//!         action: Action::Deny,
//!         target: TargetName::Standard(TargetKind::Device),
//!         common: &[CommonArg::ResponseRequested],
//!         own: &[],
//!         unsupported: "Target type not supported",
//!     }];
//!     type Target = NoTarget;
//!     type Args = Nothing;
//!     type Specifiers = Nothing;
//!     type Results = Nothing;
//!     type Command = ();
//!
//!     fn interpret(_: &Command) -> Result<(), Rejection> {
//!         Ok(())
//!     }
//! }
//!
//! struct Bolt;
//!
//! impl Actuator for Bolt {
//!     type Profile = Doors;
//!
//!     async fn perform(&self, _: (), _: Context) -> Result<Option<Nothing>, Rejection> {
//!         Ok(None) // The bolt is shut.
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! oc2_actuator::testing::matrix(Bolt).await;
//! # }
//! ```

mod actuator;
mod erased;
mod receipt;
pub mod testing;
mod undo;

pub use actuator::{Actuator, Context};
pub use erased::{AnyActuator, Outcome, Prepared};
pub use receipt::Receipt;
pub use undo::Undo;
