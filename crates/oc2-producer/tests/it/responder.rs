//! An HTTP server of a few lines that answers as it is told and keeps what it was sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::Value;

/// A request, to the byte.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) request_line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Posted {
    /// The one header of this name.
    pub(crate) fn header(&self, name: &str) -> &str {
        let values: Vec<_> = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).collect();
        assert_eq!(values.len(), 1, "{name}: {self:?}");
        &values[0].1
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

/// A server on a port of its own. Its thread ends with the test program.
pub(crate) struct Responder {
    pub(crate) address: String,
    posted: Receiver<Posted>,
}

impl Responder {
    /// Answers with what the function makes of a request; with nothing, it keeps the connection open in silence.
    pub(crate) fn start(answer: impl Fn(&Posted) -> Option<String> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let (sender, posted) = channel();
        thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming().flatten() {
                let Some(request) = read(&stream) else { continue };
                let answer = answer(&request);
                // Before the answer, so that it is there when the program has ended.
                if sender.send(request).is_err() {
                    return;
                }
                match answer {
                    Some(answer) => (&stream).write_all(answer.as_bytes()).expect("the answer is written"),
                    None => silent.push(stream),
                }
            }
        });
        Self { address, posted }
    }

    /// Answers every request with this Response under its own id.
    pub(crate) fn with(status: u16, response: &'static str) -> Self {
        Self::start(move |posted| {
            let id = posted.header("x-request-id");
            Some(http(
                status,
                &format!(
                    r#"{{"headers":{{"request_id":"{id}","from":"fw1"}},"body":{{"openc2":{{"response":{response}}}}}}}"#
                ),
            ))
        })
    }

    /// The URL for `--to`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was sent so far.
    pub(crate) fn posted(&self) -> Vec<Posted> {
        self.posted.try_iter().collect()
    }
}

/// An HTTP response with this message; without one, there is no content type either.
pub(crate) fn http(status: u16, body: &str) -> String {
    let content_type = if body.is_empty() { "" } else { "Content-Type: application/openc2+json;version=1.0\r\n" };
    format!(
        "HTTP/1.1 {status} Status\r\n{content_type}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn read(stream: &TcpStream) -> Option<Posted> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|&n| n > 0).map(|_| line.trim_end().to_owned())
    };
    let request_line = line()?;
    let mut headers = Vec::new();
    while let Some((name, value)) = line()?.split_once(": ") {
        headers.push((name.to_owned(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Posted { request_line, headers, body })
}
