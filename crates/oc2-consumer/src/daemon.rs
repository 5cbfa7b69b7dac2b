//! The daemon `oc2-consumer`: command line, configuration, start and stop.
//!
//! Nothing of it is meant for other programs, but its command line, from which its manual is written.

#[cfg(feature = "audit")]
mod audit;
#[cfg(feature = "packet-filter")]
mod backend;
mod check;
mod cli;
mod config;
#[cfg(any(feature = "http", feature = "mqtt"))]
mod file;
#[cfg(feature = "http")]
mod http;
mod logging;
#[cfg(feature = "mqtt")]
mod mqtt;
mod notify;
mod observe;
#[cfg(any(feature = "http", feature = "mqtt"))]
mod papers;
mod policy;
#[cfg(feature = "packet-filter")]
mod rules;
mod run;
mod state_dir;

use std::error::Error;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

#[cfg(feature = "audit")]
use self::cli::AuditVerb;
use self::cli::{Cli, Verb};

/// Does what the command line of the process says.
pub fn main() -> ExitCode {
    let res = match Cli::parse().verb {
        Verb::Run { config, logging } => run::run(&config, &logging),
        Verb::Check { config, asked } => check::check(&config, &asked),
        #[cfg(feature = "packet-filter")]
        Verb::Rules { config, json } => rules::rules(&config, json),
        #[cfg(feature = "cedar")]
        Verb::CedarSchema { config } => policy::print_schema(&config),
        #[cfg(feature = "audit")]
        Verb::Audit { verb: AuditVerb::Verify { files, config, kept } } => {
            audit::verify(files, config.as_deref(), &kept)
        }
    };
    match res {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("oc2-consumer: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The command line, as a manual or a shell needs it.
pub fn command_line() -> clap::Command {
    Cli::command()
}

/// Why the daemon ends: a sentence for the operator.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;
