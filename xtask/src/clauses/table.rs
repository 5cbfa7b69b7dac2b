//! The checklists, and the list of what is not ours to answer.

use std::collections::BTreeMap;

/// One checklist.
#[derive(Debug)]
pub(crate) struct Table {
    /// The name of its file and the beginning of its ids.
    pub(crate) name: &'static str,
    /// What each id demands.
    pub(crate) rows: BTreeMap<String, String>,
}

impl Table {
    /// Reads a checklist: a header row, then rows with an id and a requirement.
    ///
    /// # Errors
    ///
    /// The line and what is wrong with it.
    pub(crate) fn read(name: &'static str, text: &str) -> Result<Self, (usize, String)> {
        let mut rows = BTreeMap::new();
        let requirement = column(text, "requirement").ok_or((1, "no column `requirement`".to_owned()))?;
        for (line, cells) in data(text) {
            let (id, Some(requirement)) = (cells[0], cells.get(requirement)) else {
                return Err((line, "the row is too short".to_owned()));
            };
            if id.strip_prefix(name).and_then(|rest| rest.strip_prefix('-')).is_none_or(|number| number.len() != 3) {
                return Err((line, format!("`{id}` is no id of this file")));
            }
            if rows.insert(id.to_owned(), (*requirement).to_owned()).is_some() {
                return Err((line, format!("{id} stands twice")));
            }
        }
        Ok(Self { name, rows })
    }
}

/// Reads the list of what is not ours to answer: a header row, then rows with an id and a reason.
///
/// # Errors
///
/// The line and what is wrong with it.
pub(crate) fn not_applicable(text: &str) -> Result<BTreeMap<String, usize>, (usize, String)> {
    let mut listed = BTreeMap::new();
    for (line, cells) in data(text) {
        let [id, reason] = cells[..] else {
            return Err((line, "not an id, a tab and a reason".to_owned()));
        };
        if reason.trim().is_empty() {
            return Err((line, format!("{id} has no reason")));
        }
        if listed.insert(id.to_owned(), line).is_some() {
            return Err((line, format!("{id} stands twice")));
        }
    }
    Ok(listed)
}

/// The position of a column.
pub(crate) fn column(text: &str, name: &str) -> Option<usize> {
    text.lines().next()?.split('\t').position(|known| known == name)
}

/// The rows below the header, with their lines.
pub(crate) fn data(text: &str) -> impl Iterator<Item = (usize, Vec<&str>)> {
    let rows = text.lines().enumerate().skip(1).filter(|(_, row)| !row.is_empty());
    rows.map(|(n, row)| (n + 1, row.split('\t').collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checklist_has_an_id_and_a_requirement_in_each_row() {
        let table = Table::read("LS", "id\tlevel\trequirement\nLS-001\tMUST\tA is B.\n").unwrap();
        assert_eq!(table.rows["LS-001"], "A is B.");
        for (text, line) in [
            ("id\tlevel\n", 1),
            ("id\trequirement\nLS-001\n", 2),
            ("id\trequirement\nLS-001\ta\nSLPF-001\tb\n", 3),
            ("id\trequirement\nLS-001\ta\nLS-001\tb\n", 3),
        ] {
            assert_eq!(Table::read("LS", text).unwrap_err().0, line, "{text}");
        }
    }

    #[test]
    fn what_is_not_applicable_has_a_reason() {
        assert_eq!(not_applicable("id\treason\nLS-001\tbecause\n").unwrap()["LS-001"], 2);
        for text in ["LS-001", "LS-001\t", "LS-001\t ", "LS-001\ta\tb", "LS-001\ta\nLS-001\tb"] {
            not_applicable(&format!("id\treason\n{text}\n")).unwrap_err();
        }
    }
}
