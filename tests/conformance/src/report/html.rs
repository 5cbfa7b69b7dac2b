//! For people: one page, with nothing from anywhere else.

use std::fmt::Write as _;

use super::Report;
use crate::class::Sum;
use crate::clause::SPECIFICATIONS;
use crate::exchange::show;
use crate::verdict::{Fault, Outcome, Verdict};

pub(super) fn render(report: &Report) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>OpenC2 conformance of {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
        escape(&report.subject)
    );
    head(&mut page, report);
    filter(&mut page, report);
    summary(&mut page, report);
    failures(&mut page, report);
    for (short, name) in SPECIFICATIONS {
        specification(&mut page, report, short, name);
    }
    page += FOOT;
    page
}

fn head(page: &mut String, report: &Report) {
    let side = match report.role {
        crate::clause::Role::Consumer => "Consumer",
        crate::clause::Role::Producer => "Producer",
    };
    let n_not_met = report.count(Verdict::NotMet);
    let verdict = match n_not_met {
        0 => "Nothing that was seen breaks the standard.".to_owned(),
        1 => "One row is not met.".to_owned(),
        n => format!("{n} rows are not met."),
    };
    let _ = write!(
        page,
        "<header>\n<p class=\"over\">OpenC2 conformance · {side}</p>\n<h1>{}</h1>\n<p class=\"verdict {}\">{verdict}</p>\n",
        escape(&report.subject),
        if n_not_met == 0 { "met" } else { "not-met" }
    );
    let total = report.outcomes.len().max(1);
    *page += "<div class=\"bar\" aria-hidden=\"true\">";
    for verdict in VERDICTS {
        let share = report.count(verdict) * 1000 / total;
        if share > 0 {
            let _ = write!(page, "<span class=\"{}\" style=\"flex:{share}\"></span>", class(verdict));
        }
    }
    *page += "</div>\n</header>\n";
}

/// What is shown of the page: the page itself does that, without a script.
fn filter(page: &mut String, report: &Report) {
    *page += "<fieldset class=\"filter\"><legend>Show</legend>\n";
    for verdict in VERDICTS {
        let _ = writeln!(
            page,
            "<label class=\"{0}\"><input type=\"checkbox\" id=\"show-{0}\" checked> <b>{1}</b> {2}</label>",
            class(verdict),
            report.count(verdict),
            verdict.name()
        );
    }
    *page +=
        "<label class=\"must\"><input type=\"checkbox\" id=\"only-must\"> mandatory rows alone</label>\n</fieldset>\n";
}

fn summary(page: &mut String, report: &Report) {
    *page += "<h2>Conformance clauses</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th></th><th>Clause</th><th></th>\
              <th>Verdict</th><th class=\"n\">met</th><th class=\"n\">not met</th><th class=\"n\">partly</th>\
              <th class=\"n\">skipped</th><th class=\"n\">not observable</th></tr></thead>\n<tbody>\n";
    for (own, Sum { verdict, counts }) in report.classes() {
        let _ = write!(
            page,
            "<tr class=\"{3}\"><td>{0}</td><td>{1}</td><td>{2}</td><td><span class=\"tag {3}\">{4}</span></td>",
            own.specification,
            own.section,
            escape(own.name),
            class(verdict),
            verdict.name()
        );
        for n in counts {
            let _ = write!(page, "<td class=\"n{}\">{n}</td>", if n == 0 { " none" } else { "" });
        }
        *page += "</tr>\n";
    }
    *page += "</tbody>\n</table></div>\n<p class=\"note\">A clause is <i>met</i> when all of its rows that can be seen are, \
              <i>partly</i> when a recommendation is not followed or a row could not be exercised, and <i>not met</i> when a \
              row that is mandatory is not met. Optional clauses that a subject does not claim are <i>skipped</i>.</p>\n";
}

fn failures(page: &mut String, report: &Report) {
    let failed: Vec<_> = report.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::NotMet).collect();
    if failed.is_empty() {
        return;
    }
    let _ = writeln!(page, "<h2>Not met</h2>");
    for outcome in failed {
        let row = outcome.row;
        let _ = write!(
            page,
            "<details class=\"failure not-met{6}\" id=\"{0}\"><summary><span class=\"id\">{0}</span> <span class=\"level\">{1}</span> \
             {2}</summary>\n<div class=\"inside\"><p class=\"where\">{3}, section {4}{5}</p>\n",
            row.id,
            row.level,
            escape(row.requirement),
            full_name(row.specification()),
            escape(row.section),
            if outcome.n_faults > 1 { format!(" · seen {} times", outcome.n_faults) } else { String::new() },
            optional(outcome)
        );
        for reason in &outcome.reasons {
            let _ = writeln!(page, "<p>{}</p>", escape(reason));
        }
        for own in &outcome.faults {
            fault(page, own);
        }
        *page += "</div></details>\n";
    }
}

