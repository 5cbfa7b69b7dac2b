//! To come.

use super::Report;

pub(super) fn render(report: &Report) -> String {
    report.subject.clone()
}
