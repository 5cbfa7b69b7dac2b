//! Lines of the log on their way out: whoever logs leaves them here, and a thread writes at once whatever waits.
//!
//! A write for each line costs more than all else that is done for a query, and a reader that is stuck would hold up Commands.
//! *Invariants.* Lines stay whole and in order. What waits is bounded; what finds no room is counted, and the count is logged. The
//! end of the process and a panic wait until what was logged before them is written.

use std::io::{self, Write};
use std::mem;
use std::panic;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

/// Where lines are left. Clones are the same place.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

/// The thread that writes them. When this is dropped all is written, and what is logged from then on is written where it is logged.
pub(crate) struct Writing {
    lines: Lines,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    waiting: Mutex<Waiting>,
    /// There is something to write, or a reason to write it now.
    is_due: Condvar,
    /// Something was written.
    is_written: Condvar,
}

/// What is not written yet.
#[derive(Default)]
struct Waiting {
    text: Vec<u8>,
    /// Lines for which there was no room.
    n_dropped: usize,
    /// Octets that were left here, so far.
    n_left: u64,
    /// How many of them were written.
    n_written: u64,
    /// The thread sleeps until it is woken.
    is_resting: bool,
    /// Somebody waits for what is written.
    is_awaited: bool,
    /// The thread ends once nothing is left.
    is_closed: bool,
}

/// Starts the thread. `tell` is told how many lines found no room, on the thread and before anything else is written.
///
/// # Errors
/// There can be no more threads.
pub(super) fn write_to(
    out: impl Write + Send + 'static,
    tell: impl Fn(usize) + Send + 'static,
) -> io::Result<(Lines, Writing)> {
    let shared = Shared { waiting: Mutex::default(), is_due: Condvar::new(), is_written: Condvar::new() };
    let lines = Lines(Arc::new(shared));
    let theirs = lines.clone();
    let thread = thread::Builder::new().name(NAME.into()).spawn(move || theirs.write(out, tell))?;
    Ok((lines.clone(), Writing { lines, thread: Some(thread) }))
}

impl Writing {
    /// Has a panic, of any thread, told after what was logged before it.
    pub(super) fn before_panics(&self) {
        let (lines, tell) = (self.lines.clone(), panic::take_hook());
        panic::set_hook(Box::new(move |info| {
            lines.flush(PATIENCE);
            tell(info);
        }));
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        // A reader that is stuck does not keep the process.
        if self.lines.close(PATIENCE)
            && let Some(thread) = self.thread.take()
        {
            // Nobody could be told that it panicked.
            let _ = thread.join();
        }
    }
}

impl Lines {
    fn leave(&self, line: &[u8]) -> io::Result<()> {
        let mut waiting = self.lock();
        if waiting.is_closed {
            drop(waiting);
            return io::stderr().write_all(line);
        }
        if waiting.text.len() + line.len() > CAPACITY {
            waiting.n_dropped += 1;
        } else {
            waiting.text.extend_from_slice(line);
            waiting.n_left += line.len() as u64;
        }
        if mem::take(&mut waiting.is_resting) {
            self.0.is_due.notify_one();
        }
        Ok(())
    }

