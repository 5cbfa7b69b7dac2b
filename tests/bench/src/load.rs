//! The load: requests over some connections, on one thread, with as little work as possible beside those who answer.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

use crate::Namespace;

/// Connections that are kept, each with one request at a time.
#[derive(Debug)]
pub struct Load {
    epoll: OwnedFd,
    connections: Vec<Connection>,
}

/// What a load came to.
#[derive(Clone, Debug)]
pub struct Run {
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// How long each answer took.
    pub times: Vec<Duration>,
}

impl Run {
    /// Answers a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.times.len() as f64 / self.elapsed.as_secs_f64()
    }
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    heard: Vec<u8>,
    request: usize,
    sent: Instant,
}

impl Load {
    /// So many connections to an address in a namespace.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn connect(namespace: &Namespace, address: SocketAddr, n: usize) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let connect = || (0..n).map(|_| Connection::open(address)).collect::<io::Result<Vec<_>>>();
        let connections = namespace.run(connect)?;
        for (i, connection) in connections.iter().enumerate() {
            epoll::add(&epoll, &connection.stream, EventData::new_u64(i as u64), EventFlags::IN)?;
        }
        Ok(Self { epoll, connections })
    }

    /// Sends so many requests, as many at once as there are connections, and hears the answers, which all have to be 200.
    /// `write` writes the request of a number, `hear` gets the body of its answer.
    ///
    /// # Panics
    /// A connection is lost, or an answer is another one.
    pub fn run(
        &mut self,
        n: usize,
        mut write: impl FnMut(usize, &mut Vec<u8>),
        mut hear: impl FnMut(usize, &[u8]),
    ) -> Run {
        let began = Instant::now();
        let mut times = Vec::with_capacity(n);
        let mut request = Vec::new();
        let mut next = 0;
        for connection in self.connections.iter_mut().take(n) {
            connection.send(next, &mut request, &mut write);
            next += 1;
        }
        let mut events: Vec<Event> = Vec::with_capacity(self.connections.len());
        while times.len() < n {
            events.clear();
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => panic!("the kernel tells who can be read: {error}"),
            }
            for event in &events {
                let connection = &mut self.connections[usize::try_from(event.data.u64()).expect("we chose it")];
                if !connection.receive(&mut hear) {
                    continue;
                }
                times.push(connection.sent.elapsed());
                if next < n {
                    connection.send(next, &mut request, &mut write);
                    next += 1;
                }
            }
        }
        Run { elapsed: began.elapsed(), times }
    }

    /// One request, over the first connection.
    ///
    /// # Panics
    /// As [`Self::run`].
    pub fn ask(&mut self, mut write: impl FnMut(&mut Vec<u8>)) -> (Duration, Vec<u8>) {
        let mut answer = Vec::new();
        let run = self.run(1, |_, request| write(request), |_, body| answer = body.to_vec());
        (run.elapsed, answer)
    }
}

impl Connection {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, heard: Vec::with_capacity(64 << 10), request: 0, sent: Instant::now() })
    }

    fn send(&mut self, number: usize, request: &mut Vec<u8>, write: &mut impl FnMut(usize, &mut Vec<u8>)) {
        request.clear();
        write(number, request);
        self.request = number;
        self.sent = Instant::now();
        // The peer has read the one before, so the kernel has room for this one.
        self.stream.write_all(request).expect("the peer is there");
    }

    /// Whether the answer is whole.
    fn receive(&mut self, hear: &mut impl FnMut(usize, &[u8])) -> bool {
        let mut some = [0; 16 << 10];
        match self.stream.read(&mut some) {
            Ok(0) => panic!("the peer closed the connection"),
            Ok(n) => self.heard.extend_from_slice(&some[..n]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(error) => panic!("the peer is there: {error}"),
        }
        let Some((status, head, length)) = head(&self.heard) else { return false };
        if self.heard.len() < head + length {
            return false;
        }
        let body = &self.heard[head..];
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
        hear(self.request, body);
        self.heard.clear();
        true
    }
}

/// The status of an answer, and the octets of its head and of its body; none before the head is whole.
fn head(heard: &[u8]) -> Option<(u16, usize, usize)> {
    let end = heard.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = str::from_utf8(&heard[..end]).ok()?;
    let mut lines = text.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Some((status, end, length?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_how_long_the_answer_is() {
        let answer = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 12\r\n\r\nHello";
        assert_eq!(head(answer), Some((200, 50, 12)));
        assert_eq!(head(&answer[..49]), None);
    }
}
