//! The thread that writes records.

use std::collections::VecDeque;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::{error, info, warn};

use super::chain::Head;
use super::entry::{Entry, Event, STOP};
use super::error::AuditError;
use super::files::{Tail, append_to, beginning, former, rotated, sync_dir, tail};

/// How far the thread has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Records that were handed over and are kept.
    pub(super) n_kept: u64,
    /// Whether the file takes no records at the moment.
    pub(super) is_failing: bool,
}

/// What thread and observers share.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Records that were handed over.
    pub(super) n_told: AtomicU64,
    /// Records that wait.
    pub(super) n_waiting: AtomicUsize,
    /// Records for which there was no place.
    pub(super) n_lost: AtomicU64,
}

pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) is_required: bool,
    pub(super) max_size: u64,
    /// Absent after an error: only a look at the file tells what was written.
    file: Option<File>,
    size: u64,
    /// The number of the first record in the file.
    first: Option<u64>,
    head: Head,
    /// What waits, with whether somebody handed it over.
    waiting: VecDeque<(Entry, bool)>,
    /// When what was written is to be made durable.
    sync_due: Option<Instant>,
    /// After an error, when to try again.
    retry_due: Option<Instant>,
    progress: watch::Sender<Progress>,
    counts: Arc<Counts>,
    append: Append,
    _lock: File,
}

/// How bytes get into the file; tests put a failing disk in between.
pub(super) type Append = Box<dyn FnMut(&mut File, &[u8]) -> io::Result<()> + Send>;

impl Writer {
    /// Opens the file, finds the end of the chain, and goes on with it.
    pub(super) fn open(
        path: PathBuf,
        is_required: bool,
        max_size: u64,
        progress: watch::Sender<Progress>,
        counts: Arc<Counts>,
        append: Append,
    ) -> Result<Self, AuditError> {
        let lock = lock(&path)?;
        let (file, tail, before) = find_end(&path)?;
        let Tail { size, first, is_ended, torn, .. } = tail;
        let (head, after) = before.map_or((Head::none(), None), |(head, event)| (head, Some(event)));
        if let Some(torn) = &torn {
            warn!(bytes = torn.bytes, after = head.seq, "The last audit record was torn by the end of the process.");
        }
        if after.as_deref().is_some_and(|event| event != STOP) {
            warn!(last = head.seq, "The process before did not end in order: commands under way have no audit record.");
        }
        let mut writer = Self {
            path,
            is_required,
            max_size,
            file: Some(file),
            size,
            first,
            head,
            waiting: VecDeque::new(),
            sync_due: None,
            retry_due: None,
            progress,
            counts,
            append,
            _lock: lock,
        };
        let at = |error: io::Error, path: &Path| AuditError::Io { path: path.to_owned(), error };
        if !is_ended {
            writer.put(b"\n").map_err(|error| at(error, &writer.path))?;
        }
        writer.wait(Event::Start { version: env!("CARGO_PKG_VERSION"), after, torn });
        writer.write().and_then(|()| writer.sync()).map_err(|error| at(error, &writer.path))?;
        info!(path = %writer.path.display(), seq = writer.head.seq, sha256 = writer.head.sha256, "The audit file is open.");
        Ok(writer)
    }