fn fault(page: &mut String, fault: &Fault) {
    let _ = write!(
        page,
        "<section><h3>{}</h3>\n<dl><dt>Expected</dt><dd>{}</dd><dt>Seen</dt><dd>{}</dd></dl>\n",
        escape(&fault.point),
        escape(&fault.expected),
        escape(&fault.told)
    );
    for (name, octets) in [("Sent", &fault.exchange.sent), ("Received", &fault.exchange.received)] {
        if !octets.is_empty() {
            let _ = writeln!(page, "<h4>{name}</h4>\n<pre>{}</pre>", escape(&show(octets)));
        }
    }
    *page += "</section>\n";
}

fn specification(page: &mut String, report: &Report, short: &str, name: &str) {
    let own: Vec<_> = report.outcomes.iter().filter(|outcome| outcome.row.specification() == short).collect();
    if own.is_empty() {
        return;
    }
    let _ = write!(page, "<details class=\"specification\"><summary><h2>{}</h2> ", escape(name));
    for verdict in VERDICTS {
        let n = own.iter().filter(|outcome| outcome.verdict == verdict).count();
        if n > 0 {
            let _ = write!(page, "<span class=\"tag {}\">{n} {}</span> ", class(verdict), verdict.name());
        }
    }
    *page += "</summary>\n<div class=\"scroll\"><table class=\"rows\"><thead><tr><th>Row</th><th>Section</th><th>Level</th>\
              <th>Verdict</th><th>What it asks for</th></tr></thead><tbody>\n";
    for outcome in own {
        row(page, outcome);
    }
    *page += "</tbody></table></div></details>\n";
}

fn row(page: &mut String, outcome: &Outcome) {
    let own = outcome.row;
    let id = if outcome.verdict == Verdict::NotMet {
        format!("<a href=\"#{0}\">{0}</a>", own.id)
    } else {
        own.id.to_owned()
    };
    let mut notes = outcome.reasons.iter().map(|reason| escape(reason)).collect::<Vec<_>>().join("<br>");
    if outcome.verdict == Verdict::Met && outcome.n_seen > 0 {
        let times = if outcome.n_seen == 1 { "once".to_owned() } else { format!("{} times", outcome.n_seen) };
        notes = [format!("Seen {times}."), notes].join(" ");
    }
    let _ = writeln!(
        page,
        "<tr class=\"{0}{1}\"><td class=\"id\">{id}</td><td>{2}</td><td class=\"level\">{3}</td>\
         <td><span class=\"tag {0}\">{4}</span></td><td>{5}<div class=\"note\">{notes}</div></td></tr>",
        class(outcome.verdict),
        optional(outcome),
        escape(own.section),
        own.level,
        outcome.verdict.name(),
        escape(own.requirement)
    );
}

/// For the filter: rows that only recommend or permit.
fn optional(outcome: &Outcome) -> &'static str {
    if outcome.row.is_mandatory() { "" } else { " optional" }
}

fn full_name(short: &str) -> &'static str {
    SPECIFICATIONS.iter().find(|(own, _)| *own == short).map_or("", |(_, name)| name)
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "met",
        Verdict::NotMet => "not-met",
        Verdict::Partly => "partly",
        Verdict::Skipped => "skipped",
        Verdict::NotObservable => "unseen",
    }
}

/// Nothing of what a subject has sent is markup.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const VERDICTS: [Verdict; 5] =
    [Verdict::NotMet, Verdict::Partly, Verdict::Met, Verdict::Skipped, Verdict::NotObservable];

const FOOT: &str = "<footer><p>Made by <code>cargo xtask conformance</code>. What cannot be seen from the network is listed with \
                    the reason; a row that is met is met as far as it was looked at.</p></footer>\n</main>\n</body>\n</html>\n";

const STYLE: &str = include_str!("page.css");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_subject_sends_is_no_markup() {
        assert_eq!(escape("<script>\"&"), "&lt;script&gt;&quot;&amp;");
    }
}
