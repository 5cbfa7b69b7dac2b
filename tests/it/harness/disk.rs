//! A small disk of its own for a daemon.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::binary;

/// A file system in memory, which only those see who are started on it.
pub(crate) struct Disk {
    /// Keeps it while no daemon runs.
    keeper: Child,
    at: PathBuf,
}

impl Disk {
    /// So many KiB in the place of a folder.
    pub(crate) fn of(kib: u32, at: &Path) -> Self {
        fs::create_dir_all(at).expect("a folder can be made");
        let script = "mount -t tmpfs -o mode=0700,size=$1k tmpfs \"$0\" && echo ready && exec sleep infinity";
        let mut keeper = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "--", "sh", "-c", script])
            .arg(at)
            .arg(kib.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare is there");
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().expect("it is piped")).read_line(&mut line).expect("it says something");
        assert_eq!(line, "ready\n", "no file system can be mounted");
        Self { keeper, at: at.to_owned() }
    }

    /// A command of which the daemon is the last word.
    pub(crate) fn daemon(&self) -> Command {
        let mut command = self.command("");
        command.arg(binary("oc2-consumer"));
        command
    }

    /// Takes what room there is.
    pub(crate) fn fill(&self) {
        let mut filler = File::create(self.filler()).expect("there is room for a name");
        while filler.write_all(&[1; 4096]).is_ok() {}
        while filler.write_all(&[1]).is_ok() {}
    }

    /// Gives it back.
    pub(crate) fn free(&self) {
        fs::remove_file(self.filler()).expect("it was filled");
    }

    /// Makes it read-only, or not.
    pub(crate) fn set_read_only(&self, is_read_only: bool) {
        let option = if is_read_only { "remount,ro" } else { "remount,rw" };
        let status = self.command("mount").args(["-o", option]).arg(&self.at).status().expect("mount is there");
        assert!(status.success(), "{option}: {status}");
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--mount=/proc/{}/ns/mnt", self.keeper.id())).arg("--");
        if !program.is_empty() {
            command.arg(program);
        }
        command
    }

    /// Where it is seen from without.
    fn filler(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.keeper.id()));
        root.join(self.at.strip_prefix("/").expect("it is absolute")).join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}
