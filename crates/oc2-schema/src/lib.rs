//! The tables of the OpenC2 language and of its profiles as schemas: JADN 1.0, and JSON Schema 2020-12 for JSON by name.
//!
//! The shapes of `oc2-core` are what readers and writers are made of; here they print themselves, so what a schema says is
//! what the code does. Take this crate to publish the schema of a profile of your own, to check messages where no Rust runs,
//! or to compare types with those of others; `cargo xtask schema` is its command line. To read and write messages take
//! `oc2-encoding`: a schema knows nothing of bytes and little of what values mean.
//!
//! ```
//! use oc2_profile_slpf::Slpf;
//! use oc2_schema::{Root, Schema};
//!
//! let schema = Schema::of_language().with_profile::<Slpf>();
//! let jadn = schema.jadn();
//! assert_eq!(jadn["info"]["exports"][1], "OpenC2-Command");
//! let json_schema = schema.json_schema_of(Root::Command);
//! assert_eq!(json_schema["$defs"]["Slpf-Args"]["properties"]["direction"]["$ref"], "#/$defs/Slpf-Direction");
//! println!("{}", oc2_schema::text(&json_schema));
//! ```
//!
//! # What a schema cannot say
//!
//! Bytes and the rules of I-JSON (UTF-8, members that stand twice, noncharacters); how a number is spelled; IDNA; what two
//! times add up to; what a profile understands when it interprets a Command; limits of a reader. `tests/it/corpus.rs` in the
//! repository lists each document on which the JSON Schema and the reader in strict mode differ, with the reason.

mod jadn;
mod json_schema;
mod schema;
mod text;
mod types;

pub use schema::{Root, Schema};
pub use text::text;
