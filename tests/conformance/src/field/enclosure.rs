//! This program once more, in namespaces of its own, which vanish with it.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Read, stdin};
use std::process::{Command, Output, Stdio};
use std::thread;

/// Runs this program with these arguments in namespaces for network, mounts and processes, and one for users unless we are root.
///
/// # Errors
/// They cannot be had here, or it failed in there: the reason.
pub(crate) fn enclosed(arguments: &[String]) -> io::Result<Output> {
    let flags: &[&str] = if rustix::process::geteuid().is_root() { &[] } else { &["--user", "--map-root-user"] };
    let mut command = Command::new("unshare");
    command.env("PATH", search_path()).args(flags).args(NAMESPACES).arg("--").arg(std::env::current_exe()?);
    // It ends with its standard input, so that nothing of it outlives us.
    let mut child =
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let leash = child.stdin.take();
    let output = child.wait_with_output()?;
    drop(leash);
    if output.status.success() {
        return Ok(output);
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ")))
}

/// The first thing in there: this process ends with the one outside, and has a `/run` of its own, where named namespaces are.
///
/// # Errors
/// This is not in there, or may not mount.
pub(crate) fn enter() -> io::Result<()> {
    if std::process::id() != 1 {
        return Err(io::Error::new(ErrorKind::Unsupported, "this runs in namespaces of its own only"));
    }
    thread::spawn(|| {
        let mut stdin = stdin().lock();
        while stdin.read(&mut [0; 16]).is_ok_and(|n_read| n_read > 0) {}
        std::process::exit(1);
    });
    let output = Command::new("mount").args(["-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run"]).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

/// What is needed lives in sbin, which is not in every user's path.
fn search_path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/sbin");
    path
}

const NAMESPACES: [&str; 5] = ["--net", "--mount", "--pid", "--fork", "--kill-child=KILL"];
