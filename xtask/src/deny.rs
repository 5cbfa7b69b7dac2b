//! `cargo xtask deny`: what others wrote that we ship, against `deny.toml`.

use std::process::Command;
use std::time::Duration;

use clap::Args;

use crate::cargo::cargo;
use crate::failure::{Failure, Result};
use crate::process::{self, Interrupt};
use crate::tools::Tool;

/// How the supply chain is checked.
#[derive(Args, Debug, Default)]
pub(crate) struct Deny {
    /// Fail where the database of advisories cannot be reached
    #[arg(long)]
    require_advisories: bool,
}

impl Deny {
    /// Checks licences, sources, bans, and advisories where their database can be reached.
    pub(crate) fn run(&self, interrupt: &Interrupt) -> Result<()> {
        let search_path = TOOL.search_path(interrupt)?;
        let deny = |arguments: &[&str]| {
            let mut command = cargo(&["deny", "--locked"]);
            command.args(arguments).env("PATH", &search_path);
            command
        };
        // A warning is an exception that nothing needs any more.
        check(deny(&["check", "--deny", "warnings", "bans", "licenses", "sources"]), interrupt)?;
        match fetch(deny(&["fetch", "db"])) {
            Ok(()) => check(deny(&["check", "--deny", "warnings", "advisories"]), interrupt),
            Err(reason) if self.require_advisories => Err(Failure::new(reason)),
            Err(reason) => {
                println!("advisories NOT CHECKED: {reason}");
                Ok(())
            }
        }
    }
}

fn check(mut command: Command, interrupt: &Interrupt) -> Result<()> {
    if process::run(&mut command, interrupt)?.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("`{}` failed, see above", process::line(&command))))
    }
}

/// Gets the database of advisories, or says why not.
fn fetch(mut command: Command) -> Result<(), String> {
    let output = process::output_within(&mut command, FETCH).map_err(|failure| failure.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    let reason = said.lines().rev().find(|line| line.starts_with("fatal:")).or(said.lines().next()).unwrap_or_default();
    if output.status.success() { Ok(()) } else { Err(format!("their database cannot be fetched: {reason}")) }
}

/// 100 s of processor time to build, once.
const TOOL: Tool = Tool { name: "deny", version: "0.20.2" };
/// The database is some megabytes.
const FETCH: Duration = Duration::from_secs(120);
