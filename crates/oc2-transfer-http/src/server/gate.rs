//! What stands between a connection and hyper.
//!
//! hyper answers by itself, with 431 and 414 and without a message, when a head is too large; it drops a `Content-Length`
//! that stands beside a `Transfer-Encoding`; and it closes without a word when a head takes too long. None of that may be
//! (HTTPS 4.2.1-8, DECISIONS H2). So a gate lets a head pass only when it is whole and in order. In the place of any other it
//! gives hyper a head of its own, and the desk answers that with the refusal: every answer is made in one place.
//!
//! Requests that need nothing of hyper are [answered](super::direct) here.
//!
//! The gate knows where each message ends, so it sees every head, also those that were sent ahead. Only behind a chunked body
//! it cannot know; the desk closes the connection after such a request.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use oc2_core::Rejection;
use oc2_transfer::Handler;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::LINGER;
use super::answer::Desk;
use super::direct::Direct;
use super::head::{Framing, Head, request_id_in};

/// A connection, of which hyper sees only what is in order.
pub(super) struct Gate<S, H> {
    stream: S,
    pub(super) desk: Arc<Desk<H>>,
    pub(super) inbox: BytesMut,
    /// So many octets at the front of the inbox are for hyper.
    open: usize,
    /// So many octets at the front of the inbox were looked through for the end of a head.
    searched: usize,
    pub(super) phase: Phase,
    reading: Clock,
    writing: Clock,
    /// Nothing that hyper wrote is on its way.
    pub(super) is_flushed: bool,
    pub(super) direct: Direct,
}

/// What comes after the open octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The first head of the connection.
    FirstHead,
    /// Another head.
    Head,
    /// So many octets of a body.
    Body(u64),
    /// A chunked body, and nothing behind it that counts.
    Chunks,
    /// Nothing that counts: the request was refused, or its answer said that it was the last.
    Refused,
    /// Nothing that counts: the answer was the last.
    Closing,
}

impl<S: AsyncRead + AsyncWrite + Unpin, H: Handler> Gate<S, H> {
    pub(super) fn new(stream: S, desk: Arc<Desk<H>>) -> Self {
        Self {
            stream,
            desk,
            inbox: BytesMut::new(),
            open: 0,
            searched: 0,
            phase: Phase::FirstHead,
            reading: Clock::default(),
            writing: Clock::default(),
            is_flushed: true,
            direct: Direct::default(),
        }
    }

