//! A Consumer over HTTP that listens to a Producer.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{Hearing, commands, response};
use crate::exchange::Exchange;
use crate::wire::{MEDIA_TYPE, PATH};

pub(super) const ROWS: &str = "HTTPS-002 HTTPS-008 HTTPS-010 HTTPS-013 HTTPS-014 HTTPS-032..HTTPS-034 HTTPS-037 HTTPS-039 \
    HTTPS-041..HTTPS-044 HTTPS-048..HTTPS-051 HTTPS-053 HTTPS-063 HTTPS-064 HTTPS-028";

/// A request as it came, and where its answer goes.
struct Heard {
    octets: Vec<u8>,
    head: String,
    body: Vec<u8>,
    answer: Sender<Vec<u8>>,
}

pub(super) fn listen(address: &str, silence: Duration, say: impl FnOnce(u16), hearing: &mut Hearing) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    say(listener.local_addr()?.port());
    let (heard, requests) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let heard = heard.clone();
            thread::spawn(move || serve(stream, &heard));
        }
    });
    loop {
        match requests.recv_timeout(silence) {
            Ok(own) => judge(hearing, own),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

fn serve(mut stream: TcpStream, heard: &Sender<Heard>) -> io::Result<()> {
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
        if heard.send(Heard { octets, head, body, answer }).is_err() {
            return Ok(());
        }
        let Ok(answer) = answered.recv() else { return Ok(()) };
        stream.write_all(&answer)?;
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