    /// Waits until what was left so far is written, but not for longer than this: whether it is.
    fn flush(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut waiting = self.lock();
        let due = waiting.n_left;
        while waiting.n_written < due {
            // The thread would wait for itself.
            let is_thread = thread::current().name() == Some(NAME);
            let left = until.saturating_duration_since(Instant::now());
            if is_thread || left.is_zero() {
                return false;
            }
            waiting.is_awaited = true;
            self.0.is_due.notify_one();
            waiting = self.0.is_written.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Has the thread end: whether it will soon.
    fn close(&self, patience: Duration) -> bool {
        let is_written = self.flush(patience);
        self.lock().is_closed = true;
        self.0.is_due.notify_one();
        is_written
    }

    /// Writes until it is closed.
    fn write(&self, mut out: impl Write, tell: impl Fn(usize)) {
        let mut text = Vec::new();
        while let Some((n_dropped, n_taken)) = self.take(&mut text) {
            // Nobody could be told of a log that cannot be written.
            let _ = out.write_all(&text).and_then(|()| out.flush());
            text.clear();
            text.shrink_to(KEPT);
            if n_dropped > 0 {
                tell(n_dropped);
            }
            self.pause(n_taken);
        }
    }

    /// Waits for something to write and takes it, with how many lines found no room; nothing once it is closed.
    fn take(&self, text: &mut Vec<u8>) -> Option<(usize, u64)> {
        let mut waiting = self.lock();
        while waiting.text.is_empty() {
            if waiting.is_closed {
                return None;
            }
            waiting.is_resting = true;
            waiting = self.0.is_due.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.is_resting = false;
        mem::swap(&mut waiting.text, text);
        Some((mem::take(&mut waiting.n_dropped), waiting.n_left))
    }

    /// So much is written. Lets lines come together, unless somebody waits for them.
    fn pause(&self, n_written: u64) {
        let mut waiting = self.lock();
        waiting.n_written = n_written;
        self.0.is_written.notify_all();
        let until = Instant::now() + PAUSE;
        while !waiting.is_awaited && !waiting.is_closed {
            let Some(left) = until.checked_duration_since(Instant::now()) else { return };
            waiting = self.0.is_due.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        waiting.is_awaited = false;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a line with each write.
impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.leave(line).map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

const NAME: &str = "log";

/// So many octets may wait.
const CAPACITY: usize = 1 << 20;

/// So many octets of room are kept for those to come.
const KEPT: usize = 64 << 10;

/// For so long lines may wait for others.
const PAUSE: Duration = Duration::from_millis(5);

/// For so long the end of the process, or a panic, waits for whoever reads the log.
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// What was written; nothing is while somebody has it.
    #[derive(Clone, Default)]
    struct Out(Arc<Mutex<Vec<u8>>>);

    impl Out {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Out {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(text)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn start() -> (Out, Lines, Writing, Receiver<usize>) {
        let (out, (dropped, told)): (_, (Sender<usize>, _)) = (Out::default(), channel());
        let (lines, writing) = write_to(out.clone(), move |n| dropped.send(n).unwrap()).unwrap();
        (out, lines, writing, told)
    }

    #[test]
    fn lines_of_many_threads_come_out_whole_and_each_in_its_order() {
        let (out, lines, writing, _told) = start();
        thread::scope(|scope| {
            for who in 0..4 {
                let lines = &lines;
                scope.spawn(move || (0..1000).for_each(|i| lines.leave(format!("{who} {i}\n").as_bytes()).unwrap()));
            }
        });
        drop(writing);
        let text = out.text();
        for who in 0..4 {
            let own = text.lines().filter_map(|line| line.strip_prefix(&format!("{who} ")));
            assert!(own.map(|i| i.parse::<u32>().unwrap()).eq(0..1000), "{who}");
        }
        assert_eq!(text.lines().count(), 4000);
    }

    #[test]
    fn a_line_is_written_though_no_other_follows_and_nobody_asks() {
        let (out, lines, _writing, _told) = start();
        for n_lines in 1..4 {
            lines.leave(b"a line\n").unwrap();
            let mut waiting = lines.lock();
            while waiting.n_written < n_lines * 7 {
                waiting = lines.0.is_written.wait(waiting).unwrap();
            }
        }
        assert_eq!(out.text(), "a line\n".repeat(3));
    }

    #[test]
    fn a_reader_that_is_stuck_holds_nobody_up_and_what_is_missing_is_told() {
        let (out, lines, writing, told) = start();
        let stuck = out.0.lock().unwrap();
        let line = [b'x'; 1 << 10];
        // The thread may have taken as much as there is room for, and no more.
        (0..4 << 10).for_each(|_| lines.leave(&line).unwrap());
        assert!(!lines.flush(Duration::ZERO));
        drop(stuck);
        lines.flush(PATIENCE);
        lines.leave(b"the last\n").unwrap();
        drop(writing);
        let n_written = out.text().matches('x').count() >> 10;
        assert!((1 << 10..=2 << 10).contains(&n_written), "{n_written}");
        assert_eq!(told.iter().sum::<usize>() + n_written, 4 << 10);
        assert!(out.text().ends_with("the last\n"));
    }
}