    /// Opens the inbox up to the end of the next head, or refuses it; opens nothing when no more comes.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_direct(cx))?;
            if self.phase == Phase::Refused || self.phase == Phase::Head && self.rests() {
                break;
            }
            if !self.inbox.is_empty() && self.is_worth_reading() {
                match Head::read(&self.inbox, self.desk.settings()) {
                    Ok(None) => {}
                    Ok(Some(head)) if self.answer_directly(&head) => continue,
                    Ok(Some(head)) => break self.pass(head),
                    Err(rejection) => break self.refuse(rejection),
                }
            }
            let had_begun = self.has_begun();
            match self.poll_fill(cx)? {
                Poll::Ready(0) if !had_begun => break,
                Poll::Ready(0) => break self.refuse(Rejection::malformed("the request ends within its head")),
                Poll::Ready(_) if !had_begun && self.has_begun() => self.reading.stop(),
                Poll::Ready(_) => {}
                Poll::Pending if !had_begun => {
                    ready!(self.reading.poll(cx, self.patience()));
                    break;
                }
                Poll::Pending => {
                    ready!(self.reading.poll(cx, self.desk.settings().head_timeout));
                    break self.refuse(Rejection::unavailable("the request head took too long"));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Whether the listener stops and nothing has come that it would have to wait for. Hyper knows by itself only of what it answered.
    fn rests(&self) -> bool {
        self.desk.is_stopping() && !self.has_begun()
    }

    /// Whether there is anything of a head. Empty lines before it are none of it (RFC 7230 3.5).
    fn has_begun(&self) -> bool {
        self.inbox.iter().any(|octet| !b"\r\n".contains(octet))
    }

    /// How long to wait for the first octet of a head.
    fn patience(&self) -> Duration {
        let settings = self.desk.settings();
        if self.phase == Phase::FirstHead { settings.head_timeout } else { settings.idle_timeout }
    }

    /// Whether reading the inbox as a head could say anything new. A head that trickles in is not read once per octet.
    fn is_worth_reading(&mut self) -> bool {
        let is_first_look = self.searched == 0;
        let new = &self.inbox[self.searched.saturating_sub(3)..];
        self.searched = self.inbox.len();
        is_first_look
            || self.inbox.len() >= self.desk.settings().max_head
            || new.windows(2).any(|pair| pair == b"\n\n")
            || new.windows(3).any(|three| three == b"\n\r\n")
    }

    fn pass(&mut self, head: Head) {
        if self.desk.is_turned_away() {
            return self.refuse(Rejection::unavailable("there are too many connections"));
        }
        // hyper prepares for an upgrade when it is offered one, and then ends the connection without a shutdown, so that a
        // refusal may get lost. A server may ignore `Upgrade` (RFC 7230 6.7); under this name hyper does.
        for position in head.upgrades {
            self.inbox[position] = b'x';
        }
        self.meet_next_head();
        self.open = head.length;
        self.phase = match head.framing {
            Framing::Length(0) => Phase::Head,
            Framing::Length(length) => Phase::Body(length),
            Framing::Chunked => Phase::Chunks,
        };
        if let Phase::Body(left) = self.phase {
            self.pass_body(left);
        }
    }

    /// What comes next is looked at anew, and may take its time.
    pub(super) fn meet_next_head(&mut self) {
        self.reading.stop();
        self.searched = 0;
        self.phase = Phase::Head;
    }

    /// Opens what is here of a body of which so much is left.
    fn pass_body(&mut self, left: u64) {
        let here = u64::try_from(self.inbox.len() - self.open).unwrap_or(u64::MAX).min(left);
        // No more than there is in memory.
        self.open += usize::try_from(here).unwrap_or_default();
        self.phase = if here == left { Phase::Head } else { Phase::Body(left - here) };
    }

    fn refuse(&mut self, rejection: Rejection) {
        self.desk.note_refusal(rejection, request_id_in(&self.inbox));
        self.inbox = BytesMut::from(STAND_IN);
        self.open = STAND_IN.len();
        self.phase = Phase::Refused;
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.inbox.reserve(FILL);
        // What is read is in the inbox at once: nothing is lost when the future goes.
        pin!(self.stream.read_buf(&mut self.inbox)).poll(cx)
    }

    /// Whether the peer may still be sending something that nobody reads.
    fn is_unread(&self) -> bool {
        !matches!(self.phase, Phase::FirstHead | Phase::Head) || !self.inbox.is_empty()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, H: Handler> AsyncRead for Gate<S, H> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        while gate.open == 0 {
            match gate.phase {
                Phase::FirstHead | Phase::Head => {
                    ready!(gate.poll_head(cx))?;
                    if gate.open == 0 {
                        return Poll::Ready(Ok(()));
                    }
                }
                Phase::Refused | Phase::Closing => return Poll::Ready(Ok(())),
                Phase::Body(_) | Phase::Chunks if gate.inbox.is_empty() => {
                    if ready!(gate.poll_fill(cx))? == 0 {
                        return Poll::Ready(Ok(()));
                    }
                }
                Phase::Body(left) => gate.pass_body(left),
                Phase::Chunks => gate.open = gate.inbox.len(),
            }
        }
        let n_octets = gate.open.min(buf.remaining());
        buf.put_slice(&gate.inbox[..n_octets]);
        gate.inbox.advance(n_octets);
        gate.open -= n_octets;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, H: Handler> Gate<S, H> {
    /// Writes; a peer that takes nothing for too long is given up.
    pub(super) fn poll_written<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(written) = write(Pin::new(&mut self.stream), cx) {
            self.writing.stop();
            return Poll::Ready(written);
        }
        ready!(self.writing.poll(cx, self.desk.settings().write_timeout));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, H: Handler> AsyncWrite for Gate<S, H> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let gate = self.get_mut();
        gate.is_flushed = false;
        gate.poll_written(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let gate = self.get_mut();
        gate.is_flushed = false;
        gate.poll_written(cx, |stream, cx| stream.poll_write_vectored(cx, bytes))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        if gate.direct.is_unsent {
            // Not hyper's, and its time does not begin anew.
            return Poll::Ready(Ok(()));
        }
        ready!(gate.poll_written(cx, S::poll_flush))?;
        gate.is_flushed = true;
        Poll::Ready(Ok(()))
    }

    /// Says that there is no more, then lets the peer finish: the kernel resets a connection that is closed with something
    /// unread, and the reset can overtake the answer.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        if gate.phase != Phase::Closing {
            ready!(gate.poll_direct(cx))?;
            // TLS has a last record to write, which a peer may refuse to take.
            ready!(gate.poll_written(cx, S::poll_shutdown))?;
            if !gate.is_unread() {
                return Poll::Ready(Ok(()));
            }
            gate.phase = Phase::Closing;
            gate.reading.stop();
        }
        while gate.reading.poll(cx, LINGER).is_pending() {
            gate.inbox.clear();
            if let Ok(0) | Err(_) = ready!(gate.poll_fill(cx)) {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// A deadline that begins with the first look at it.
///
/// Its timer is left as it is when the deadline moves back or is given up: when it rings it is set anew. So a connection that is used has
/// a timer set once in a while, not for each request.
#[derive(Default)]
struct Clock {
    timer: Option<Pin<Box<Sleep>>>,
    deadline: Option<Instant>,
}

impl Clock {
    /// Ready when this time has passed since the clock was last stopped and looked at again.
    fn poll(&mut self, cx: &mut Context<'_>, time: Duration) -> Poll<()> {
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + time);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
    }

    fn stop(&mut self) {
        self.deadline = None;
    }
}

/// What hyper reads in the place of a request that was refused.
const STAND_IN: &[u8] = b"POST / HTTP/1.1\r\nHost: refused\r\nConnection: close\r\n\r\n";

/// How much is read at once.
const FILL: usize = 8 << 10;

#[cfg(test)]
mod tests {
    use oc2_transfer::conform::Probe;
    use tokio::io::AsyncWriteExt;

    use crate::server::Settings;
    use crate::server::entrance::Entrance;

    use super::super::limits::Places;
    use super::*;

    /// A peer that takes and gives nothing.
    struct Stuck;

    impl AsyncRead for Stuck {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Stuck {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Pending
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_take_the_end_is_given_up() {
        let entrance = Entrance::open([192, 0, 2, 1].into());
        let settings = Settings::default();
        let place = Places::new(&settings).take([127, 0, 0, 1].into(), 1).expect("there is room");
        let desk = Arc::new(Desk::new(Arc::new(Probe::default()), entrance, Arc::new(settings), &place));
        let mut gate = Gate::new(Stuck, desk);
        let ends = [gate.write(b"x").await.err(), gate.flush().await.err(), gate.shutdown().await.err()];
        for error in ends {
            assert_eq!(error.map(|error| error.kind()), Some(io::ErrorKind::TimedOut));
        }
    }
}
