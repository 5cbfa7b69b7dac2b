//! Commands (LS 3.3.1).

use crate::action::Action;
use crate::args::Args;
use crate::profile::Profile;
use crate::record;
use crate::shape::read::ReadError;
use crate::specifiers::Actuator;
use crate::target::{Target, TargetName};
use crate::types::text::CommandId;

record! {
    /// An action on a target (LS 3.3.1).
    pub struct Command: "OpenC2-Command" in "LS 3.3.1 (LS-086)" {
        /// What is to be done.
        required action: Action = 1,
        /// What it is to be done to.
        required target: Target = 2,
        /// How, when, and with what answer.
        defaulted args: Args = 3,
        /// By whom; absent means by every profile that supports the pair (ARCH 2.1).
        optional actuator: Actuator = 4,
        /// A name for later reference; absent means the request id of its message (LS 3.3.1).
        optional command_id: CommandId = 5,
    }
}

impl Command {
    /// A Command without arguments, to any actuator.
    #[must_use]
    pub fn new(action: Action, target: impl Into<Target>) -> Self {
        Self { action, target: target.into(), args: Args::default(), actuator: None, command_id: None }
    }

    /// The same with these arguments.
    #[must_use]
    pub fn with_args(self, args: Args) -> Self {
        Self { args, ..self }
    }

    /// The same for this actuator.
    #[must_use]
    pub fn with_actuator(self, actuator: Actuator) -> Self {
        Self { actuator: Some(actuator), ..self }
    }

    /// The same under this name.
    #[must_use]
    pub fn with_command_id(self, command_id: CommandId) -> Self {
        Self { command_id: Some(command_id), ..self }
    }

    /// The same with the parts of the profile `P` typed, so that it can be written in any form.
    ///
    /// # Errors
    /// A part is ill-typed: its place and the reason.
    pub fn typed<P: Profile>(mut self) -> Result<Self, ReadError> {
        if let Some(target) = self.target.of::<P>()? {
            self.target = Target::extended::<P>(target).map_err(|invalid| ReadError::new(invalid.to_string()))?;
        }
        if let Some(args) = self.args.of::<P>()? {
            self.args = self.args.with_typed::<P>(args);
        }
        if let Some(specifiers) = self.actuator.as_ref().map(Actuator::of::<P>).transpose()?.flatten() {
            self.actuator = Some(Actuator::new::<P>(specifiers));
        }
        Ok(self)
    }

    /// All that is wrong with the parts of the profile `P`, in the order of the table.
    #[must_use]
    pub fn faults<P: Profile>(&self) -> Vec<ReadError> {
        let target = match &self.target {
            Target::Extended(extended) => {
                let placed = |errors: Vec<_>| errors.into_iter().map(|error| extended.placed(error)).collect();
                extended.check::<P>().map_err(placed)
            }
            _ => Ok(()),
        };
        let actuator = self.actuator.as_ref().map_or(Ok(()), Actuator::check::<P>);
        [target, self.args.check::<P>(), actuator].into_iter().filter_map(Result::err).flatten().collect()
    }

    /// Action and target, as `pairs` lists them; a target of a profile that came by its id stands by that id.
    #[must_use]
    pub fn pair(&self) -> Pair {
        Pair { action: self.action, target: self.target.name() }
    }

    /// Action and target, as the profile `P` lists them.
    #[must_use]
    pub fn pair_in<P: Profile>(&self) -> Pair {
        Pair { action: self.action, target: self.target.name_in::<P>() }
    }
}

/// An action and the name of a target: `deny ipv4_net`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// The action.
    pub action: Action,
    /// The name of the target.
    pub target: TargetName,
}

impl std::fmt::Display for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.action, self.target)
    }
}

impl std::str::FromStr for Pair {
    type Err = crate::invalid::Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (action, target) = text
            .split_once(' ')
            .ok_or_else(|| crate::invalid::Invalid::new(format!("{text:?} is not an action and a target")))?;
        Ok(Self { action: action.parse()?, target: target.trim().parse()? })
    }
}
