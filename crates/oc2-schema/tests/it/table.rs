//! Every shape against `tests/data/types.tsv`, which was written from the texts.

use std::collections::BTreeMap;

use oc2_core::shape::read::Read;
use oc2_core::shape::{Choice, Field, Format, Kind, Octets, Part, Room, Shape};
use oc2_core::{Command, Message, Profile, Response};
use oc2_profile_slpf::Slpf;

use crate::support::{read, root};

// LS-019, LS-086 to LS-091, LS-095 to LS-116, LS-119, LS-120, LS-132 to LS-136, LS-146 to LS-150, LS-152, LS-154 to LS-157
// LS-162, LS-164, LS-165, LS-168, LS-170 to LS-172, LS-174 to LS-184, LS-186 to LS-192, LS-195, LS-197, LS-198, LS-200
// LS-201, LS-232, SLPF-014, SLPF-017 to SLPF-020, SLPF-022, SLPF-026, SLPF-038 to SLPF-041, SLPF-047, E2
#[test]
fn the_shapes_are_the_tables_of_the_standards() {
    let (expected, found) = (table(), shapes());
    let mut differences = Vec::new();
    for (name, lines) in &expected {
        match found.get(name) {
            None => differences.push(format!("{name}: in the table only")),
            Some(found) => {
                differences.extend(lines.iter().filter(|line| !found.contains(line)).map(|line| format!("- {line}")));
                differences.extend(found.iter().filter(|line| !lines.contains(line)).map(|line| format!("+ {line}")));
            }
        }
    }
    differences.extend(
        found.keys().filter(|name| !expected.contains_key(*name)).map(|name| format!("{name}: in the code only")),
    );
    assert!(differences.is_empty(), "- table, + code:\n{}", differences.join("\n"));
}

/// The lines of the table by type.
fn table() -> BTreeMap<String, Vec<String>> {
    let text = read(&root().join("tests/data/types.tsv"));
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("type\tid\tname\tof\t#\tsection"));
    let mut types: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for line in lines {
        let n_columns = line.split('\t').count();
        assert_eq!(n_columns, 6, "{line}");
        let (name, _) = line.split_once('\t').expect("a column");
        let lines: &mut Vec<_> = types.entry(name.to_owned()).or_default();
        assert!(!lines.contains(&line.to_owned()), "twice: {line}");
        lines.push(line.to_owned());
    }
    types
}

/// The same lines from the shapes that are reached from the roots.
fn shapes() -> BTreeMap<String, Vec<String>> {
    let mut types = BTreeMap::new();
    for shape in [Message::shape(), Command::shape(), Response::shape()] {
        add(shape, "", &mut types);
    }
    type Target = <Slpf as Profile>::Target;
    let parts = [
        Target::TABLE,
        <Slpf as Profile>::Args::shape(),
        <Slpf as Profile>::Specifiers::shape(),
        <Slpf as Profile>::Results::shape(),
    ];
    for shape in parts {
        add(shape, "slpf:", &mut types);
    }
    types
}

fn add(shape: &Shape, namespace: &str, types: &mut BTreeMap<String, Vec<String>>) {
    if !is_named(shape) {
        return inner(shape).into_iter().for_each(|inner| add(inner, namespace, types));
    }
    let name = reference(shape, namespace);
    let lines = lines(&name, shape, namespace);
    match types.insert(name, lines.clone()) {
        // A type may be reached in several ways, and is the same in all of them.
        Some(known) => assert_eq!(known, lines),
        None => inner(shape).into_iter().for_each(|inner| add(inner, namespace, types)),
    }
}

