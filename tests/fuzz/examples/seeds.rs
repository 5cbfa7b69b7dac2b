//! Writes the seeds of every target below a folder: `cargo run --package oc2-tests-fuzz --example seeds -- FOLDER`.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

use oc2_tests_fuzz::TARGETS;

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1) else {
        eprintln!("which folder?");
        return ExitCode::FAILURE;
    };
    match write(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", Path::new(&folder).display());
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path) -> io::Result<()> {
    for target in TARGETS {
        let folder = folder.join(target.name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let seeds = (target.seeds)();
        for (i, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("{i:04}")), seed)?;
        }
        println!("{} {}", target.name, seeds.len());
    }
    Ok(())
}
