//! JADN 1.0 (section 3.1): each type as a list of its name, base type, options, description and fields.

use oc2_core::shape::{Field, Format, Kind, Octets, Room, Shape};
use serde_json::{Value, json};

use crate::json_schema::MAX_INTEGER;
use crate::schema::{Added, Root, Schema};
use crate::types::{Definition, Types, is_anonymous};

/// A package (JADN 6).
pub(crate) fn package(schema: &Schema) -> Value {
    let types = Types::of(schema);
    let mut printer = Printer { types: &types, tagged: Vec::new(), unfolded: Vec::new(), is_ip: [false; 2] };
    let mut definitions: Vec<_> = types.definitions().iter().map(|definition| printer.definition(definition)).collect();
    definitions.append(&mut printer.unfolded);
    definitions.extend(printer.of_addresses());
    let exports: Vec<_> = Root::ALL.iter().map(|root| root.shape().name).collect();
    json!({
        "info": {
            "package": schema.uri(),
            "title": title(schema),
            "description": schema.documents(),
            "exports": exports,
            "config": {
                // Where the language sets no bounds, those of JADN are not meant (DECISIONS L24).
                "$MaxBinary": MAX_OCTETS,
                "$MaxString": MAX_OCTETS,
                "$MaxElements": MAX_ELEMENTS,
                // What profiles add stands under `nsid` and `nsid:name`.
                "$FieldName": "^[A-Za-z0-9][-_:A-Za-z0-9]{0,48}$",
            },
        },
        "types": definitions,
    })
}

pub(crate) fn title(schema: &Schema) -> String {
    let profiles = schema.profile_names();
    let profiles = if profiles.is_empty() { profiles } else { format!(" with {profiles}") };
    format!("OpenC2 language and message{profiles}")
}

struct Printer<'t, 'a> {
    types: &'t Types<'a>,
    /// Members that no registry has a number for.
    tagged: Vec<String>,
    /// Types that had to get a name because an option has room for no more (JADN 3.3.1).
    unfolded: Vec<Value>,
    /// Whether addresses of IPv4 and of IPv6 were met.
    is_ip: [bool; 2],
}

