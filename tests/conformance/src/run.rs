//! A run: every check that is wanted and can be, one after the other.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::check::{Check, Over};
use crate::clause::Row;
use crate::progress::Progress;
use crate::session::{Asked, Session};
use crate::verdict::Notes;
use crate::wire::Wire;

/// Which rows are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) only: Vec<String>,
    pub(crate) sections: Vec<String>,
    pub(crate) ids: Vec<String>,
}

impl Filter {
    pub(crate) fn wants(&self, row: &Row) -> bool {
        let is_any =
            |list: &[String], is_it: &dyn Fn(&str) -> bool| list.is_empty() || list.iter().any(|own| is_it(own));
        is_any(&self.only, &|own| own.eq_ignore_ascii_case(row.specification()))
            && is_any(&self.sections, &|own| row.is_in(own))
            && is_any(&self.ids, &|own| own.eq_ignore_ascii_case(row.id))
    }

    pub(crate) fn is_all(&self) -> bool {
        self.only.is_empty() && self.sections.is_empty() && self.ids.is_empty()
    }
}

/// Runs checks against a subject.
pub(crate) fn run<'w>(
    wire: &'w mut dyn Wire,
    asked: Asked,
    checks: &[Check],
    restart: Option<&'w mut dyn FnMut() -> io::Result<()>>,
    progress: &mut Progress,
) -> io::Result<Notes> {
    let mut session = Session::new(wire, asked);
    session.restart = restart;
    conduct(session, checks, progress)
}

/// Runs checks in a session.
pub(crate) fn conduct(mut session: Session<'_>, checks: &[Check], progress: &mut Progress) -> io::Result<Notes> {
    session.learn()?;
    for check in checks {
        let ids = check.ids();
        // The corpus names its rows itself.
        let is_wanted = ids.is_empty() || session.wants(ids.iter().copied());
        if !is_wanted {
            continue;
        }
        // Packets are looked at in a run of their own; elsewhere the answers tell what they can.
        if check.needs.over == Over::Packets && session.field.is_none() {
            continue;
        }
        progress.step(check.name, session.notes.n_faulty());
        if let Some(obstacle) = check.obstacle(&session) {
            session.lacks(check.rows, &format!("\"{}\" {obstacle}", check.name));
            continue;
        }
        perform(check, &mut session)?;
    }
    let n_left = session.undo()?;
    if n_left > 0 && !session.asked.is_ours {
        progress.say(&format!("{n_left} rules that were made for checks could not be deleted again."));
    }
    Ok(session.notes)
}

/// One check. What the tools of the suite give up on with a panic is the end of this check alone.
fn perform(check: &Check, session: &mut Session<'_>) -> io::Result<()> {
    match catch_unwind(AssertUnwindSafe(|| (check.run)(session))) {
        Ok(res) => res,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
            let exchange = crate::exchange::Exchange { remark: Some(text), ..Default::default() };
            session.note(check.rows, false, check.name, "the check comes to its end", &exchange);
            Ok(())
        }
    }
}
