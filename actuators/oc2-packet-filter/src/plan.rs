//! Decisions: from a command and the present rules to a [`Plan`], without effects.

mod expand;
mod guard;
mod list;
mod numbering;
mod undo;

use std::sync::Arc;

use oc2_actuator::Context;
use oc2_core::Rejection;
use oc2_core::types::time::{DateTime, Window};
use oc2_profile_slpf::{Direction, DropProcess, Packets, Refusal, Rule, RuleNumber};

use crate::config::{Config, Mode};
use crate::record::RuleRecord;
use crate::rule::Verdict;
use crate::ruleset::Change;

use self::expand::expressible;
pub(crate) use guard::{Cut, Watch};
pub(crate) use list::{Edit, Entry, RuleList};
pub(crate) use numbering::{Claims, Numbering, Span};
pub(crate) use undo::Deed;

/// A command of the profile that this host can perform.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Order {
    /// Allow or deny.
    Insert(NewRule),
    /// Delete.
    Remove(RuleNumber),
    /// Update, with what the file holds.
    Replace(Vec<NewRule>),
    /// The end of what another order did.
    Undo(Deed),
}

/// A rule that has yet to get its number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewRule {
    packets: Packets,
    direction: Direction,
    verdict: Verdict,
    persistent: bool,
    pub(crate) insert_rule: Option<RuleNumber>,
    /// The kernel has rules for it in this mode.
    mode: Mode,
}

impl NewRule {
    /// What an allow asks for.
    ///
    /// # Errors
    /// The kernel has no rule that means exactly this.
    pub(crate) fn allow(rule: Rule, mode: &Mode) -> Result<Self, Rejection> {
        Self::new(rule, Verdict::Accept, mode)
    }

    /// What a deny asks for.
    ///
    /// # Errors
    /// The kernel has no rule that means exactly this.
    pub(crate) fn deny(rule: Rule, drop_process: DropProcess, mode: &Mode) -> Result<Self, Rejection> {
        let verdict = match drop_process {
            DropProcess::None => Verdict::Drop,
            DropProcess::Reject => Verdict::Reject,
            DropProcess::FalseAck => {
                return Err(Refusal::OptionNotSupported.with("args.slpf.drop_process: false_ack"));
            }
        };
        Self::new(rule, verdict, mode)
    }

    fn new(rule: Rule, verdict: Verdict, mode: &Mode) -> Result<Self, Rejection> {
        let Rule { packets, direction, persistent, insert_rule } = rule;
        expressible(&packets).map_err(|inexpressible| Refusal::RuleNotUpdated.with(inexpressible))?;
        Ok(Self { packets, direction, verdict, persistent, insert_rule, mode: mode.clone() })
    }

    fn entry(self, number: RuleNumber, producer: &Arc<str>, context: &Context, now: DateTime) -> Arc<Entry> {
        let record = RuleRecord {
            number,
            packets: self.packets,
            direction: self.direction,
            verdict: self.verdict,
            persistent: self.persistent,
            stop: context.window.stop,
            suspended_until: None,
            producer: Arc::clone(producer),
            created: now,
        };
        Entry::new(record, self.mode)
    }
}

/// The rules there are, and the numbers there were.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) rules: RuleList,
    pub(crate) numbering: Numbering,
}

/// What an order comes to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) step: Step,
    pub(crate) claims: Claims,
    /// The number of the new rule, if the order is for one.
    pub(crate) number: Option<RuleNumber>,
}

/// What becomes of the list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Some rules come, go or change.
    Edit(Vec<Edit>),
    /// Other rules take the place of all.
    Replace(RuleList),
}

/// Decides what an order comes to at the time `now`.
///
/// # Errors
/// The refusal; nothing is to be done then.
pub(crate) fn plan(
    state: &State,
    order: Order,
    context: &Context,
    now: DateTime,
    config: &Config,
) -> Result<Plan, Rejection> {
    match order {
        Order::Insert(rule) => insert(state, rule, context, now, config),
        Order::Remove(number) => remove(&state.rules, number, context.window, now),
        Order::Replace(rules) => replace(&state.numbering, rules, context, now, config),
        Order::Undo(deed) => deed.undone(&state.rules).map(|edit| Plan {
            step: Step::Edit(vec![edit]),
            claims: Claims::default(),
            number: None,
        }),
    }
}

/// What is due at the time `now`: rules whose window has closed go, suspended ones come back.
pub(crate) fn due(rules: &RuleList, now: DateTime) -> Vec<Edit> {
    let edit = |entry: &Arc<Entry>| {
        let record = entry.record();
        let after = if record.is_over(now) { None } else { Some(entry.with(record.resumed(now))) };
        Edit { number: record.number, before: Some(Arc::clone(entry)), after }
    };
    rules.due(now).map(edit).collect()
}

