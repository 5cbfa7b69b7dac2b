//! HTTP/1.1 by hand, over TCP or TLS: what is sent is what is written here, and what comes is kept to the octet.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::{MEDIA_TYPE, Outgoing, PATH, Transfer, Wire, tls};
use crate::exchange::{Answer, Exchange};

/// A way over HTTP.
pub(crate) struct Http {
    host: String,
    port: u16,
    path: String,
    token: Option<String>,
    tls: Option<Arc<ClientConfig>>,
    patience: Duration,
    connection: Option<Box<dyn Connection>>,
}

trait Connection: Read + Write {}

impl<T: Read + Write> Connection for T {}

impl Http {
    pub(crate) fn new(host: &str, port: u16, path: &str, patience: Duration) -> Self {
        let path = if path.is_empty() || path == "/" { PATH } else { path };
        let (host, path) = (host.to_owned(), path.to_owned());
        Self { host, port, path, token: None, tls: None, patience, connection: None }
    }

    pub(crate) fn secured(mut self, tls: Arc<ClientConfig>) -> Self {
        self.tls = Some(tls);
        self
    }

    pub(crate) fn token(mut self, token: Option<String>) -> Self {
        self.token = token;
        self
    }

    fn tcp(&self) -> io::Result<TcpStream> {
        let mut res = Err(io::Error::new(ErrorKind::NotFound, "the host has no address"));
        for address in (self.host.trim_matches(['[', ']']), self.port).to_socket_addrs()? {
            res = TcpStream::connect_timeout(&address, self.patience);
            if res.is_ok() {
                break;
            }
        }
        let stream = res?;
        stream.set_read_timeout(Some(self.patience))?;
        stream.set_write_timeout(Some(self.patience))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn connect(&self) -> io::Result<Box<dyn Connection>> {
        let stream = self.tcp()?;
        let Some(config) = &self.tls else { return Ok(Box::new(stream)) };
        let name = ServerName::try_from(self.host.trim_matches(['[', ']']).to_owned()).map_err(io::Error::other)?;
        let client = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        Ok(Box::new(StreamOwned::new(client, stream)))
    }

    fn octets(&self, outgoing: &Outgoing) -> Vec<u8> {
        let mut fields = vec![
            ("Host", self.authority()),
            ("Content-Type", MEDIA_TYPE.to_owned()),
            ("Accept", MEDIA_TYPE.to_owned()),
            ("Cache-Control", "no-cache".to_owned()),
        ];
        fields.extend(outgoing.request_id.clone().map(|id| ("X-Request-ID", id)));
        fields.extend(self.token.as_ref().map(|token| ("Authorization", format!("Bearer {token}"))));
        fields.push(("Content-Length", outgoing.body.len().to_string()));
        for (name, value) in &outgoing.fields {
            fields.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
            fields.extend(value.clone().map(|value| (*name, value)));
        }
        let path = outgoing.path.as_deref().unwrap_or(&self.path);
        let mut octets = format!("{} {path} HTTP/1.1\r\n", outgoing.method).into_bytes();
        for (name, value) in fields {
            octets.extend(format!("{name}: {value}\r\n").bytes());
        }
        octets.extend(b"\r\n");
        octets.extend(&outgoing.body);
        octets
    }

    fn on(&self, connection: &mut dyn Connection, octets: Vec<u8>, is_head: bool) -> io::Result<(Exchange, bool)> {
        connection.write_all(&octets)?;
        connection.flush()?;
        let (received, answer) = receive(connection, is_head, self.patience)?;
        let closes = answer.as_ref().is_none_or(closes);
        let answers = answer.into_iter().collect();
        Ok((Exchange { sent: octets, received, answers, remark: None }, closes))
    }
}

impl Wire for Http {
    fn transfer(&self) -> Transfer {
        if self.tls.is_some() { Transfer::Https } else { Transfer::Http }
    }

    fn exchange(&mut self, outgoing: &Outgoing) -> io::Result<Exchange> {
        let octets = self.octets(outgoing);
        // A connection that was kept may have been closed meanwhile; a new one has no excuse.
        if let Some(mut connection) = self.connection.take()
            && let Ok((exchange, closes)) = self.on(&mut *connection, octets.clone(), outgoing.method == "HEAD")
            && !exchange.answers.is_empty()
        {
            self.connection = (!closes).then_some(connection);
            return Ok(exchange);
        }
        let mut connection = self.connect()?;
        let (exchange, closes) = self.on(&mut *connection, octets, outgoing.method == "HEAD")?;
        self.connection = (!closes).then_some(connection);
        Ok(exchange)
    }

