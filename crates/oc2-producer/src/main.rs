//! `oc2-producer`: sends one Command, to one Consumer or to many, and shows what comes back, or says what is wrong with documents. The work is done by the library of the same name.

mod broker;
mod cli;
mod compose;
mod failure;
#[cfg(feature = "mqtt")]
mod fleet;
#[cfg(feature = "http")]
mod http;
mod identity;
#[cfg(feature = "mqtt")]
mod mqtt;
mod options;
mod render;
#[cfg(feature = "mqtt")]
mod screen;
mod security;
mod send;
#[cfg(feature = "mqtt")]
mod tally;
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
