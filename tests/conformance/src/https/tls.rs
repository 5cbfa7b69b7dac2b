//! HTTPS 3.2.3, 3.2.4: TLS, and who is who.

use std::io;

use super::section_3_2::query;
use crate::check::{Check, Over};
use crate::session::Session;
use crate::wire::tls::{EARLY_SUITES, NULL_SUITES, OLD_SUITES, Probe};
use crate::wire::{MEDIA_TYPE, PATH};

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new("HTTPS-018 HTTPS-019 HTTPS-070", "TLS 1.2 and 1.3 are accepted", versions).over(Over::Tls),
        Check::new("HTTPS-020 HTTPS-021 HTTPS-023 HTTPS-025 HTTPS-026", "What is weak is refused", weak)
            .over(Over::Tls),
        Check::new("HTTPS-027 HTTPS-058 HTTPS-076 LS-140", "Strangers and plain HTTP are refused", strangers)
            .over(Over::Tls),
    ]
}

fn is(exchange: &crate::exchange::Exchange, word: &str) -> bool {
    exchange.remark.as_ref().is_some_and(|remark| remark.starts_with(word))
}

fn versions(session: &mut Session<'_>) -> io::Result<()> {
    for (rows, version, point) in
        [("HTTPS-018", 0x0303, "TLS 1.2 alone"), ("HTTPS-018 HTTPS-019", 0x0304, "TLS 1.3 alone")]
    {
        let files = session.asked.files.clone();
        let got = session.probe(&Probe::Handshake { version, files })?;
        session.note(rows, is(&got, "taken"), point, "the handshake is made", &got);
    }
    let got = session.ask(query())?;
    session.note(
        "HTTPS-070",
        got.is_ok(),
        "query features over TLS",
        "200; the rows of Testing are looked at over TLS as well",
        &got,
    );
    Ok(())
}

fn weak(session: &mut Session<'_>) -> io::Result<()> {
    for (row, version, suites, point) in [
        ("HTTPS-021", 0x0300, &EARLY_SUITES[..], "a hello of SSL 3.0"),
        ("HTTPS-020", 0x0301, &EARLY_SUITES, "a hello of TLS 1.0"),
        ("HTTPS-020", 0x0302, &EARLY_SUITES, "a hello of TLS 1.1"),
        ("HTTPS-023", 0x0303, &NULL_SUITES, "suites without encryption or authentication"),
        ("HTTPS-025", 0x0303, &OLD_SUITES, "suites of RFC 7540 appendix A"),
    ] {
        let got = session.probe(&Probe::Hello { version, suites: suites.to_vec() })?;
        session.note(row, is(&got, "refused"), point, "the handshake is refused", &got);
    }
    let files = session.asked.files.clone();
    let got = session.probe(&Probe::EarlyData { files })?;
    session.note("HTTPS-026", is(&got, "refused"), "tickets of TLS 1.3", "none lets early data in", &got);
    Ok(())
}

fn strangers(session: &mut Session<'_>) -> io::Result<()> {
    let (id, host) = (session.fresh_id(), session.authority());
    let body = session.whole(&id, &query()).to_string();
    let request = format!(
        "POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let files = session.asked.files.clone();
    let got = session.probe(&Probe::Stranger { files, request: request.clone().into_bytes() })?;
    let is_met = is(&got, "refused") || got.code() == Some(401);
    session.note("HTTPS-027", is_met, "a POST of nobody in particular", "no handshake, or 401", &got);
    match got.answer().filter(|answer| answer.code == Some(401)) {
        Some(answer) => {
            let is_met = answer.field("WWW-Authenticate").is_some();
            session.note("HTTPS-076", is_met, "a 401", "WWW-Authenticate", &got);
            session.note("LS-140", true, "a POST of nobody in particular", "401", &got);
        }
        None => {
            session.lacks("HTTPS-076 LS-140", "Does not apply: the subject refuses strangers before it speaks HTTP.")
        }
    }
    let got = session.probe(&Probe::Plain { request: request.into_bytes() })?;
    session.note("HTTPS-058", is(&got, "refused"), "HTTP without TLS on the port of HTTPS", "no answer of HTTP", &got);
    Ok(())
}
