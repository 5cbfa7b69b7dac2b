//! What is printed as JADN is JADN: the rules of its section 3 for types, names, options and references.

use std::collections::{BTreeMap, BTreeSet};

use oc2_schema::Schema;
use oc2_tests_outside::bell::Bell;
use oc2_tests_outside::lock::Lock;
use serde_json::{Value, json};

use crate::support::schema;

// LS-002, LS-018, LS-019, JADN-007 to JADN-010, JADN-016
#[test]
fn the_jadn_of_the_language_and_of_profiles_is_well_formed() {
    for schema in [Schema::of_language(), schema(), schema().with_profile::<Lock>().with_profile::<Bell>()] {
        let faults = faults(&schema.jadn());
        assert!(faults.is_empty(), "{faults:#?}");
    }
}

#[test]
fn the_check_finds_what_is_wrong() {
    let package = |types: Value| json!({"info": {"package": "urn:a", "exports": ["A"]}, "types": types});
    for (types, expected) in [
        (json!([["A", "String", [], "", []]]), ""),
        (json!([["A", "String", ["/email", "{1", "}2"], "", []]]), ""),
        (json!([["String", "String", [], "", []]]), "predefined"),
        (json!([["a", "String", [], "", []]]), "name of a type"),
        (json!([["A", "Text", [], "", []]]), "base type"),
        (json!([["A", "String", [], ""]]), "five elements"),
        (json!([["A", "String", [], "", [[1, "a", ""]]]]), "no fields"),
        (json!([["A", "String", ["q"], "", []]]), "option q"),
        (json!([["A", "String", ["{1", "{2"], "", []]]), "twice"),
        (json!([["A", "String", ["/hostnames"], "", []]]), "format"),
        (json!([["A", "ArrayOf", [], "", []]]), "vtype"),
        (json!([["A", "ArrayOf", ["*B"], "", []]]), "no type B"),
        (json!([["A", "ArrayOf", ["*String", "q", "s"], "", []]]), "collection"),
        (json!([["A", "MapOf", ["*String"], "", []]]), "ktype"),
        (json!([["A", "Enumerated", [], "", [[1, "a"]]]]), "three elements"),
        (json!([["A", "Enumerated", [], "", [[1, "a", ""], [1, "b", ""]]]]), "id 1"),
        (json!([["A", "Map", [], "", [[1, "a", "String", [], ""], [2, "a", "String", [], ""]]]]), "name a"),
        (json!([["A", "Record", [], "", [[2, "a", "String", [], ""]]]]), "position"),
        (json!([["A", "Map", [], "", [[1, "a/b", "String", [], ""]]]]), "name of a field"),
        (json!([["A", "Map", [], "", [[1, "a", "B", [], ""]]]]), "no type B"),
        (json!([["A", "Map", [], "", [[1, "a", "Map", [], ""]]]]), "no type Map"),
        (json!([["A", "Map", [], "", [[1, "a", "A", ["{1"], ""]]]]), "option {"),
        (json!([["A", "Map", [], "", [[1, "a", "String", ["[2", "]1"], ""]]]]), "multiplicity"),
        (json!([["A", "String", [], "", []], ["A", "String", [], "", []]]), "twice"),
        (json!([["A", "String", [], "", []], ["B", "String", [], "", []]]), "not reached"),
        (json!([["B", "String", [], "", []]]), "exports A"),
    ] {
        let faults = faults(&package(types.clone()));
        match expected {
            "" => assert!(faults.is_empty(), "{types}: {faults:?}"),
            expected => assert!(faults.iter().any(|fault| fault.contains(expected)), "{types}: {faults:?}"),
        }
    }
}

/// Everything that is not as JADN has it.
fn faults(package: &Value) -> Vec<String> {
    let mut check = Check { faults: Vec::new(), bases: BTreeMap::new(), met: BTreeSet::new() };
    let types = list(&package["types"]);
    for definition in types {
        let name = text(&definition[0]);
        if check.bases.insert(name.clone(), text(&definition[1])).is_some() {
            check.fault(&name, "stands twice");
        }
    }
    for definition in types {
        check.definition(definition);
    }
    for name in list(&package["info"]["exports"]) {
        check.met.insert(text(name));
        if !check.bases.contains_key(&text(name)) {
            check.fault("info", &format!("exports {}, which is no type", text(name)));
        }
    }
    if !text(&package["info"]["package"]).contains(':') {
        check.fault("info", "the package has no URI");
    }
    let not_met: Vec<_> = check.bases.keys().filter(|name| !check.met.contains(*name)).cloned().collect();
    for name in not_met {
        check.fault(&name, "is not reached");
    }
    check.faults
}

struct Check {
    faults: Vec<String>,
    bases: BTreeMap<String, String>,
    /// The types that something refers to.
    met: BTreeSet<String>,
}

impl Check {
    fn fault(&mut self, place: &str, text: &str) {
        self.faults.push(format!("{place}: {text}"));
    }

    /// JADN 3.1, 3.1.1, 3.1.2.
    fn definition(&mut self, definition: &Value) {
        let name = text(&definition[0]);
        let base = text(&definition[1]);
        if list(definition).len() != 5 || !definition[3].is_string() || !definition[4].is_array() {
            return self.fault(&name, "a definition has five elements");
        }
        if BASES.iter().any(|(base, ..)| *base == name) {
            self.fault(&name, "is the name of a predefined type");
        }
        let mut chars = name.chars();
        let is_name = chars.next().is_some_and(|first| first.is_ascii_uppercase())
            && name.len() <= 64
            && chars.all(|c| c.is_ascii_alphanumeric() || "-$".contains(c));
        if !is_name {
            self.fault(&name, "is not the name of a type");
        }
        self.options(&name, &base, list(&definition[2]), &[]);
        let fields = list(&definition[4]);
        match base.as_str() {
            "Enumerated" => {
                for item in fields {
                    if list(item).len() != 3 || !item[1].is_string() || !item[2].is_string() {
                        self.fault(&name, "an item has three elements");
                    }
                }
            }
            "Array" | "Choice" | "Map" | "Record" => fields.iter().for_each(|field| self.field(&name, field)),
            _ if !fields.is_empty() => self.fault(&name, "the type has no fields"),
            _ => {}
        }
        self.unique(&name, &base, fields);
    }

