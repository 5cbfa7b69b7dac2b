//! `cargo xtask fuzz`: every reader, fed with anything.
//!
//! *Invariant.* What it writes lies below `target/`: tools, builds, seeds, what was found worth keeping, and what crashed.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::Args;

use crate::cargo::{self, cargo, workspace};
use crate::failure::{Failure, Place, Result};
use crate::process::{self, Interrupt};
use crate::setup::Machine;
use crate::tools::Tool;

/// What the fuzzing can be told.
#[derive(Args, Debug)]
pub(crate) struct Fuzz {
    /// How many seconds each target runs
    #[arg(long, default_value_t = SECONDS)]
    seconds: u64,
    /// Only these targets
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

impl Default for Fuzz {
    fn default() -> Self {
        Self { seconds: SECONDS, targets: Vec::new() }
    }
}

impl Fuzz {
    /// Runs the targets with libFuzzer, or, where that cannot be, with a fixed number of inputs.
    pub(crate) fn run(&self, interrupt: &Interrupt) -> Result<()> {
        let targets = self.chosen(write_seeds(interrupt)?)?;
        match build(interrupt) {
            Ok(binaries) => self.run_all(&targets, &binaries, interrupt),
            Err(Failure::Interrupted(signal)) => Err(Failure::Interrupted(signal)),
            Err(reason) => {
                println!("skipped: {reason}");
                run_bounded(interrupt)
            }
        }
    }

    fn chosen(&self, mut targets: Vec<String>) -> Result<Vec<String>> {
        if let Some(unknown) = self.targets.iter().find(|name| !targets.contains(name)) {
            return Err(Failure::new(format!("no target {unknown:?}; there are {}", targets.join(", "))));
        }
        if !self.targets.is_empty() {
            targets.retain(|name| self.targets.contains(name));
        }
        Ok(targets)
    }

    /// A target that crashes does not keep the others from running.
    fn run_all(&self, targets: &[String], binaries: &Path, interrupt: &Interrupt) -> Result<()> {
        let (mut n_all, mut crashes) = (0, Vec::new());
        for name in targets {
            match self.run_one(name, &binaries.join(name), interrupt)? {
                Outcome::Fine { n_executions } => {
                    println!("{name:<14} {n_executions:>12} executions");
                    n_all += n_executions;
                }
                Outcome::Crashed { report } => {
                    println!("{name:<14} crashed\n{report}");
                    crashes.push(name.as_str());
                }
            }
        }
        println!("{:<14} {n_all:>12} executions without a crash", "all");
        if crashes.is_empty() {
            return Ok(());
        }
        Err(Failure::new(format!("{} crashed; the inputs are in {}", crashes.join(", "), folder(ARTIFACTS).display())))
    }

