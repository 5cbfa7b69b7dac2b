//! `cargo xtask dist`: what is shipped beside the programs.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cargo::{cargo, workspace};
use crate::failure::{Failure, Result};
use crate::process::{self, Interrupt};

/// Where to.
#[derive(Args, Debug)]
pub(crate) struct Dist {
    /// The folder, in which `man` and `completions` are made [default: target/dist]
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

/// Writes manual pages and completions.
pub(crate) fn write(folder: &Path, interrupt: &Interrupt) -> Result<()> {
    let mut command = cargo(&["run", "--quiet", "--package", "oc2-manual", "--"]);
    let status = process::run(command.arg(folder), interrupt)?;
    if status.success() { Ok(()) } else { Err(Failure::new("pages and completions were not written, see above")) }
}
