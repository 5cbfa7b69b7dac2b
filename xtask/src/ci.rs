//! `cargo xtask ci`: all of CI in one command. `.ci/run` runs the same parts.

use crate::cargo::cargo;
use crate::clauses;
use crate::deb::Deb;
use crate::demo::Demo;
use crate::deny::Deny;
use crate::failure::Result;
use crate::fuzz::Fuzz;
use crate::interop::Interop;
use crate::kills::Kills;
use crate::parts::Parts;
use crate::process::Interrupt;
use crate::test::Test;
use crate::tidy;

/// Runs every part, cheap ones first, and prints their summary.
pub(crate) fn run(interrupt: &Interrupt) -> Result<()> {
    let mut parts = Parts::default();
    parts.run_command(&mut cargo(&["fmt", "--all", "--check"]), interrupt)?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"];
    parts.run_command(&mut cargo(&clippy), interrupt)?;
    let cedar =
        ["clippy", "--package", "oc2-consumer", "--features", "cedar", "--all-targets", "--", "--deny", "warnings"];
    parts.run_command(&mut cargo(&cedar), interrupt)?;
    let mut doc = cargo(&["doc", "--workspace", "--no-deps"]);
    parts.run_command(doc.env("RUSTDOCFLAGS", "--deny warnings"), interrupt)?;
    parts.run("tidy", || tidy::run(interrupt))?;
    parts.run("clauses", clauses::run)?;
    parts.run("deny", || Deny::default().run(interrupt))?;
    Test::default().run_parts(&mut parts, interrupt)?;
    parts.run("fuzz", || Fuzz::default().run(interrupt))?;
    parts.run("kills --points 60 --prove", || Kills::for_ci().run(interrupt))?;
    parts.run("deb --unoptimized --try", || Deb::for_a_try().run(interrupt))?;
    parts.run("demo", || Demo::default().run(interrupt))?;
    parts.run("interop", || Interop::default().run(interrupt))?;
    parts.run("demo --mqtt", || Demo::of_a_fleet().run(interrupt))?;
    parts.finish()
}
