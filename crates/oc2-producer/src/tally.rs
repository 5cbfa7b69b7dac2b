//! Who answered what: counted, in words, and as a table.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table, presets};
use oc2_core::StatusCode;
use oc2_producer::Received;

use crate::render::Plain;

/// Who answered what so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    expected: Option<usize>,
    /// The latest of each Consumer.
    answers: BTreeMap<Option<String>, Answer>,
    /// Answers that are no Responses.
    n_unreadable: usize,
}

#[derive(Clone, Copy, Debug)]
struct Answer {
    status: StatusCode,
    is_final: bool,
}

impl Tally {
    pub(crate) fn new(expected: Option<usize>) -> Self {
        Self { expected, ..Self::default() }
    }

    /// Counts a Response.
    pub(crate) fn count(&mut self, received: &Received) {
        self.set(received.from(), received.response.status, received.is_final);
    }

    fn set(&mut self, from: Option<&str>, status: StatusCode, is_final: bool) {
        self.answers.insert(from.map(str::to_owned), Answer { status, is_final });
    }

    /// Counts an answer that is no Response.
    pub(crate) fn count_unreadable(&mut self) {
        self.n_unreadable += 1;
    }

    pub(crate) fn n_answered(&self) -> usize {
        self.answers.len()
    }

    /// Whether somebody answered with another status than success.
    pub(crate) fn has_failures(&self) -> bool {
        self.answers.values().any(|answer| !answer.status.is_success())
    }

    /// Whether everybody answered who was expected, or somebody where nobody knows how many; and nothing came that is no
    /// Response.
    pub(crate) fn is_whole(&self) -> bool {
        match self.expected {
            Some(expected) => self.n_answered() >= expected,
            None => self.n_answered() > 0 && self.n_unreadable == 0,
        }
    }

    /// Whether something came that is no Response.
    pub(crate) fn has_unreadable(&self) -> bool {
        self.n_unreadable > 0
    }

    /// `3 of 10 answered`, and what else there is to say, with the time behind it.
    pub(crate) fn words(&self, time: &str) -> String {
        let n_interim = self.answers.values().filter(|answer| !answer.is_final).count();
        let mut words = match (self.n_answered(), self.expected) {
            (0, None) => format!("nobody answered {time}"),
            (0, Some(1)) => format!("no answer {time}"),
            (0, Some(expected)) => format!("none of {expected} answered {time}"),
            (n, Some(expected)) if n <= expected => format!("{n} of {expected} answered {time}"),
            (n, Some(expected)) => format!("{n} answered {time} where {expected} were expected"),
            (1, None) => format!("1 Consumer answered {time}"),
            (n, None) => format!("{n} Consumers answered {time}"),
        };
        match n_interim {
            0 => {}
            1 => words.push_str(", 1 of them is still at it"),
            n => words.push_str(&format!(", {n} of them are still at it")),
        }
        match self.n_unreadable {
            0 => {}
            1 => words.push_str("; 1 answer was no Response"),
            n => words.push_str(&format!("; {n} answers were no Responses")),
        }
        words
    }

    /// How many answered with which status, and who.
    pub(crate) fn table(&self) -> String {
        let mut by_status = BTreeMap::<_, (Answer, Vec<String>)>::new();
        for (from, answer) in &self.answers {
            let key = (answer.status.as_u16(), answer.is_final);
            by_status.entry(key).or_insert((*answer, Vec::new())).1.push(name(from.as_deref()));
        }
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_header(["STATUS", "COUNT", "WHO"]);
        for (answer, names) in by_status.values() {
            table.add_row([headline(*answer), names.len().to_string(), abbreviated(names)]);
        }
        let n_missing = self.expected.unwrap_or_default().saturating_sub(self.n_answered());
        if n_missing > 0 {
            table.add_row(["no answer".to_owned(), n_missing.to_string(), String::new()]);
        }
        for (column, padding) in table.column_iter_mut().zip([(0, 2), (0, 2), (0, 0)]) {
            column.set_padding(padding);
        }
        if let Some(count) = table.column_mut(1) {
            count.set_cell_alignment(CellAlignment::Right);
        }
        table.trim_fmt()
    }
}