    fn raw(&mut self, octets: &[u8]) -> io::Result<Exchange> {
        let mut connection = self.connect()?;
        if let Err(error) = connection.write_all(octets).and_then(|()| connection.flush()) {
            let remark = Some(format!("the connection was closed while octets were sent: {error}"));
            return Ok(Exchange { sent: octets.to_vec(), remark, ..Exchange::default() });
        }
        let (mut received, mut answers) = (Vec::new(), Vec::new());
        // Whoever takes more than one request out of these octets answers more than once.
        while let Ok((more, answer)) = receive(&mut *connection, false, RAW_PATIENCE) {
            received.extend(more);
            let Some(answer) = answer else { break };
            let is_last = closes(&answer) || answers.len() > 2;
            answers.push(answer);
            if is_last {
                break;
            }
        }
        Ok(Exchange { sent: octets.to_vec(), received, answers, remark: None })
    }

    fn sequence(&mut self, outgoing: &[Outgoing]) -> io::Result<Vec<Exchange>> {
        let mut connection = self.connect()?;
        let mut exchanges = Vec::new();
        for outgoing in outgoing {
            let (exchange, closes) = self.on(&mut *connection, self.octets(outgoing), false)?;
            exchanges.push(exchange);
            if closes {
                break;
            }
        }
        Ok(exchanges)
    }

    fn probe(&mut self, probe: &tls::Probe) -> io::Result<Exchange> {
        probe.run(&self.host, self.port, || self.tcp(), self.tls.as_ref())
    }

    fn authority(&self) -> String {
        let usual = if self.tls.is_some() { 443 } else { 80 };
        if self.port == usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

/// Reads one response; none if the connection ends, or stays quiet, before a head is whole.
pub(crate) fn receive(
    connection: &mut dyn Read,
    is_head: bool,
    patience: Duration,
) -> io::Result<(Vec<u8>, Option<Answer>)> {
    let (mut received, mut chunk) = (Vec::new(), [0; 16 << 10]);
    let until = Instant::now() + patience;
    let mut is_over = false;
    loop {
        if let Some((answer, length)) = take(&received, is_head, is_over) {
            received.truncate(length);
            return Ok((received, Some(answer)));
        }
        if is_over || Instant::now() > until {
            return Ok((received, None));
        }
        match connection.read(&mut chunk) {
            Ok(0) => is_over = true,
            Ok(n_read) => received.extend_from_slice(&chunk[..n_read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Cut off, or quiet for too long: what there is, is what there is.
            Err(_) => is_over = true,
        }
    }
}

/// The first response in these octets, and how many it takes.
fn take(octets: &[u8], is_head: bool, is_over: bool) -> Option<(Answer, usize)> {
    let end = octets.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&octets[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let code = lines.next()?.split(' ').nth(1)?.parse::<u16>().ok()?;
    let fields = lines.filter_map(|line| line.split_once(':'));
    let fields = fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    let mut answer = Answer { code: Some(code), fields, ..Answer::default() };
    let start = end + 4;
    if (100..200).contains(&code) && code != 101 {
        // An interim response: the final one follows, unless the connection ends here.
        return match take(&octets[start..], is_head, is_over) {
            Some((answer, length)) => Some((answer, start + length)),
            None => is_over.then(|| {
                answer.body = octets[start..].to_vec();
                (answer, octets.len())
            }),
        };
    }
    if is_head || code == 204 || code == 304 {
        return Some((answer, start));
    }
    let rest = &octets[start..];
    let (body, length) = if answer.field("Transfer-Encoding").is_some_and(|coding| coding.contains("chunked")) {
        unchunk(rest)?
    } else if let Some(length) = answer.field("Content-Length").and_then(|length| length.parse::<usize>().ok()) {
        (rest.get(..length)?.to_vec(), length)
    } else if is_over {
        (rest.to_vec(), rest.len())
    } else {
        return None;
    };
    answer.body = body;
    Some((answer, start + length))
}

fn unchunk(octets: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let line = octets[at..].windows(2).position(|two| two == b"\r\n")?;
        let size = str::from_utf8(&octets[at..at + line]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        at += line + 2;
        body.extend(octets.get(at..at.checked_add(size)?)?);
        at += size + 2;
        if octets.len() < at {
            return None;
        }
        if size == 0 {
            return Some((body, at));
        }
    }
}

fn closes(answer: &Answer) -> bool {
    answer.field("Connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
}

/// Whoever got octets that are no request answers at once or not at all.
const RAW_PATIENCE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    fn check(octets: &str, code: u16, body: &str, rest: &str) {
        let (answer, length) = take(octets.as_bytes(), false, false).unwrap();
        assert_eq!((answer.code, answer.body.as_slice()), (Some(code), body.as_bytes()));
        assert_eq!(&octets[length..], rest);
    }

    #[test]
    fn a_response_ends_where_its_length_or_its_chunks_say() {
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP", 200, "{}", "HTTP");
        check("HTTP/1.1 400 x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400, "{}", "");
        check("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "", "");
        assert!(take(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", false, false).is_none());
    }

    #[test]
    fn an_interim_response_that_nothing_follows_is_the_answer() {
        let octets = b"HTTP/1.1 102 Processing\r\nContent-Length: 2\r\n\r\n{}";
        assert!(take(octets, false, false).is_none());
        assert_eq!(take(octets, false, true).unwrap().0.code, Some(102));
    }
}
