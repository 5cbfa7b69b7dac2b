//! Every reader of the suite, fed with anything.
//!
//! One function for each reader, `fn(&[u8])`: it panics when a property does not hold, and on nothing else. `cargo xtask
//! fuzz` has libFuzzer drive them; `cargo test -p oc2-tests-fuzz` drives them with the corpus and a fixed number of
//! mutations of it.
//!
//! ```
//! oc2_tests_fuzz::json(br#"{"action": "query", "target": {"features": []}}"#);
//! oc2_tests_fuzz::json(b"[[[[");
//! ```

mod http;
mod media_types;
mod messages;
mod mutations;
mod seeds;
mod signatures;
mod slpf;
mod store_log;
mod target;
mod texts;
mod tree;

pub use http::http;
pub use media_types::media_types;
pub use messages::{cbor, json, json_compact, json_concise};
pub use mutations::Mutations;
pub use signatures::signatures;
pub use slpf::slpf;
pub use store_log::store_log;
pub use target::{TARGETS, Target};
pub use texts::texts;
pub use tree::tree;
