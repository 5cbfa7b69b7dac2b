//! Requests with nothing out of the ordinary about them, answered without hyper.
//!
//! Most requests are such: a POST to the one path, whole, on a connection that goes on. The gate has read their heads, so all that hyper
//! would add is to read them again, to pass body and answer through channels, and to write four fields; which costs as much as all the
//! rest of a query. Whatever is refused, closes the connection or needs hyper in any other way still goes to hyper.
//!
//! *Invariants.* Hyper and the gate never have answers under way at the same time: what hyper wrote is flushed before a request is
//! answered here, and hyper sees nothing of the next head, nor the end of the connection, before an answer of ours is sent.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderValue;
use http_body_util::Full;
use oc2_transfer::{Enduring, Handler, Later, Reply};
use tokio::io::{AsyncRead, AsyncWrite};

use super::answer::{Answering, Then, respond};
use super::gate::{Gate, Phase};
use super::head::{Framing, Head};
use super::limits::Held;

/// An answer without hyper.
#[derive(Default)]
pub(super) struct Direct {
    under_way: Option<UnderWay>,
    outbox: BytesMut,
    /// Whether something was written that may not have been sent.
    pub(super) is_unsent: bool,
    date: Date,
}

/// What an answer waits for.
struct UnderWay {
    handling: Enduring<Later>,
    request_id: Option<HeaderValue>,
    /// The message counts for as long as it is worked on.
    _held: Held,
}

impl<S: AsyncRead + AsyncWrite + Unpin, H: Handler> Gate<S, H> {
    /// Begins to answer what is at the front of the inbox, if it is whole and plain: whether it is. [`Self::poll_direct`] goes on.
    pub(super) fn answer_directly(&mut self, head: &Head) -> bool {
        let (Some(plain), Framing::Length(length)) = (&head.plain, head.framing) else { return false };
        let Some(end) = usize::try_from(length).ok().and_then(|length| head.length.checked_add(length)) else {
            return false;
        };
        let is_ours = self.is_flushed && !self.desk.is_turned_away() && !self.desk.is_stopping();
        if !is_ours || end == head.length || end > self.inbox.len() {
            return false;
        }
        let (fields, body) = self.inbox[..end].split_at(head.length);
        let Some((request, held)) = self.desk.plain_request(plain, fields, body) else { return false };
        // What is text is fit for a field.
        let request_id = request.request_id.as_deref().and_then(|id| HeaderValue::from_str(id).ok());
        self.inbox.advance(end);
        self.meet_next_head();
        match self.desk.start(request) {
            Answering::Done(reply) => self.write_directly(reply, request_id),
            Answering::UnderWay(handling) => {
                self.direct.under_way = Some(UnderWay { handling, request_id, _held: held })
            }
        }
        true
    }

    /// Ready when nothing is under way here.
    pub(super) fn poll_direct(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(under_way) = &mut self.direct.under_way {
            let handled = ready!(Pin::new(&mut under_way.handling).poll(cx));
            let request_id = self.direct.under_way.take().and_then(|under_way| under_way.request_id);
            let reply = self.desk.outcome(handled);
            self.write_directly(reply, request_id);
        }
        while !self.direct.outbox.is_empty() {
            let outbox = std::mem::take(&mut self.direct.outbox);
            let written = self.poll_written(cx, |stream, cx| stream.poll_write(cx, &outbox));
            self.direct.outbox = outbox;
            match ready!(written)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n_octets => self.direct.outbox.advance(n_octets),
            }
        }
        if self.direct.is_unsent {
            ready!(self.poll_written(cx, S::poll_flush))?;
            self.direct.is_unsent = false;
            if self.direct.outbox.capacity() > KEPT {
                self.direct.outbox = BytesMut::new();
            }
        }
        Poll::Ready(Ok(()))
    }

    fn write_directly(&mut self, reply: Reply, request_id: Option<HeaderValue>) {
        let then = if self.desk.is_stopping() { Then::Close } else { Then::GoOn };
        if then == Then::Close {
            self.phase = Phase::Refused;
        }
        self.direct.write(respond(reply, request_id, then));
    }
}

impl Direct {
    /// Writes an answer as hyper does.
    fn write(&mut self, response: http::Response<Full<Bytes>>) {
        let (parts, body) = response.into_parts();
        let body = body.into_inner().unwrap_or_default();
        let (out, status) = (&mut self.outbox, parts.status);
        self.is_unsent = true;
        out.reserve(TYPICAL_HEAD + body.len());
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(status.as_str().as_bytes());
        out.extend_from_slice(b" ");
        out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
        for (name, value) in &parts.headers {
            out.extend_from_slice(b"\r\n");
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
        }
        out.extend_from_slice(b"\r\ncontent-length: ");
        append_decimal(out, body.len());
        out.extend_from_slice(b"\r\ndate: ");
        out.extend_from_slice(self.date.now());
        out.extend_from_slice(b"\r\n\r\n");
        out.extend_from_slice(&body);
    }
}

fn append_decimal(out: &mut BytesMut, number: usize) {
    let mut digits = [0; 20];
    let mut rest = &mut digits[..];
    // There is room for the largest.
    let _ = write!(rest, "{number}");
    let n_left = rest.len();
    out.extend_from_slice(&digits[..digits.len() - n_left]);
}

/// The date as HTTP has it (RFC 7231 7.1.1.1), the same for a second.
#[derive(Default)]
struct Date {
    second: u64,
    text: String,
}

impl Date {
    fn now(&mut self) -> &[u8] {
        let now = SystemTime::now();
        let second = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
        if second != self.second || self.text.is_empty() {
            self.second = second;
            self.text = httpdate::fmt_http_date(now);
        }
        self.text.as_bytes()
    }
}

/// More than the head of most answers.
const TYPICAL_HEAD: usize = 256;

/// So much room is kept for the next answer.
const KEPT: usize = 64 << 10;