    pub(super) fn run(mut self, entries: &Receiver<Entry>) {
        loop {
            let first = match self.pause() {
                None => entries.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(pause) => entries.recv_timeout(pause),
            };
            match first {
                Ok(first) => {
                    let others = entries.try_iter().take(BATCH);
                    self.waiting.extend([first].into_iter().chain(others).map(|entry| (entry, true)));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.retry_due.is_none_or(|due| due <= Instant::now()) {
                self.advance();
            }
        }
        self.wait(Event::Stop {});
        self.advance();
        if let Err(error) = self.sync() {
            error!(%error, "The last audit records are not on the disk.");
        }
        info!(seq = self.head.seq, sha256 = self.head.sha256, "The audit file is closed.");
    }

    /// How long nothing is to be done if nobody comes.
    fn pause(&self) -> Option<Duration> {
        self.retry_due.or(self.sync_due).map(|due| due.saturating_duration_since(Instant::now()))
    }

    fn wait(&mut self, event: Event) {
        self.waiting.push_back((Entry::now(event), false));
    }

    /// Writes what waits, or says that it cannot.
    fn advance(&mut self) {
        let n_before = self.n_handed_over();
        let res = self
            .resume()
            .and_then(|()| self.write())
            .and_then(|()| self.tell_lost())
            .and_then(|()| self.sync_in_time());
        let n_kept = (n_before - self.n_handed_over()) as u64;
        self.counts.n_waiting.fetch_sub(n_before - self.n_handed_over(), Ordering::Relaxed);
        let was_failing = self.retry_due.is_some();
        self.retry_due = res.is_err().then(|| Instant::now() + RETRY);
        match &res {
            Ok(()) if was_failing => info!("Audit records can be written again."),
            Err(error) if !was_failing => error!(%error, "Audit records cannot be written."),
            _ => {}
        }
        self.progress.send_modify(|progress| {
            progress.n_kept += n_kept;
            progress.is_failing = res.is_err();
        });
        if res.is_err() {
            // Only a look at the file tells how much of it was written.
            self.file = None;
        }
    }

    fn n_handed_over(&self) -> usize {
        self.waiting.iter().filter(|(_, is_handed_over)| *is_handed_over).count()
    }

    /// After an error, finds out what was written before it.
    fn resume(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            let (file, tail, before) = find_end(&self.path).map_err(io::Error::other)?;
            let head = before.map_or_else(Head::none, |(head, _)| head);
            let n_written = usize::try_from(head.seq.saturating_sub(self.head.seq)).unwrap_or(usize::MAX);
            self.waiting.drain(..n_written.min(self.waiting.len()));
            (self.size, self.first, self.head) = (tail.size, tail.first, head);
            self.file = Some(file);
            if !tail.is_ended {
                self.put(b"\n")?;
            }
            if let Some(torn) = tail.torn {
                self.waiting.retain(|(entry, _)| !entry.is_resumption());
                self.waiting.push_front((Entry::now(Event::Resume { torn: Some(torn), lost: 0 }), false));
            }
        }
        Ok(())
    }

    /// What there was no place for is at least counted.
    fn tell_lost(&mut self) -> io::Result<()> {
        let lost = self.counts.n_lost.swap(0, Ordering::Relaxed);
        if lost == 0 {
            return Ok(());
        }
        error!(lost, "Audit records were lost: they could not be written in time.");
        self.wait(Event::Resume { torn: None, lost });
        self.write()
    }

    /// Writes what waits, in as many files as it takes.
    fn write(&mut self) -> io::Result<()> {
        while !self.waiting.is_empty() {
            let (mut bytes, mut head, mut n) = (Vec::new(), self.head.clone(), 0);
            for (entry, _) in self.waiting.iter().take(BATCH) {
                let (length, next) = (bytes.len(), entry.append(&head, &mut bytes).map_err(io::Error::other)?);
                if self.size + bytes.len() as u64 > self.max_size && self.size + length as u64 > 0 {
                    bytes.truncate(length);
                    break;
                }
                (head, n) = (next, n + 1);
            }
            if n == 0 {
                self.rotate()?;
                continue;
            }
            self.put(&bytes)?;
            self.first.get_or_insert(self.head.seq + 1);
            self.head = head;
            self.waiting.drain(..n);
            self.sync_due.get_or_insert_with(|| Instant::now() + SYNC_EVERY);
        }
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = self.file.as_mut().ok_or_else(|| io::Error::other("the file is not open"))?;
        (self.append)(file, bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn sync_in_time(&mut self) -> io::Result<()> {
        match self.sync_due {
            Some(due) if self.is_required || due <= Instant::now() => self.sync(),
            _ => Ok(()),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.sync_due.is_some()
            && let Some(file) = &self.file
        {
            file.sync_data()?;
            self.sync_due = None;
        }
        Ok(())
    }

    /// Gives the full file a name of its own and begins another, with the same chain.
    fn rotate(&mut self) -> io::Result<()> {
        self.sync()?;
        let full = rotated(&self.path, self.first.unwrap_or(self.head.seq));
        if fs::exists(&full)? {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} is in the way", full.display())));
        }
        fs::rename(&self.path, &full)?;
        self.file = Some(append_to(&self.path)?);
        (self.size, self.first) = (0, None);
        sync_dir(&self.path)?;
        info!(full = %full.display(), seq = self.head.seq, sha256 = self.head.sha256, "The audit file was full; another goes on.");
        Ok(())
    }
}

/// Appends bytes to a file.
pub(super) fn append(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)
}

/// The last record, and of which event it is.
type Last = Option<(Head, String)>;

/// The file to append to, its end, and the last record: that of the file before, if there is none in this one.
fn find_end(path: &Path) -> Result<(File, Tail, Last), AuditError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error: io::Error| AuditError::Io { path, error }
    };
    let mut file = append_to(path).map_err(at(path))?;
    let end = tail(&mut file).map_err(at(path))?;
    if end.last.is_some() {
        let last = end.last.clone();
        return Ok((file, end, last));
    }
    let last = match former(path)?.last() {
        Some(newest) => {
            let mut newest_file = File::open(newest).map_err(at(newest))?;
            let last = tail(&mut newest_file).map_err(at(newest))?.last;
            Some(last.ok_or_else(|| AuditError::NotAnAuditFile { path: newest.clone() })?)
        }
        None => None,
    };
    // Something that is no record stands there, and it is not the beginning of the one that is due.
    if end.size > 0 && !is_torn_record(&mut file, last.as_ref()).map_err(at(path))? {
        return Err(AuditError::NotAnAuditFile { path: path.to_owned() });
    }
    Ok((file, end, last))
}

/// Whether a file holds nothing but the beginning of the record that is due, as far as the disk kept it.
fn is_torn_record(file: &mut File, last: Option<&(Head, String)>) -> io::Result<bool> {
    let due = format!("{{\"seq\":{},", last.map_or(1, |(head, _)| head.seq + 1));
    let bytes = beginning(file, due.len() as u64)?;
    // A disk that lost power may have kept the length and not the bytes.
    Ok(due.as_bytes().starts_with(&bytes) || bytes.iter().all(|byte| *byte == 0))
}

/// Held as long as the file is written to.
fn lock(path: &Path) -> Result<File, AuditError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    let file = append_to(&path).map_err(|error| AuditError::Io { path: path.clone(), error })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(AuditError::InUse { path }),
        Err(TryLockError::Error(error)) => Err(AuditError::Io { path, error }),
    }
}

/// Between two attempts, where the file takes no records.
const RETRY: Duration = Duration::from_secs(1);
/// How long what was written may be lost to a power failure, where records are not required.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// Records written at once.
const BATCH: usize = 1024;
