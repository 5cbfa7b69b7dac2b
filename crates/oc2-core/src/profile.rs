//! What an actuator profile adds to the language (LS 3.1.4).

use std::fmt;

use crate::action::Action;
use crate::any::{Any, Extension};
use crate::args::Args;
use crate::command::{Command, Pair};
use crate::facts::{FactRow, Facts};
use crate::invalid::Cut;
use crate::nsid::Nsid;
use crate::rejection::{Class, Rejection};
use crate::shape::read::{Read, ReadError};
use crate::shape::{Choice, Part};
use crate::specifiers::Actuator;
use crate::target::{Extended, Target, TargetName};

/// An actuator profile: its names, its types, its commands.
pub trait Profile: 'static {
    /// Its namespace.
    const NSID: Nsid;
    /// The unique name of its document.
    const NAME: &'static str;
    /// The commands it defines.
    const COMMANDS: &'static [CommandRow];
    /// What a policy may bound in its commands. Default: nothing.
    const FACTS: &'static [FactRow] = &[];

    /// Its targets; [`NoTarget`](crate::target::NoTarget) if it defines none.
    type Target: Choice + Extension;
    /// Its arguments.
    type Args: Extension + Default;
    /// What narrows down its actuators.
    type Specifiers: Extension + Default;
    /// Its results.
    type Results: Extension;
    /// A Command that is understood: what would be wrong with it cannot be written down in this type.
    type Command: fmt::Debug + Clone + Send + Sync + 'static;

    /// Understands a Command that one of the rows admits.
    ///
    /// # Errors
    /// The profile's refusal.
    fn interpret(command: &Command) -> Result<Self::Command, Rejection>;

    /// What is the case for a command, under the names of [`FACTS`](Self::FACTS). Default: nothing.
    #[must_use]
    fn facts(_command: &Self::Command) -> Facts {
        Facts::default()
    }
}

/// What a profile checks of the parts it defines, for readers that check more than the language (see
/// [`Context::checking`](crate::shape::read::Context::checking)).
#[derive(Clone, Copy, Debug)]
pub struct Checks {
    nsid: Nsid,
    args: Check<Any>,
    specifiers: Check<Any>,
    results: Check<Any>,
    target: Check<Extended>,
    interpret: fn(&Command) -> Result<(), Rejection>,
}

type Check<T> = fn(&T) -> Result<(), Vec<ReadError>>;

impl Checks {
    /// Those of the profile `P`.
    #[must_use]
    pub fn of<P: Profile>() -> Self {
        Self {
            nsid: P::NSID,
            args: Any::check::<P::Args>,
            specifiers: Any::check::<P::Specifiers>,
            results: Any::check::<P::Results>,
            target: Extended::check::<P>,
            interpret: |command| P::interpret(command).map(|_| ()),
        }
    }

    pub(crate) fn nsid(&self) -> Nsid {
        self.nsid
    }

    pub(crate) fn part(&self, part: Part, value: &Any) -> Result<(), Vec<ReadError>> {
        match part {
            Part::Args => (self.args)(value),
            Part::Specifiers => (self.specifiers)(value),
            Part::Results => (self.results)(value),
            // It is no namespace with its object.
            Part::Target => Ok(()),
        }
    }

    pub(crate) fn target(&self, target: &Extended) -> Result<(), Vec<ReadError>> {
        (self.target)(target)
    }

    /// Checks what the profile says of a Command as a whole, if it names the profile. What the profile does not support is
    /// no fault of the Command (DECISIONS L2).
    ///
    /// # Errors
    /// The profile takes the Command for malformed.
    pub fn command(&self, command: &Command) -> Result<(), Rejection> {
        let is_meant = command.actuator.as_ref().map(Actuator::nsid) == Some(self.nsid)
            || command.args.namespaces().value(self.nsid.as_str()).is_some()
            || matches!(&command.target, Target::Extended(target) if target.nsid() == self.nsid);
        match (self.interpret)(command) {
            Err(rejection) if is_meant && rejection.class() == Class::Malformed => Err(rejection),
            _ => Ok(()),
        }
    }
}

/// One command of a profile: a pair, and the arguments that go with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandRow {
    /// The action.
    pub action: Action,
    /// The name of the target.
    pub target: TargetName,
    /// The arguments of the language that are allowed.
    pub common: &'static [CommonArg],
    /// The arguments of the profile that are allowed.
    pub own: &'static [&'static str],
    /// The sentence for an actuator that does not implement the pair.
    pub unsupported: &'static str,
}

/// An argument of the language (LS 3.3.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommonArg {
    /// `start_time`
    StartTime,
    /// `stop_time`
    StopTime,
    /// `duration`
    Duration,
    /// `response_requested`
    ResponseRequested,
}

impl CommonArg {
    /// Every argument of the language.
    pub const ALL: &'static [Self] = &[Self::StartTime, Self::StopTime, Self::Duration, Self::ResponseRequested];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::StartTime => "start_time",
            Self::StopTime => "stop_time",
            Self::Duration => "duration",
            Self::ResponseRequested => "response_requested",
        }
    }

    fn is_in(self, args: &Args) -> bool {
        match self {
            Self::StartTime => args.start_time().is_some(),
            Self::StopTime => args.stop_time().is_some(),
            Self::Duration => args.duration().is_some(),
            Self::ResponseRequested => args.response_requested().is_some(),
        }
    }
}

impl CommandRow {
    /// The pair of the row.
    #[must_use]
    pub fn pair(&self) -> Pair {
        Pair { action: self.action, target: self.target }
    }

    /// Checks that the arguments are among those of the row, which is one of the profile `P`; `without` names arguments of the
    /// profile that the actuator does not implement.
    ///
    /// # Errors
    /// 501 "Option not supported" with the first argument that is not (DECISIONS L2).
    pub fn admit<P: Profile>(&self, args: &Args, without: &[String]) -> Result<(), Rejection> {
        if let Some(arg) = CommonArg::ALL.iter().find(|arg| arg.is_in(args) && !self.common.contains(arg)) {
            return Err(option_not_supported(arg.name()));
        }
        for (key, value) in args.namespaces().iter() {
            if key.as_name() != Some(P::NSID.as_str()) {
                return Err(option_not_supported(&key.text()));
            }
            let names = value.names_in(P::Args::shape());
            if let Some(own) = names.iter().find(|own| !self.own.contains(&own.as_str()) || without.contains(own)) {
                return Err(option_not_supported(&format!("{}.{own}", P::NSID)));
            }
        }
        Ok(())
    }
}

fn option_not_supported(arg: &str) -> Rejection {
    Rejection::unsupported(format!("Option not supported: args.{}", Cut(arg)))
}
