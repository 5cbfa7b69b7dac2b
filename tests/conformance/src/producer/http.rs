//! A Consumer over HTTP that listens to a Producer.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use oc2_tests_broker::Authority;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

use super::{Hearing, commands, judge_hello, response};
use crate::exchange::Exchange;
use crate::verdict::{Fault, Notes};
use crate::wire::tls::{self, Files};
use crate::wire::{MEDIA_TYPE, PATH};

pub(super) const ROWS: &str = "HTTPS-002 HTTPS-008 HTTPS-010 HTTPS-013 HTTPS-014 HTTPS-032..HTTPS-034 HTTPS-037 HTTPS-039 \
    HTTPS-041..HTTPS-044 HTTPS-048..HTTPS-051 HTTPS-053 HTTPS-063 HTTPS-064 HTTPS-018..HTTPS-021 HTTPS-023 HTTPS-025 HTTPS-026 \
    HTTPS-028";

/// What comes from connections, each of which has a thread of its own.
enum Event {
    /// The first record of a client of TLS.
    Hello(Vec<u8>),
    Request(Heard),
}

/// A request as it came, and where its answer goes.
struct Heard {
    octets: Vec<u8>,
    head: String,
    body: Vec<u8>,
    answer: Sender<Vec<u8>>,
}

pub(super) fn listen(
    address: &str,
    tls: Option<Arc<ServerConfig>>,
    silence: Duration,
    say: impl FnOnce(u16),
    hearing: &mut Hearing,
) -> io::Result<()> {
    let events = accept(address, tls, say)?;
    loop {
        match events.recv_timeout(silence) {
            Ok(Event::Hello(record)) => judge_hello(hearing, &record, false),
            Ok(Event::Request(own)) => judge(hearing, own),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// Shows a certificate of an authority that nobody knows: a Producer that says anything has not looked at it.
pub(super) fn imposture(address: &str, silence: Duration, say: impl FnOnce(u16)) -> io::Result<Notes> {
    let certificate = Authority::new("nobody").server(&["localhost", "127.0.0.1"]);
    let server = tls::server(certificate.pem.as_bytes(), certificate.key.as_bytes(), &Files::default());
    let events = accept(address, Some(Arc::new(server.map_err(io::Error::other)?)), say)?;
    let (mut notes, mut n_hellos) = (Notes::default(), 0);
    loop {
        let request = match events.recv_timeout(silence) {
            Ok(Event::Hello(_)) => {
                n_hellos += 1;
                continue;
            }
            Ok(Event::Request(own)) => Some(own.octets),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        };
        let is_met = request.is_none();
        if n_hellos > 0 {
            notes.note(vec!["HTTPS-028"], is_met, || Fault {
                point: "A certificate of an authority that nobody knows".to_owned(),
                expected: "no request".to_owned(),
                told: "a request came all the same".to_owned(),
                exchange: Exchange { sent: request.clone().unwrap_or_default(), ..Exchange::default() },
            });
        }
        if is_met || n_hellos > 0 {
            return Ok(notes);
        }
    }
}

fn accept(address: &str, tls: Option<Arc<ServerConfig>>, say: impl FnOnce(u16)) -> io::Result<mpsc::Receiver<Event>> {
    let listener = TcpListener::bind(address)?;
    say(listener.local_addr()?.port());
    let (event, events) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (event, tls) = (event.clone(), tls.clone());
            thread::spawn(move || match tls {
                None => serve(stream, &event),
                Some(config) => secure(stream, config, &event),
            });
        }
    });
    Ok(events)
}

fn secure(stream: TcpStream, config: Arc<ServerConfig>, event: &Sender<Event>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    // Whoever has gone wants no more.
    let _ = event.send(Event::Hello(first_record(&stream)?));
    let server = ServerConnection::new(config).map_err(io::Error::other)?;
    serve(StreamOwned::new(server, stream), event)
}

