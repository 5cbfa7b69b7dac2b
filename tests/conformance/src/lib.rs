//! Where an implementation of OpenC2 stands, clause by clause, seen from the network: `cargo xtask conformance`.
//!
//! The suite speaks for itself: HTTP, MQTT and JSON are written and judged by code that shares nothing with the crates of this
//! workspace, and whatever it finds wrong is shown with the octets that went over the wire. Its rows are the checklists in
//! `tests/clauses`; each has a check or a reason why it cannot be seen (`unseen.tsv`).
//!
//! ```no_run
//! use clap::Parser;
//! use oc2_conformance::Cli;
//!
//! let cli = Cli::parse_from(["conformance", "--consumer", "http://192.0.2.1:8080", "--only", "HTTPS"]);
//! std::process::exit(cli.run().into());
//! ```

mod arch;
mod cbor;
mod check;
mod class;
mod clause;
mod cli;
mod corpus;
mod exchange;
mod field;
mod https;
mod ijson;
mod ls;
mod mqtt;
mod producer;
mod progress;
mod report;
mod run;
mod schema;
mod session;
mod slpf;
mod subject;
mod sums;
mod unseen;
mod verdict;
mod wire;

pub use cli::Cli;
