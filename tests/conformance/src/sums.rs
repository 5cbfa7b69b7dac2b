//! Rows that only add up others: "run the tests of section 3.3.1", "all rows of LS".

use crate::clause::{ids, row};
use crate::verdict::{Outcome, Verdict};

/// Lets each of them end as the rows that it adds up.
pub(crate) fn add_up(outcomes: &mut [Outcome]) {
    for (id, parts, what) in table() {
        let parts: Vec<_> = outcomes.iter().filter(|outcome| parts.contains(&outcome.row.id)).collect();
        let is_open = |outcome: &&&Outcome| outcome.row.is_mandatory() && outcome.verdict == Verdict::NotMet;
        let not_met: Vec<_> = parts.iter().filter(is_open).map(|outcome| outcome.row.id).collect();
        let n_met = parts.iter().filter(|outcome| matches!(outcome.verdict, Verdict::Met | Verdict::Partly)).count();
        let (verdict, reason) = if !not_met.is_empty() {
            (Verdict::NotMet, format!("It adds up {what}; of these {} not met.", told(&not_met)))
        } else if n_met > 0 {
            (Verdict::Met, format!("It adds up {what}; {n_met} of these rows were seen to be met, none not to be."))
        } else {
            continue;
        };
        let Some(own) = outcomes.iter_mut().find(|outcome| outcome.row.id == id) else { continue };
        if own.verdict == Verdict::NotMet || own.reasons.iter().any(|reason| reason.starts_with("It binds")) {
            continue;
        }
        own.verdict = verdict;
        own.reasons = vec![reason];
        own.n_seen += n_met;
    }
}

/// The rows that add up others.
#[cfg(test)]
pub(crate) fn rows() -> Vec<&'static str> {
    table().map(|(id, ..)| id).collect()
}

/// The rows without which those that add them up cannot be told.
pub(crate) fn parts(of: &std::collections::BTreeSet<&'static str>) -> Vec<&'static str> {
    table().filter(|(id, ..)| of.contains(id)).flat_map(|(_, parts, _)| parts).collect()
}

fn told(ids: &[&str]) -> String {
    let (shown, rest) = ids.split_at(ids.len().min(5));
    let rest = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    format!("{}{rest} {}", shown.join(", "), if ids.len() == 1 { "is" } else { "are" })
}

fn table() -> impl Iterator<Item = (&'static str, Vec<&'static str>, &'static str)> {
    include_str!("../sums.tsv").lines().skip(1).filter(|line| !line.is_empty()).filter_map(|line| {
        let mut cells = line.split('\t');
        let (id, parts, what) = (cells.next()?, cells.next()?, cells.next()?);
        Some((row(id)?.id, ids(parts), what))
    })
}
