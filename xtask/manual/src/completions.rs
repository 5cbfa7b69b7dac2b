//! What a shell proposes.

use std::io;
use std::path::{Path, PathBuf};

use clap_complete::{Shell, generate_to};

use crate::Program;

/// Writes completions for each shell under the name that it looks for.
pub(crate) fn write(program: &Program, folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for shell in SHELLS {
        let mut command = program.command.clone();
        let name = command.get_name().to_owned();
        files.push(generate_to(shell, &mut command, name, folder)?);
    }
    Ok(())
}

pub(crate) const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];
