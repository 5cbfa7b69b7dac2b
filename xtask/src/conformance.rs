//! `cargo xtask conformance`: the suite of `tests/conformance`, against ours or anyone's implementation.

use std::ffi::OsString;

use clap::Args;

use crate::cargo::{self, cargo};
use crate::failure::{Failure, Result};
use crate::process::{self, Interrupt};
use crate::setup::Machine;

/// The words for the suite, which reads them itself.
#[derive(Args, Debug, Default)]
#[command(disable_help_flag = true)]
pub(crate) struct Conformance {
    /// What the suite is asked for; `--help` tells
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    arguments: Vec<OsString>,
}

impl Conformance {
    /// Builds the suite, and our programs, which it may start; then runs it. Its exit status is ours.
    pub(crate) fn run(&self, interrupt: &Interrupt) -> Result<()> {
        let build = ["build", "--quiet", "--message-format=json-render-diagnostics", "--package"];
        let packages = ["oc2-conformance", "--package", "oc2-consumer", "--package", "oc2-producer"];
        let messages = cargo::output(&[&build[..], &packages, &["--bins"]].concat(), interrupt)?;
        let suite = cargo::executable(&messages, "oc2-conformance")
            .ok_or_else(|| Failure::new("cargo does not say where it has put oc2-conformance"))?;
        let mut command = std::process::Command::new(suite);
        // The broker of the tests lives in sbin.
        command.args(&self.arguments).env("PATH", Machine::search_path_here());
        let status = process::run(&mut command, interrupt)?;
        match status.code() {
            Some(0) => Ok(()),
            Some(code) => Err(Failure::Status(u8::try_from(code).unwrap_or(1))),
            None => Err(Failure::new(format!("{}: {status}", process::line(&cargo(&["run"]))))),
        }
    }
}
