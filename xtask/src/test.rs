//! `cargo xtask test`: everything the tests need, then every test.

use std::env;
use std::process::Command;

use clap::Args;

use crate::cargo::cargo;
use crate::failure::Result;
use crate::parts::Parts;
use crate::process::Interrupt;
use crate::setup::Machine;

/// What the tests can be told.
#[derive(Args, Debug, Default)]
pub(crate) struct Test {
    /// Handed to both `cargo test` as they are
    #[arg(last = true, value_name = "CARGO TEST ARGUMENTS")]
    arguments: Vec<String>,
}

impl Test {
    /// Runs all parts and prints their summary.
    pub(crate) fn run(&self, interrupt: &Interrupt) -> Result<()> {
        let mut parts = Parts::default();
        self.run_parts(&mut parts, interrupt)?;
        parts.finish()
    }

    /// Runs all parts as parts of something larger.
    pub(crate) fn run_parts(&self, parts: &mut Parts, interrupt: &Interrupt) -> Result<()> {
        let mut machine = None;
        parts.run("set-up", || {
            machine = Some(Machine::prepare(interrupt)?);
            Ok(())
        })?;
        let machine = machine.as_ref();
        // The end-to-end tests start the binaries, which `cargo test` alone does not build for other packages.
        parts.run_command(&mut in_machine(cargo(&["build", "--workspace", "--bins"]), machine), interrupt)?;
        for kind in ["--all-targets", "--doc"] {
            // Without --no-fail-fast the first test binary that fails would hide what the others have to say.
            let mut command = in_machine(cargo(&["test", "--workspace", kind, "--no-fail-fast"]), machine);
            parts.run_command(command.args(&self.arguments), interrupt)?;
        }
        // Not among the default features, because it is heavy to build.
        let cedar = ["test", "--package", "oc2-consumer", "--features", "cedar", "--no-fail-fast", "cedar"];
        parts.run_command(&mut in_machine(cargo(&cedar), machine), interrupt)
    }
}

/// Tells tests where the tools are, and whether a real-kernel test that cannot run is a failure or is skipped.
fn in_machine(mut command: Command, machine: Option<&Machine>) -> Command {
    if let Some(machine) = machine {
        command.env("PATH", machine.search_path());
    }
    if env::var_os("CI").is_some() || machine.is_some_and(Machine::is_root_on_debian) {
        command.env("OC2_KERNEL_TESTS", "required");
    }
    command
}
