//! `cargo xtask deb`: packages for Debian, and a clean root to try them in.

mod clean_root;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cargo::{self, cargo, workspace};
use crate::dist;
use crate::failure::{Failure, Place, Result};
use crate::process::{self, Interrupt};
use crate::setup::Machine;
use crate::tools::Tool;

/// How packages are made.
#[derive(Args, Debug)]
pub(crate) struct Deb {
    /// Pack programs that are built quickly and run slowly: to see whether packages are right
    #[arg(long)]
    unoptimized: bool,
    /// Install them in a clean root afterwards, look at what is there, and purge them; as root on Debian
    #[arg(long = "try")]
    attempt: bool,
}

impl Deb {
    /// As CI has it.
    pub(crate) fn for_a_try() -> Self {
        Self { unoptimized: true, attempt: true }
    }

    /// Makes the packages and says where they are.
    pub(crate) fn run(&self, interrupt: &Interrupt) -> Result<()> {
        let machine = Machine::prepare_to_package(interrupt)?;
        let search_path = TOOL.search_path(interrupt)?;
        dist::write(&workspace().join("target/dist"), interrupt)?;
        let built = self.build(interrupt)?;
        let packages = workspace().join(if self.unoptimized { "target/debian/unoptimized" } else { "target/debian" });
        for name in PACKAGES {
            let mut command = cargo(&["deb", "--quiet", "--no-build", "--locked", "--package", name, "--output"]);
            command.arg(file(&packages, name)).env("CARGO_TARGET_DIR", &built).env("PATH", &search_path);
            if self.unoptimized {
                command.arg("--fast");
            }
            if !process::run(&mut command, interrupt)?.success() {
                return Err(Failure::new(format!("{name} was not packed, see above")));
            }
        }
        // Half a gigabyte if they are not optimized.
        fs::remove_dir_all(&built).place(built.display())?;
        if self.attempt { clean_root::attempt(&packages, &machine, interrupt) } else { Ok(()) }
    }

    /// Builds the programs and puts them where cargo-deb looks for them; the folder it takes for that of a build.
    fn build(&self, interrupt: &Interrupt) -> Result<PathBuf> {
        let folder = workspace().join("target/deb");
        let release = folder.join("release");
        fs::create_dir_all(&release).place(release.display())?;
        let mut arguments = vec!["build", "--locked", "--bins", "--message-format=json"];
        arguments.extend(PACKAGES.iter().flat_map(|name| ["--package", name]));
        arguments.extend((!self.unoptimized).then_some("--release"));
        let messages = cargo::output(&arguments, interrupt)?;
        for name in PACKAGES {
            let program = cargo::executable(&messages, name);
            let program = program.ok_or_else(|| Failure::new(format!("cargo does not say where {name} is")))?;
            fs::copy(&program, release.join(name)).place(program.display())?;
        }
        Ok(folder)
    }
}

/// The package of this name in a folder.
fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.deb"))
}

/// A package for each program, of its name.
const PACKAGES: [&str; 2] = dist::PROGRAMS;
/// 45 s of processor time to build, once.
const TOOL: Tool = Tool { name: "deb", version: "3.8.0" };
