//! The profile and its table of commands.

use oc2_core::facts::{FactKind, FactRow, Facts};
use oc2_core::nsid::FieldName;
use oc2_core::profile::{CommandRow, CommonArg, Profile};
use oc2_core::target::{TargetKind, TargetName};
use oc2_core::{Action, Nsid, Rejection};

use crate::lock::command::Command;
use crate::lock::types::{Args, Bolt, Results, Specifiers, Target};

/// Doors.
#[derive(Clone, Copy, Debug)]
pub enum Lock {}

impl Lock {
    const DOOR: TargetName = TargetName::Extended(Self::NSID, FieldName::constant("door"));
    const ZONE: TargetName = TargetName::Extended(Self::NSID, FieldName::constant("zone"));
}

impl Profile for Lock {
    const NSID: Nsid = Nsid::constant("x-lock");
    const NAME: &'static str = "example.net/openc2/lock";
    const COMMANDS: &'static [CommandRow] = &[
        row(Action::Deny, Self::DOOR, CommonArg::ALL, &["force", "reason", "except", "type"]),
        row(Action::Allow, Self::DOOR, CommonArg::ALL, &["reason"]),
        row(Action::Contain, Self::ZONE, &[CommonArg::ResponseRequested], &["reason"]),
        row(Action::Query, Self::DOOR, &[CommonArg::ResponseRequested], &[]),
        row(Action::Restart, TargetName::Standard(TargetKind::Device), &[], &[]),
    ];

    const FACTS: &'static [FactRow] = &[
        FactRow { name: "door", kind: FactKind::Text },
        FactRow { name: "force", kind: FactKind::Boolean },
        FactRow { name: "floor", kind: FactKind::Integer },
    ];

    type Target = Target;
    type Args = Args;
    type Specifiers = Specifiers;
    type Results = Results;
    type Command = Command;

    fn interpret(command: &oc2_core::Command) -> Result<Command, Rejection> {
        let force = command.args.of::<Self>()?.unwrap_or_default().force.unwrap_or(false);
        match (command.action, command.target.of::<Self>()?) {
            (Action::Deny, Some(Target::Door(door))) => Ok(Command::Move { door, to: Bolt::Locked, force }),
            (Action::Allow, Some(Target::Door(door))) => Ok(Command::Move { door, to: Bolt::Open, force }),
            (Action::Contain, Some(Target::Zone(zone))) => Ok(Command::Seal(zone)),
            (Action::Query, Some(Target::Door(door))) => Ok(Command::Look(door)),
            (Action::Restart, None) => Ok(Command::Restart),
            _ => Err(Rejection::unsupported("no lock does this")),
        }
    }

    /// A wing without a floor is on all of them: of its floor nothing is known.
    fn facts(command: &Command) -> Facts {
        match command {
            Command::Move { door, force, .. } => Facts::default().with("door", door.as_str()).with("force", *force),
            Command::Look(door) => Facts::default().with("door", door.as_str()),
            Command::Seal(zone) => match zone.floor() {
                Some(floor) => Facts::default().with("floor", i64::from(floor.0)),
                None => Facts::default(),
            },
            Command::Restart => Facts::default(),
        }
    }
}

const fn row(
    action: Action,
    target: TargetName,
    common: &'static [CommonArg],
    own: &'static [&'static str],
) -> CommandRow {
    CommandRow { action, target, common, own, unsupported: "no lock here does this" }
}
