//! Commands of cargo that do not come with it: found, or installed below `target/tools`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::time::Duration;

use crate::cargo::{cargo, workspace};
use crate::failure::{Failure, Place, Result};
use crate::process::{self, Interrupt};

/// A command of cargo, with the version that is installed where it is missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    /// As cargo calls it: `fuzz`.
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
}

impl Tool {
    /// The search path on which cargo finds it.
    ///
    /// # Errors
    ///
    /// It is missing and cannot be installed.
    pub(crate) fn search_path(self, interrupt: &Interrupt) -> Result<OsString> {
        let tools = workspace().join("target/tools");
        let old = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&old).chain([tools.join("bin")]);
        let search_path = env::join_paths(folders).place("cannot extend PATH")?;
        let Self { name, version } = self;
        let mut ask = cargo(&[name, "--version"]);
        let answer = process::output_within(ask.env("PATH", &search_path), Duration::from_secs(60))?;
        if answer.status.success() {
            return Ok(search_path);
        }
        println!("Installing cargo-{name} in {}: not found.", tools.display());
        // It runs for seconds, so optimizing it would take longer than it saves.
        let mut install = cargo(&["install", &format!("cargo-{name}@{version}"), "--locked", "--debug", "--root"]);
        let build = tools.join("build");
        install.arg(&tools).arg("--target-dir").arg(&build).env("CARGO_PROFILE_DEV_DEBUG", "0");
        if !process::run(&mut install, interrupt)?.success() {
            return Err(Failure::new(format!("cargo-{name} is missing and cannot be installed, see above")));
        }
        // Hundreds of megabytes that nobody needs again.
        fs::remove_dir_all(&build).place(build.display())?;
        Ok(search_path)
    }
}
