//! The daemon: command line, configuration, start and stop.

mod check;
mod cli;
mod config;
mod logging;
mod policy;
mod run;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

use self::cli::{Cli, Verb};

pub(crate) fn main() -> ExitCode {
    let res = match Cli::parse().verb {
        Verb::Run { config, logging } => run::run(&config, &logging),
        Verb::Check { config, asked } => check::check(&config, &asked),
    };
    match res {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("oc2-consumer: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Why the daemon ends: a sentence for the operator.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;
