//! Cargo, called in the workspace.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::process::{self, Interrupt};

/// The folder that holds the workspace's manifest.
pub(crate) fn workspace() -> &'static Path {
    // The manifest's folder has a parent: the workspace names this package by a path below itself.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// A cargo command run in the workspace, by the cargo that runs us.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace()).args(arguments);
    command
}

/// The standard output of a cargo command, which has to succeed.
pub(crate) fn output(arguments: &[&str], interrupt: &Interrupt) -> Result<String> {
    let (status, stdout) = process::capture(&mut cargo(arguments), interrupt)?;
    if status.success() {
        Ok(stdout)
    } else {
        Err(Failure::new(format!("`cargo {}` failed, see above", arguments.join(" "))))
    }
}

/// Where cargo put the binary of this name, from what it writes for `--message-format=json`.
pub(crate) fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut binaries =
        messages.filter(|message| message["target"]["name"] == name && message["executable"].is_string());
    binaries.next()?["executable"].as_str().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binary_is_found_among_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"oc2_consumer"},"executable":null}
            {"reason":"compiler-artifact","target":{"name":"oc2-consumer"},"executable":"/t/debug/oc2-consumer"}
            {"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages, "oc2-consumer"), Some(PathBuf::from("/t/debug/oc2-consumer")));
        assert_eq!(executable(messages, "oc2-producer"), None);
    }
}