    fn unique(&mut self, name: &str, base: &str, fields: &[Value]) {
        let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
        for (i, field) in fields.iter().enumerate() {
            let id = field[0].as_u64();
            if id.is_none() || !ids.insert(id) {
                self.fault(name, &format!("the id {} is none or stands twice", field[0]));
            }
            if matches!(base, "Array" | "Record") && id != Some(i as u64 + 1) {
                self.fault(name, &format!("the id {} is not the position {}", field[0], i + 1));
            }
            if !names.insert(text(&field[1])) {
                self.fault(name, &format!("the name {} stands twice", text(&field[1])));
            }
        }
    }

    fn field(&mut self, name: &str, field: &Value) {
        let place = format!("{name}.{}", text(&field[1]));
        if list(field).len() != 5 || !field[4].is_string() {
            return self.fault(&place, "a field has five elements");
        }
        // As `$FieldName` of the package has it.
        let is_name = text(&field[1]).starts_with(|first: char| first.is_ascii_alphanumeric())
            && text(&field[1]).len() <= 49
            && text(&field[1]).chars().all(|c| c.is_ascii_alphanumeric() || "-_:".contains(c));
        if !is_name {
            self.fault(&place, "is not the name of a field");
        }
        let of = text(&field[2]);
        let is_predefined = ANONYMOUS.contains(&of.as_str());
        if !is_predefined {
            self.refer(&place, &of);
        }
        // A type of the package has its options where it is defined.
        self.options(&place, if is_predefined { &of } else { "" }, list(&field[3]), &["[", "]"]);
        let bound =
            |id: &str| list(&field[3]).iter().find_map(|option| text(option).strip_prefix(id)?.parse::<u32>().ok());
        let (min, max) = (bound("[").unwrap_or(1), bound("]"));
        if max.is_some_and(|max| max != 0 && max < min) {
            self.fault(&place, "the multiplicity ends before it starts");
        }
    }

    /// JADN 3.2.1, table 3-3, and 3.2.2.
    fn options(&mut self, place: &str, base: &str, options: &[Value], further: &[&str]) {
        let allowed = match BASES.iter().find(|(known, _)| *known == base) {
            Some((_, allowed)) => *allowed,
            None if base.is_empty() => "",
            None => return self.fault(place, &format!("{base} is no base type")),
        };
        let mut ids = BTreeSet::new();
        for option in options.iter().map(text) {
            let (id, value) = option.split_at(1);
            if !allowed.contains(id) && !further.contains(&id) {
                self.fault(place, &format!("the option {id} does not go with {base}"));
            }
            if !ids.insert(id.to_owned()) {
                self.fault(place, &format!("the option {id} stands twice"));
            }
            match id {
                "*" | "+" if !BASES.iter().any(|(known, _)| *known == value) => self.refer(place, value),
                "/" if !FORMATS.contains(&value) => self.fault(place, &format!("{value} is no format")),
                "{" | "}" | "[" | "]" if value.parse::<i64>().is_err() => self.fault(place, "the bound is no number"),
                "y" | "z" if value.parse::<f64>().is_err() => self.fault(place, "the bound is no number"),
                "=" | "q" | "s" | "b" | "X" if !value.is_empty() => self.fault(place, "the option has no value"),
                _ => {}
            }
        }
        if matches!(base, "ArrayOf" | "MapOf") && !ids.contains("*") {
            self.fault(place, "vtype is missing");
        }
        if base == "MapOf" && !ids.contains("+") {
            self.fault(place, "ktype is missing");
        }
        if ["q", "s", "b"].iter().filter(|id| ids.contains(**id)).count() > 1 {
            self.fault(place, "more than one collection option");
        }
    }

    fn refer(&mut self, place: &str, name: &str) {
        self.met.insert(name.to_owned());
        if !self.bases.contains_key(name) {
            self.fault(place, &format!("there is no type {name}"));
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The base types and the ids of the options that go with each (JADN table 3-3).
const BASES: &[(&str, &str)] = &[
    ("Binary", "{}/"),
    ("Boolean", ""),
    ("Integer", "{}/"),
    ("Number", "yz/"),
    ("String", "{}/%"),
    ("Enumerated", "=#>X"),
    ("Choice", "=X"),
    ("Array", "X/{}"),
    ("ArrayOf", "*{}qsb"),
    ("Map", "=X{}"),
    ("MapOf", "*+{}"),
    ("Record", "X{}"),
];
/// What a field may be without a definition (JADN 3.1.1).
const ANONYMOUS: &[&str] = &["Binary", "Boolean", "Integer", "Number", "String", "ArrayOf", "MapOf"];
/// JSON Schema 7.3, JADN table 3-4, and `x` of JADN 4.1.
const FORMATS: &[&str] = &[
    "date-time",
    "date",
    "time",
    "duration",
    "email",
    "idn-email",
    "hostname",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "iri",
    "iri-reference",
    "uuid",
    "uri-template",
    "json-pointer",
    "relative-json-pointer",
    "regex",
    "eui",
    "ipv4-addr",
    "ipv6-addr",
    "ipv4-net",
    "ipv6-net",
    "x",
];
