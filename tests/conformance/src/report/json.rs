//! For programs.

use serde_json::{Value, json};

use super::Report;
use crate::exchange::show;
use crate::verdict::Outcome;

pub(super) fn render(report: &Report) -> String {
    let classes = report.classes().into_iter().map(|(class, sum)| {
        let [met, not_met, partly, skipped, not_observable] = sum.counts;
        json!({
            "specification": class.specification, "section": class.section, "name": class.name,
            "verdict": sum.verdict.name(), "met": met, "not_met": not_met, "partly": partly, "skipped": skipped,
            "not_observable": not_observable
        })
    });
    let classes: Vec<Value> = classes.collect();
    let rows: Vec<_> = report.outcomes.iter().map(row).collect();
    let report = json!({"subject": report.subject, "is_met": report.is_met(), "clauses": classes, "rows": rows});
    format!("{report:#}\n")
}

fn row(outcome: &Outcome) -> Value {
    let faults = outcome.faults.iter().map(|fault| {
        json!({
            "point": fault.point, "expected": fault.expected, "seen": fault.told,
            "sent": show(&fault.exchange.sent), "received": show(&fault.exchange.received)
        })
    });
    let faults: Vec<_> = faults.collect();
    let row = outcome.row;
    json!({
        "id": row.id, "section": row.section, "level": row.level, "requirement": row.requirement,
        "verdict": outcome.verdict.name(), "reasons": outcome.reasons, "n_seen": outcome.n_seen,
        "n_faults": outcome.n_faults, "faults": faults
    })
}
