//! The program `oc2-producer`: sends one Command, to one Consumer or to many, and shows what comes back, or says what is wrong with
//! documents.
//!
//! Nothing of it is meant for other programs, but its command line, from which its manual is written.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::cli::{Cli, Verb};
use crate::{send, validate};

/// Does what the command line of the process says.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let res = match cli.verb {
        Verb::Validate => validate::run(&cli),
        _ => send::run(&cli),
    };
    res.unwrap_or_else(|failure| failure.report())
}

/// The command line, as a manual or a shell needs it.
pub fn command_line() -> clap::Command {
    Cli::command()
}
