//! A Producer's connection that stays, byte for byte.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::subject::ADDRESS;

/// A connection to the daemon.
pub(super) struct Line(BufReader<TcpStream>);

impl Line {
    pub(super) fn open() -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&ADDRESS, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a Command under a request id; its Response.
    pub(super) fn ask(&mut self, id: &str, command: &Value) -> io::Result<Value> {
        let headers = json!({"request_id": id, "from": "soc-1"});
        let body = json!({"headers": headers, "body": {"openc2": {"request": command}}}).to_string();
        let head = format!(
            "POST /.well-known/openc2 HTTP/1.1\r\nHost: fw1\r\nContent-Type: application/openc2+json;version=1.0\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        self.0.get_mut().write_all((head + &body).as_bytes())?;
        let message = self.answer()?;
        match message.pointer("/body/openc2/response") {
            Some(response) => Ok(response.clone()),
            None => Err(io::Error::other(format!("no response in {message}"))),
        }
    }

    fn answer(&mut self) -> io::Result<Value> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        serde_json::from_slice(&body).map_err(io::Error::other)
    }
}

/// Longer than any command takes, also on a busy host.
const PATIENCE: Duration = Duration::from_secs(60);
