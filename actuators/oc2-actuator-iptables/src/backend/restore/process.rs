use std::ffi::OsStr;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};

/// A child process that is fed and heard out by one thread, with a deadline.
///
/// It ends with us: by a kill when this is dropped, by the end of its input when we are killed.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    printed: Vec<u8>,
    complained: Vec<u8>,
}

impl Process {
    /// Starts a tool with nothing of our environment but what tells where the lock of the legacy tables is.
    ///
    /// It is alone in its process group, so that a Ctrl-C meant for us does not end it in the middle of a transaction.
    pub(super) fn spawn<A: AsRef<OsStr>>(tool: &Path, args: &[A]) -> io::Result<Self> {
        let mut child = Command::new(tool)
            .args(args)
            .env_clear()
            .envs(std::env::var_os(LOCKFILE).map(|path| (LOCKFILE, path)))
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let process = Self { child, stdin, stdout, stderr, printed: Vec::new(), complained: Vec::new() };
        if let Some(stdin) = &process.stdin {
            ioctl_fionbio(stdin, true)?;
        }
        Ok(process)
    }

    /// Its number.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes `input` and reads until the output ends with `acknowledgement`.
    pub(super) fn exchange(&mut self, input: &[u8], acknowledgement: &[u8], deadline: Instant) -> io::Result<End> {
        self.printed.clear();
        self.complained.clear();
        self.converse(input, Some(acknowledgement), deadline)
    }

    /// Writes `input` and its end, and reads until the child has said everything.
    pub(super) fn finish(&mut self, input: &[u8], deadline: Instant) -> io::Result<End> {
        self.converse(input, None, deadline)
    }

    /// Whether it has not ended.
    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for a child that has closed its output, which it does when it ends.
    pub(super) fn wait(&mut self, deadline: Instant) -> io::Result<Option<ExitStatus>> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            thread::sleep(REAP_INTERVAL);
        }
    }

    /// What it printed since the last exchange began.
    pub(super) fn printed(&self) -> String {
        String::from_utf8_lossy(&self.printed).into_owned()
    }

    /// What it said on standard error since the last exchange began, the beginning of it.
    pub(super) fn complained(&self) -> String {
        String::from_utf8_lossy(&self.complained).trim().to_owned()
    }

    fn converse(&mut self, input: &[u8], acknowledgement: Option<&[u8]>, deadline: Instant) -> io::Result<End> {
        let mut rest = input;
        loop {
            if acknowledgement.is_some_and(|marker| self.printed.ends_with(marker)) {
                return Ok(End::Acknowledged);
            }
            if rest.is_empty() && acknowledgement.is_none() {
                self.stdin = None;
            }
            if self.stdout.is_none() && self.stderr.is_none() {
                return Ok(End::Closed);
            }
            let remaining = deadline.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                return Ok(End::Late);
            }
            let ready = self.ready(!rest.is_empty(), remaining)?;
            if ready.stdin {
                rest = self.write_some(rest)?;
            }
            if ready.stdout {
                read_some(&mut self.stdout, &mut self.printed, usize::MAX)?;
            }
            if ready.stderr {
                read_some(&mut self.stderr, &mut self.complained, MAX_COMPLAINT)?;
            }
        }
    }

    /// Waits until one of the pipes can be used; none can be when the time is over.
    fn ready(&self, has_input: bool, timeout: Duration) -> io::Result<Ready> {
        let stdin = self.stdin.as_ref().filter(|_| has_input).map(|pipe| PollFd::new(pipe, PollFlags::OUT));
        let stdout = self.stdout.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN));
        let stderr = self.stderr.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN));
        let is_used = [stdin.is_some(), stdout.is_some(), stderr.is_some()];
        let mut fds: Vec<PollFd<'_>> = [stdin, stdout, stderr].into_iter().flatten().collect();
        let timeout = Timespec::try_from(timeout).map_err(io::Error::other)?;
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let mut events = fds.iter().map(|fd| !fd.revents().is_empty());
        let [stdin, stdout, stderr] = is_used.map(|is_used| is_used && events.next().unwrap_or(false));
        Ok(Ready { stdin, stdout, stderr })
    }

    /// A child that no longer reads is about to say why, or to be found dead.
    fn write_some<'i>(&mut self, rest: &'i [u8]) -> io::Result<&'i [u8]> {
        let Some(stdin) = &mut self.stdin else { return Ok(rest) };
        match stdin.write(rest) {
            Ok(n) => Ok(&rest[n..]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(rest),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.stdin = None;
                Ok(&[])
            }
            Err(error) => Err(error),
        }
    }
}

