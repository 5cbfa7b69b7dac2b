//! `oc2-manual DIR`: manual pages and shell completions of both programs, below `DIR/man` and `DIR/completions`.
//!
//! `cargo xtask dist` calls it.

mod completions;
mod page;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Command, Parser};

/// Write manual pages and shell completions of `oc2-consumer` and `oc2-producer`
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// Where to: pages go to `man` in this folder, completions to `completions`
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

fn main() -> io::Result<()> {
    for file in write(&Cli::parse().folder)? {
        println!("{}", file.display());
    }
    Ok(())
}

/// Writes everything; the files.
fn write(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    fs::create_dir_all(&man)?;
    fs::create_dir_all(&completions)?;
    let mut files = Vec::new();
    for program in programs() {
        page::write(&program, &man, &mut files)?;
        completions::write(&program, &completions, &mut files)?;
    }
    Ok(files)
}

/// A program that is shipped.
#[derive(Clone, Debug)]
struct Program {
    command: Command,
    /// The section of the manual: 1 for what anybody runs, 8 for what an administrator runs.
    section: &'static str,
}

fn programs() -> [Program; 2] {
    [
        Program { command: oc2_consumer::daemon::command_line().name("oc2-consumer"), section: "8" },
        Program { command: oc2_producer::program::command_line().name("oc2-producer"), section: "1" },
    ]
}

#[cfg(test)]
mod tests;
