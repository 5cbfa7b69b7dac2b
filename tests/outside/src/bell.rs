//! `x-bell`: a profile that adds a command and nothing else.

use std::sync::atomic::{AtomicU32, Ordering};

use oc2_actuator::{Actuator, Context};
use oc2_core::target::{NoTarget, TargetKind};
use oc2_core::{Action, Command, CommandRow, Nsid, Profile, Rejection, TargetName, map};

map! {
    /// No arguments, specifiers or results.
    #[derive(Copy, Default, Eq)]
    pub struct Nothing: "Nothing" {}
}

/// The profile.
#[derive(Clone, Copy, Debug)]
pub enum Bell {}

impl Profile for Bell {
    const NSID: Nsid = Nsid::constant("x-bell");
    const NAME: &'static str = "example.net/openc2/bell";
    const COMMANDS: &'static [CommandRow] = &[CommandRow {
        action: Action::Start,
        target: TargetName::Standard(TargetKind::Device),
        common: &[],
        own: &[],
        unsupported: "this bell is out of order",
    }];

    type Target = NoTarget;
    type Args = Nothing;
    type Specifiers = Nothing;
    type Results = Nothing;
    type Command = Ring;

    fn interpret(_: &Command) -> Result<Ring, Rejection> {
        Ok(Ring)
    }
}

/// The one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring;

/// A bell that counts.
#[derive(Debug, Default)]
pub struct Counter(AtomicU32);

impl Actuator for Counter {
    type Profile = Bell;

    async fn perform(&self, _: Ring, _: Context) -> Result<Option<Nothing>, Rejection> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(None)
    }
}