impl Drop for Process {
    /// Nobody waits for an answer any more, and a child that is not waited for would stay as a zombie.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The child said what was waited for.
    Acknowledged,
    /// The child closed its output.
    Closed,
    /// The deadline came first.
    Late,
}

struct Ready {
    stdin: bool,
    stdout: bool,
    stderr: bool,
}

/// Reads what is there and keeps no more than `max` of all; at the end of a pipe there is no pipe any more.
fn read_some(pipe: &mut Option<impl Read>, kept: &mut Vec<u8>, max: usize) -> io::Result<()> {
    let Some(reader) = pipe else { return Ok(()) };
    let mut buffer = [0; READ_SIZE];
    match reader.read(&mut buffer) {
        Ok(0) => *pipe = None,
        Ok(n) => kept.extend_from_slice(&buffer[..n.min(max.saturating_sub(kept.len()))]),
        Err(error) if error.kind() == ErrorKind::Interrupted => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

const LOCKFILE: &str = "XTABLES_LOCKFILE";
const MAX_COMPLAINT: usize = 4096;
const READ_SIZE: usize = 16 * 1024;
const REAP_INTERVAL: Duration = Duration::from_micros(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_is_an_acknowledgement() {
        let mut cat = shell("cat");
        for i in 0..3 {
            let line = format!("# {i}\n");
            assert_eq!(cat.exchange(line.as_bytes(), line.as_bytes(), soon()).unwrap(), End::Acknowledged);
            assert!(cat.is_running());
        }
    }

    #[test]
    fn full_pipes_on_every_side_do_not_lock() {
        let input = "x".repeat(1 << 20);
        let mut process = shell("head -c 3000000 /dev/zero >&2; tee /dev/stderr; echo end");
        assert_eq!(process.finish(input.as_bytes(), soon()).unwrap(), End::Closed);
        assert_eq!(process.printed().len(), input.len() + "end\n".len());
        assert_eq!(process.complained.len(), MAX_COMPLAINT);
        assert!(process.wait(soon()).unwrap().unwrap().success());
    }

    #[test]
    fn a_child_that_says_nothing_is_late() {
        let mut process = shell("sleep 60");
        let deadline = Instant::now() + Duration::from_millis(50);
        assert_eq!(process.exchange(&[b'x'; 1 << 20], b"never", deadline).unwrap(), End::Late);
        assert!(Instant::now() < deadline + Duration::from_secs(1));
    }

    #[test]
    fn a_child_that_does_not_read_is_heard_out() {
        let mut process = shell("echo no >&2; exit 3");
        assert_eq!(process.wait(soon()).unwrap().unwrap().code(), Some(3));
        assert!(!process.is_running());
        assert_eq!(process.exchange(b"rule", b"rule", soon()).unwrap(), End::Closed);
        assert_eq!(process.complained(), "no");
    }

    #[test]
    fn nothing_of_our_environment_is_handed_on_but_the_lock() {
        let mut process = Process::spawn(Path::new("/usr/bin/env"), &[] as &[&str]).unwrap();
        process.finish(b"", soon()).unwrap();
        assert!(process.printed().lines().all(|line| line.starts_with(LOCKFILE)), "{}", process.printed());
    }

    #[test]
    fn a_dropped_child_is_gone() {
        let process = shell("sleep 60");
        let stat = format!("/proc/{}/stat", process.child.id());
        assert!(Path::new(&stat).exists());
        drop(process);
        assert!(!Path::new(&stat).exists());
    }

    fn shell(script: &str) -> Process {
        let script = format!("PATH=/usr/bin:/bin; {script}");
        Process::spawn(Path::new("/bin/sh"), &["-c", &script]).unwrap()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }
}