/// A name that cannot steer a terminal.
pub(crate) fn name(from: Option<&str>) -> String {
    from.map_or("a Consumer without a name".to_owned(), |from| Plain(from).to_string())
}

fn headline(Answer { status, is_final }: Answer) -> String {
    let more = if is_final { "" } else { ", still at it" };
    format!("{} {status}{more}", status.as_u16())
}

/// As many names as fit, at least one.
fn abbreviated(names: &[String]) -> String {
    let mut text = String::new();
    for (n, name) in names.iter().enumerate() {
        let separator = if n == 0 { "" } else { ", " };
        if n > 0 && text.chars().count() + separator.len() + name.chars().count() > WHO {
            return format!("{text} and {} more", names.len() - n);
        }
        text.push_str(separator);
        text.push_str(name);
    }
    text
}

/// How much of a line names may take.
const WHO: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(expected: Option<usize>, answers: &[(&str, StatusCode, bool)]) -> Tally {
        let mut tally = Tally::new(expected);
        answers.iter().for_each(|(from, status, is_final)| tally.set(Some(from), *status, *is_final));
        tally
    }

    fn ok(names: &[&'static str]) -> Vec<(&'static str, StatusCode, bool)> {
        names.iter().map(|name| (*name, StatusCode::Ok, true)).collect()
    }

    fn says(tally: &Tally, expected: &str) {
        assert_eq!(tally.words("within 5 s"), expected);
    }

    #[test]
    fn what_happened_is_said_in_words() {
        says(&tally(None, &[]), "nobody answered within 5 s");
        says(&tally(Some(1), &[]), "no answer within 5 s");
        says(&tally(Some(3), &[]), "none of 3 answered within 5 s");
        says(&tally(Some(10), &ok(&["a", "b", "c"])), "3 of 10 answered within 5 s");
        says(&tally(None, &ok(&["a"])), "1 Consumer answered within 5 s");
        says(&tally(None, &ok(&["a", "b"])), "2 Consumers answered within 5 s");
        let busy = [("a", StatusCode::Processing, false), ("b", StatusCode::Ok, true)];
        says(&tally(Some(2), &busy), "2 of 2 answered within 5 s, 1 of them is still at it");
        says(&tally(Some(1), &busy), "2 answered within 5 s where 1 were expected, 1 of them is still at it");
        let mut noisy = tally(None, &ok(&["a"]));
        noisy.count_unreadable();
        says(&noisy, "1 Consumer answered within 5 s; 1 answer was no Response");
    }

    #[test]
    fn the_latest_answer_of_a_consumer_counts() {
        let answers = [("a", StatusCode::Processing, false), ("a", StatusCode::NotFound, true)];
        let tally = tally(Some(1), &answers);
        assert!(tally.is_whole() && tally.has_failures() && tally.n_answered() == 1, "{tally:?}");
    }

    #[test]
    fn everybody_who_is_expected_has_to_answer() {
        assert!(!tally(None, &[]).is_whole());
        assert!(tally(None, &ok(&["a"])).is_whole());
        assert!(!tally(Some(2), &ok(&["a"])).is_whole());
        assert!(tally(Some(2), &ok(&["a", "b"])).is_whole());
    }

    #[test]
    fn a_table_sums_up() {
        let mut answers = ok(&["fw3", "fw1", "fw2\u{1b}"]);
        answers.push(("fw4", StatusCode::NotImplemented, true));
        answers.push(("fw5", StatusCode::Processing, false));
        let expected = "\
STATUS                       COUNT  WHO
102 Processing, still at it      1  fw5
200 OK                           3  fw1, fw2\\u{1b}, fw3
501 Not Implemented              1  fw4
no answer                        2";
        assert_eq!(tally(Some(7), &answers).table(), expected);
    }

    #[test]
    fn many_names_are_abbreviated() {
        let names = (0..100).map(|n| format!("firewall{n:02}")).collect::<Vec<_>>();
        assert_eq!(abbreviated(&names), "firewall00, firewall01, firewall02, firewall03 and 96 more");
        assert_eq!(abbreviated(&["x".repeat(60), "y".to_owned()]), format!("{} and 1 more", "x".repeat(60)));
        assert_eq!(abbreviated(&names[..2]), "firewall00, firewall01");
    }
}
