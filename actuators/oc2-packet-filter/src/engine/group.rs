//! Orders that are performed together.

use std::panic::{AssertUnwindSafe, catch_unwind};

use oc2_actuator::Context;
use oc2_core::Rejection;
use oc2_profile_slpf::RuleNumber;
use tokio::sync::oneshot;

use super::guarded;
use crate::keeper::{Failure, Keeper, Refusals};
use crate::plan::Order;

/// An order, and who waits for it.
pub(super) struct Member {
    pub(super) order: Order,
    pub(super) context: Context,
    pub(super) reply: oneshot::Sender<Answer>,
}

pub(super) type Answer = Result<Option<RuleNumber>, Rejection>;

impl Member {
    /// Performs it alone. Dropped without an answer, it tells of a panic.
    pub(super) fn perform(self, keeper: &mut Keeper) {
        let Self { order, context, reply } = self;
        // A caller that is gone does not undo the work.
        let _ = reply.send(keeper.perform(order, &context));
    }
}

/// Orders that the keeper has adopted and not yet committed, with the numbers of their rules.
#[derive(Default)]
pub(super) struct Group(Vec<(Member, Option<RuleNumber>)>);

impl Group {
    /// Has the keeper adopt one more; a refusal is answered at once.
    pub(super) fn join(&mut self, keeper: &mut Keeper, member: Member) {
        let order = member.order.clone();
        match catch_unwind(AssertUnwindSafe(|| keeper.join(order, &member.context))) {
            Ok(Ok(number)) => self.0.push((member, number)),
            Ok(Err(rejection)) => _ = member.reply.send(Err(rejection)),
            // It is in doubt what the keeper knows of it, and with it of the others.
            Err(_) => {
                let _ = catch_unwind(AssertUnwindSafe(|| keeper.recover()));
                self.perform_each(keeper);
            }
        }
    }

    /// Has the keeper commit what has joined, and answers each.
    pub(super) fn commit(&mut self, keeper: &mut Keeper) {
        if self.0.is_empty() {
            return;
        }
        match guarded(keeper, Keeper::commit) {
            Some(Ok(())) => self.0.drain(..).for_each(|(member, number)| _ = member.reply.send(Ok(number))),
            // One of them may be to blame, and then it alone.
            Some(Err(Failure::OneOfSeveral)) => self.perform_each(keeper),
            None if self.0.len() > 1 => self.perform_each(keeper),
            // Its answer is that there is none.
            None => self.0.clear(),
            Some(Err(failure)) => self.0.drain(..).for_each(|(member, _)| {
                let refusals = Refusals::of(&member.order);
                let _ = member.reply.send(Err(refusals.of_failure(&failure)));
            }),
        }
    }

    fn perform_each(&mut self, keeper: &mut Keeper) {
        for (member, _) in self.0.drain(..) {
            guarded(keeper, |keeper| member.perform(keeper));
        }
    }
}
