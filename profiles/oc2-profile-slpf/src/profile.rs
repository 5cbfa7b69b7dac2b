//! The profile and its tables (SLPF 2.3).

use oc2_core::nsid::FieldName;
use oc2_core::profile::CommonArg;
use oc2_core::target::TargetKind;
use oc2_core::{Action, CommandRow, FactRow, Facts, Nsid, Profile, Rejection, TargetName};

use crate::args::Args;
use crate::command::Command;
use crate::refusal::Refusal;
use crate::results::Results;
use crate::specifiers::Specifiers;
use crate::target::Target;

/// Stateless packet filtering 1.0.
#[derive(Clone, Copy, Debug)]
pub struct Slpf;

impl Profile for Slpf {
    const NSID: Nsid = Nsid::SLPF;
    const NAME: &'static str = "oasis-open.org/openc2/v1.0/ap-slpf";
    const COMMANDS: &'static [CommandRow] = &[
        allow(TargetKind::Ipv4Connection),
        allow(TargetKind::Ipv6Connection),
        allow(TargetKind::Ipv4Net),
        allow(TargetKind::Ipv6Net),
        deny(TargetKind::Ipv4Connection),
        deny(TargetKind::Ipv6Connection),
        deny(TargetKind::Ipv4Net),
        deny(TargetKind::Ipv6Net),
        CommandRow {
            action: Action::Delete,
            target: Self::RULE_NUMBER,
            // The table has no stop_time and duration here, clause 22 demands them (DECISIONS S3).
            common: CommonArg::ALL,
            own: &[],
            unsupported: Refusal::TargetNotSupported.sentence(),
        },
        CommandRow {
            action: Action::Update,
            target: TargetName::Standard(TargetKind::File),
            common: &[CommonArg::ResponseRequested, CommonArg::StartTime],
            own: &[],
            unsupported: Refusal::CommandNotSupported.sentence(),
        },
    ];

    const FACTS: &'static [FactRow] = crate::facts::FACTS;

    type Target = Target;
    type Args = Args;
    type Specifiers = Specifiers;
    type Results = Results;
    type Command = Command;

    fn interpret(command: &oc2_core::Command) -> Result<Command, Rejection> {
        crate::interpret::interpret(command)
    }

    fn facts(command: &Command) -> Facts {
        crate::facts::facts(command)
    }
}

impl Slpf {
    /// `slpf:rule_number`
    pub const RULE_NUMBER: TargetName = TargetName::Extended(Nsid::SLPF, FieldName::constant("rule_number"));
}

/// A row of the column "Allow" (SLPF tables 2.3-1, 2.3-2).
const fn allow(target: TargetKind) -> CommandRow {
    CommandRow {
        action: Action::Allow,
        target: TargetName::Standard(target),
        common: CommonArg::ALL,
        own: &["persistent", "direction", "insert_rule"],
        unsupported: Refusal::TargetTypeNotSupported.sentence(),
    }
}

/// A row of the column "Deny" (SLPF tables 2.3-1, 2.3-2).
const fn deny(target: TargetKind) -> CommandRow {
    CommandRow {
        action: Action::Deny,
        own: &["persistent", "direction", "insert_rule", "drop_process"],
        ..allow(target)
    }
}
