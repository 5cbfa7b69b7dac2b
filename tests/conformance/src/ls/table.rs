//! Commands as data: rows, the Command, and what becomes of it.

use std::io;

use serde_json::{Value, json};

use crate::exchange::Exchange;
use crate::session::Session;

/// What a Consumer makes of a Command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Is {
    /// It is read; whether it is supported is another matter.
    Understood,
    /// 400
    Malformed,
}

/// Asks for each target with an action that nobody performs on it.
pub(crate) fn targets(session: &mut Session<'_>, table: &[(&str, &str, &str, Is)]) -> io::Result<()> {
    for (rows, target, value, is) in table {
        let action = session.harmless_action(target);
        let value: Value = serde_json::from_str(value).map_err(io::Error::other)?;
        let got = session.ask(json!({"action": action, "target": {*target: value}}))?;
        judge(session, rows, *is, &format!("target {target}: {value}"), &got);
    }
    Ok(())
}

/// Sends whole Commands; `ACTION` in them is one that nobody performs on an iri.
pub(crate) fn commands(session: &mut Session<'_>, table: &[(&str, &str, Is)]) -> io::Result<()> {
    let action = session.harmless_action("iri");
    for (rows, command, is) in table {
        let text = command.replace("ACTION", action);
        let command: Value = serde_json::from_str(&text).map_err(io::Error::other)?;
        let got = session.ask(command)?;
        judge(session, rows, *is, &text, &got);
    }
    Ok(())
}

pub(crate) fn judge(session: &mut Session<'_>, rows: &str, is: Is, point: &str, got: &Exchange) {
    let status = got.status();
    match is {
        Is::Understood => {
            let is_met = status.is_some_and(|status| status != 400);
            session.note(rows, is_met, point, "it is understood: any status but 400", got);
        }
        Is::Malformed => session.note(rows, status == Some(400), point, "it is malformed: 400", got),
    }
}
