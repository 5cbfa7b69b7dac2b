//! `oc2-producer`: sends one Command and shows what comes back. The work is done by the library of the same name.

mod cli;
mod compose;
mod failure;
mod identity;
mod options;
mod render;
mod send;
mod time;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

fn main() -> ExitCode {
    send::run(&Cli::parse()).unwrap_or_else(|failure| failure.report())
}
