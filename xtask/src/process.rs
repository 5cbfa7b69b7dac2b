//! Children that end with us: a signal stops what was started, then this process.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::failure::{Failure, Place, Result};

/// The signal that asked this process to end, if one did.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// Takes over SIGINT, SIGTERM and SIGHUP: from here on they end the children first.
    pub(crate) fn install() -> Result<Self> {
        let received = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register_usize(signal, Arc::clone(&received), signal as usize)
                .place("cannot watch for signals")?;
        }
        Ok(Self(received))
    }

    fn received(&self) -> Option<i32> {
        i32::try_from(self.0.load(Ordering::Relaxed)).ok().filter(|signal| *signal != 0)
    }
}

/// Runs a command to its end, its output going where ours goes.
pub(crate) fn run(command: &mut Command, interrupt: &Interrupt) -> Result<ExitStatus> {
    let mut child = start(command)?;
    wait(&mut child, interrupt, stop_group)
}

/// Runs a command to its end and returns its standard output; the standard error goes where ours goes.
pub(crate) fn capture(command: &mut Command, interrupt: &Interrupt) -> Result<(ExitStatus, String)> {
    let mut child = start(command.stdout(Stdio::piped()))?;
    let stdout = drain(child.stdout.take());
    let status = wait(&mut child, interrupt, stop_group)?;
    Ok((status, stdout.join().unwrap_or_default()))
}

/// Waits for a child; when a signal comes first, calls `stop`, which has to end the child.
pub(crate) fn wait(child: &mut Child, interrupt: &Interrupt, stop: impl FnOnce(&mut Child, i32)) -> Result<ExitStatus> {
    loop {
        let ended = child.try_wait().place("cannot wait for a child process")?;
        if let Some(signal) = interrupt.received() {
            stop(child, signal);
            return Err(Failure::Interrupted(signal));
        }
        if let Some(status) = ended {
            return Ok(status);
        }
        thread::sleep(POLL);
    }
}

/// Waits at most `limit` for a child's end.
pub(crate) fn wait_at_most(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait()? {
            None if Instant::now() < deadline => thread::sleep(POLL),
            ended => return Ok(ended),
        }
    }
}

/// Runs a short command and collects what it prints. One that takes longer than `limit` is killed and is an error.
pub(crate) fn output_within(command: &mut Command, limit: Duration) -> Result<Output> {
    let name = line(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .place(format_args!("cannot start `{name}`"))?;
    let (stdout, stderr) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let ended = wait_at_most(&mut child, limit).place(format_args!("cannot wait for `{name}`"))?;
    let Some(status) = ended else {
        kill(&mut child);
        return Err(Failure::new(format!("`{name}` did not end within {} s and was killed", limit.as_secs_f32())));
    };
    let collect = |reader: JoinHandle<String>| reader.join().unwrap_or_default().into_bytes();
    Ok(Output { status, stdout: collect(stdout), stderr: collect(stderr) })
}

/// Kills a child and collects it.
pub(crate) fn kill(child: &mut Child) {
    // Both fail only for a child that is gone already, which is what is wanted.
    let _ = child.kill();
    let _ = child.wait();
}

/// A command as a person would type it: the file name of the program, then the arguments.
pub(crate) fn line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args()).map(|word| word.to_string_lossy());
    words.collect::<Vec<_>>().join(" ")
}

/// In a process group of its own, so that a signal meant for everything below a child reaches grandchildren too, and so that
/// Ctrl-C reaches us alone and the order in which things end is ours to choose.
fn start(command: &mut Command) -> Result<Child> {
    let name = line(command);
    command.stdin(Stdio::null()).process_group(0).spawn().place(format_args!("cannot start `{name}`"))
}

/// Passes the signal on to the child's group and kills what has not followed it in time.
fn stop_group(child: &mut Child, signal: i32) {
    let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return kill(child) };
    let _ = kill_process_group(group, Signal::from_named_raw(signal).unwrap_or(Signal::TERM));
    let _ = wait_at_most(child, GRACE);
    let _ = kill_process_group(group, Signal::KILL);
    kill(child);
}

fn drain(stream: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            // What was read before an error is still worth showing.
            let _ = stream.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

const POLL: Duration = Duration::from_millis(10);
const GRACE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_a_person_would_type_it() {
        let mut command = Command::new("/usr/sbin/iptables");
        assert_eq!(line(command.arg("-S")), "iptables -S");
    }

    #[test]
    fn a_command_that_takes_too_long_is_killed_and_named() {
        let failure = output_within(Command::new("sleep").arg("60"), Duration::from_millis(50)).unwrap_err();
        assert_eq!(failure.to_string(), "`sleep 60` did not end within 0.05 s and was killed");
    }

    #[test]
    fn a_signal_stops_the_child_and_its_children() {
        let interrupt = Interrupt(Arc::new(AtomicUsize::new(SIGTERM as usize)));
        let started = Instant::now();
        let failure = capture(Command::new("sh").args(["-c", "sleep 60 & sleep 60"]), &interrupt).unwrap_err();
        assert!(matches!(failure, Failure::Interrupted(SIGTERM)), "{failure}");
        assert!(started.elapsed() < GRACE, "the group was not signalled");
    }
}
