//! JSON Schema, draft 2020-12, for JSON by name (LS 3.1.5).

mod patterns;

use oc2_core::shape::read::Read;
use oc2_core::shape::{Field, Format, Kind, Part, Room, Shape};
use oc2_core::{Args, Nsid};
use serde_json::{Map, Value, json};

use crate::jadn::title;
use crate::schema::{Added, Root, Schema};
use crate::types::{Definition, Extension, Types, is_anonymous};

/// A schema for any of the roots.
pub(crate) fn document(schema: &Schema, roots: &[Root]) -> Value {
    let types = Types::of(schema);
    let definitions: Map<_, _> = types
        .definitions()
        .iter()
        .map(|definition| {
            (definition.name.clone(), Printer { types: &types, owner: definition.owner }.definition(definition))
        })
        .collect();
    let mut document = match roots {
        [root] => to(root.shape().name),
        roots => json!({"oneOf": roots.iter().map(|root| to(root.shape().name)).collect::<Vec<_>>()}),
    };
    document["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    document["$id"] = schema.uri().into();
    document["title"] = title(schema).into();
    document["description"] = schema.documents().into();
    document["$defs"] = definitions.into();
    document
}

/// Prints types as something of this owner refers to them.
#[derive(Clone, Copy)]
struct Printer<'t, 'a> {
    types: &'t Types<'a>,
    owner: Option<&'a Added>,
}

impl<'t, 'a> Printer<'t, 'a> {
    fn definition(self, definition: &Definition<'a>) -> Value {
        let mut schema = self.type_of(definition.shape);
        if !definition.shape.clause.is_empty() {
            schema["description"] = definition.shape.clause.into();
        }
        // At most two of the three, the third follows (LS 3.3.1.4, LS-121).
        if definition.owner.is_none() && definition.shape.name == Args::shape().name {
            schema["not"] = json!({"required": ["start_time", "stop_time", "duration"]});
        }
        schema
    }

    fn reference(self, shape: &Shape) -> Value {
        if is_anonymous(shape) { self.type_of(shape) } else { to(self.types.name_of(shape, self.owner)) }
    }

    fn type_of(self, shape: &Shape) -> Value {
        match shape.kind {
            Kind::Enumerated => self.names(shape),
            Kind::EnumeratedId => {
                json!({"type": "integer", "enum": shape.fields.iter().map(|field| field.id).collect::<Vec<_>>()})
            }
            Kind::Choice => {
                let mut schema = self.members(shape, 1);
                schema["maxProperties"] = 1.into();
                schema
            }
            Kind::Map { min } | Kind::Record { min } => self.members(shape, min),
            Kind::ArrayOf { item, min, max, unique } => {
                let mut schema = json!({"type": "array", "items": self.reference(item())});
                limit(&mut schema, ["minItems", "maxItems"], min, max);
                if unique {
                    schema["uniqueItems"] = true.into();
                }
                schema
            }
            Kind::MapOf { key, value, min } => {
                let mut schema = json!({
                    "type": "object",
                    "propertyNames": self.reference(key()),
                    "additionalProperties": self.reference(value()),
                });
                limit(&mut schema, ["minProperties", ""], min, None);
                schema
            }
            Kind::String { format, min, max } => string(format, min, max),
            Kind::Integer { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
            // A number of JSON beyond this bound is an integer, and such are refused (RFC 7493 2.2).
            Kind::Number { min } => json!({"type": "number", "minimum": min, "maximum": MAX_INTEGER}),
            Kind::Boolean => json!({"type": "boolean"}),
            Kind::Binary { text, lengths } => json!({"type": "string", "pattern": patterns::octets(text, lengths)}),
            Kind::Net { width } => json!({"type": "string", "pattern": patterns::net(width)}),
            // Whatever a profile defines.
            _ => json!({}),
        }
    }

    /// One of several names, or in `pairs` that of a target of any profile.
    fn names(self, shape: &Shape) -> Value {
        let mut names: Vec<_> = shape.fields.iter().map(|field| field.name.to_owned()).collect();
        names.extend(self.types.extensions(shape.room).into_iter().map(|extension| extension.name));
        let names = json!({"type": "string", "enum": names});
        match foreign_names(shape.room) {
            Some(foreign) => json!({"anyOf": [names, foreign]}),
            None => names,
        }
    }

    fn members(self, shape: &Shape, min: u32) -> Value {
        let rows =
            shape.fields.iter().filter_map(|field| Some((field.name.to_owned(), self.reference(field.shape?()))));
        let mut properties: Map<_, _> = rows.collect();
        for Extension { name, shape, owner, .. } in self.types.extensions(shape.room) {
            properties.insert(name, Printer { owner: Some(owner), ..self }.reference(shape));
        }
        let known: Vec<_> = properties.keys().cloned().collect();
        let mut schema = json!({"type": "object"});
        if !properties.is_empty() {
            schema["properties"] = properties.into();
        }
        if let Some(foreign) = foreign_names(shape.room) {
            schema["propertyNames"] =
                if known.is_empty() { foreign } else { json!({"anyOf": [{"enum": known}, foreign]}) };
        }
        match shape.room {
            Room::Any | Room::Profiles(Part::Target) => {}
            Room::Profiles(_) => schema["additionalProperties"] = json!({"type": "object"}),
            _ => schema["additionalProperties"] = false.into(),
        }
        let required: Vec<_> =
            shape.fields.iter().filter(|field| field.required).map(|Field { name, .. }| *name).collect();
        if !required.is_empty() {
            schema["required"] = required.into();
        }
        limit(&mut schema, ["minProperties", ""], min, None);
        schema
    }
}

/// What members of profiles are called that are not printed.
fn foreign_names(room: Room) -> Option<Value> {
    match room {
        Room::Profiles(Part::Target) => Some(json!({"type": "string", "pattern": patterns::TARGET})),
        // `actuator` may name any profile as well.
        Room::Profiles(_) => Some(to(Nsid::shape().name)),
        _ => None,
    }
}

fn string(format: Format, min: u32, max: Option<u32>) -> Value {
    let mut schema = json!({"type": "string"});
    let max = match format {
        // A final dot does not count (DECISIONS L20).
        Format::Named("hostname") => max.map(|max| max + 1),
        _ => max,
    };
    limit(&mut schema, ["minLength", "maxLength"], min, max);
    match format {
        Format::Named(name) => {
            schema["format"] = name.into();
            if let Some(pattern) = patterns::format(name) {
                schema["pattern"] = pattern.into();
            }
        }
        Format::OneOf(names) => {
            let one = |name: &&'static str| string(Format::Named(name), 0, None);
            schema["anyOf"] = names.iter().map(one).collect::<Vec<_>>().into();
        }
        Format::Pattern(pattern) => schema["pattern"] = pattern.into(),
        _ => {}
    }
    schema
}

fn limit(schema: &mut Value, [least, most]: [&str; 2], min: u32, max: Option<u32>) {
    if min > 0 {
        schema[least] = min.into();
    }
    if let Some(max) = max {
        schema[most] = max.into();
    }
}

fn to(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

/// The largest integer every I-JSON peer can represent (RFC 7493 2.2).
pub(crate) const MAX_INTEGER: i64 = (1 << 53) - 1;
