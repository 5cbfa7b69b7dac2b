//! Builders of SLPF commands for Producers: what the profile forbids a Producer cannot be built.

use std::marker::PhantomData;

use oc2_core::args::ArgsBuilder;
use oc2_core::target::{File, Ipv4Connection, Ipv4Net, Ipv6Connection, Ipv6Net};
use oc2_core::types::hashes::Hashes;
use oc2_core::types::time::{DateTime, Duration};
use oc2_core::{Action, Actuator, Args as CommonArgs, Command, Invalid, ResponseType, Target as CommonTarget};

use crate::args::{Args, Direction, DropProcess};
use crate::profile::Slpf;
use crate::rule_number::RuleNumber;
use crate::specifiers::Specifiers;
use crate::target::Target;

impl Slpf {
    /// Lets packets pass (SLPF 2.3.1).
    pub fn allow(packets: impl Into<PacketsTarget>) -> RuleBuilder<Allow> {
        Builder::new(RuleDraft::new(Action::Allow, packets.into()))
    }

    /// Stops packets (SLPF 2.3.2).
    pub fn deny(packets: impl Into<PacketsTarget>) -> RuleBuilder<Deny> {
        Builder::new(RuleDraft::new(Action::Deny, packets.into()))
    }

    /// Removes a rule (SLPF 2.3.4.1).
    #[must_use]
    pub fn delete(number: RuleNumber) -> DeleteBuilder {
        Builder::new(Delete(number))
    }

    /// Replaces the rules by those of a file on the Consumer's host (SLPF 2.3.5.1).
    pub fn update(name: impl Into<String>) -> UpdateBuilder {
        Builder::new(Update { name: name.into(), path: None, hashes: None })
    }
}

/// What an allow or deny can be about (SLPF table 2.3-1).
#[derive(Clone, Debug)]
pub struct PacketsTarget(CommonTarget);

macro_rules! packets_target {
    ($($ty:ty),+) => {
        $(impl From<$ty> for PacketsTarget {
            fn from(packets: $ty) -> Self {
                Self(packets.into())
            }
        })+
    };
}

packets_target!(Ipv4Net, Ipv6Net, Ipv4Connection, Ipv6Connection);

/// Builds a command. `response_requested` is `complete` unless set, so that results come back; by default every actuator
/// that supports the command is meant.
#[derive(Clone, Debug)]
pub struct Builder<C> {
    command: C,
    args: ArgsBuilder,
    specifiers: Option<Specifiers>,
}

/// Builds an allow or a deny.
pub type RuleBuilder<A> = Builder<RuleDraft<A>>;

/// Builds a delete.
pub type DeleteBuilder = Builder<Delete>;

/// Builds an update.
pub type UpdateBuilder = Builder<Update>;

impl<C> Builder<C> {
    fn new(command: C) -> Self {
        let args = CommonArgs::builder().response_requested(ResponseType::Complete);
        Self { command, args, specifiers: None }
    }

    /// Which answer is wanted. Default complete.
    #[must_use]
    pub fn response_requested(mut self, response: ResponseType) -> Self {
        self.args = self.args.response_requested(response);
        self
    }

    /// Which actuators are meant.
    #[must_use]
    pub fn to(mut self, specifiers: Specifiers) -> Self {
        self.specifiers = Some(specifiers);
        self
    }

    fn starting(mut self, time: DateTime) -> Self {
        self.args = self.args.start_time(time);
        self
    }

    fn stopping(mut self, time: DateTime) -> Self {
        self.args = self.args.stop_time(time);
        self
    }

    fn lasting(mut self, duration: Duration) -> Self {
        self.args = self.args.duration(duration);
        self
    }
}

impl<C: Complete> Builder<C> {
    /// The finished command.
    ///
    /// # Errors
    /// The times contradict each other; `insert_rule` goes with an answer other than `complete` (SLPF 2.3.1); or the answer
    /// wanted of an update is `status`, which it does not have (SLPF 2.3.5.1).
    pub fn build(self) -> Result<Command, Invalid> {
        let command = self.command.complete(self.args)?;
        Ok(match self.specifiers {
            None => command,
            Some(specifiers) => command.with_actuator(Actuator::new::<Slpf>(specifiers)),
        })
    }
}

impl<A> RuleBuilder<A> {
    /// Which traffic the rule applies to. Default both.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.command.args.direction = Some(direction);
        self
    }

    /// Whether the rule survives a restart. Default true.
    #[must_use]
    pub fn persistent(mut self, persistent: bool) -> Self {
        self.command.args.persistent = Some(persistent);
        self
    }

    /// The number the rule is to have. By default the Consumer chooses one.
    #[must_use]
    pub fn insert_rule(mut self, number: RuleNumber) -> Self {
        self.command.args.insert_rule = Some(number);
        self
    }

    /// When the rule takes effect. Default now.
    #[must_use]
    pub fn start_time(self, time: DateTime) -> Self {
        self.starting(time)
    }

    /// When the rule ends. Default never.
    #[must_use]
    pub fn stop_time(self, time: DateTime) -> Self {
        self.stopping(time)
    }

    /// How long the rule lasts. Default for ever.
    #[must_use]
    pub fn duration(self, duration: Duration) -> Self {
        self.lasting(duration)
    }
}

