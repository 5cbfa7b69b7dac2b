//! LS 3.3.2.1: status codes that whoever runs the subject has a hand in.

use std::io;

use serde_json::json;

use crate::check::Check;
use crate::session::Session;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new("LS-141 ARCH-016", "What we may not do is 403", forbidden).forbidden(),
        Check::new("LS-145", "More than the rate limit is 503", overload).overloading(),
    ]
}

fn forbidden(session: &mut Session<'_>) -> io::Result<()> {
    let got = session.ask(json!({"action": "query", "target": {"features": []}}))?;
    let may_query = got.is_ok();
    let Some(command) = session.asked.forbidden.clone() else { return Ok(()) };
    let point = format!("a Command that we may not give: {command}");
    let got = session.ask(command)?;
    session.note("LS-141", got.status() == Some(403), &point, "403", &got);
    if may_query {
        session.note("ARCH-016", got.status() == Some(403), &point, "403, while query features is allowed", &got);
    }
    Ok(())
}

fn overload(session: &mut Session<'_>) -> io::Result<()> {
    let query = json!({"action": "query", "target": {"features": ["rate_limit"]}});
    let got = session.ask(query.clone())?;
    let Some(limit) = got.results()["rate_limit"].as_f64().filter(|limit| *limit > 0.0) else {
        session.lacks("LS-145", "The subject tells no rate limit.");
        return Ok(());
    };
    if limit > LARGEST {
        session.lacks("LS-145", "The subject takes more in a minute than the suite would send it.");
        return Ok(());
    }
    let mut last = got;
    let mut n_sent = 1.0;
    while last.status() != Some(503) && n_sent <= limit + 2.0 {
        last = session.ask(query.clone())?;
        n_sent += 1.0;
    }
    let point = format!("{n_sent} Commands at once where {limit} a minute are taken");
    session.note("LS-145", last.status() == Some(503), &point, "503", &last);
    Ok(())
}

/// In a minute.
const LARGEST: f64 = 600.0;
