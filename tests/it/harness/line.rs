//! One connection, for many messages.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// A connection that stays as long as the peer lets it.
pub(crate) struct Line(BufReader<TcpStream>);

impl Line {
    /// A connection to a port of loopback.
    pub(crate) fn to(port: u16) -> Self {
        Self(BufReader::new(TcpStream::connect(("127.0.0.1", port)).expect("somebody listens")))
    }

    /// Asks for no feature; the status line and the body of the answer, or none where the connection ends.
    pub(crate) fn ask(&mut self) -> Option<(String, String)> {
        self.ask_with("")
    }

    /// The same with more header fields.
    pub(crate) fn ask_with(&mut self, fields: &str) -> Option<(String, String)> {
        let query = r#"{"action":"query","target":{"features":[]}}"#;
        let request = format!(
            "POST /.well-known/openc2 HTTP/1.1\r\nHost: fw1\r\nContent-Type: application/openc2+json;version=1.0\r\n{fields}\
             Content-Length: {}\r\n\r\n{query}",
            query.len()
        );
        self.0.get_mut().write_all(request.as_bytes()).ok()?;
        self.answer().ok()
    }

    fn answer(&mut self) -> io::Result<(String, String)> {
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
