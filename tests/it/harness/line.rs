//! One connection, for many messages.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use oc2_tests_broker::PATIENCE;

/// A connection that stays as long as the peer lets it.
pub(crate) struct Line(BufReader<TcpStream>);

impl Line {
    /// A connection to a port of loopback.
    pub(crate) fn to(port: u16) -> Self {
        Self::over(TcpStream::connect(("127.0.0.1", port)).expect("somebody listens"))
    }

    /// A connection from another address of this host.
    pub(crate) fn from(address: &str, to: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let stream = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4()?;
            socket.bind(SocketAddr::new(address.parse().expect("an address"), 0))?;
            socket.connect(to).await?.into_std()
        });
        let stream = stream.expect("all of 127.0.0.0/8 is this host");
        stream.set_nonblocking(false).expect("it is open");
        Self::over(stream)
    }

    fn over(stream: TcpStream) -> Self {
        // So that a test ends that has lost its peer.
        for set in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
            set(&stream, Some(PATIENCE)).expect("it is open");
        }
        Self(BufReader::new(stream))
    }

    /// Sends anything, as far as the peer takes it.
    pub(crate) fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(octets)
    }

    /// Whether there is something to read.
    pub(crate) fn has_answer(&self) -> bool {
        let stream = self.0.get_ref();
        stream.set_nonblocking(true).expect("it is open");
        let found = stream.peek(&mut [0]);
        stream.set_nonblocking(false).expect("it is open");
        found.is_ok_and(|n| n > 0)
    }

    /// Posts a body.
    pub(crate) fn post(&mut self, fields: &str, body: &str) -> Option<(String, String)> {
        self.send(request(fields, body.len()).as_bytes()).ok()?;
        // The answer may come before the end of the body.
        let _ = self.send(body.as_bytes());
        self.answer().ok()
    }

    /// What comes before the connection ends; none if it does not end.
    pub(crate) fn rest(&mut self) -> io::Result<String> {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).map(|_| rest)
    }

    /// Asks for no feature; the status line and the body of the answer, or none where the connection ends.
    pub(crate) fn ask(&mut self) -> Option<(String, String)> {
        self.ask_with("")
    }

    /// The same with more header fields.
    pub(crate) fn ask_with(&mut self, fields: &str) -> Option<(String, String)> {
        self.post(fields, QUERY)
    }

    /// The next answer.
    pub(crate) fn answer(&mut self) -> io::Result<(String, String)> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let field = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(':'));
            lines.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).next()
        };
        let length = field("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        let status = head.lines().next().unwrap_or_default().to_owned();
        Ok((status, String::from_utf8(body).map_err(io::Error::other)?))
    }
}

/// The head of a request with a body of this length.
pub(crate) fn request(fields: &str, length: usize) -> String {
    format!(
        "POST /.well-known/openc2 HTTP/1.1\r\nHost: fw1\r\nContent-Type: application/openc2+json;version=1.0\r\n{fields}\
         Content-Length: {length}\r\n\r\n"
    )
}

/// A question.
pub(crate) const QUERY: &str = r#"{"action":"query","target":{"features":[]}}"#;
