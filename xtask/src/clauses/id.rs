//! The ids of the checklists in running text.

/// The ids in a text; a range (`LS-010 to LS-014`, `LS-010..LS-014`) stands for all it spans.
pub(crate) fn ids(text: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut rest = text;
    let mut before: Option<Id> = None;
    while let Some((between, id, after)) = next(rest) {
        if let (Some(first), " to " | "..") = (&before, between)
            && first.prefix == id.prefix
        {
            ids.extend((first.number + 1..id.number).map(|number| format!("{}-{number:03}", id.prefix)));
        }
        ids.push(id.text.to_owned());
        (before, rest) = (Some(id), after);
    }
    ids
}

/// One id where it stands.
struct Id<'t> {
    text: &'t str,
    prefix: &'static str,
    number: u32,
}

/// What stands before the next id, the id, and what stands after it.
fn next(text: &str) -> Option<(&str, Id<'_>, &str)> {
    text.match_indices('-').find_map(|(dash, _)| {
        let prefix = PREFIXES.into_iter().find(|prefix| text[..dash].ends_with(prefix))?;
        let start = dash - prefix.len();
        if text[..start].ends_with(|before: char| before.is_alphanumeric()) {
            return None;
        }
        let digits = text[dash + 1..].split(|next: char| !next.is_ascii_digit()).next().unwrap_or_default();
        let end = dash + 1 + digits.len();
        // A longer number is an id that does not exist, not an id with something behind it.
        let number = digits.parse().ok().filter(|_| digits.len() >= 3)?;
        Some((&text[..start], Id { text: &text[start..end], prefix, number }, &text[end..]))
    })
}

/// The checklists by the names of their files. The longer of two that end alike comes first.
pub(crate) const PREFIXES: [&str; 6] = ["HTTPS", "SLPF", "MQTT", "ARCH", "JADN", "LS"];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(ids(text), expected, "{text}");
    }

    #[test]
    fn ids_are_found_in_prose() {
        check("", &[]);
        check("LS-022, LS-155: a name; S5, HTTPS-001.", &["LS-022", "LS-155", "HTTPS-001"]);
        check("TLS-022 xLS-022 LS-22 LS 022 LS-x MQTT-", &[]);
        check("ä (SLPF-001)", &["SLPF-001"]);
        check(&format!("LS-{}", 1550), &[&format!("LS-{}", 1550)]);
    }

    #[test]
    fn a_range_stands_for_all_it_spans() {
        check("LS-010 to LS-013, LS-020", &["LS-010", "LS-011", "LS-012", "LS-013", "LS-020"]);
        check("LS-010..LS-012", &["LS-010", "LS-011", "LS-012"]);
        check("LS-012 to LS-010", &["LS-012", "LS-010"]);
        check("LS-010 to SLPF-012", &["LS-010", "SLPF-012"]);
        check("LS-010 and LS-012", &["LS-010", "LS-012"]);
    }
}
