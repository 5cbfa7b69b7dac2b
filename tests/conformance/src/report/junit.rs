//! For continuous integration: JUnit XML.

use std::fmt::Write as _;

use super::Report;
use crate::clause::SPECIFICATIONS;
use crate::exchange::show;
use crate::verdict::{Outcome, Verdict};

pub(super) fn render(report: &Report) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let count = |outcomes: &[&Outcome], is_suite: bool| {
        let of = |is_it: &dyn Fn(Verdict) -> bool| outcomes.iter().filter(|outcome| is_it(outcome.verdict)).count();
        let n_failed = of(&|verdict| verdict == Verdict::NotMet);
        let n_skipped = of(&|verdict| matches!(verdict, Verdict::Skipped | Verdict::NotObservable));
        format!(
            "tests=\"{}\" failures=\"{n_failed}\" errors=\"0\"{}",
            outcomes.len(),
            if is_suite { format!(" skipped=\"{n_skipped}\"") } else { String::new() }
        )
    };
    let all: Vec<_> = report.outcomes.iter().collect();
    let _ = writeln!(
        text,
        "<testsuites name=\"OpenC2 conformance of {}\" {}>",
        escape(&report.subject),
        count(&all, false)
    );
    for (short, name) in SPECIFICATIONS {
        let own: Vec<_> = report.outcomes.iter().filter(|outcome| outcome.row.specification() == short).collect();
        if own.is_empty() {
            continue;
        }
        let _ = writeln!(text, "  <testsuite name=\"{}\" {}>", escape(name), count(&own, true));
        for outcome in own {
            case(&mut text, outcome);
        }
        text += "  </testsuite>\n";
    }
    text + "</testsuites>\n"
}

fn case(text: &mut String, outcome: &Outcome) {
    let row = outcome.row;
    let name = escape(&format!("{} {}", row.id, row.requirement));
    let _ = write!(text, "    <testcase classname=\"{}.{}\" name=\"{name}\"", row.specification(), escape(row.section));
    match outcome.verdict {
        Verdict::Met | Verdict::Partly => *text += "/>\n",
        Verdict::Skipped | Verdict::NotObservable => {
            let reason = escape(&format!("{}: {}", outcome.verdict.name(), outcome.reasons.join(" ")));
            let _ = writeln!(text, "><skipped message=\"{reason}\"/></testcase>");
        }
        Verdict::NotMet => {
            *text += ">\n";
            for fault in &outcome.faults {
                let message = escape(&format!("{}: expected {}, seen {}", fault.point, fault.expected, fault.told));
                let exchange = format!("{}\n\n{}", show(&fault.exchange.sent), show(&fault.exchange.received));
                let _ = writeln!(text, "      <failure message=\"{message}\">{}</failure>", escape(&exchange));
            }
            if outcome.faults.is_empty() {
                let _ = writeln!(text, "      <failure message=\"{}\"/>", escape(&outcome.reasons.join(" ")));
            }
            *text += "    </testcase>\n";
        }
    }
}

/// XML 1.0 has no words for most control characters.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\n' | '\t' => escaped.push(c),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_say_is_replaced() {
        assert_eq!(escape("a<b>&\"\u{0}\u{ffff}\n"), "a&lt;b&gt;&amp;&quot;\u{fffd}\u{fffd}\n");
    }
}
