use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::children::Children;
use super::process::{End, Process};
use oc2_packet_filter::Family;
use oc2_packet_filter::backend::BackendError;

/// Commits transactions of one family through `iptables-restore`.
///
/// One process stays and takes one transaction after the other. It commits at the line `COMMIT` and echoes a comment that
/// follows (iptables 1.8.5 and later), so the echo says that the transaction is in force. On any error it ends, and
/// nothing of that transaction is. Where no comment is echoed, every transaction has a process of its own.
#[derive(Debug)]
pub(super) struct Committer {
    family: Family,
    restore: PathBuf,
    timeout: Duration,
    mode: Mode,
    n_markers: u64,
    children: Children,
}

impl Committer {
    /// Starts the process and finds out whether it can stay.
    pub(super) fn start(family: Family, restore: PathBuf, timeout: Duration, children: Children) -> Self {
        let mut committer = Self { family, restore, timeout, mode: Mode::Warm(None), n_markers: 0, children };
        committer.mode = match committer.probe() {
            Ok(process) => Mode::Warm(Some(process)),
            Err(NotWarm::Unusable(_)) => Mode::Warm(None),
            Err(NotWarm::Silent(complaint)) => committer.process_per_batch(&complaint),
        };
        committer
    }

    /// Performs the lines of `body` in the table `filter`, all or none.
    pub(super) fn commit(&mut self, body: &str) -> Result<(), BackendError> {
        match self.warm_process()? {
            Some(process) => self.commit_warm(process, body),
            None => self.commit_alone(body),
        }
    }

    /// Whether the tool knows what these lines mean. Nothing is changed.
    pub(super) fn understands(&self, body: &str) -> bool {
        let text = format!("{BEGIN}{body}{COMMIT}");
        let deadline = Instant::now() + self.timeout;
        let Ok(mut process) = Process::spawn(&self.restore, &TEST_ARGS) else { return false };
        let is_done = matches!(process.finish(text.as_bytes(), deadline), Ok(End::Closed));
        is_done && matches!(process.wait(deadline), Ok(Some(status)) if status.success())
    }

    /// A process that waits for a transaction, a new one if the last has ended; none if that is not the mode.
    fn warm_process(&mut self) -> Result<Option<Process>, BackendError> {
        let Mode::Warm(process) = &mut self.mode else { return Ok(None) };
        if let Some(mut process) = process.take()
            && process.is_running()
        {
            return Ok(Some(process));
        }
        match self.probe() {
            Ok(process) => Ok(Some(process)),
            Err(NotWarm::Unusable(cause)) => Err(self.unusable(cause)),
            Err(NotWarm::Silent(complaint)) => {
                self.mode = self.process_per_batch(&complaint);
                Ok(None)
            }
        }
    }

    fn probe(&mut self) -> Result<Process, NotWarm> {
        let marker = self.next_marker();
        let deadline = Instant::now() + PROBE_TIMEOUT.min(self.timeout);
        let mut process = Process::spawn(&self.restore, &WARM_ARGS).map_err(NotWarm::Unusable)?;
        self.children.add(process.id());
        let end = process.exchange(marker.as_bytes(), marker.as_bytes(), deadline).map_err(NotWarm::Unusable)?;
        if end == End::Acknowledged {
            return Ok(process);
        }
        if end == End::Closed
            && let Some(signal) = process.wait(deadline).map_err(NotWarm::Unusable)?.and_then(|status| status.signal())
        {
            return Err(NotWarm::Unusable(io::Error::other(format!("killed by signal {signal}"))));
        }
        Err(NotWarm::Silent(process.complained()))
    }

    fn process_per_batch(&self, complaint: &str) -> Mode {
        tracing::warn!(
            family = %self.family,
            tool = %self.restore.display(),
            complaint,
            "iptables-restore does not echo a comment; every transaction has a process of its own."
        );
        Mode::ProcessPerBatch
    }

    fn commit_warm(&mut self, mut process: Process, body: &str) -> Result<(), BackendError> {
        let marker = self.next_marker();
        let text = format!("{BEGIN}{body}{COMMIT}{marker}");
        let deadline = Instant::now() + self.timeout;
        match process.exchange(text.as_bytes(), marker.as_bytes(), deadline) {
            Ok(End::Acknowledged) => {
                self.mode = Mode::Warm(Some(process));
                Ok(())
            }
            Ok(End::Closed) => match process.wait(deadline) {
                Ok(status) => Err(self.failed(&process, status)),
                Err(cause) => Err(self.died(&cause)),
            },
            Ok(End::Late) => Err(self.timed_out()),
            Err(cause) => Err(self.died(&cause)),
        }
    }

    fn commit_alone(&self, body: &str) -> Result<(), BackendError> {
        let text = format!("{BEGIN}{body}{COMMIT}");
        let deadline = Instant::now() + self.timeout;
        let mut process = Process::spawn(&self.restore, &ALONE_ARGS).map_err(|cause| self.unusable(cause))?;
        self.children.add(process.id());
        if process.finish(text.as_bytes(), deadline).map_err(|cause| self.died(&cause))? == End::Late {
            return Err(self.timed_out());
        }
        match process.wait(deadline).map_err(|cause| self.died(&cause))? {
            Some(status) if status.success() => Ok(()),
            status => Err(self.failed(&process, status)),
        }
    }

    /// A comment that no earlier transaction had, so that no earlier echo is taken for this one's.
    fn next_marker(&mut self) -> String {
        self.n_markers += 1;
        format!("# oc2 {}\n", self.n_markers)
    }

    /// A tool that gave a reason and an exit status has refused; any other end says nothing about what it did before.
    fn failed(&self, process: &Process, status: Option<ExitStatus>) -> BackendError {
        let (family, detail) = (Some(self.family), process.complained());
        match status.and_then(|status| status.code()) {
            Some(0) => BackendError::Died { family, detail: format!("no acknowledgement {detail}") },
            Some(_) if detail.contains("xtables lock") => BackendError::Busy { family },
            Some(_) => BackendError::Refused { family, detail },
            None => match status {
                Some(status) => BackendError::Died { family, detail: format!("{status} {detail}") },
                None => self.timed_out(),
            },
        }
    }

    fn died(&self, cause: &io::Error) -> BackendError {
        BackendError::Died { family: Some(self.family), detail: cause.to_string() }
    }

    fn timed_out(&self) -> BackendError {
        BackendError::Timeout { family: Some(self.family), after: self.timeout }
    }

    fn unusable(&self, cause: io::Error) -> BackendError {
        BackendError::Unusable { family: Some(self.family), cause }
    }
}

#[derive(Debug)]
enum Mode {
    /// With the process that waits for the next transaction, if the last one left it alive.
    Warm(Option<Process>),
    ProcessPerBatch,
}

/// Why there is no process that stays.
#[derive(Debug)]
enum NotWarm {
    /// Not now.
    Unusable(io::Error),
    /// Never, and what it says about it.
    Silent(String),
}

/// How long, in seconds, another program may hold the lock of the legacy tables.
pub(super) const LOCK_WAIT: &str = "5";

const WARM_ARGS: [&str; 4] = ["--noflush", "-w", LOCK_WAIT, "-v"];
const TEST_ARGS: [&str; 4] = ["--noflush", "-w", LOCK_WAIT, "--test"];
const ALONE_ARGS: [&str; 3] = ["--noflush", "-w", LOCK_WAIT];
const BEGIN: &str = "*filter\n";
const COMMIT: &str = "COMMIT\n";
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