    fn run_one(&self, name: &str, binary: &Path, interrupt: &Interrupt) -> Result<Outcome> {
        let (corpus, artifacts) = (folder(CORPUS).join(name), folder(ARTIFACTS).join(name));
        for folder in [&corpus, &artifacts] {
            fs::create_dir_all(folder).place(folder.display())?;
        }
        let log = artifacts.join("log");
        let mut command = Command::new(binary);
        command.args([&corpus, &folder(SEEDS).join(name)]);
        command.arg(format!("-max_total_time={}", self.seconds)).args(["-print_final_stats=1", "-timeout=20"]);
        command.arg(format!("-artifact_prefix={}/", artifacts.display()));
        command.current_dir(workspace()).stderr(File::create(&log).place(log.display())?);
        let status = process::run(&mut command, interrupt)?;
        let log = String::from_utf8_lossy(&fs::read(&log).place(log.display())?).into_owned();
        match n_executions(&log) {
            Some(n_executions) if status.success() => Ok(Outcome::Fine { n_executions }),
            _ => Ok(Outcome::Crashed { report: report(&log) }),
        }
    }
}

/// How the run of a target ended.
enum Outcome {
    Fine { n_executions: u64 },
    Crashed { report: String },
}

/// Writes the seeds of every target and says which targets there are.
fn write_seeds(interrupt: &Interrupt) -> Result<Vec<String>> {
    let seeds = folder(SEEDS);
    let arguments = ["run", "--quiet", "--package", PACKAGE, "--example", "seeds", "--", &seeds.to_string_lossy()];
    let written = cargo::output(&arguments, interrupt)?;
    Ok(written.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

/// Builds every target; the folder of the binaries.
///
/// # Errors
/// They cannot be built here: why.
fn build(interrupt: &Interrupt) -> Result<PathBuf> {
    // libFuzzer is C++.
    Machine::prepare_to_compile(interrupt)?;
    let host = host()?;
    let search_path = TOOL.search_path(interrupt)?;
    let build = folder("build");
    let mut command = cargo(&["fuzz", "build", "--fuzz-dir", "tests/fuzz", "--features", "libfuzzer"]);
    // Without a sanitizer a stable toolchain does, and safe code needs none; with debug assertions sums that overflow are found.
    command.args(["--sanitizer", "none", "--release", "--debug-assertions", "--codegen-units", "16"]);
    command.args(["--target", &host, "--target-dir"]).arg(&build);
    // Optimizing across crates, or more, makes building slower by more than it makes the targets faster.
    command
        .env("PATH", search_path)
        .envs([("CARGO_PROFILE_RELEASE_LTO", "off"), ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "2")]);
    if process::run(&mut command, interrupt)?.success() {
        Ok(build.join(host).join("release"))
    } else {
        Err(Failure::new("the targets cannot be built with libFuzzer, see above"))
    }
}

/// The platform the compiler runs on.
fn host() -> Result<String> {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let output = process::output_within(rustc.arg("-vV").current_dir(workspace()), Duration::from_secs(60))?;
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Failure::new("`rustc -vV` names no host"))
}

/// The same readers without libFuzzer; what fails says with which input.
fn run_bounded(interrupt: &Interrupt) -> Result<()> {
    println!("Every reader is run with its seeds and a fixed number of mutations of them instead.");
    let status = process::run(&mut cargo(&["test", "--package", PACKAGE, "--test", "it"]), interrupt)?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("the bounded run: {status}"))) }
}

/// From what libFuzzer says at its end.
fn n_executions(log: &str) -> Option<u64> {
    log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:")?.trim().parse().ok())
}

/// What of a log says why it crashed, and where the input is.
fn report(log: &str) -> String {
    let is_told = |line: &&str| {
        ["panicked at", "ERROR:", "SUMMARY:", "Test unit written to", "Base64:"].iter().any(|part| line.contains(part))
    };
    let mut told = Vec::new();
    let mut lines = log.lines().peekable();
    while let Some(line) = lines.next() {
        if is_told(&line) {
            told.push(line);
            // The reason stands on the next line.
            told.extend(lines.peek().filter(|_| line.contains("panicked at")));
        }
    }
    if told.is_empty() {
        told = log.lines().rev().take(20).collect();
        told.reverse();
    }
    told.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn folder(name: &str) -> PathBuf {
    workspace().join("target/fuzz").join(name)
}

const TOOL: Tool = Tool { name: "fuzz", version: "0.13.2" };
const SECONDS: u64 = 10;
const PACKAGE: &str = "oc2-tests-fuzz";
const SEEDS: &str = "seeds";
/// What a run found worth keeping, for the next run.
const CORPUS: &str = "corpus";
const ARTIFACTS: &str = "artifacts";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executions_stand_in_the_last_lines() {
        let log = "#2\tINITED cov: 5\nDone 165680 runs in 7 second(s)\nstat::number_of_executed_units: 165680\n\
                   stat::average_exec_per_sec:     23668\n";
        assert_eq!(n_executions(log), Some(165_680));
        assert_eq!(n_executions("Done"), None);
    }

    #[test]
    fn a_crash_is_told_with_its_reason_and_its_input() {
        let log = "INFO: Seed: 1\n#1 NEW\nthread 'main' panicked at tests/fuzz/src/tree.rs:1:2:\nthe reason\nstack backtrace:\n\
                   SUMMARY: libFuzzer: deadly signal\nartifact_prefix='a/'; Test unit written to a/crash-1\nBase64: AA==\n";
        let expected = "  thread 'main' panicked at tests/fuzz/src/tree.rs:1:2:\n  the reason\n  SUMMARY: libFuzzer: deadly signal\n  \
                        artifact_prefix='a/'; Test unit written to a/crash-1\n  Base64: AA==";
        assert_eq!(report(log), expected);
        assert_eq!(report("cannot start"), "  cannot start");
    }
}
