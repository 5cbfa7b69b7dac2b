//! A peer that sends and sees octets.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A connection to a server.
pub(crate) struct Raw {
    pub(crate) stream: Wire,
    inbox: Vec<u8>,
}

/// What octets travel on.
pub(crate) enum Wire {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) version: String,
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Raw {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self::over(Wire::Plain(TcpStream::connect(address).await.expect("it listens")))
    }

    pub(crate) fn over(stream: Wire) -> Self {
        Self { stream, inbox: Vec::new() }
    }

    pub(crate) async fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.stream.write_all(octets.as_ref()).await.expect("it can be sent");
    }

    /// Sends a POST with these header lines beside `Host` and `Content-Length`.
    pub(crate) async fn post(&mut self, lines: &str, body: &str) {
        self.send(post(lines, body)).await;
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        let answer = self.head().await;
        let length = answer.field("content-length").expect("it has a length").parse().expect("it is a number");
        self.fill(length).await;
        let body = self.inbox.drain(..length).collect();
        Answer { body, ..answer }
    }

    /// An answer of which only the head comes.
    pub(crate) async fn head(&mut self) -> Answer {
        let length = loop {
            match self.inbox.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(position) => break position + 4,
                None => self.fill(self.inbox.len() + 1).await,
            }
        };
        let head = String::from_utf8(self.inbox.drain(..length).collect()).expect("it is text");
        let mut lines = head.lines();
        let mut status_line = lines.next().expect("it has a line").splitn(3, ' ');
        Answer {
            version: status_line.next().expect("it has a version").to_owned(),
            status: status_line.next().expect("it has a status").parse().expect("it is a number"),
            fields: lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
            body: Vec::new(),
        }
    }

    /// Asserts that the server ends the connection in order, and that nothing else came.
    pub(crate) async fn ends(mut self) {
        let mut rest = std::mem::take(&mut self.inbox);
        let read = timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await.expect("the connection ends in time");
        read.expect("it is not reset");
        assert!(rest.is_empty(), "{:?} came", String::from_utf8_lossy(&rest));
    }

    /// Asserts that the server ends the connection somehow, and that nothing else came.
    pub(crate) async fn ends_somehow(mut self) {
        let mut rest = std::mem::take(&mut self.inbox);
        let read = timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await.expect("the connection ends in time");
        // A TLS connection that is cut lacks its last record.
        assert!(read.is_ok() || read.is_err_and(|error| error.kind() == io::ErrorKind::UnexpectedEof));
        assert!(rest.is_empty(), "{:?} came", String::from_utf8_lossy(&rest));
    }

    async fn fill(&mut self, length: usize) {
        while self.inbox.len() < length {
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.inbox)).await.expect("something comes in time");
            let n_octets = read.expect("it is not reset");
            assert!(n_octets > 0, "the connection ends after {:?}", String::from_utf8_lossy(&self.inbox));
        }
    }
}

impl Wire {
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

/// The same call for whatever the wire is.
macro_rules! on_wire {
    ($wire:expr, $stream:ident => $call:expr) => {
        match $wire.get_mut() {
            Wire::Plain(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            #[cfg(feature = "tls")]
            Wire::Tls(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
        }
    };
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        on_wire!(self, stream => stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        on_wire!(self, stream => stream.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_wire!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_wire!(self, stream => stream.poll_shutdown(cx))
    }
}

impl Answer {
    /// The value of a field that stands at most once.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} stands twice");
        value
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("it is text")
    }
}

pub(crate) fn post(lines: &str, body: &str) -> String {
    let length = body.len();
    format!("POST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\n{lines}Content-Length: {length}\r\n\r\n{body}")
}

/// Far more than anything takes here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