/// The first record, which stays to be read.
fn first_record(stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut octets = vec![0; 5 + usize::from(u16::MAX)];
    let until = Instant::now() + PATIENCE;
    loop {
        let n_there = stream.peek(&mut octets)?;
        let length = |head: &[u8]| 5 + usize::from(u16::from_be_bytes([head[3], head[4]]));
        if n_there == 0 || Instant::now() > until {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if n_there >= 5 && n_there >= length(&octets) {
            octets.truncate(length(&octets));
            return Ok(octets);
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn serve(mut stream: impl Read + Write, event: &Sender<Event>) -> io::Result<()> {
    let (mut unread, mut chunk) = (Vec::new(), [0; 16 << 10]);
    loop {
        let (head, length) = loop {
            if let Some(end) = unread.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&unread[..end]).into_owned();
                let length = field(&head, "Content-Length").and_then(|own| own.parse::<usize>().ok()).unwrap_or(0);
                if unread.len() >= end + 4 + length {
                    break (head, end + 4 + length);
                }
            }
            match stream.read(&mut chunk)? {
                0 => return Ok(()),
                n_read if unread.len() + n_read > LARGEST => return Err(ErrorKind::InvalidData.into()),
                n_read => unread.extend_from_slice(&chunk[..n_read]),
            }
        };
        let octets: Vec<u8> = unread.drain(..length).collect();
        let body = octets[head.len() + 4..].to_vec();
        let (answer, answered) = mpsc::channel();
        if event.send(Event::Request(Heard { octets, head, body, answer })).is_err() {
            return Ok(());
        }
        let Ok(answer) = answered.recv() else { return Ok(()) };
        stream.write_all(&answer)?;
        stream.flush()?;
    }
}

fn judge(hearing: &mut Hearing, heard: Heard) {
    let Heard { octets, head, body, answer } = heard;
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let wants_none = message.pointer("/body/openc2/request/args/response_requested").is_some_and(|own| own == "none");
    let told = if wants_none { String::new() } else { response(&message, hearing.n_messages).to_string() };
    let beside = field(&head, "X-Request-ID").map(|id| format!("X-Request-ID: {id}\r\n")).unwrap_or_default();
    let kind = if wants_none { String::new() } else { format!("Content-Type: {MEDIA_TYPE}\r\n") };
    let received = format!(
        "HTTP/1.1 200 OK\r\n{kind}{beside}Cache-Control: no-cache\r\nContent-Length: {}\r\n\r\n{told}",
        told.len()
    );
    let exchange = Exchange { sent: octets, received: received.clone().into_bytes(), ..Exchange::default() };
    request(hearing, &head, &body, &exchange);
    commands::judge(hearing, &body, &exchange);
    // Whoever has hung up does not want the answer.
    let _ = answer.send(received.into_bytes());
}

fn request(hearing: &mut Hearing, head: &str, body: &[u8], exchange: &Exchange) {
    let first = head.lines().next().unwrap_or_default().to_owned();
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let shown = |name: &str| field(head, name).unwrap_or("none").to_owned();
    let mut note = |rows: &str, is_met: bool, point: &str, expected: &str, told: &str| {
        hearing.note(rows, is_met, point, expected, told, exchange);
    };
    note("HTTPS-002", true, "", "", "");
    note("HTTPS-008 HTTPS-048", method == "POST", "The method", "POST", &first);
    note("HTTPS-014 HTTPS-063", path == PATH, "The path", PATH, path);
    note(
        "HTTPS-049",
        field(head, "Host").is_some_and(|host| host.contains(':')),
        "Host",
        "the host, and its port, which is not 80",
        &shown("Host"),
    );
    note(
        "HTTPS-050",
        field(head, "Content-Type") == Some(MEDIA_TYPE),
        "Content-Type",
        MEDIA_TYPE,
        &shown("Content-Type"),
    );
    note("HTTPS-051", field(head, "Accept") == Some(MEDIA_TYPE), "Accept", MEDIA_TYPE, &shown("Accept"));
    let cache = shown("Cache-Control");
    note("HTTPS-013", cache.contains("no-cache"), "Cache-Control", "no-cache", &cache);
    let date = shown("Date");
    note(
        "HTTPS-053",
        date.ends_with(" GMT") && date.len() == 29,
        "Date",
        "as in `Sun, 06 Nov 1994 08:49:37 GMT`",
        &date,
    );
    let message: Value = serde_json::from_slice(body).unwrap_or_default();
    note("HTTPS-010 HTTPS-064", message.is_object(), "The body", "one message", "no JSON object");
    let is_wrapped = message.pointer("/body/openc2/request").is_some();
    note("HTTPS-037", is_wrapped, "The message", "body.openc2.request", "another form");
    let faults = crate::schema::faults("Message", &message);
    let own: Vec<_> = faults.iter().filter(|fault| !fault.path.starts_with("body.openc2.request")).collect();
    let told = own.iter().map(|fault| format!("{}: {}", fault.path, fault.reason)).collect::<Vec<_>>().join("; ");
    note("HTTPS-032..HTTPS-034", own.is_empty(), "The message around the Command", "a Message by HTTPS 3.3.2", &told);
    if let Some(created) = message.pointer("/headers/created") {
        let is_now = created.as_u64().is_some_and(|own| own.abs_diff(crate::session::now()) < 3_600_000);
        note("HTTPS-039", is_now, "headers.created", "now, in milliseconds", &created.to_string());
    }
    let (inside, beside) =
        (message.pointer("/headers/request_id").and_then(Value::as_str), field(head, "X-Request-ID"));
    note(
        "HTTPS-043",
        inside.or(beside).is_some(),
        "The identifying value",
        "in X-Request-ID or headers.request_id",
        "nowhere",
    );
    let told = format!("{beside:?} and {inside:?}");
    note("HTTPS-044", inside.is_some() && inside == beside, "The identifying value", "in both places, the same", &told);
    let id = inside.or(beside).unwrap_or_default().to_owned();
    let is_uuid = uuid::Uuid::parse_str(&id).is_ok_and(|own| own.get_version_num() == 4);
    note("HTTPS-042", is_uuid, "The identifying value", "a UUID version 4", &id);
    let is_new = hearing.request_ids.insert(id.clone());
    hearing.note("HTTPS-041", is_new, "The identifying value", "one that was not used before", &id, exchange);
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

const LARGEST: usize = 4 << 20;
const PATIENCE: Duration = Duration::from_secs(30);
