//! Tests that a document names exist: `path/to/file.rs::name`, in back ticks.

use std::path::Path;

use super::Finding;

/// Checks a document; `read` gives the text of a file of the workspace, if there is one.
pub(super) fn check(document: &Path, text: &str, read: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut n_named = 0;
    for (index, line) in text.lines().enumerate() {
        for (file, name) in named(line) {
            n_named += 1;
            if !read(file).is_some_and(|text| has_test(&text, name)) {
                findings.push(Finding::error(document, index + 1, format!("there is no test `{file}::{name}`")));
            }
        }
    }
    if n_named == 0 {
        findings.push(Finding::error(document, 1, "no test is named here"));
    }
    findings
}

/// What stands in back ticks and looks like a test.
fn named(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let quoted = line.split('`').skip(1).step_by(2);
    quoted.filter_map(|text| text.split_once("::").filter(|(file, _)| file.ends_with(".rs")))
}

/// Whether there is a function of this name below an attribute for tests.
fn has_test(text: &str, name: &str) -> bool {
    let is_it = |line: &str| {
        let line = line.trim_start();
        let rest = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "));
        rest.and_then(|rest| rest.strip_prefix(name)).is_some_and(|rest| rest.starts_with('('))
    };
    let lines: Vec<_> = text.lines().collect();
    let above = |index: usize| lines[..index].iter().rev().map(|line| line.trim_start());
    let is_test = |index| {
        above(index)
            .take_while(|line| line.starts_with("#[") || line.starts_with("//") || line.starts_with(')'))
            .any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    };
    (0..lines.len()).any(|index| is_it(lines[index]) && is_test(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "#[test]\n// Why.\nfn one() {}\n\n#[tokio::test(start_paused = true)]\nasync fn two() {}\n\nfn three() {}\n";

    fn findings(text: &str) -> Vec<String> {
        let read = |file: &str| (file == "tests/a.rs").then(|| FILE.to_owned());
        check(Path::new("A.md"), text, read).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn tests_that_exist_are_found() {
        assert!(findings("| x | `tests/a.rs::one`, `tests/a.rs::two` |").is_empty());
    }

    #[test]
    fn what_is_no_test_or_in_no_file_is_told_with_its_line() {
        let text = "`tests/a.rs::one`\n`tests/a.rs::three` `tests/a.rs::on` `tests/b.rs::one` `Slpf::deny`";
        let expected = ["tests/a.rs::three", "tests/a.rs::on", "tests/b.rs::one"];
        assert_eq!(findings(text), expected.map(|test| format!("A.md:2: error: there is no test `{test}`")));
    }

    #[test]
    fn a_document_that_names_none_is_told() {
        assert_eq!(findings("# Security"), ["A.md:1: error: no test is named here"]);
    }
}
