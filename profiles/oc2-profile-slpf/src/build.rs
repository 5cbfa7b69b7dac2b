//! Builders of SLPF commands for Producers: what the profile forbids a Producer cannot be built.

use std::marker::PhantomData;

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
        RuleBuilder::new(Action::Allow, packets.into())
    }

    /// Stops packets (SLPF 2.3.2).
    pub fn deny(packets: impl Into<PacketsTarget>) -> RuleBuilder<Deny> {
        RuleBuilder::new(Action::Deny, packets.into())
    }

    /// Removes a rule (SLPF 2.3.4.1).
    #[must_use]
    pub fn delete(number: RuleNumber) -> DeleteBuilder {
        DeleteBuilder { number, args: complete(), specifiers: None }
    }

    /// Replaces the rules by those of a file on the Consumer's host (SLPF 2.3.5.1).
    pub fn update(name: impl Into<String>) -> UpdateBuilder {
        UpdateBuilder { name: name.into(), path: None, hashes: None, args: complete(), specifiers: None }
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

/// Marks a builder of an allow.
#[derive(Clone, Copy, Debug)]
pub enum Allow {}

/// Marks a builder of a deny.
#[derive(Clone, Copy, Debug)]
pub enum Deny {}

/// Builds an allow or a deny. `response_requested` is `complete` unless set, so that the rule number comes back.
#[derive(Clone, Debug)]
pub struct RuleBuilder<A> {
    action: Action,
    target: CommonTarget,
    common: CommonArgsBuilder,
    own: Args,
    specifiers: Option<Specifiers>,
    marker: PhantomData<A>,
}

type CommonArgsBuilder = oc2_core::args::ArgsBuilder;

impl<A> RuleBuilder<A> {
    fn new(action: Action, target: PacketsTarget) -> Self {
        let (common, own) = (complete(), Args::default());
        Self { action, target: target.0, common, own, specifiers: None, marker: PhantomData }
    }

    /// Which traffic the rule applies to. Default both.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.own.direction = Some(direction);
        self
    }

    /// Whether the rule survives a restart. Default true.
    #[must_use]
    pub fn persistent(mut self, persistent: bool) -> Self {
        self.own.persistent = Some(persistent);
        self
    }

    /// The number the rule is to have. By default the Consumer chooses one.
    #[must_use]
    pub fn insert_rule(mut self, number: RuleNumber) -> Self {
        self.own.insert_rule = Some(number);
        self
    }

    /// When the rule takes effect. Default now.
    #[must_use]
    pub fn start_time(mut self, time: DateTime) -> Self {
        self.common = self.common.start_time(time);
        self
    }

    /// When the rule ends. Default never.
    #[must_use]
    pub fn stop_time(mut self, time: DateTime) -> Self {
        self.common = self.common.stop_time(time);
        self
    }

    /// How long the rule lasts. Default for ever.
    #[must_use]
    pub fn duration(mut self, duration: Duration) -> Self {
        self.common = self.common.duration(duration);
        self
    }

    /// Which answer is wanted. Default complete.
    #[must_use]
    pub fn response_requested(mut self, response: ResponseType) -> Self {
        self.common = self.common.response_requested(response);
        self
    }

    /// Which actuators are meant. By default every one that supports the command.
    #[must_use]
    pub fn to(mut self, specifiers: Specifiers) -> Self {
        self.specifiers = Some(specifiers);
        self
    }

    /// The finished command.
    ///
    /// # Errors
    /// The times contradict each other, or `insert_rule` goes with an answer other than `complete` (SLPF 2.3.1).
    pub fn build(self) -> Result<Command, Invalid> {
        let is_empty = self.own == Args::default();
        let inserts = self.own.insert_rule.is_some();
        let args = if is_empty { self.common } else { self.common.set::<Slpf>(self.own) }.build()?;
        if inserts && args.response_wanted() != ResponseType::Complete {
            return Err(Invalid::new("insert_rule goes with response_requested complete only (SLPF 2.3.1)"));
        }
        Ok(addressed(Command::new(self.action, self.target).with_args(args), self.specifiers))
    }
}

