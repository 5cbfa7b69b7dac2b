//! `oc2-producer`: sends one Command and shows what comes back, or says what is wrong with documents. The work is done by the library of the same name.

mod cli;
mod compose;
mod failure;
mod identity;
mod options;
mod render;
mod send;
mod time;
mod validate;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Verb};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let res = match cli.verb {
        Verb::Validate => validate::run(&cli),
        _ => send::run(&cli),
    };
    res.unwrap_or_else(|failure| failure.report())
}
