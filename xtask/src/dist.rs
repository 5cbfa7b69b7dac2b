//! `cargo xtask dist`: what is shipped beside the programs.

mod notices;

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cargo::{cargo, workspace};
use crate::failure::{Failure, Result};
use crate::process::{self, Interrupt};

/// Where to.
#[derive(Args, Debug)]
pub(crate) struct Dist {
    /// The folder, in which `man`, `completions` and `notices` are made [default: target/dist]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Dist {
    /// Writes the pages and completions.
    pub(crate) fn run(&self, interrupt: &Interrupt) -> Result<()> {
        let default = workspace().join("target/dist");
        write(&std::path::absolute(self.folder.as_deref().unwrap_or(&default)).unwrap_or(default), interrupt)
    }
}

/// Writes manual pages, completions, and notices about what others wrote.
pub(crate) fn write(folder: &Path, interrupt: &Interrupt) -> Result<()> {
    let mut command = cargo(&["run", "--quiet", "--package", "oc2-manual", "--"]);
    let status = process::run(command.arg(folder), interrupt)?;
    if !status.success() {
        return Err(Failure::new("pages and completions were not written, see above"));
    }
    notices::write(&folder.join("notices"), &PROGRAMS, interrupt)
}

/// What is shipped.
pub(crate) const PROGRAMS: [&str; 2] = ["oc2-consumer", "oc2-producer"];