fn lines(name: &str, shape: &Shape, namespace: &str) -> Vec<String> {
    let section = shape.clause.split(" (").next().unwrap_or_default();
    let mut lines = vec![format!("{name}\t\t\t{}\t\t{section}", definition(shape, namespace))];
    let multiplicity = |is_one: bool| match shape.kind {
        Kind::Enumerated | Kind::EnumeratedId => "",
        Kind::Choice => "1",
        _ if is_one => "1",
        _ => "0..1",
    };
    for Field { id, also, name: field, shape: of, required, .. } in shape.fields {
        let ids: Vec<_> = std::iter::once(id).chain(*also).map(u32::to_string).collect();
        let of = of.map(|of| reference(of(), namespace)).unwrap_or_default();
        lines.push(format!("{name}\t{}\t{field}\t{of}\t{}\t", ids.join(" "), multiplicity(*required)));
    }
    let others = match shape.room {
        Room::None => return lines,
        Room::Any => ["any", "any"],
        Room::Profiles(Part::Target) => ["nsid:name", "nsid:Target"],
        Room::Profiles(Part::Args) => ["nsid", "nsid:Args"],
        Room::Profiles(Part::Specifiers) => ["nsid", "nsid:Specifiers"],
        Room::Profiles(Part::Results) => ["nsid", "nsid:Results"],
        room => panic!("{room:?}"),
    };
    let many = multiplicity(false).replace("0..1", "0..*");
    lines.push(format!("{name}\t-\t{}\t{}\t{many}\t", others[0], others[1]));
    lines
}

/// A type of its own by name, a predefined one by its definition.
fn reference(shape: &Shape, namespace: &str) -> String {
    if !is_named(shape) {
        return definition(shape, namespace);
    }
    // What the language defines is the language's, whoever refers to it.
    let namespace = if shape.clause.starts_with("SLPF") { namespace } else { "" };
    format!("{namespace}{}", shape.name)
}

fn definition(shape: &Shape, namespace: &str) -> String {
    let base = shape.kind.base();
    match shape.kind {
        Kind::Map { min: 0 } | Kind::Record { min: 0 } => base.to_owned(),
        Kind::Map { min } | Kind::Record { min } => format!("{base}{{{min}..*}}"),
        Kind::ArrayOf { item, min, max, unique } => {
            let unique = if unique { " unique" } else { "" };
            format!("ArrayOf({}){}{unique}", reference(item(), namespace), range(min, max))
        }
        Kind::MapOf { key, value, min } => {
            format!("MapOf({}, {}){}", reference(key(), namespace), reference(value(), namespace), range(min, None))
        }
        Kind::String { format, min, max } => {
            let format = match format {
                Format::Free => String::new(),
                Format::Named(name) => format!(" /{name}"),
                Format::Pattern(pattern) => format!(" %{pattern}%"),
                Format::OneOf(names) => names.iter().map(|name| format!(" /{name}")).collect(),
                format => panic!("{format:?}"),
            };
            format!("String{format}{}", range(min, max))
        }
        Kind::Integer { min, max } if (min, max) == (-MAX_INTEGER, MAX_INTEGER) => base.to_owned(),
        Kind::Integer { min, max: MAX_INTEGER } => format!("Integer{{{min}..*}}"),
        Kind::Integer { min, max } => format!("Integer{{{min}..{max}}}"),
        Kind::Number { min } => format!("Number{{{min}..*}}"),
        Kind::Binary { text, lengths } => {
            let format = match text {
                Octets::Base64Url => "",
                Octets::Base16 => " /x",
                Octets::Eui => " /eui",
                text => panic!("{text:?}"),
            };
            let lengths: Vec<_> = lengths.iter().map(u32::to_string).collect();
            let lengths = if lengths.is_empty() { String::new() } else { format!("{{{}}}", lengths.join(",")) };
            format!("Binary{format}{lengths}")
        }
        Kind::Net { width: 32 } => "Array /ipv4-net".to_owned(),
        Kind::Net { width: 128 } => "Array /ipv6-net".to_owned(),
        Kind::Enumerated | Kind::EnumeratedId | Kind::Choice | Kind::Boolean => base.to_owned(),
        kind => panic!("{kind:?}"),
    }
}

fn range(min: u32, max: Option<u32>) -> String {
    match (min, max) {
        (0, None) => String::new(),
        (min, None) => format!("{{{min}..*}}"),
        (min, Some(max)) => format!("{{{min}..{max}}}"),
    }
}

fn is_named(shape: &Shape) -> bool {
    shape.name != shape.kind.base()
}

fn inner(shape: &Shape) -> Vec<&'static Shape> {
    let mut inner: Vec<_> = shape.fields.iter().filter_map(|field| field.shape).map(|shape| shape()).collect();
    match shape.kind {
        Kind::ArrayOf { item, .. } => inner.push(item()),
        Kind::MapOf { key, value, .. } => inner.extend([key(), value()]),
        _ => {}
    }
    inner
}

const MAX_INTEGER: i64 = (1 << 53) - 1;
