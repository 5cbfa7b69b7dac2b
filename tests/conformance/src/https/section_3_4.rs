//! HTTPS 3.4 and 4.2: what each exchange has.

use std::io;

use serde_json::json;

use super::section_3_2::query;
use crate::check::{Check, Over};
use crate::session::Session;
use crate::wire::Outgoing;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "HTTPS-066 HTTPS-067 HTTPS-052..HTTPS-054 HTTPS-013",
            "Errors are told as HTTPS 4.2.1 has it",
            errors,
        )
        .over(Over::Http),
    ]
}

/// Every way to fail: the fields and codes of the answers are judged as those of all.
fn errors(session: &mut Session<'_>) -> io::Result<()> {
    let id = session.fresh_id();
    let whole = session.whole(&id, &query()).to_string();
    let base = Outgoing::new(whole.clone()).id(&id);
    let big = format!("{whole}{}", " ".repeat(3 << 20));
    for (outgoing, point) in [
        (base.clone().field("Accept", "text/html"), "an Accept that nothing fits"),
        (base.clone().field("Content-Encoding", "gzip"), "a body that is said to be compressed"),
        (base.clone().field("Expect", "something"), "an expectation that nobody knows"),
        (base.clone().path("/.well-known/openc2?x=1"), "a query behind the path"),
        (base.clone().path(&format!("/{}", "a".repeat(5_000))), "a long path"),
        (Outgoing::new("{").id(&id), "half an object"),
        (Outgoing::new(big).id(&id), "three mebibytes"),
    ] {
        let got = session.send(&outgoing)?;
        let code = got.code();
        let is_met = code.is_some_and(|code| [200, 400, 401, 403, 404, 500, 501, 503].contains(&code));
        session.note("HTTPS-066", is_met, point, "an answer with one of the nine codes", &got);
    }
    let action = session.harmless_action("iri");
    for command in [
        json!({"action": "query", "target": {"features": ["versions"]}}),
        json!({"action": "query", "target": {"features": ["nothing"]}}),
        json!({"action": action, "target": {"iri": "http://a.example/"}}),
        json!({"action": "cancel", "target": {"command": "nobody-sent-this"}}),
    ] {
        let got = session.ask(command)?;
        let code = got.code().map(u64::from);
        let is_met = got
            .answer()
            .and_then(crate::exchange::Answer::response)
            .is_some_and(|response| response["status"].as_u64() == code);
        session.note("HTTPS-067", is_met, "The code of HTTP and the status", "the same", &got);
    }
    Ok(())
}
