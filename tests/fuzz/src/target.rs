//! All targets in a table.

use crate::{http, media_types, messages, seeds, signatures, slpf, store_log, texts, tree};

/// A reader with what it is fed at first.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of the function and of the binary.
    pub name: &'static str,
    /// Reads anything; panics when a property does not hold.
    pub read: fn(&[u8]),
    /// What it is fed at first: made from `tests/corpus` and the vectors.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How many mutations a bounded test reads, for about half a second in a debug build.
    pub n_mutations: usize,
}

/// Every reader there is.
#[rustfmt::skip]
pub const TARGETS: &[Target] = &[
    //      name            reader                  seeds                     mutations
    target("json",         messages::json,         seeds::json,               3_000),
    target("json_compact", messages::json_compact, seeds::json_compact,       3_000),
    target("json_concise", messages::json_concise, seeds::json_concise,       3_000),
    target("cbor",         messages::cbor,         seeds::cbor,               3_000),
    target("tree",         tree::tree,             seeds::json,               2_000),
    target("slpf",         slpf::slpf,             seeds::slpf,               3_000),
    target("texts",        texts::texts,           seeds::texts,             20_000),
    target("media_types",  media_types::media_types, seeds::media_types,     10_000),
    target("signatures",   signatures::signatures, signatures::seeds,         1_000),
    target("http",         http::http,             seeds::http,                 500),
    target("store_log",    store_log::store_log,   store_log::seeds,          2_000),
];

const fn target(name: &'static str, read: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>, n_mutations: usize) -> Target {
    Target { name, read, seeds, n_mutations }
}
