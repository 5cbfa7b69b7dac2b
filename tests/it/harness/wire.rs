//! HTTP, byte for byte.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

/// Sends bytes and reads until the peer closes.
pub(crate) fn exchange(daemon: SocketAddr, bytes: &[u8]) -> String {
    try_exchange(daemon, bytes).expect("the daemon answers")
}

fn try_exchange(daemon: SocketAddr, bytes: &[u8]) -> io::Result<String> {
    let mut stream = TcpStream::connect(daemon)?;
    stream.write_all(bytes)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Posts a message; the head of the answer in lower case, and its body.
pub(crate) fn post(daemon: SocketAddr, path: &str, body: &str) -> (String, Value) {
    try_post(daemon, path, body).expect("the daemon answers")
}

/// Posts a message to a daemon that may be gone; none if no answer came.
pub(crate) fn try_post(daemon: SocketAddr, path: &str, body: &str) -> Option<(String, Value)> {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: fw1\r\nContent-Type: application/openc2+json;version=1.0\r\nX-Request-ID: beside\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let answer = try_exchange(daemon, request.as_bytes()).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.to_lowercase(), serde_json::from_str(body).unwrap_or_default()))
}
