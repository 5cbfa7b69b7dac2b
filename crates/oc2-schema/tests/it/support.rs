//! Where the files lie, and validators.

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use oc2_profile_slpf::Slpf;
use oc2_schema::Schema;
use serde_json::{Value, json};

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The language with SLPF.
pub(crate) fn schema() -> Schema {
    Schema::of_language().with_profile::<Slpf>()
}

pub(crate) fn validator(document: &Value) -> Validator {
    jsonschema::draft202012::new(document).expect("a schema")
}

/// A validator of one type.
pub(crate) fn validator_of(schema: &Schema, name: &str) -> Validator {
    let document = schema.json_schema();
    assert!(document["$defs"][name].is_object(), "no type {name}");
    validator(&json!({"$ref": format!("#/$defs/{name}"), "$defs": document["$defs"]}))
}
