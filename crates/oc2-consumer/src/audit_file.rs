//! Audit records in a file: append-only, each with the digest of the one before (ARCH B.3).
//!
//! A record is a line of JSON: `seq`, `time` (milliseconds since 1970), `event` (`start`, `command`, `settings`, `resume`,
//! `stop`), what it has to say, and `prev`, the SHA-256 of the line before, without its end; 64 zeros in the first. Whoever
//! changes, removes or inserts a line breaks the chain, unless all that follows is made anew; so take note of its end now and
//! then, elsewhere: it is in the log, and [`verify_audit`] tells it.
//!
//! *Invariants.* Nothing that was written is changed, truncated or removed. A line is written after all that were handed over
//! before it. What was torn by a crash stays where it is, and the record that follows says how long it is and its digest.

mod chain;
mod entry;
mod error;
mod files;
mod verify;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use oc2_core::Rejection;
use tokio::sync::watch;

use self::entry::{Entry, Event};
use self::writer::{Append, Counts, Progress, Writer};
use crate::observer::{End, Ended, Observer};
use crate::settings::Settings;

pub use self::error::AuditError;
pub use self::verify::{AuditFault, AuditReport, verify_audit, verify_audit_against};

/// An audit file, written to by a thread of its own; see [`observer`](crate::ConsumerBuilder::observer).
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use oc2_consumer::{AuditFile, Consumer, verify_audit};
///
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("audit.jsonl");
/// let audit = AuditFile::options(&path).required(true).open()?;
/// let consumer = Consumer::builder("fw1.example.net").dangerous().without_policy().observer(audit).build();
/// drop(consumer);
/// let report = verify_audit(&[path])?;
/// assert_eq!(report.n_records, 2); // start, stop
/// # Ok(())
/// # }
/// ```
pub struct AuditFile {
    is_required: bool,
    counts: Arc<Counts>,
    progress: watch::Receiver<Progress>,
    /// Absent only while it is dropped.
    queue: Mutex<Option<Sender<Entry>>>,
    thread: Option<JoinHandle<()>>,
}

/// How an audit file is kept.
#[derive(Clone, Debug)]
pub struct AuditOptions {
    path: PathBuf,
    is_required: bool,
    max_size: u64,
}

impl AuditOptions {
    /// Whether Commands are refused with 503 while records cannot be written, and answers wait until records are durable.
    /// Default no: records are written as soon as may be, made durable within a second, and counted where they are lost.
    #[must_use]
    pub fn required(self, is_required: bool) -> Self {
        Self { is_required, ..self }
    }

    /// How many bytes a file has at most before it is renamed to `FILE.000000000001`, after the number of its first record,
    /// and another begins. Default 64 MiB.
    #[must_use]
    pub fn max_size(self, bytes: u64) -> Self {
        Self { max_size: bytes, ..self }
    }

    /// Opens the file, and makes it if there is none. The chain goes on where it ended, in this file or those it was before.
    ///
    /// Waits for the disk: call it where waiting is allowed.
    ///
    /// # Errors
    /// Another process writes to it, it is no audit file, or the file system fails.
    pub fn open(self) -> Result<AuditFile, AuditError> {
        self.open_with(Box::new(writer::append))
    }

    fn open_with(self, append: Append) -> Result<AuditFile, AuditError> {
        let Self { path, is_required, max_size } = self;
        let (telling, progress) = watch::channel(Progress::default());
        let counts = Arc::new(Counts::default());
        let writer = Writer::open(path.clone(), is_required, max_size, telling, Arc::clone(&counts), append)?;
        let (queue, entries) = channel();
        let thread = thread::Builder::new()
            .name("oc2-audit".into())
            .spawn(move || writer.run(&entries))
            .map_err(|error| AuditError::Io { path, error })?;
        Ok(AuditFile { is_required, counts, progress, queue: Mutex::new(Some(queue)), thread: Some(thread) })
    }
}

impl AuditFile {
    /// An audit file, to be opened.
    pub fn options(path: impl Into<PathBuf>) -> AuditOptions {
        AuditOptions { path: path.into(), is_required: false, max_size: DEFAULT_MAX_SIZE }
    }

    /// The files of a chain, the oldest first: those that a file was before, and itself.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn files(path: &Path) -> Result<Vec<PathBuf>, AuditError> {
        let mut files = files::former(path)?;
        files.push(path.to_owned());
        Ok(files)
    }

    /// Says whether records cannot be written at the moment, for as long as it is wanted.
    pub fn failing(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let progress = self.progress.clone();
        move || progress.borrow().is_failing
    }

    /// Whether records cannot be written at the moment.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.progress.borrow().is_failing
    }

    /// Hands a record over, unless so many wait already.
    fn tell(&self, entry: Entry, most: usize) {
        if self.counts.n_waiting.load(Ordering::Relaxed) >= most {
            self.counts.n_lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = &*queue else { return };
        self.counts.n_waiting.fetch_add(1, Ordering::Relaxed);
        self.counts.n_told.fetch_add(1, Ordering::Relaxed);
        // The thread ends only after us.
        let _ = queue.send(entry);
    }
}

impl Observer for AuditFile {
    fn admit(&self) -> Result<(), Rejection> {
        if self.is_required && self.is_failing() {
            return Err(Rejection::unavailable("no Command is taken on while none can be recorded; try again later"));
        }
        Ok(())
    }

    /// Where records are required, one of a Command with effects is never lost: while records cannot be written there are no
    /// more of them than are under way.
    fn ended(&self, ended: &Ended<'_>) {
        let has_effects = !matches!(ended.end, End::Refused | End::NotMeant | End::Repeated);
        let most = match (has_effects, self.is_required) {
            (true, true) => usize::MAX,
            (true, false) => 2 * MOST_WAITING,
            (false, _) => MOST_WAITING,
        };
        self.tell(Entry::of(ended), most);
    }

    fn reconfigured(&self, settings: &Settings) {
        self.tell(Entry::now(Event::Settings { settings: format!("{settings:?}") }), 2 * MOST_WAITING);
    }

    async fn settled(&self) {
        if !self.is_required {
            return;
        }
        let n_told = self.counts.n_told.load(Ordering::Relaxed);
        // An error is the end of the thread, which nothing more is to be expected of.
        let _ = self.progress.clone().wait_for(|progress| progress.is_failing || progress.n_kept >= n_told).await;
    }
}

impl fmt::Debug for AuditFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditFile").field("is_required", &self.is_required).finish_non_exhaustive()
    }
}

/// Waits until all that was handed over is written, or cannot be.
impl Drop for AuditFile {
    fn drop(&mut self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was told by the panic itself.
            let _ = thread.join();
        }
    }
}

const DEFAULT_MAX_SIZE: u64 = 64 << 20;
/// Records that wait, at most, of what has no effects; with effects, twice as many.
const MOST_WAITING: usize = 10_000;

#[cfg(test)]
mod tests;
