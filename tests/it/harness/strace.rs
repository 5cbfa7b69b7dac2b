//! System calls of a running daemon that fail, from outside: no build has code for it.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use oc2_tests_broker::wait_until;
use rustix::process::{Pid, Signal, kill_process};

use super::Daemon;

/// Has system calls fail as long as it lives.
pub(crate) struct Strace(Child);

impl Strace {
    /// Calls in any thread of a daemon: `fdatasync:error=EIO`.
    pub(crate) fn all_of(daemon: &Daemon, fault: &str) -> Self {
        let pid = daemon.pid().as_raw_nonzero().get();
        Self::attach(&["-f"], pid, fault, &threads(pid))
    }

    /// Calls in the thread that changes the rules.
    pub(crate) fn engine_of(daemon: &Daemon, fault: &str) -> Self {
        let pid = daemon.pid().as_raw_nonzero().get();
        let is_engine = |thread: &i32| {
            let name = fs::read_to_string(format!("/proc/{pid}/task/{thread}/comm")).unwrap_or_default();
            name.starts_with("oc2-packet-filt")
        };
        let engine = threads(pid).into_iter().find(is_engine).expect("a thread changes the rules");
        Self::attach(&[], engine, fault, &[engine])
    }

    fn attach(follow: &[&str], id: i32, fault: &str, threads: &[i32]) -> Self {
        let (calls, _) = fault.split_once(':').expect("calls, and what becomes of them");
        let child = Command::new("strace")
            .args(follow)
            .args(["-qq", "-o", "/dev/null", "-e", "signal=none", "-e"])
            .arg(format!("trace={calls}"))
            .args(["-e", &format!("inject={fault}"), "-p", &id.to_string()])
            .stdin(Stdio::null())
            .spawn()
            .expect("strace is there");
        let own = Self(child);
        wait_until("strace", || threads.iter().all(|thread| is_traced(*thread)));
        own
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            // It lets go of whom it traces before it ends; it may have ended with the daemon.
            let _ = kill_process(pid, Signal::INT);
        }
        let _ = self.0.wait();
    }
}

fn threads(pid: i32) -> Vec<i32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the daemon runs").flatten();
    tasks.filter_map(|task| task.file_name().to_str()?.parse().ok()).collect()
}

/// A thread that has ended is not waited for.
fn is_traced(thread: i32) -> bool {
    let status = fs::read_to_string(Path::new("/proc").join(thread.to_string()).join("status")).unwrap_or_default();
    !status.lines().any(|line| line.strip_prefix("TracerPid:").is_some_and(|tracer| tracer.trim() == "0"))
}
