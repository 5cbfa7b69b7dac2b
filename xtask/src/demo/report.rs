//! What the person at the terminal reads: numbered steps, what was expected, what was observed.

use std::fmt::Display;

use serde_json::Value;

/// The story so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    n_steps: usize,
    n_checks: usize,
    n_failed: usize,
}

impl Report {
    /// Begins a step.
    pub(crate) fn step(&mut self, title: impl Display) {
        self.n_steps += 1;
        println!("\n{:>2}. {title}", self.n_steps);
    }

    /// Shows a command line.
    pub(crate) fn command(&self, line: impl Display) {
        println!("    $ {line}");
    }

    /// Shows what something printed or contains.
    pub(crate) fn text(&self, text: &str) {
        for line in text.lines() {
            println!("{}", format!("    {line}").trim_end());
        }
    }

    /// Compares what was observed with what was expected, and says so.
    pub(crate) fn check(&mut self, subject: impl Display, expected: impl Display, observed: impl Display, ok: bool) {
        self.n_checks += 1;
        self.n_failed += usize::from(!ok);
        let verdict = if ok { "ok    " } else { "FAILED" };
        println!("    {verdict}  {subject:<28} expected: {expected:<18} observed: {observed}");
    }

    /// Whether everything observed so far was as expected.
    pub(crate) fn is_good(&self) -> bool {
        self.n_failed == 0
    }

    /// The last line; the story may have ended early.
    pub(crate) fn summary(&self, is_complete: bool) -> String {
        let Self { n_steps, n_checks, n_failed } = self;
        let effects = format!("{} of {n_checks} effects as expected", n_checks - n_failed);
        match (is_complete, n_failed) {
            (true, 0) => format!("Demo ok: {n_steps} steps, {effects}"),
            (true, _) => format!("Demo FAILED: {n_steps} steps, {effects}"),
            (false, _) => format!("Demo FAILED, stopped at step {n_steps}: {effects} until then"),
        }
    }
}

/// JSON for people: what fits on a line stays on it, as it came; the rest is broken where it has to be.
pub(crate) fn tidy_json(text: &str, value: &Value) -> String {
    let text = text.trim_end();
    if text.len() <= WIDTH && !text.contains('\n') {
        return text.to_owned();
    }
    let mut tidy = String::new();
    write_tidy(&mut tidy, value, 0, 0);
    tidy
}

fn write_tidy(text: &mut String, value: &Value, indent: usize, used: usize) {
    let compact = value.to_string();
    if used + compact.len() <= WIDTH {
        return text.push_str(&compact);
    }
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (format!("{}: ", Value::from(name.as_str())), value));
            write_lines(text, ['{', '}'], members, indent);
        }
        Value::Array(items) => write_lines(text, ['[', ']'], items.iter().map(|item| (String::new(), item)), indent),
        _ => text.push_str(&compact),
    }
}

fn write_lines<'a>(
    text: &mut String,
    [open, close]: [char; 2],
    members: impl Iterator<Item = (String, &'a Value)>,
    indent: usize,
) {
    text.push(open);
    for (n, (label, value)) in members.enumerate() {
        text.push_str(if n == 0 { "\n" } else { ",\n" });
        text.push_str(&" ".repeat(indent + 2));
        text.push_str(&label);
        write_tidy(text, value, indent + 2, indent + 2 + label.len());
    }
    text.push('\n');
    text.push_str(&" ".repeat(indent));
    text.push(close);
}

const WIDTH: usize = 110;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_that_fits_on_a_line_is_shown_as_it_came() {
        let text = r#"{"status":200,"results":{}}"#;
        assert_eq!(tidy_json(&format!("{text}\n"), &serde_json::from_str(text).unwrap()), text);
    }

    #[test]
    fn json_that_does_not_fit_is_broken_where_it_has_to_be() {
        // In the order of the alphabet, so that it is the same whether or not some crate of the build has serde_json keep the order.
        let value = json!({"long": "x".repeat(WIDTH), "short": [1, 2]});
        let expected = format!("{{\n  \"long\": {},\n  \"short\": [1,2]\n}}", value["long"]);
        assert_eq!(tidy_json(&value.to_string(), &value), expected);
    }

    #[test]
    fn a_story_that_ended_early_is_no_success() {
        assert_eq!(
            Report::default().summary(false),
            "Demo FAILED, stopped at step 0: 0 of 0 effects as expected until then"
        );
    }

    #[test]
    fn one_failed_check_fails_the_report() {
        let mut report = Report::default();
        report.check("ping", "passes", "passes", true);
        assert!(report.is_good());
        report.check("ping", "passes", "blocked", false);
        assert!(!report.is_good());
        assert_eq!(report.summary(true), "Demo FAILED: 0 steps, 1 of 2 effects as expected");
    }
}