impl RuleBuilder<Deny> {
    /// How denied packets are handled. Default none.
    #[must_use]
    pub fn drop_process(mut self, drop_process: DropProcess) -> Self {
        self.command.args.drop_process = Some(drop_process);
        self
    }
}

/// SLPF 2.3.4.1 forbids Producers to send times with a delete and its clause 11 demands that they can (DECISIONS S3): these
/// are for Consumers that are known to take them.
impl DeleteBuilder {
    /// When the rule is removed.
    #[must_use]
    pub fn start_time_despite_2_3_4_1(self, time: DateTime) -> Self {
        self.starting(time)
    }

    /// When the rule, suspended meanwhile, is back.
    #[must_use]
    pub fn stop_time_despite_2_3_4_1(self, time: DateTime) -> Self {
        self.stopping(time)
    }

    /// How long the rule is suspended, after which it is back.
    #[must_use]
    pub fn duration_despite_2_3_4_1(self, duration: Duration) -> Self {
        self.lasting(duration)
    }
}

impl UpdateBuilder {
    /// Where the file lies; should be set (SLPF 2.3.5.1).
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.command.path = Some(path.into());
        self
    }

    /// What its content must hash to.
    #[must_use]
    pub fn hashes(mut self, hashes: Hashes) -> Self {
        self.command.hashes = Some(hashes);
        self
    }

    /// When the rules are replaced. SLPF 2.3.5.1 forbids Producers to say so and its clause 11 demands that they can
    /// (DECISIONS S3): for Consumers that are known to take it.
    #[must_use]
    pub fn start_time_despite_2_3_5_1(self, time: DateTime) -> Self {
        self.starting(time)
    }
}

/// What a [`Builder`] builds: its part of the command, completed by the arguments that all commands have.
pub trait Complete {
    /// The command, to whatever actuator.
    ///
    /// # Errors
    /// What the profile forbids a Producer.
    fn complete(self, args: ArgsBuilder) -> Result<Command, Invalid>;
}

/// What an allow or a deny is made of.
#[derive(Clone, Debug)]
pub struct RuleDraft<A> {
    action: Action,
    target: CommonTarget,
    args: Args,
    marker: PhantomData<A>,
}

/// Marks an allow.
#[derive(Clone, Copy, Debug)]
pub enum Allow {}

/// Marks a deny.
#[derive(Clone, Copy, Debug)]
pub enum Deny {}

/// What a delete is made of.
#[derive(Clone, Copy, Debug)]
pub struct Delete(RuleNumber);

/// What an update is made of.
#[derive(Clone, Debug)]
pub struct Update {
    name: String,
    path: Option<String>,
    hashes: Option<Hashes>,
}

impl<A> RuleDraft<A> {
    fn new(action: Action, target: PacketsTarget) -> Self {
        Self { action, target: target.0, args: Args::default(), marker: PhantomData }
    }
}

impl<A> Complete for RuleDraft<A> {
    fn complete(self, args: ArgsBuilder) -> Result<Command, Invalid> {
        let inserts = self.args.insert_rule.is_some();
        let args = if self.args == Args::default() { args } else { args.set::<Slpf>(self.args) }.build()?;
        if inserts && args.response_wanted() != ResponseType::Complete {
            return Err(Invalid::new("insert_rule goes with response_requested complete only (SLPF 2.3.1)"));
        }
        Ok(Command::new(self.action, self.target).with_args(args))
    }
}

impl Complete for Delete {
    fn complete(self, args: ArgsBuilder) -> Result<Command, Invalid> {
        let target = CommonTarget::extended::<Slpf>(Target::RuleNumber(self.0))?;
        Ok(Command::new(Action::Delete, target).with_args(args.build()?))
    }
}

impl Complete for Update {
    fn complete(self, args: ArgsBuilder) -> Result<Command, Invalid> {
        let args = args.build()?;
        if args.response_wanted() == ResponseType::Status {
            return Err(Invalid::new("update file is answered by complete, ack or none only (SLPF 2.3.5.1)"));
        }
        let mut file = File::builder().name(self.name);
        if let Some(path) = self.path {
            file = file.path(path);
        }
        if let Some(hashes) = self.hashes {
            file = file.hashes(hashes);
        }
        Ok(Command::new(Action::Update, file.build()?).with_args(args))
    }
}
