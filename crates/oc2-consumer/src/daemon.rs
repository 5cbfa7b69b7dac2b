//! The daemon: command line, configuration, start and stop.

#[cfg(feature = "audit")]
mod audit;
#[cfg(feature = "packet-filter")]
mod backend;
mod check;
mod cli;
mod config;
#[cfg(feature = "mqtt")]
mod file;
mod logging;
#[cfg(feature = "mqtt")]
mod mqtt;
mod observe;
mod policy;
mod run;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

#[cfg(feature = "audit")]
use self::cli::AuditVerb;
use self::cli::{Cli, Verb};

pub(crate) fn main() -> ExitCode {
    let res = match Cli::parse().verb {
        Verb::Run { config, logging } => run::run(&config, &logging),
        Verb::Check { config, asked } => check::check(&config, &asked),
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

/// Why the daemon ends: a sentence for the operator.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;
