//! HTTPS 3.2: methods, paths, connections, modes.

use std::io;

use serde_json::{Value, json};

use crate::check::{Check, Over};
use crate::session::Session;
use crate::wire::tls::Probe;
use crate::wire::{Outgoing, PATH, Transfer};

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "HTTPS-001 HTTPS-004 HTTPS-015 HTTPS-017 HTTPS-056",
            "Commands are taken at the well-known place",
            place,
        )
        .over(Over::Http),
        Check::new("HTTPS-009 HTTPS-016 HTTPS-066", "Other methods and places are refused", refused).over(Over::Http),
        Check::new("HTTPS-010 HTTPS-064", "One message in one body", one_message).over(Over::Http),
        Check::new("HTTPS-011 HTTPS-012", "Connections are kept, and do not matter", connections).over(Over::Http),
        Check::new(
            "HTTPS-005 HTTPS-006 HTTPS-057 HTTPS-061 HTTPS-071 HTTPS-072",
            "Ports are those of the modes",
            ports,
        )
        .over(Over::Http),
    ]
}

pub(super) fn query() -> Value {
    json!({"action": "query", "target": {"features": ["versions"]}})
}

fn place(session: &mut Session<'_>) -> io::Result<()> {
    let id = session.fresh_id();
    let got = session.send(&Outgoing::new(session.whole(&id, &query()).to_string()).id(&id).path(PATH))?;
    let rows = if session.transfer() == Transfer::Http {
        "HTTPS-001 HTTPS-004 HTTPS-015 HTTPS-017 HTTPS-056"
    } else {
        "HTTPS-001 HTTPS-004 HTTPS-015 HTTPS-056"
    };
    session.note(rows, got.is_ok(), &format!("POST {PATH}"), "200 and a Response", &got);
    Ok(())
}

fn refused(session: &mut Session<'_>) -> io::Result<()> {
    for path in ["/", "/openc2", "/.well-known/openc2/x", "/.well-known/openc2x"] {
        let id = session.fresh_id();
        let got = session.send(&Outgoing::new(session.whole(&id, &query()).to_string()).id(&id).path(path))?;
        let is_refused = got.code().is_some_and(|code| code != 200);
        session.note("HTTPS-016", is_refused, &format!("POST {path}"), "it is refused (404)", &got);
    }
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"] {
        let id = session.fresh_id();
        let body = if matches!(method, "PUT" | "DELETE" | "PATCH") {
            session.whole(&id, &query()).to_string()
        } else {
            String::new()
        };
        let got = session.send(&Outgoing::new(body).id(&id).method(method))?;
        let is_refused = got.code().is_some_and(|code| code >= 400);
        let point = format!("{method} {PATH}");
        session.note("HTTPS-009", is_refused, &point, "an error of the nine codes, and nothing is performed", &got);
    }
    Ok(())
}

fn one_message(session: &mut Session<'_>) -> io::Result<()> {
    let id = session.fresh_id();
    let one = session.whole(&id, &query()).to_string();
    for (body, point) in [
        (format!("[{one},{one}]"), "a list of messages"),
        (format!("{one}{one}"), "two messages"),
        (format!("{one} x"), "something behind the message"),
    ] {
        let got = session.send(&Outgoing::new(body))?;
        session.note("HTTPS-010 HTTPS-064", got.status() == Some(400), point, "400", &got);
    }
    Ok(())
}

fn connections(session: &mut Session<'_>) -> io::Result<()> {
    let ids: Vec<_> = (0..20).map(|_| session.fresh_id()).collect();
    let requests: Vec<_> = ids.iter().map(|id| Outgoing::new(session.whole(id, &query()).to_string()).id(id)).collect();
    let got = session.sequence(&requests)?;
    let n_answered = got.iter().filter(|exchange| exchange.is_ok()).count();
    let last = got.last().cloned().unwrap_or_default();
    let told = format!("{n_answered} were answered before the connection was closed");
    session.note_told("HTTPS-011", n_answered == 20, "20 Commands on one connection", "20 answers", &told, &last);
    // Each of these has a connection of its own.
    for request in requests.iter().take(3) {
        let id = session.fresh_id();
        let own = Outgoing {
            body: session.whole(&id, &query()).to_string().into_bytes(),
            request_id: Some(id.clone()),
            ..request.clone()
        };
        let got = session.send(&own.field("Connection", "close"))?;
        let answered = got.answer().and_then(|answer| answer.header("request_id"));
        let is_met = answered == Some(json!(id));
        session.note(
            "HTTPS-012",
            is_met,
            "a Command on a connection of its own",
            "a Response under its request_id",
            &got,
        );
    }
    Ok(())
}

fn ports(session: &mut Session<'_>) -> io::Result<()> {
    let authority = session.authority();
    let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    let is_usual = port.is_none();
    let got = session.ask(query())?;
    if session.transfer() == Transfer::Http {
        if is_usual {
            session.note("HTTPS-005 HTTPS-061", got.is_ok(), "HTTP on port 80", "it listens there", &got);
        } else {
            session.lacks(
                "HTTPS-005 HTTPS-061",
                "The subject was given at another port than 80; the rows are about its default.",
            );
        }
        session.lacks("HTTPS-006 HTTPS-071 HTTPS-072", "Does not apply: the subject was given in Testing mode.");
        let probe = session.probe(&Probe::Hello { version: 0x0303, suites: vec![0xc02b, 0xc02f] })?;
        let is_met = probe.remark.as_ref().is_some_and(|remark| remark.starts_with("refused"));
        session.note("HTTPS-057", is_met, "TLS on the port of HTTP", "one listener has one mode", &probe);
        return Ok(());
    }
    session.lacks("HTTPS-005 HTTPS-061", "Does not apply: the subject was given in Operations mode.");
    if !is_usual {
        session.lacks(
            "HTTPS-006 HTTPS-071 HTTPS-072 HTTPS-057",
            "The subject was given at another port than 443; the rows are about its default.",
        );
        return Ok(());
    }
    session.note("HTTPS-006 HTTPS-071", got.is_ok(), "HTTPS on port 443", "it listens there", &got);
    let probe = session.probe(&Probe::Port { port: 80 })?;
    let is_met = probe.remark.as_ref().is_some_and(|remark| remark.starts_with("closed"));
    session.note("HTTPS-057 HTTPS-072", is_met, "a connection to port 80", "it is ignored", &probe);
    Ok(())
}
