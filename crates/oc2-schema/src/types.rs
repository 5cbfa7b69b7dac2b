//! The types of a schema under the names they have in it.

use oc2_core::shape::{Kind, Part, Room, Shape};

use crate::schema::{Added, Root, Schema};

/// Every type with a name that is reached from the roots, each once.
pub(crate) struct Types<'a> {
    pub(crate) schema: &'a Schema,
    definitions: Vec<Definition<'a>>,
}

/// A type and its name in the schema.
pub(crate) struct Definition<'a> {
    pub(crate) name: String,
    pub(crate) shape: &'static Shape,
    /// The profile it is reached through; `None` for the types of the language.
    pub(crate) owner: Option<&'a Added>,
}

/// What a profile puts beside the rows of a table.
pub(crate) struct Extension<'a> {
    /// The name of the member: `slpf`, `slpf:rule_number`.
    pub(crate) name: String,
    /// The id of the member, if a registry has one.
    pub(crate) id: Option<u32>,
    pub(crate) shape: &'static Shape,
    pub(crate) owner: &'a Added,
}

impl<'a> Types<'a> {
    pub(crate) fn of(schema: &'a Schema) -> Self {
        let mut types = Self { schema, definitions: Vec::new() };
        for root in Root::ALL {
            types.add(root.shape(), None);
        }
        for added in &schema.profiles {
            for extension in [Part::Target, Part::Args, Part::Specifiers, Part::Results]
                .into_iter()
                .flat_map(|part| extensions_of(added, part))
            {
                types.add(extension.shape, Some(added));
            }
        }
        types
    }

    pub(crate) fn definitions(&self) -> &[Definition<'a>] {
        &self.definitions
    }

    /// The name of a type that is not anonymous, as something of this owner refers to it.
    pub(crate) fn name_of(&self, shape: &Shape, owner: Option<&Added>) -> &str {
        self.find(shape, owner).map_or(shape.name, |definition| &definition.name)
    }

    /// What the profiles put into the room of a table.
    pub(crate) fn extensions(&self, room: Room) -> Vec<Extension<'a>> {
        match room {
            Room::Profiles(part) => self.schema.profiles.iter().flat_map(|added| extensions_of(added, part)).collect(),
            _ => Vec::new(),
        }
    }

    fn add(&mut self, shape: &'static Shape, owner: Option<&'a Added>) {
        if !is_anonymous(shape) {
            if self.find(shape, owner).is_some() {
                return;
            }
            let name = self.new_name(shape, owner);
            self.definitions.push(Definition { name, shape, owner });
        }
        for inner in inner(shape) {
            self.add(inner, owner);
        }
    }

    /// Types of the language are the same wherever they are reached from.
    fn find(&self, shape: &Shape, owner: Option<&Added>) -> Option<&Definition<'a>> {
        self.definitions.iter().find(|known| {
            let is_visible =
                known.owner.is_none() || known.owner.map(|added| added.nsid) == owner.map(|added| added.nsid);
            is_visible && is_same(known.shape, shape)
        })
    }

    /// The type's own name, behind the namespace of its profile; a number tells apart what one author called the same.
    fn new_name(&self, shape: &Shape, owner: Option<&Added>) -> String {
        let prefix = owner.map(prefix).unwrap_or_default();
        let name = format!("{prefix}{}", shape.name);
        let is_taken = |name: &str| self.definitions.iter().any(|known| known.name == name);
        if !is_taken(&name) {
            return name;
        }
        let mut number = 2;
        while is_taken(&format!("{name}-{number}")) {
            number += 1;
        }
        format!("{name}-{number}")
    }
}

/// Whether the type is one of the predefined ones, perhaps with bounds, and has no definition of its own.
pub(crate) fn is_anonymous(shape: &Shape) -> bool {
    let has_no_table = !matches!(
        shape.kind,
        Kind::Enumerated
            | Kind::EnumeratedId
            | Kind::Choice
            | Kind::Map { .. }
            | Kind::Record { .. }
            | Kind::Net { .. }
            | Kind::Any
    );
    has_no_table && shape.name == shape.kind.base()
}

