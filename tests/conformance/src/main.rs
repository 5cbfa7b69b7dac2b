//! `oc2-conformance`: what `cargo xtask conformance` runs.

use std::process::ExitCode;

use clap::Parser;
use oc2_conformance::Cli;

fn main() -> ExitCode {
    ExitCode::from(Cli::parse().run())
}
