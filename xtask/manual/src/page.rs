//! Manual pages.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::Program;

/// Writes a page for a program and one for each of its subcommands.
pub(crate) fn write(program: &Program, folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut command = program.command.clone().disable_help_subcommand(true);
    command.build();
    write_with_subcommands(&command, program.section, folder, files)
}

fn write_with_subcommands(command: &Command, section: &str, folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let file = folder.join(format!("{}.{section}", full_name(command)));
    fs::write(&file, page(command, section)?)?;
    files.push(file);
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        write_with_subcommands(subcommand, section, folder, files)?;
    }
    Ok(())
}

/// The text of a page.
fn page(command: &Command, section: &str) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone())
        .title(full_name(command))
        .section(section)
        .source(format!("oc2 {}", env!("CARGO_PKG_VERSION")))
        .manual("OpenC2 suite");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    as_it_is("SYNOPSIS", &usage(command)).to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    if command.get_subcommands().any(|subcommand| !subcommand.is_hide_set()) {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(more) = command.get_after_long_help().or(command.get_after_help()) {
        as_it_is("NOTES", &more.to_string()).to_writer(&mut page)?;
    }
    Ok(page)
}

/// A section whose lines stay as they are.
fn as_it_is(heading: &str, text: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [heading]).control("nf", []);
    for line in text.lines() {
        // A line of its own for each: the requests of one call are filled.
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff
}

/// How it is called, as its help has it.
fn usage(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    usage.trim_start_matches("Usage: ").lines().map(str::trim_start).collect::<Vec<_>>().join("\n")
}

/// With the names of those above it: `oc2-consumer-run`.
pub(crate) fn full_name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}
