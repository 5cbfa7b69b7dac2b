//! RFC 7230 and 7235, which HTTPS 3.2.1 requires: octets that no client sends.

use std::io;

use super::section_3_2::query;
use crate::check::{Check, Over};
use crate::session::Session;
use crate::wire::{MEDIA_TYPE, PATH};

pub(super) fn checks() -> Vec<Check> {
    vec![Check::new("HTTPS-007 HTTPS-077..HTTPS-079", "HTTP/1.1 is read as RFC 7230 has it", octets).over(Over::Http)]
}

fn octets(session: &mut Session<'_>) -> io::Result<()> {
    let host = session.authority();
    let token =
        session.asked.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let id = session.fresh_id();
    let body = session.whole(&id, &query()).to_string();
    let head = |fields: &str| {
        format!("POST {PATH} HTTP/1.1\r\n{fields}Content-Type: {MEDIA_TYPE}\r\n{token}Connection: close\r\n")
    };
    let length = format!("Content-Length: {}\r\n", body.len());
    let chunked = format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let halves = body.split_at(body.len() / 2);
    let in_two = format!(
        "Transfer-Encoding: chunked\r\n\r\n{:x};a=b\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        halves.0.len(),
        halves.0,
        halves.1.len(),
        halves.1
    );
    let with_host = head(&format!("Host: {host}\r\n"));
    for (rows, request, is_good, point) in [
        ("HTTPS-007", format!("{with_host}{length}\r\n{body}"), true, "a request as usual"),
        ("HTTPS-007 HTTPS-078", format!("{with_host}{chunked}"), true, "a body in one chunk"),
        ("HTTPS-007 HTTPS-078", format!("{with_host}{in_two}"), true, "a body in two chunks"),
        (
            "HTTPS-007",
            format!("{}{length}\r\n{body}", head(&format!("hOST: {host}\r\n"))),
            true,
            "field names in any case",
        ),
        ("HTTPS-007 HTTPS-077", format!("{}{length}\r\n{body}", head("")), false, "a request without Host"),
        (
            "HTTPS-007 HTTPS-077",
            format!("{}{length}\r\n{body}", head(&format!("Host: {host}\r\nHost: other.example\r\n"))),
            false,
            "a request with two Hosts",
        ),
        (
            "HTTPS-079",
            format!("{with_host}{length}{length}Content-Length: 5\r\n\r\n{body}"),
            false,
            "two lengths that differ",
        ),
        ("HTTPS-079", format!("{with_host}Content-Length: abc\r\n\r\n{body}"), false, "a length that is no number"),
        (
            "HTTPS-079",
            format!("{with_host}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
            false,
            "an unknown transfer coding",
        ),
        ("HTTPS-007", format!("POST {PATH} HTTP/1.1\r\nHost : {host}\r\n\r\n"), false, "a space before a colon"),
        ("HTTPS-007", "OPENC2\r\n\r\n".to_owned(), false, "what is no request at all"),
    ] {
        let got = session.raw(request.as_bytes())?;
        if is_good {
            session.note(rows, got.is_ok(), point, "200", &got);
        } else {
            let is_refused = got.answers.is_empty() || got.code() == Some(400);
            session.note(rows, is_refused, point, "400, or the connection is closed", &got);
        }
    }
    smuggling(session, &host, &token)
}

/// A second request within the first, by two lengths that say different things.
fn smuggling(session: &mut Session<'_>, host: &str, token: &str) -> io::Result<()> {
    let id = session.fresh_id();
    let body = session.whole(&id, &query()).to_string();
    let inner = format!(
        "POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {MEDIA_TYPE}\r\n{token}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let outer = format!(
        "POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {MEDIA_TYPE}\r\n{token}Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
        inner.len() + 5
    );
    let got = session.raw(outer.as_bytes())?;
    let n_performed = got.answers.iter().filter(|answer| answer.status() == Some(200)).count();
    let told = format!("{} answers, {n_performed} of them 200", got.answers.len());
    let expected = "400 or a closed connection; the request inside is not performed";
    session.note_told("HTTPS-079", n_performed == 0, "Content-Length beside Transfer-Encoding", expected, &told, &got);
    Ok(())
}