impl RuleBuilder<Deny> {
    /// How denied packets are handled. Default none.
    #[must_use]
    pub fn drop_process(mut self, drop_process: DropProcess) -> Self {
        self.own.drop_process = Some(drop_process);
        self
    }
}

/// Builds a delete.
#[derive(Clone, Debug)]
pub struct DeleteBuilder {
    number: RuleNumber,
    args: CommonArgsBuilder,
    specifiers: Option<Specifiers>,
}

impl DeleteBuilder {
    /// Which answer is wanted. Default complete.
    #[must_use]
    pub fn response_requested(mut self, response: ResponseType) -> Self {
        self.args = self.args.response_requested(response);
        self
    }

    /// When the rule is removed. SLPF 2.3.4.1 forbids Producers to say so and its clause 11 demands that they can
    /// (DECISIONS S3): for Consumers that are known to take it.
    #[must_use]
    pub fn start_time_despite_2_3_4_1(mut self, time: DateTime) -> Self {
        self.args = self.args.start_time(time);
        self
    }

    /// When the rule, suspended meanwhile, is back; the same contradiction (DECISIONS S3).
    #[must_use]
    pub fn stop_time_despite_2_3_4_1(mut self, time: DateTime) -> Self {
        self.args = self.args.stop_time(time);
        self
    }

    /// How long the rule is suspended, after which it is back; the same contradiction (DECISIONS S3).
    #[must_use]
    pub fn duration_despite_2_3_4_1(mut self, duration: Duration) -> Self {
        self.args = self.args.duration(duration);
        self
    }

    /// Which actuators are meant. By default every one that supports the command.
    #[must_use]
    pub fn to(mut self, specifiers: Specifiers) -> Self {
        self.specifiers = Some(specifiers);
        self
    }

    /// The finished command.
    ///
    /// # Errors
    /// The times contradict each other.
    pub fn build(self) -> Result<Command, Invalid> {
        let target = CommonTarget::extended::<Slpf>(Target::RuleNumber(self.number))?;
        Ok(addressed(Command::new(Action::Delete, target).with_args(self.args.build()?), self.specifiers))
    }
}

/// Builds an update.
#[derive(Clone, Debug)]
pub struct UpdateBuilder {
    name: String,
    path: Option<String>,
    hashes: Option<Hashes>,
    args: CommonArgsBuilder,
    specifiers: Option<Specifiers>,
}

impl UpdateBuilder {
    /// Where the file lies; should be set (SLPF 2.3.5.1).
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// What its content must hash to.
    #[must_use]
    pub fn hashes(mut self, hashes: Hashes) -> Self {
        self.hashes = Some(hashes);
        self
    }

    /// Which answer is wanted: complete, ack or none. Default complete.
    #[must_use]
    pub fn response_requested(mut self, response: ResponseType) -> Self {
        self.args = self.args.response_requested(response);
        self
    }

    /// When the rules are replaced. SLPF 2.3.5.1 forbids Producers to say so and its clause 11 demands that they can
    /// (DECISIONS S3): for Consumers that are known to take it.
    #[must_use]
    pub fn start_time_despite_2_3_5_1(mut self, time: DateTime) -> Self {
        self.args = self.args.start_time(time);
        self
    }

    /// Which actuators are meant. By default every one that supports the command.
    #[must_use]
    pub fn to(mut self, specifiers: Specifiers) -> Self {
        self.specifiers = Some(specifiers);
        self
    }

    /// The finished command.
    ///
    /// # Errors
    /// The answer wanted is `status`, which an update does not have (SLPF 2.3.5.1).
    pub fn build(self) -> Result<Command, Invalid> {
        let args = self.args.build()?;
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
        Ok(addressed(Command::new(Action::Update, file.build()?).with_args(args), self.specifiers))
    }
}

fn complete() -> CommonArgsBuilder {
    CommonArgs::builder().response_requested(ResponseType::Complete)
}

fn addressed(command: Command, specifiers: Option<Specifiers>) -> Command {
    match specifiers {
        None => command,
        Some(specifiers) => command.with_actuator(Actuator::new::<Slpf>(specifiers)),
    }
}
