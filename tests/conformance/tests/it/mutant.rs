//! A faulty implementation: ours behind a proxy that changes what goes in and what comes out. Seen from the network there is no
//! difference to a daemon with the fault in it, and no fault has to be in the daemon.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::Value;

/// A request on its way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// A response on its way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Response {
    pub(crate) code: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What is wrong with an implementation.
#[derive(Clone, Copy)]
pub(crate) struct Mutation {
    pub(crate) request: fn(&mut Request),
    /// Sees the request as it was sent.
    pub(crate) response: fn(&Request, &mut Response),
}

/// Listens in front of a daemon; where.
pub(crate) fn start(daemon: u16, mutation: Mutation) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || serve(client, daemon, mutation));
        }
    });
    port
}

fn serve(mut client: TcpStream, daemon: u16, mutation: Mutation) -> Option<()> {
    let mut unread = Vec::new();
    loop {
        let head = read_head(&mut client, &mut unread)?;
        let (first, fields) = parse(&head);
        let mut words = first.split(' ');
        let (method, path) = (words.next()?.to_owned(), words.next().unwrap_or_default().to_owned());
        let mut request = Request { method, path, fields, body: Vec::new() };
        let is_plain = field(&request.fields, "transfer-encoding").is_none();
        let n_lengths = request.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).count();
        let length = field(&request.fields, "content-length").unwrap_or("0").parse::<usize>();
        let (Ok(length), true, true) = (length, is_plain, n_lengths < 2) else {
            // What cannot be understood here goes through as it is.
            return tunnel(client, daemon, &[head, unread].concat());
        };
        while unread.len() < length {
            more(&mut client, &mut unread)?;
        }
        request.body = unread.drain(..length).collect();
        let sent = request.clone();
        (mutation.request)(&mut request);
        let mut response = exchange(daemon, &request)?;
        (mutation.response)(&sent, &mut response);
        let closes = field(&response.fields, "connection") == Some("close");
        client.write_all(&write_response(&response, sent.method == "HEAD")).ok()?;
        if closes || field(&sent.fields, "connection") == Some("close") {
            return Some(());
        }
    }
}

fn exchange(daemon: u16, request: &Request) -> Option<Response> {
    let mut stream = TcpStream::connect(("127.0.0.1", daemon)).ok()?;
    let mut octets = format!("{} {} HTTP/1.1\r\n", request.method, request.path).into_bytes();
    let own = |(name, _): &&(String, String)| {
        !["content-length", "connection"].iter().any(|own| name.eq_ignore_ascii_case(own))
    };
    for (name, value) in request.fields.iter().filter(own) {
        octets.extend(format!("{name}: {value}\r\n").bytes());
    }
    octets.extend(format!("Content-Length: {}\r\nConnection: close\r\n\r\n", request.body.len()).bytes());
    octets.extend(&request.body);
    stream.write_all(&octets).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let (first, mut fields) = parse(&answer[..end]);
    fields.retain(|(name, _)| !["content-length", "connection"].iter().any(|own| name.eq_ignore_ascii_case(own)));
    let code = first.split(' ').nth(1)?.parse().ok()?;
    Some(Response { code, fields, body: answer[end..].to_vec() })
}

fn write_response(response: &Response, is_head: bool) -> Vec<u8> {
    let mut octets = format!("HTTP/1.1 {} X\r\n", response.code).into_bytes();
    for (name, value) in &response.fields {
        octets.extend(format!("{name}: {value}\r\n").bytes());
    }
    octets.extend(format!("Content-Length: {}\r\n\r\n", response.body.len()).bytes());
    if !is_head {
        octets.extend(&response.body);
    }
    octets
}

fn tunnel(mut client: TcpStream, daemon: u16, begun: &[u8]) -> Option<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", daemon)).ok()?;
    stream.write_all(begun).ok()?;
    let (mut from, mut to) = (client.try_clone().ok()?, stream.try_clone().ok()?);
    thread::spawn(move || std::io::copy(&mut from, &mut to));
    std::io::copy(&mut stream, &mut client).ok()?;
    client.shutdown(std::net::Shutdown::Both).ok()
}

fn read_head(client: &mut TcpStream, unread: &mut Vec<u8>) -> Option<Vec<u8>> {
    loop {
        if let Some(end) = unread.windows(4).position(|four| four == b"\r\n\r\n") {
            return Some(unread.drain(..end + 4).collect());
        }
        more(client, unread)?;
    }
}

fn more(client: &mut TcpStream, unread: &mut Vec<u8>) -> Option<()> {
    let mut chunk = [0; 16 << 10];
    let n_read = client.read(&mut chunk).ok().filter(|n_read| *n_read > 0)?;
    unread.extend_from_slice(&chunk[..n_read]);
    Some(())
}

fn parse(head: &[u8]) -> (String, Vec<(String, String)>) {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.trim_end().split("\r\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let fields = lines.filter_map(|line| line.split_once(':'));
    (first, fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect())
}

fn field<'f>(fields: &'f [(String, String)], name: &str) -> Option<&'f str> {
    fields.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

impl Request {
    /// Changes the message, if it is JSON.
    pub(crate) fn edit(&mut self, edit: impl FnOnce(&mut Value)) {
        if let Ok(mut message) = serde_json::from_slice(&self.body) {
            edit(&mut message);
            self.body = serde_json::to_vec(&message).expect("it is JSON");
        }
    }

    /// Changes the Command in it.
    pub(crate) fn edit_command(&mut self, edit: impl FnOnce(&mut Value)) {
        self.edit(|message| {
            if let Some(command) = message.pointer_mut("/body/openc2/request").filter(|command| command.is_object()) {
                edit(command);
            }
        });
    }

    /// Changes its text.
    pub(crate) fn edit_text(&mut self, edit: impl FnOnce(String) -> String) {
        if let Ok(text) = String::from_utf8(self.body.clone()) {
            self.body = edit(text).into_bytes();
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.fields.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    /// A value in the Command.
    pub(crate) fn command(&self, pointer: &str) -> Value {
        let message: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        message.pointer(&format!("/body/openc2/request{pointer}")).cloned().unwrap_or_default()
    }
}

impl Response {
    /// Changes the message, if there is one.
    pub(crate) fn edit(&mut self, edit: impl FnOnce(&mut Value)) {
        if let Ok(mut message) = serde_json::from_slice(&self.body) {
            edit(&mut message);
            self.body = serde_json::to_vec(&message).expect("it is JSON");
        }
    }

    /// Changes the Response in it.
    pub(crate) fn edit_response(&mut self, edit: impl FnOnce(&mut Value)) {
        self.edit(|message| {
            if let Some(response) = message.pointer_mut("/body/openc2/response").filter(|own| own.is_object()) {
                edit(response);
            }
        });
    }

    /// Another status, in both places.
    pub(crate) fn status(&mut self, status: u16) {
        self.code = status;
        self.edit_response(|response| response["status"] = status.into());
    }

    pub(crate) fn drop_field(&mut self, name: &str) {
        self.fields.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.drop_field(name);
        self.fields.push((name.to_owned(), value.to_owned()));
    }
}
