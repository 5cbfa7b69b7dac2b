//! The statement of conformance of ours, which is kept in the repository: the same for the same code.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Report;
use crate::clause::SPECIFICATIONS;
use crate::verdict::{Outcome, Verdict};

/// Of our Consumer and of our Producer.
pub(crate) fn render(consumer: &Report, producer: &Report) -> String {
    let mut text = String::from(HEAD);
    for (title, remark, report) in [("Consumer", CONSUMER, consumer), ("Producer", PRODUCER, producer)] {
        let _ = write!(text, "\n## {title}\n\n{remark}\n\n{TABLE}");
        side(&mut text, report);
    }
    text += OPEN;
    for line in include_str!("../../open.tsv").lines().skip(1).filter(|line| !line.is_empty()) {
        let cells: Vec<_> = line.split('\t').collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

fn side(text: &mut String, report: &Report) {
    for (class, sum) in report.classes() {
        let [met, not_met, partly, skipped, unseen] = sum.counts;
        let _ = writeln!(
            text,
            "| {} | {} {} | {} | {met} | {not_met} | {partly} | {skipped} | {unseen} |",
            class.specification,
            class.section,
            class.name,
            sum.verdict.name()
        );
    }
    for (verdict, title, remark) in [
        (Verdict::NotMet, "Not met", ""),
        (Verdict::Partly, "Met in part", "What could be exercised is met; the rest has its reason.\n\n"),
        (Verdict::Skipped, "Not exercised by this run", ""),
        (Verdict::NotObservable, "Not seen from the network", UNSEEN),
    ] {
        let rows: Vec<_> = report.outcomes.iter().filter(|outcome| outcome.verdict == verdict).collect();
        if !rows.is_empty() {
            let _ = write!(text, "\n### {title}\n\n{remark}");
            grouped(text, &rows);
        }
    }
    let _ = write!(text, "\n### Met\n\n");
    for (short, name) in SPECIFICATIONS {
        let is_own = |outcome: &&Outcome| outcome.row.specification() == short && outcome.verdict == Verdict::Met;
        let own: Vec<_> = report.outcomes.iter().filter(is_own).map(|outcome| outcome.row.id).collect();
        if !own.is_empty() {
            let _ = writeln!(text, "- {name}: {}", ranges(&own));
        }
    }
}

/// Rows that end for the same reason, in one line.
fn grouped(text: &mut String, rows: &[&Outcome]) {
    let mut groups: BTreeMap<(usize, String), Vec<&str>> = BTreeMap::new();
    let mut order = Vec::new();
    for outcome in rows {
        let own = outcome.reasons.first().map(String::as_str).filter(|_| outcome.verdict != Verdict::NotMet);
        let reason = own.unwrap_or(outcome.row.requirement).to_owned();
        let position = order.iter().position(|known| *known == reason).unwrap_or_else(|| {
            order.push(reason.clone());
            order.len() - 1
        });
        groups.entry((position, reason)).or_default().push(outcome.row.id);
    }
    for ((_, reason), ids) in groups {
        let _ = writeln!(text, "- {}: {reason}", ranges(&ids));
    }
}

/// Ids as they are read: `LS-001 to LS-003, LS-007`.
fn ranges(ids: &[&str]) -> String {
    let split = |id: &str| id.rsplit_once('-').and_then(|(name, n)| Some((name.to_owned(), n.parse::<usize>().ok()?)));
    let mut ranges: Vec<(&str, &str)> = Vec::new();
    for id in ids {
        let follows = |last: &str| match (split(last), split(id)) {
            (Some((last, n)), Some((name, own))) => last == name && own == n + 1,
            _ => false,
        };
        match ranges.last_mut() {
            Some((_, last)) if follows(last) => *last = id,
            _ => ranges.push((id, id)),
        }
    }
    let told = ranges.iter().map(|(first, last)| {
        let n_between = split(last).zip(split(first)).map_or(0, |(last, first)| last.1 - first.1);
        match n_between {
            0 => (*first).to_owned(),
            1 => format!("{first}, {last}"),
            _ => format!("{first} to {last}"),
        }
    });
    told.collect::<Vec<_>>().join(", ")
}

const HEAD: &str = "\
# Statement of conformance

What `oc2-consumer` and `oc2-producer` do, clause by clause, as `cargo xtask conformance` sees it from the network. Written by
`cargo xtask conformance --statement` from runs against them; a test fails when a run and this file differ. Rows are those of the
checklists in `tests/clauses`.

A claim is possible for Language Specification 1.0, SLPF 1.0, HTTPS 1.1, MQTT 1.0 and Architecture 1.0; later texts are drafts.
";

const CONSUMER: &str = "Over HTTP, with all that it can and with as little as it may, and over MQTT, on a filter that changes nothing; and in the kernel, \
     where packets show what rules do.";

const PRODUCER: &str = "What a list of its commands puts on the wire, over HTTP and over MQTT.";

const UNSEEN: &str = "Tests of the parts look at most of these: `cargo xtask clauses`.\n\n";

const TABLE: &str = "\
| | Clause | Verdict | met | not met | partly | not exercised | not seen |
|---|---|---|---|---|---|---|---|
";

const OPEN: &str = "
## What the standard leaves open

The ids are those of `DECISIONS.md`, which has the reasons.

| | Open | What ours does |
|---|---|---|
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_follow_each_other_are_a_range() {
        assert_eq!(ranges(&["A-1", "A-2", "A-3", "A-5", "A-6", "B-7"]), "A-1 to A-3, A-5, A-6, B-7");
    }
}