impl<'a> Printer<'_, 'a> {
    fn definition(&mut self, definition: &Definition<'a>) -> Value {
        let Definition { name, shape, owner } = definition;
        let mut options = self.type_options(shape, *owner, name);
        if shape.room != Room::None || matches!(shape.kind, Kind::Any) {
            options.push("X".to_owned());
        }
        json!([name, base(&shape.kind), options, shape.clause, self.rows(shape, *owner, name)])
    }

    fn rows(&mut self, shape: &Shape, owner: Option<&'a Added>, name: &str) -> Vec<Value> {
        match shape.kind {
            Kind::Enumerated | Kind::EnumeratedId => self.items(shape),
            Kind::Choice | Kind::Map { .. } | Kind::Record { .. } => self.fields(shape, owner, name),
            Kind::Net { width } => self.net(width),
            _ => Vec::new(),
        }
    }

    fn items(&mut self, shape: &Shape) -> Vec<Value> {
        let mut items: Vec<_> = shape.fields.iter().map(|field| json!([field.id, field.name, ""])).collect();
        for extension in self.types.extensions(shape.room) {
            let id = extension.id.unwrap_or_else(|| self.tag(&extension.name));
            items.push(json!([id, extension.name, ""]));
        }
        items
    }

    fn fields(&mut self, shape: &Shape, owner: Option<&'a Added>, name: &str) -> Vec<Value> {
        let is_choice = matches!(shape.kind, Kind::Choice);
        let mut fields: Vec<_> =
            shape.fields.iter().filter_map(|field| self.field(field, owner, name, is_choice)).collect();
        for extension in self.types.extensions(shape.room) {
            let id = extension.id.unwrap_or_else(|| self.tag(&extension.name));
            let (of, mut options) = self.reference(extension.shape, Some(extension.owner), name, &extension.name);
            if !is_choice {
                options.insert(0, OPTIONAL.to_owned());
            }
            fields.push(json!([id, extension.name, of, options, ""]));
        }
        fields
    }

    fn field(&mut self, field: &Field, owner: Option<&'a Added>, name: &str, is_choice: bool) -> Option<Value> {
        let (of, mut options) = self.reference(field.shape?(), owner, name, field.name);
        if !field.required && !is_choice {
            options.insert(0, OPTIONAL.to_owned());
        }
        Some(json!([field.id, field.name, of, options, ""]))
    }

    /// The type of a field with its options: a name alone, or a predefined type with bounds (JADN 3.3.1).
    fn reference(&mut self, shape: &Shape, owner: Option<&'a Added>, name: &str, field: &str) -> (String, Vec<String>) {
        if is_anonymous(shape) {
            return (base(&shape.kind).to_owned(), self.type_options(shape, owner, &format!("{name}${field}")));
        }
        (self.types.name_of(shape, owner).to_owned(), Vec::new())
    }

    /// A type that an option refers to: a name, for which a type with bounds is unfolded under that of its place.
    fn referred(&mut self, shape: &Shape, owner: Option<&'a Added>, place: &str) -> String {
        let (of, options) = self.reference(shape, owner, place, "item");
        if options.is_empty() {
            return of;
        }
        let name = format!("{}$item", place.replace(['_', ':'], "-"));
        self.unfolded.push(json!([name, of, options, shape.clause, []]));
        name
    }

    fn type_options(&mut self, shape: &Shape, owner: Option<&'a Added>, place: &str) -> Vec<String> {
        match shape.kind {
            Kind::EnumeratedId => vec!["=".to_owned()],
            Kind::Map { min } | Kind::Record { min } => bounds(min.into(), None),
            Kind::ArrayOf { item, min, max, unique } => {
                let mut options = vec![format!("*{}", self.referred(item(), owner, place))];
                options.extend(bounds(min.into(), max.map(i64::from)));
                options.extend(unique.then(|| "q".to_owned()));
                options
            }
            Kind::MapOf { key, value, min } => {
                let key = self.referred(key(), owner, &format!("{place}$key"));
                let value = self.referred(value(), owner, place);
                [vec![format!("+{key}"), format!("*{value}")], bounds(min.into(), None)].concat()
            }
            Kind::String { format, min, max } => {
                let format = match format {
                    Format::Named(name) => Some(format!("/{name}")),
                    Format::Pattern(pattern) => Some(format!("%{pattern}")),
                    // No keyword says several.
                    _ => None,
                };
                format.into_iter().chain(bounds(min.into(), max.map(i64::from))).collect()
            }
            Kind::Integer { min, max } => {
                let min = (min > -MAX_INTEGER).then(|| format!("{{{min}"));
                let max = (max < MAX_INTEGER).then(|| format!("}}{max}"));
                min.into_iter().chain(max).collect()
            }
            Kind::Number { min } => vec![format!("y{min}")],
            Kind::Binary { text, lengths } => {
                let format = match text {
                    Octets::Base16 => Some("/x".to_owned()),
                    Octets::Eui => Some("/eui".to_owned()),
                    _ => None,
                };
                let min = lengths.iter().min().copied().unwrap_or_default();
                format.into_iter().chain(bounds(min.into(), lengths.iter().max().copied().map(i64::from))).collect()
            }
            Kind::Net { width } => vec![format!("/{}-net", ip(width))],
            _ => Vec::new(),
        }
    }

    /// The address and the prefix (LS 3.4.1.9, 3.4.1.11), which the standard has no names for.
    fn net(&mut self, width: u32) -> Vec<Value> {
        self.is_ip[usize::from(width > 32)] = true;
        let address = format!("{}_addr", ip(width));
        let prefix = [OPTIONAL.to_owned(), "{0".to_owned(), format!("}}{width}")];
        vec![json!([1, address, address_type(width), [], ""]), json!([2, "prefix_length", "Integer", prefix, ""])]
    }

    /// The types of addresses that were met (LS 3.4.2.8, 3.4.2.9).
    fn of_addresses(&self) -> Vec<Value> {
        let rows = [(32, "LS 3.4.2.8 (LS-193)"), (128, "LS 3.4.2.9 (LS-194)")];
        let met = rows.into_iter().zip(self.is_ip).filter(|(_, is_met)| *is_met);
        met.map(|((width, clause), _)| {
            let options = [format!("/{}-addr", ip(width)), format!("{{{}", width / 8), format!("}}{}", width / 8)];
            json!([address_type(width), "Binary", options, clause, []])
        })
        .collect()
    }

    /// The same number for the same member in every table.
    fn tag(&mut self, name: &str) -> u32 {
        let index = self.tagged.iter().position(|known| known == name).unwrap_or_else(|| {
            self.tagged.push(name.to_owned());
            self.tagged.len() - 1
        });
        FIRST_TAG + u32::try_from(index).unwrap_or(u32::MAX - FIRST_TAG)
    }
}

fn base(kind: &Kind) -> &'static str {
    match kind {
        Kind::EnumeratedId => "Enumerated",
        // JADN has no type for everything; an object of which nothing is said is the widest it has for what profiles define.
        Kind::Any => "Map",
        kind => kind.base(),
    }
}

fn bounds(min: i64, max: Option<i64>) -> Vec<String> {
    let min = (min > 0).then(|| format!("{{{min}"));
    min.into_iter().chain(max.map(|max| format!("}}{max}"))).collect()
}

fn ip(width: u32) -> &'static str {
    if width > 32 { "ipv6" } else { "ipv4" }
}

fn address_type(width: u32) -> &'static str {
    if width > 32 { "IPv6-Addr" } else { "IPv4-Addr" }
}

/// Multiplicity 0..1 (JADN 3.2.2.1).
const OPTIONAL: &str = "[0";
/// Beyond every id that is given out.
const FIRST_TAG: u32 = 1_000_000;
const MAX_OCTETS: u32 = 1_048_576;
const MAX_ELEMENTS: u32 = 1000;
