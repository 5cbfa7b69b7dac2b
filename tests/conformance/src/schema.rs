//! Judges values by the tables of the standard, as `tests/data/types.tsv` has them. The code under test has no part in it.

mod format;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) path: String,
    pub(crate) reason: String,
}

/// Judges a value as one of a type.
pub(crate) fn faults(of: &str, value: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    judge(of, value, "", &mut faults);
    faults
}

/// The names of a type's fields, as the table has them.
pub(crate) fn names(of: &str) -> Vec<&'static str> {
    TYPES.get(of).map(|own| own.fields.iter().map(|field| field.name).collect()).unwrap_or_default()
}

struct Type {
    of: &'static str,
    fields: Vec<Field>,
}

struct Field {
    id: &'static str,
    name: &'static str,
    of: &'static str,
    is_required: bool,
}

static TYPES: LazyLock<BTreeMap<&'static str, Type>> = LazyLock::new(|| {
    let mut types = BTreeMap::<_, Type>::new();
    for line in include_str!("../../data/types.tsv").lines().skip(1) {
        let cells: Vec<_> = line.split('\t').collect();
        let [name, id, field, of, n, ..] = cells[..] else { continue };
        if field.is_empty() {
            types.insert(name, Type { of, fields: Vec::new() });
        } else if let Some(own) = types.get_mut(name) {
            own.fields.push(Field { id, name: field, of, is_required: n == "1" });
        }
    }
    types
});

fn judge(of: &str, value: &Value, path: &str, faults: &mut Vec<Fault>) {
    if let Some(own) = TYPES.get(of) {
        return own.judge(value, path, faults);
    }
    let (base, size) = split_size(of);
    if let Some(item) = inner(base, "ArrayOf(") {
        return judge_list(item, size, of.ends_with("unique"), value, path, faults);
    }
    if let Some(parts) = inner(base, "MapOf(") {
        return judge_map_of(parts, size, value, path, faults);
    }
    if let Some(reason) = primitive(base, size, value) {
        faults.push(Fault { path: path.to_owned(), reason });
    }
}

impl Type {
    fn judge(&self, value: &Value, path: &str, faults: &mut Vec<Fault>) {
        let mut fault = |reason: String| faults.push(Fault { path: path.to_owned(), reason });
        let (base, size) = split_size(self.of);
        match base {
            "Map" | "Record" | "Choice" => {
                let Some(members) = value.as_object() else { return fault("it is no object".into()) };
                if base == "Choice" && members.len() != 1 {
                    fault(format!("it has {} members, and not one", members.len()));
                }
                if size == Some("1..*") && members.is_empty() {
                    fault("it has no member".into());
                }
                self.judge_members(members, base == "Choice", path, faults);
            }
            "Enumerated" => match value.as_str() {
                Some(name) if self.has(name) => {}
                Some(name) => fault(format!("{name:?} is none of its values")),
                None => fault("it is no string".into()),
            },
            "Enumerated.ID" => match value.as_u64() {
                Some(id) if self.fields.iter().any(|field| field.id == id.to_string()) => {}
                Some(id) => fault(format!("{id} is none of its values")),
                None => fault("it is no integer".into()),
            },
            _ => judge(self.of, value, path, faults),
        }
    }

    /// Whether it has an item of this name, or lets anybody have items of such names.
    fn has(&self, name: &str) -> bool {
        let is_extended = name.split_once(':').is_some_and(|(nsid, rest)| is_nsid(nsid) && !rest.is_empty());
        self.fields.iter().any(|field| if field.id == "-" { is_extended } else { field.name == name })
    }

    fn judge_members(&self, members: &Map<String, Value>, is_choice: bool, path: &str, faults: &mut Vec<Fault>) {
        for field in self.fields.iter().filter(|field| field.is_required && field.id != "-" && !is_choice) {
            if !members.contains_key(field.name) {
                faults.push(Fault { path: join(path, field.name), reason: "it is missing".into() });
            }
        }
        for (name, value) in members {
            let path = join(path, name);
            match self.fields.iter().find(|field| field.id != "-" && field.name == name) {
                Some(field) => judge(field.of, value, &path, faults),
                None => match self.fields.iter().find(|field| field.id == "-") {
                    Some(open) => judge_extension(open.of, name, value, &path, faults),
                    None => faults.push(Fault { path, reason: "no such member is defined".into() }),
                },
            }
        }
    }
}

/// A member that a profile may define (LS 3.1.4).
fn judge_extension(of: &str, name: &str, value: &Value, path: &str, faults: &mut Vec<Fault>) {
    let mut fault = |reason: &str| faults.push(Fault { path: path.to_owned(), reason: reason.into() });
    let Some(part) = of.strip_prefix("nsid:") else { return };
    let (nsid, target) = match (part, name.split_once(':')) {
        ("Target", Some((nsid, target))) => (nsid, Some(target)),
        ("Target", None) => return fault("no such target is defined, and it has no namespace"),
        _ => (name, None),
    };
    if !is_nsid(nsid) {
        return fault("this is no namespace identifier");
    }
    let Some(own) = TYPES.get(format!("{nsid}:{part}").as_str()) else {
        // Of a profile that nobody here knows.
        if target.is_none() && !value.is_object() {
            fault("what a profile defines is inside an object");
        }
        return;
    };
    match target {
        None => own.judge(value, path, faults),
        Some(target) => match own.fields.iter().find(|field| field.name == target) {
            Some(field) => judge(field.of, value, path, faults),
            None => fault("the profile defines no such target"),
        },
    }
}

