//! Building a Consumer: the unavoidable questions are asked by type. Identity, then policy, then actuators.

use std::sync::Arc;

use oc2_actuator::{Actuator, AnyActuator};
use oc2_clock::Clock;
use oc2_encoding::Encodings;

use crate::consumer::Consumer;
use crate::observer::{AnyObserver, Observer, Observers};
use crate::policy::{AnyPolicy, Policy, Unrestricted};
use crate::registry::Registry;
use crate::replay::{Remembered, Replay};
use crate::schedule::Schedule;
use crate::settings::Settings;
use crate::understand::Reader;

/// Builds a [`Consumer`].
#[derive(Debug)]
pub struct ConsumerBuilder<State> {
    identity: String,
    state: State,
}

/// The policy is still to be said.
#[derive(Debug)]
pub struct WantsPolicy(());

/// Everything unavoidable was said.
pub struct WantsActuators {
    policy: Arc<dyn AnyPolicy>,
    actuators: Vec<AnyActuator>,
    settings: Settings,
    encodings: Encodings,
    aliases: Vec<String>,
    remembered: Option<Remembered>,
    observers: Vec<Box<dyn AnyObserver>>,
    clock: Clock,
}

impl std::fmt::Debug for WantsActuators {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WantsActuators").field("actuators", &self.actuators).field("settings", &self.settings).finish()
    }
}

/// Ways to build that need a second thought.
#[derive(Debug)]
pub struct Dangerous(ConsumerBuilder<WantsPolicy>);

impl ConsumerBuilder<WantsPolicy> {
    pub(crate) fn new(identity: String) -> Self {
        Self { identity, state: WantsPolicy(()) }
    }

    /// Decides about every Command.
    #[must_use]
    pub fn policy(self, policy: impl Policy) -> ConsumerBuilder<WantsActuators> {
        let state = WantsActuators {
            policy: Arc::new(policy),
            actuators: Vec::new(),
            settings: Settings::default(),
            encodings: Encodings::default(),
            aliases: Vec::new(),
            remembered: None,
            observers: Vec::new(),
            clock: Clock::of_host(),
        };
        ConsumerBuilder { identity: self.identity, state }
    }

    /// Ways to build that need a second thought.
    #[must_use]
    pub fn dangerous(self) -> Dangerous {
        Dangerous(self)
    }
}

impl Dangerous {
    /// Whoever reaches a transfer may give any Command.
    #[must_use]
    pub fn without_policy(self) -> ConsumerBuilder<WantsActuators> {
        self.0.policy(Unrestricted)
    }
}

impl ConsumerBuilder<WantsActuators> {
    /// Adds an actuator.
    #[must_use]
    pub fn actuator(self, actuator: impl Actuator) -> Self {
        self.any_actuator(AnyActuator::new(actuator))
    }

    /// Adds an actuator whose type is erased already.
    #[must_use]
    pub fn any_actuator(mut self, actuator: AnyActuator) -> Self {
        self.state.actuators.push(actuator);
        self
    }

    /// How the Consumer behaves.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.state.settings = settings;
        self
    }

    /// Another name that `headers.to` may mean it by, such as the id of a device. Its responses have the identity all the same.
    #[must_use]
    pub fn also_known_as(mut self, name: impl Into<String>) -> Self {
        self.state.aliases.push(name.into());
        self
    }

    /// The encodings it reads; an answer has that of its request. Default JSON.
    #[must_use]
    pub fn encodings(mut self, encodings: Encodings) -> Self {
        self.state.encodings = encodings;
        self
    }

    /// Remembers requests on disk, so that one that is repeated after a restart is not performed again (DECISIONS M12).
    /// Without, they are remembered as long as the Consumer lives.
    #[cfg(feature = "durable")]
    #[must_use]
    pub fn remember_in(mut self, store: crate::request_store::RequestStore) -> Self {
        self.state.remembered = Some(store.into_remembered());
        self
    }

    /// Tells this observer how each Command ends.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.state.observers.push(Box::new(observer));
        self
    }

    /// The clock by which it knows that the time of a Command has come. Default that of the host.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.state.clock = clock;
        self
    }

    /// The finished Consumer.
    #[must_use]
    pub fn build(self) -> Consumer {
        let WantsActuators { policy, actuators, settings, encodings, aliases, remembered, observers, clock } =
            self.state;
        let reader = Reader { identity: self.identity.into(), aliases, encodings };
        let registry = Registry::new(actuators);
        let observers = Observers::new(observers, registry.pairs());
        Consumer::new(reader, policy, registry, settings, Replay::new(remembered), Schedule::new(clock), observers)
    }
}
