//! For a terminal.

use std::fmt::Write as _;
use std::io::{IsTerminal, stdout};

use super::Report;
use crate::exchange::show;
use crate::verdict::{Outcome, Verdict};

/// A table of the clauses, and what is not met.
pub(super) fn render(report: &Report, is_verbose: bool) -> String {
    let paint = Paint { is_on: stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() };
    let mut text = String::new();
    for outcome in &report.outcomes {
        if outcome.verdict == Verdict::NotMet {
            fault(&mut text, outcome, &paint);
        } else if is_verbose {
            let reason = outcome.reasons.join(" ");
            let _ = writeln!(text, "{:<10} {} {reason}", outcome.row.id, paint.verdict(outcome.verdict, 14));
        }
    }
    classes(&mut text, report, &paint);
    let count = |verdict: Verdict| format!("{} {}", report.count(verdict), verdict.name());
    let all = [Verdict::Met, Verdict::NotMet, Verdict::Partly, Verdict::Skipped, Verdict::NotObservable].map(count);
    let _ = writeln!(text, "\n{} rows against {}: {}", report.outcomes.len(), report.subject, all.join(", "));
    text
}

fn classes(text: &mut String, report: &Report, paint: &Paint) {
    let header = format!("{:<6} {:<7} {:<44} {:<15} {:>4} {:>7}", "", "clause", "", "", "met", "not met");
    let _ = writeln!(text, "{header} {:>6} {:>7} {:>8}", "partly", "skipped", "not obs.");
    for (class, sum) in report.classes() {
        let [met, not_met, partly, skipped, unseen] = sum.counts;
        let name: String = class.name.chars().take(44).collect();
        let verdict = paint.verdict(sum.verdict, 15);
        let _ = writeln!(
            text,
            "{:<6} {:<7} {name:<44} {verdict} {met:>4} {not_met:>7} {partly:>6} {skipped:>7} {unseen:>8}",
            class.specification, class.section
        );
    }
}

fn fault(text: &mut String, outcome: &Outcome, paint: &Paint) {
    let row = outcome.row;
    let verdict = paint.verdict(Verdict::NotMet, 0);
    let _ = writeln!(text, "{} {verdict} ({} {}, {})", row.id, row.specification(), row.section, row.level);
    let _ = writeln!(text, "  {}", row.requirement);
    for reason in &outcome.reasons {
        let _ = writeln!(text, "  {reason}");
    }
    for fault in &outcome.faults {
        let _ = writeln!(text, "  * {}\n    expected: {}\n    seen:     {}", fault.point, fault.expected, fault.told);
    }
    if let Some(fault) = outcome.faults.first() {
        for (name, octets) in [("sent", &fault.exchange.sent), ("received", &fault.exchange.received)] {
            let shown = show(octets);
            let lines: Vec<_> =
                shown.lines().take(LINES).map(|line| line.chars().take(COLUMNS).collect::<String>()).collect();
            let _ = writeln!(text, "    {name}:\n      | {}", lines.join("\n      | "));
        }
    }
    if outcome.n_faults > outcome.faults.len() {
        let _ = writeln!(text, "    {} times in all", outcome.n_faults);
    }
    text.push('\n');
}

struct Paint {
    is_on: bool,
}

impl Paint {
    fn verdict(&self, verdict: Verdict, width: usize) -> String {
        let name = format!("{:<width$}", verdict.name());
        let color = match verdict {
            Verdict::Met => 32,
            Verdict::NotMet => 31,
            Verdict::Partly => 33,
            Verdict::Skipped | Verdict::NotObservable => 2,
        };
        if self.is_on { format!("\x1b[{color}m{name}\x1b[0m") } else { name }
    }
}

const LINES: usize = 24;
const COLUMNS: usize = 400;
