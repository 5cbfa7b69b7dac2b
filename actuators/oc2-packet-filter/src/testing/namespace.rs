//! For tests that meet a real kernel: each runs in a network namespace of its own.
//!
//! Nothing outside the namespace is touched, so they run beside each other and beside the firewall of the host. They need
//! root, or a kernel that gives namespaces to everybody, and iptables. Where one is missing they are skipped with a note,
//! unless the environment says `OC2_KERNEL_TESTS=required`.
//!
//! ```no_run
//! # use oc2_packet_filter::testing;
//! // #[test]
//! fn packets_stop() {
//!     testing::in_namespace("firewall::packets_stop", || {
//!         // Here is a kernel without rules, with root's rights over its network.
//!     });
//! }
//! ```

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, process};

/// Runs the body of the test called `test` in a fresh network namespace, by starting the test program once more for this
/// test alone. `test` is the whole name, as the test runner prints it.
///
/// In the namespace the lock of the legacy tables is a file of the test's own.
///
/// # Panics
///
/// When the test fails there, when there is no test of that name, or when it cannot run and is required to.
pub fn in_namespace(test: &str, body: impl FnOnce()) {
    in_namespace_with(&["iptables-restore"], test, body);
}

/// The same for a test that needs these programs and not iptables.
///
/// # Panics
///
/// As [`in_namespace`].
pub fn in_namespace_with(tools: &[&str], test: &str, body: impl FnOnce()) {
    if env::var_os(IN_NAMESPACE).is_some() {
        return body();
    }
    let unshare = match kernel(tools) {
        Ok(unshare) => unshare,
        Err(missing) => return skip(&missing),
    };
    let lock = Lock::new();
    let program = env::current_exe().expect("a running test has a program");
    let output = command(&unshare)
        .arg(program)
        .args(["--exact", test, "--nocapture"])
        .env(IN_NAMESPACE, "1")
        .env("XTABLES_LOCKFILE", &lock.0)
        .output()
        .expect("unshare was started before");
    report(test, &output);
}

/// Notes that a test cannot run here for want of something that it needs.
///
/// # Panics
///
/// With `OC2_KERNEL_TESTS=required`.
pub fn skip(missing: &str) {
    assert!(env::var_os(KERNEL_TESTS).is_none_or(|value| value != "required"), "required, but {missing}");
    println!("skipped: {missing}");
}

/// Notes that a part of what is tested does not exist here, which no set-up can change.
pub fn note(absent: &str) {
    println!("not tested: {absent}");
}

/// How to get a namespace, or what is missing.
fn kernel(tools: &[&str]) -> Result<Vec<&'static str>, String> {
    if let Some(missing) = tools.iter().find(|tool| find(tool).is_none()) {
        return Err(format!("{missing} is not installed"));
    }
    let ways = [vec!["unshare", "--net"], vec!["unshare", "--user", "--map-root-user", "--net"]];
    let works = |way: &Vec<&str>| command(way).arg("true").output().is_ok_and(|output| output.status.success());
    ways.into_iter().find(works).ok_or_else(|| "this user gets no network namespace".to_owned())
}

fn report(test: &str, output: &Output) {
    let stdout = String::from_utf8_lossy(&output.stdout);
    print!("{stdout}");
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{test} failed in its namespace");
    assert!(stdout.contains("test result: ok. 1 passed"), "there is no test called {test}");
}

fn command<S: AsRef<OsStr>>(words: &[S]) -> Command {
    let (program, args) = words.split_first().expect("a command has a program");
    let mut command = Command::new(program);
    command.args(args);
    command
}

fn find(tool: &str) -> Option<PathBuf> {
    TOOL_DIRS.iter().map(|dir| Path::new(dir).join(tool)).find(|path| path.exists())
}

/// A file that goes with the test.
struct Lock(PathBuf);

impl Lock {
    fn new() -> Self {
        let n = N_LOCKS.fetch_add(1, Ordering::Relaxed);
        Self(env::temp_dir().join(format!("oc2-xtables-{}-{n}.lock", process::id())))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

static N_LOCKS: AtomicUsize = AtomicUsize::new(0);

const IN_NAMESPACE: &str = "OC2_IN_NAMESPACE";
const KERNEL_TESTS: &str = "OC2_KERNEL_TESTS";
const TOOL_DIRS: [&str; 5] = ["/usr/sbin", "/sbin", "/usr/bin", "/usr/local/sbin", "/bin"];
