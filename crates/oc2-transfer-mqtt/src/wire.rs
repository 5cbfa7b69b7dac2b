//! The network connection to a broker: TCP, with or without TLS.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::SockRef;
use std::future::poll_fn;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::options::Broker;

/// A network connection.
pub(crate) struct Wire {
    stream: Stream,
    is_unflushed: bool,
    /// Whether something was read since something was last written.
    is_unacknowledged: bool,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    /// Connects; with TLS if there is a configuration for it.
    pub(crate) async fn open(broker: &Broker, tls: Option<Arc<ClientConfig>>) -> io::Result<Self> {
        let tcp = TcpStream::connect((broker.host(), broker.port())).await?;
        // A command is a small packet, and nobody sends more to fill a segment up.
        tcp.set_nodelay(true)?;
        let stream = match tls {
            None => Stream::Plain(tcp),
            Some(config) => {
                let name = ServerName::try_from(broker.host().to_owned())
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
                Stream::Tls(Box::new(TlsConnector::from(config).connect(name, tcp).await?))
            }
        };
        Ok(Self { stream, is_unflushed: false, is_unacknowledged: false })
    }

    /// Writes what there is to write until something was read. Nothing is lost when it is given up.
    ///
    /// # Errors
    /// The connection is lost.
    pub(crate) async fn exchange(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> io::Result<()> {
        poll_fn(|context| {
            if let Poll::Ready(Err(error)) = self.poll_write(context, output) {
                return Poll::Ready(Err(error));
            }
            self.poll_read(context, input)
        })
        .await
    }

    /// Writes all there is to write, and says goodbye.
    ///
    /// # Errors
    /// The connection is lost.
    pub(crate) async fn finish(&mut self, output: &mut BytesMut) -> io::Result<()> {
        poll_fn(|context| self.poll_write(context, output)).await?;
        poll_fn(|context| self.stream().poll_shutdown(context)).await
    }

    fn poll_write(&mut self, context: &mut Context<'_>, output: &mut BytesMut) -> Poll<io::Result<()>> {
        while !output.is_empty() {
            let n_written = ready!(self.stream().poll_write(context, output))?;
            if n_written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            output.advance(n_written);
            (self.is_unflushed, self.is_unacknowledged) = (true, false);
        }
        if self.is_unflushed {
            ready!(self.stream().poll_flush(context))?;
            self.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, context: &mut Context<'_>, input: &mut BytesMut) -> Poll<io::Result<()>> {
        let mut chunk = [const { MaybeUninit::uninit() }; CHUNK];
        let mut chunk = ReadBuf::uninit(&mut chunk);
        let Poll::Ready(read) = self.stream().poll_read(context, &mut chunk) else {
            self.acknowledge_quickly();
            return Poll::Pending;
        };
        read?;
        if chunk.filled().is_empty() {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        input.extend_from_slice(chunk.filled());
        self.is_unacknowledged = true;
        Poll::Ready(Ok(()))
    }

    fn stream(&mut self) -> Pin<&mut dyn Both> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream),
            Stream::Tls(stream) => Pin::new(&mut **stream),
        }
    }

    /// A broker at its defaults waits for the acknowledgement of a small segment before it sends the next one, and the kernel takes
    /// its time for that, 40 ms, unless it is told otherwise each time. What is written takes the acknowledgement along, so it is
    /// told only where nothing is. Where that is not possible it is only slower.
    #[cfg(target_os = "linux")]
    fn acknowledge_quickly(&mut self) {
        if !std::mem::take(&mut self.is_unacknowledged) {
            return;
        }
        let tcp = match &self.stream {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => stream.get_ref().0,
        };
        let _ = SockRef::from(tcp).set_tcp_quickack(true);
    }

    #[cfg(not(target_os = "linux"))]
    fn acknowledge_quickly(&mut self) {}
}

trait Both: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Both for T {}

/// How much is read at once.
const CHUNK: usize = 16 << 10;
