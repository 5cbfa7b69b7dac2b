//! The rows of the checklists: what the standards demand, and of whom.

use std::sync::LazyLock;

/// A demand of a standard.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) section: &'static str,
    pub(crate) level: &'static str,
    pub(crate) binds: Binds,
    /// The demand in one sentence.
    pub(crate) requirement: &'static str,
}

/// Whom a demand binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binds {
    Both,
    Producer,
    Consumer,
    /// Whoever writes or reads messages.
    Encoding,
    Broker,
}

/// Which side of an exchange is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Consumer,
    Producer,
}

impl Row {
    /// Whether not to do so breaks the standard; else it only deviates from a recommendation.
    pub(crate) fn is_mandatory(&self) -> bool {
        self.level.starts_with("MUST")
    }

    /// Whether it is a permission, which nobody can break.
    pub(crate) fn is_permission(&self) -> bool {
        self.level == "MAY"
    }

    /// The short name of the specification.
    pub(crate) fn specification(&self) -> &'static str {
        self.id.split('-').next().unwrap_or(self.id)
    }

    /// Whether it stands in this section or below it; `4.1` is not below `4.1.1`, nor `4.10` below `4.1`.
    pub(crate) fn is_in(&self, section: &str) -> bool {
        let own = self.section.split([' ', ',']).next().unwrap_or_default();
        own.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
    }
}

/// Every row, in the order of the checklists.
pub(crate) fn rows() -> &'static [Row] {
    static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| CHECKLISTS.iter().flat_map(|(_, text)| read(text)).collect());
    &ROWS
}

/// The row of this id.
pub(crate) fn row(id: &str) -> Option<&'static Row> {
    rows().iter().find(|row| row.id == id)
}

/// The specifications: short name, and name in full.
pub(crate) const SPECIFICATIONS: [(&str, &str); 5] = [
    ("LS", "Language Specification 1.0"),
    ("SLPF", "Stateless Packet Filtering profile 1.0"),
    ("HTTPS", "Transfer over HTTPS 1.1"),
    ("MQTT", "Transfer over MQTT 1.0"),
    ("ARCH", "Architecture 1.0"),
];

/// The ids in a list of them; `A..B` are all from A to B.
pub(crate) fn ids(list: &str) -> Vec<&'static str> {
    let position = |id: &str| rows().iter().position(|row| row.id == id);
    list.split_whitespace()
        .flat_map(|word| {
            let (first, last) = word.split_once("..").unwrap_or((word, word));
            match (position(first), position(last)) {
                (Some(first), Some(last)) => &rows()[first..=last],
                _ => panic!("no checklist has {word}"),
            }
        })
        .map(|row| row.id)
        .collect()
}

fn read(text: &'static str) -> impl Iterator<Item = Row> {
    text.lines().skip(1).filter(|line| !line.is_empty()).map(|line| {
        let cells: Vec<_> = line.split('\t').collect();
        let [id, section, level, binds, requirement, ..] = cells[..] else { panic!("not a row: {line}") };
        let binds = match binds {
            "both" => Binds::Both,
            "producer" => Binds::Producer,
            "consumer" => Binds::Consumer,
            "encoding" => Binds::Encoding,
            _ => Binds::Broker,
        };
        Row { id, section, level, binds, requirement }
    })
}

const CHECKLISTS: [(&str, &str); 5] = [
    ("LS", include_str!("../../clauses/LS.tsv")),
    ("SLPF", include_str!("../../clauses/SLPF.tsv")),
    ("HTTPS", include_str!("../../clauses/HTTPS.tsv")),
    ("MQTT", include_str!("../../clauses/MQTT.tsv")),
    ("ARCH", include_str!("../../clauses/ARCH.tsv")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read() {
        assert_eq!(rows().len(), 677);
        let row = row("HTTPS-052").unwrap();
        assert_eq!((row.section, row.level, row.binds), ("3.4", "MUST", Binds::Consumer));
        assert!(row.requirement.contains("Content-type"));
    }

    #[test]
    fn a_section_holds_those_below_it_and_no_neighbors() {
        let row = Row { id: "a-1", section: "2.3.1 (implied)", level: "MUST", binds: Binds::Both, requirement: "" };
        assert!(row.is_in("2.3.1") && row.is_in("2.3") && row.is_in("2"));
        assert!(!row.is_in("2.3.1.1") && !row.is_in("2.3.10") && !row.is_in("3"));
    }

    #[test]
    fn a_range_of_ids_is_all_of_them() {
        assert_eq!(ids("HTTPS-001 LS-003..LS-005"), ["HTTPS-001", "LS-003", "LS-004", "LS-005"]);
    }
}