/// The types that one leads to.
fn inner(shape: &Shape) -> Vec<&'static Shape> {
    let mut inner: Vec<_> = shape.fields.iter().filter_map(|field| field.shape).map(|shape| shape()).collect();
    match shape.kind {
        Kind::ArrayOf { item, .. } => inner.push(item()),
        Kind::MapOf { key, value, .. } => inner.extend([key(), value()]),
        _ => {}
    }
    inner
}

fn extensions_of(added: &Added, part: Part) -> Vec<Extension<'_>> {
    let shape = added.part(part);
    if part != Part::Target {
        let id = added.nsid.registered_id();
        return vec![Extension { name: added.nsid.to_string(), id, shape, owner: added }];
    }
    let rows = shape.fields.iter().filter_map(|field| {
        let name = format!("{}:{}", added.nsid, field.name);
        let id = name.parse::<oc2_core::TargetName>().ok().and_then(|name| name.id());
        field.shape.map(|shape| Extension { name, id, shape: shape(), owner: added })
    });
    rows.collect()
}

/// `Slpf-` for `slpf`, `X-Lock-` for `x-lock`; a name of a type starts with a capital letter.
fn prefix(added: &Added) -> String {
    let words = added.nsid.as_str().split(['-', '_']).filter(|word| !word.is_empty());
    let prefix: String = words
        .map(|word| {
            let (first, rest) = word.split_at(1);
            format!("{}{rest}-", first.to_ascii_uppercase())
        })
        .collect();
    if prefix.starts_with(|first: char| first.is_ascii_digit()) { format!("P-{prefix}") } else { prefix }
}

/// Whether two shapes are one type. A shape may lie at several addresses, so these tell nothing.
fn is_same(a: &Shape, b: &Shape) -> bool {
    let rows =
        |shape: &Shape| shape.fields.iter().map(|field| (field.id, field.name, field.required)).collect::<Vec<_>>();
    (a.name, a.clause) == (b.name, b.clause) && rows(a) == rows(b) && is_same_kind(&a.kind, &b.kind)
}

fn is_same_kind(a: &Kind, b: &Kind) -> bool {
    match (a, b) {
        (
            Kind::ArrayOf { item: item_a, min: min_a, max: max_a, unique: unique_a },
            Kind::ArrayOf { item: item_b, min: min_b, max: max_b, unique: unique_b },
        ) => (item_a().name, min_a, max_a, unique_a) == (item_b().name, min_b, max_b, unique_b),
        (
            Kind::MapOf { key: key_a, value: value_a, min: min_a },
            Kind::MapOf { key: key_b, value: value_b, min: min_b },
        ) => (key_a().name, value_a().name, min_a) == (key_b().name, value_b().name, min_b),
        // The others lead to no type, and say all they are.
        (a, b) => format!("{a:?}") == format!("{b:?}"),
    }
}

#[cfg(test)]
mod tests {
    use oc2_core::shape::read::Read;
    use oc2_core::{Args, Command};
    use oc2_profile_slpf::Slpf;

    use super::*;

    #[test]
    fn each_type_stands_once_and_those_of_a_profile_under_its_namespace() {
        let schema = Schema::of_language().with_profile::<Slpf>().with_profile::<Slpf>();
        let types = Types::of(&schema);
        let mut names: Vec<_> = types.definitions().iter().map(|definition| definition.name.as_str()).collect();
        assert_eq!(names[0], "Message");
        let n_names = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), n_names);
        assert!(names.contains(&"Args") && names.contains(&"Slpf-Args") && !names.contains(&"Args-2"));
        assert!(!names.contains(&"String") && !names.contains(&"Binary"));
        let slpf = &schema.profiles[0];
        assert_eq!(types.name_of(slpf.part(Part::Args), Some(slpf)), "Slpf-Args");
        assert_eq!(types.name_of(Args::shape(), Some(slpf)), "Args");
    }

    #[test]
    fn types_of_one_name_are_told_apart() {
        const OTHER: Shape = Shape::plain("OpenC2-Command", "", Kind::Boolean);
        assert!(is_same(Command::shape(), &Command::SHAPE));
        assert!(!is_same(Command::shape(), &OTHER));
        let schema = Schema::of_language();
        let mut types = Types::of(&schema);
        types.add(&OTHER, None);
        assert_eq!(types.name_of(&OTHER, None), "OpenC2-Command-2");
    }
}