/// A window that is over leaves no rule, but its number is used up: it was told to the Producer (DECISIONS L13, S10).
fn insert(state: &State, rule: NewRule, context: &Context, now: DateTime, config: &Config) -> Result<Plan, Rejection> {
    let mut claims = Claims::default();
    let number = match rule.insert_rule {
        Some(number) => {
            claims.place(unused(number, state)?, &state.numbering);
            number
        }
        None => claims.next(&state.numbering, config).ok_or_else(no_number_left)?,
    };
    let edits = if context.window.is_over(now) {
        Vec::new()
    } else {
        let producer = state.rules.producer(context);
        vec![Edit { number, before: None, after: Some(rule.entry(number, &producer, context, now)) }]
    };
    Ok(Plan { step: Step::Edit(edits), claims, number: Some(number) })
}

/// A window means that the rule is out of force until it closes (DECISIONS S3).
fn remove(rules: &RuleList, number: RuleNumber, window: Window, now: DateTime) -> Result<Plan, Rejection> {
    let entry = rules.get(number).ok_or_else(|| Refusal::RuleNotRemoved.with("no such rule"))?;
    let edit = |after| vec![Edit { number, before: Some(Arc::clone(entry)), after }];
    let edits = match window.stop {
        None => edit(None),
        Some(_) if window.is_over(now) => Vec::new(),
        Some(stop) => {
            let suspended_until = entry.record().suspended_until.max(Some(stop));
            edit(Some(entry.with(RuleRecord { suspended_until, ..entry.record().clone() })))
        }
    };
    Ok(Plan { step: Step::Edit(edits), claims: Claims::default(), number: None })
}

/// The rules of a file count as if they had been sent one after the other, after all rules were gone. Those it places may
/// have numbers that were used before: an operator who writes a file says what the rules are to be.
fn replace(
    numbering: &Numbering,
    rules: Vec<NewRule>,
    context: &Context,
    now: DateTime,
    config: &Config,
) -> Result<Plan, Rejection> {
    let mut claims = Claims::default();
    rules.iter().filter_map(|rule| rule.insert_rule).for_each(|number| claims.place(number, numbering));
    let producer = RuleList::default().producer(context);
    let entry = |rule: NewRule| {
        let number = match rule.insert_rule {
            Some(number) => number,
            None => claims.next(numbering, config).ok_or_else(no_number_left)?,
        };
        Ok(rule.entry(number, &producer, context, now))
    };
    let list = rules.into_iter().map(entry).collect::<Result<_, Rejection>>()?;
    Ok(Plan { step: Step::Replace(list), claims, number: None })
}

fn unused(number: RuleNumber, state: &State) -> Result<RuleNumber, Rejection> {
    if state.rules.get(number).is_some() {
        return Err(Refusal::RuleNumberInUse.into());
    }
    if state.numbering.is_used(number) {
        let detail = format_args!("{number} was used before and numbers are never reused");
        return Err(Refusal::RuleNumberInUse.with(detail));
    }
    Ok(number)
}

fn no_number_left() -> Rejection {
    Refusal::RuleNotInForce.with("no rule number is left")
}

impl State {
    /// Does what a plan says, in memory: what there is left to do for the kernel, and how to take it back.
    pub(crate) fn adopt(&mut self, plan: Plan) -> (Work, Undo) {
        let Plan { step, claims, .. } = plan;
        self.numbering.accept(&claims);
        match step {
            Step::Edit(edits) => {
                let changes = edits.iter().flat_map(|edit| self.rules.enact(edit)).collect();
                (Work::Apply(changes), Undo { step: Step::Edit(edits), claims })
            }
            Step::Replace(list) => {
                let former = std::mem::replace(&mut self.rules, list);
                (Work::Load, Undo { step: Step::Replace(former), claims })
            }
        }
    }

    /// Takes a plan back, also one that was adopted in part.
    pub(crate) fn take_back(&mut self, undo: Undo) {
        self.numbering.release(&undo.claims);
        match undo.step {
            Step::Edit(edits) => {
                for edit in edits.into_iter().rev() {
                    self.rules.set(edit.number, edit.before);
                }
            }
            Step::Replace(former) => self.rules = former,
        }
    }
}

/// What there is to do for the kernel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Work {
    /// These changes.
    Apply(Vec<Change>),
    /// It gets all rules anew.
    Load,
}

/// How to take a plan back: the edits that were made, or the list that was replaced.
#[derive(Clone, Debug)]
pub(crate) struct Undo {
    step: Step,
    claims: Claims,
}

#[cfg(test)]
mod tests;
