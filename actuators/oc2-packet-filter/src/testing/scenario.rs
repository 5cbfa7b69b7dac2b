//! Lists of rules that grow, shrink and change at random, and what back ends are told of it.

use oc2_actuator::Context;
use oc2_core::types::time::{DateTime, Window};
use oc2_profile_slpf::{DropProcess, Rule, RuleNumber};

use super::Random;
use crate::config::{Config, Mode};
use crate::plan::{Claims, NewRule, Order, Plan, State, Step, Work, due, plan};
use crate::reference::{Packet, Reference};
use crate::ruleset::{Change, Rules, Ruleset};

/// A list of rules under commands at random: new rules with and without a place and a window, deletes for ever and for a
/// while, files, and the time that goes by.
#[derive(Debug)]
pub struct Scenario {
    /// What is drawn.
    pub random: Random,
    config: Config,
    state: State,
    now: u64,
}

/// What a back end is told of a step.
#[derive(Clone, Debug)]
pub enum Told {
    /// These changes.
    Apply(Vec<Change>),
    /// All rules anew.
    Load(Ruleset),
}

impl Scenario {
    /// An empty list. The same number is always the same story.
    #[must_use]
    pub fn new(seed: u64, mode: Mode) -> Self {
        let config = Config { mode, ..Config::default() };
        Self { random: Random::new(seed), config, state: State::default(), now: 1_000 }
    }

    /// One command, or time goes by; what the back end is told.
    pub fn step(&mut self) -> Told {
        let plan = match self.random.below(16) {
            0 => {
                self.now += self.random.below(40) as u64;
                let step = Step::Edit(due(&self.state.rules, at(self.now)));
                Ok(Plan { step, claims: Claims::default(), number: None })
            }
            1..=4 => {
                let order = Order::Remove(self.number());
                self.plan(order)
            }
            5 if self.random.once_in(4) => {
                let rules = (0..self.random.below(6)).map(|_| self.new_rule(None)).collect();
                self.plan(Order::Replace(rules))
            }
            6..=8 => {
                let place = RuleNumber::new(self.random.below(1_000_000) as i64).expect("it is small");
                let rule = self.new_rule(Some(place));
                self.plan(Order::Insert(rule))
            }
            _ => {
                let rule = self.new_rule(None);
                self.plan(Order::Insert(rule))
            }
        };
        match plan.map(|plan| self.state.adopt(plan).0) {
            Ok(Work::Apply(changes)) => Told::Apply(changes),
            Ok(Work::Load) => Told::Load(self.ruleset()),
            // Such as the delete of a rule that there is not.
            Err(_) => Told::Apply(Vec::new()),
        }
    }

    /// All rules of the kernel that are in force.
    #[must_use]
    pub fn ruleset(&self) -> Ruleset {
        self.state.rules.in_order().collect()
    }

    /// The judge of what is in force.
    #[must_use]
    pub fn reference(&self) -> Reference {
        let records = self.state.rules.iter().map(|entry| entry.record().clone());
        Reference::new(records, self.config.mode.clone())
    }

    /// A packet that the rules may be about.
    pub fn packet(&mut self) -> Packet {
        self.random.packet(&self.config.mode)
    }

    fn plan(&mut self, order: Order) -> Result<Plan, oc2_core::Rejection> {
        let stop = self.random.once_in(4).then(|| at(self.now + self.random.below(60) as u64));
        let context = Context::new("producer", Window { start: at(0), stop });
        plan(&self.state, order, &context, at(self.now), &self.config)
    }

    fn new_rule(&mut self, insert_rule: Option<RuleNumber>) -> NewRule {
        let (packets, direction) = (self.random.packets(), self.random.direction());
        let rule = Rule { packets, direction, persistent: true, insert_rule };
        match self.random.below(5) {
            0 | 1 => NewRule::allow(rule, &self.config.mode),
            2 => NewRule::deny(rule, DropProcess::Reject, &self.config.mode),
            _ => NewRule::deny(rule, DropProcess::None, &self.config.mode),
        }
        .expect("a rule that every kernel has means for")
    }

    /// That of a rule, or of none.
    fn number(&mut self) -> RuleNumber {
        let n_rules = self.state.rules.iter().len();
        let nth = self.random.below(n_rules + 1);
        let nobody = RuleNumber::new(-1).expect("it is small");
        self.state.rules.iter().nth(nth).map_or(nobody, |entry| entry.record().number)
    }
}

/// How many cases a test of random lists goes through: what `OC2_CASES` says, else `usual`.
///
/// # Panics
/// `OC2_CASES` is no number.
#[must_use]
pub fn n_cases(usual: u64) -> u64 {
    std::env::var("OC2_CASES").map_or(usual, |text| text.parse().expect("OC2_CASES is a number"))
}

fn at(time: u64) -> DateTime {
    DateTime::from_millis(time).expect("it is early")
}