fn judge_list(item: &str, size: Option<&str>, is_unique: bool, value: &Value, path: &str, faults: &mut Vec<Fault>) {
    let mut fault = |reason: String| faults.push(Fault { path: path.to_owned(), reason });
    let Some(values) = value.as_array() else { return fault("it is no array".into()) };
    if !is_within(values.len(), size) {
        fault(format!("it has {} items", values.len()));
    }
    if is_unique && values.iter().enumerate().any(|(n, value)| values[..n].contains(value)) {
        fault("an item stands twice".into());
    }
    for (n, value) in values.iter().enumerate() {
        judge(item, value, &format!("{path}[{n}]"), faults);
    }
}

fn judge_map_of(parts: &str, size: Option<&str>, value: &Value, path: &str, faults: &mut Vec<Fault>) {
    let mut fault = |reason: String| faults.push(Fault { path: path.to_owned(), reason });
    let Some(members) = value.as_object() else { return fault("it is no object".into()) };
    if !is_within(members.len(), size) {
        fault(format!("it has {} members", members.len()));
    }
    let (key, item) = parts.split_once(", ").unwrap_or((parts, "any"));
    for (name, value) in members {
        let path = join(path, name);
        judge(key, &Value::from(name.as_str()), &path, faults);
        judge(item, value, &path, faults);
    }
}

/// What is wrong with a value that has no parts.
fn primitive(base: &str, size: Option<&str>, value: &Value) -> Option<String> {
    let (base, rest) = base.split_once(' ').unwrap_or((base, ""));
    match base {
        "any" => None,
        "Boolean" => (!value.is_boolean()).then(|| "it is neither true nor false".into()),
        "Number" => match value.as_f64() {
            None => Some("it is no number".into()),
            Some(number) => (size.is_some() && number < 0.0).then(|| "it is less than 0".into()),
        },
        "Integer" => match value.as_i64() {
            None => Some("it is no integer".into()),
            Some(n) => usize::try_from(n)
                .map_or(size.is_some(), |n| !is_within(n, size))
                .then(|| format!("{n} is out of range")),
        },
        _ => {
            let Some(text) = value.as_str() else { return Some("it is no string".into()) };
            let n_characters = text.chars().count();
            let is_counted = base == "String" && !is_within(n_characters, size);
            is_counted
                .then(|| format!("it has {n_characters} characters"))
                .or_else(|| format::fault(base, rest, size, text))
        }
    }
}

fn is_within(n: usize, size: Option<&str>) -> bool {
    let Some(size) = size else { return true };
    let (least, most) = size.split_once("..").unwrap_or((size, size));
    least.parse().is_ok_and(|least: usize| n >= least) && most.parse().map_or(most == "*", |most: usize| n <= most)
}

/// What stands before the braces, and what in them. Braces within a pattern belong to the pattern.
fn split_size(of: &str) -> (&str, Option<&str>) {
    let of = of.strip_suffix(" unique").unwrap_or(of);
    match of.strip_suffix('}').and_then(|of| of.rsplit_once('{')) {
        Some((base, size)) => (base, Some(size)),
        None => (of, None),
    }
}

fn inner<'t>(base: &'t str, prefix: &str) -> Option<&'t str> {
    base.strip_prefix(prefix)?.strip_suffix(')')
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn is_nsid(text: &str) -> bool {
    (1..=16).contains(&text.chars().count())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(of: &str, value: Value, paths: &[&str]) {
        let faults = faults(of, &value);
        let mut found: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
        // In which order members come depends on what else is built.
        found.sort_unstable();
        assert_eq!(found, paths, "{value}: {faults:?}");
    }

    #[test]
    fn responses_are_judged_by_the_tables() {
        let pairs = json!({"query": ["features"], "delete": ["slpf:rule_number"]});
        let results =
            json!({"versions": ["1.0"], "profiles": ["slpf", "x-a"], "pairs": pairs, "slpf": {"rule_number": 7}});
        check("OpenC2-Response", json!({"status": 200, "results": results}), &[]);
        check("OpenC2-Response", json!({"status": "200"}), &["status"]);
        check("OpenC2-Response", json!({"status": 201, "results": {}}), &["results", "status"]);
        check("OpenC2-Response", json!({"status_text": 5}), &["status", "status_text"]);
        check(
            "Results",
            json!({"versions": [], "rate_limit": -1, "rule_number": 5}),
            &["rate_limit", "rule_number", "versions"],
        );
        check(
            "Results",
            json!({"pairs": {"x": ["features", "features"]}, "slpf": {"a": 1}}),
            &["pairs.x", "pairs.x", "slpf.a"],
        );
    }

    #[test]
    fn commands_are_judged_by_the_tables() {
        let connection = json!({"protocol": "tcp", "src_addr": "192.0.2.0/24", "dst_port": 80});
        let args = json!({"duration": 5, "slpf": {"direction": "both"}});
        let command = json!({"action": "deny", "target": {"ipv4_connection": connection}, "args": args});
        check("OpenC2-Command", command, &[]);
        let target = json!({"ipv4_net": "192.0.2.0/33", "uri": "http://a/"});
        check("OpenC2-Command", json!({"action": "deny", "target": target}), &["target", "target.ipv4_net"]);
        let command = json!({"action": "Deny", "target": {"slpf:rule_number": "5"}, "args": {"direction": 1}, "x": 1});
        check("OpenC2-Command", command, &["action", "args.direction", "target.slpf:rule_number", "x"]);
        check("Headers", json!({"to": [], "created": "now", "x-own": 1}), &["created", "to"]);
        check(
            "OpenC2-Command",
            json!({"action": "query", "target": {"features": []}, "command_id": "a b"}),
            &["command_id"],
        );
    }
}
