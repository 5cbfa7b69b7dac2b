//! The one place that knows the interface: a text, what is expected of it, and whether that came true.

use oc2_core::{Message, Mode};
use oc2_encoding::{DecodeError, Decoded, Encoding, Json};
use serde_json::Value;

use crate::i_json;

/// What is to become of a text.
pub(crate) struct Expected {
    /// What is noted in both modes: it is legal, and worth a look.
    remarks: Vec<String>,
    /// What is noted in lenient mode and refused in strict mode.
    notes: Vec<String>,
    outcome: Outcome,
}

enum Outcome {
    /// It is refused in these words.
    Refused { lenient: String, strict: String },
    /// It is read: in both modes if there are no notes, else in lenient mode only.
    Read {
        /// What is written back, if it is not what was read.
        written: Option<String>,
        /// What is written back is as strict as everything we write.
        is_strict_again: bool,
    },
}

/// Read in both modes and written back as it came.
pub(crate) fn accepted() -> Expected {
    let outcome = Outcome::Read { written: None, is_strict_again: true };
    Expected { remarks: Vec::new(), notes: Vec::new(), outcome }
}

/// Read in both modes and written back like this.
pub(crate) fn becomes(written: &str) -> Expected {
    accepted().written(written)
}

/// Read in lenient mode with this note; refused in strict mode in the same words.
pub(crate) fn tolerated(note: &str) -> Expected {
    accepted().noted(note)
}

/// Refused in both modes in these words.
pub(crate) fn refused(words: impl Into<String>) -> Expected {
    let words = words.into();
    let outcome = Outcome::Refused { lenient: words.clone(), strict: words };
    Expected { remarks: Vec::new(), notes: Vec::new(), outcome }
}

impl Expected {
    /// In strict mode something else is refused first, in these words.
    pub(crate) fn strictly(mut self, words: &str) -> Self {
        if let Outcome::Refused { strict, .. } = &mut self.outcome {
            *strict = words.to_owned();
        }
        self
    }

    /// One more note in both modes.
    pub(crate) fn remarked(mut self, note: &str) -> Self {
        self.remarks.push(note.to_owned());
        self
    }

    /// One more note in lenient mode.
    pub(crate) fn noted(mut self, note: &str) -> Self {
        self.notes.push(note.to_owned());
        self
    }

    /// Written back like this.
    pub(crate) fn written(mut self, json: &str) -> Self {
        if let Outcome::Read { written, .. } = &mut self.outcome {
            *written = Some(json.to_owned());
        }
        self
    }

    /// Written back with the deviation: it is part of something that nobody here knows.
    pub(crate) fn kept(mut self) -> Self {
        if let Outcome::Read { is_strict_again, .. } = &mut self.outcome {
            *is_strict_again = false;
        }
        self
    }
}

/// Whole messages.
#[track_caller]
pub(crate) fn messages(rows: &[(&str, Expected)]) {
    check_all(rows, |json| json.to_owned());
}

/// The headers of a message.
#[track_caller]
pub(crate) fn headers(rows: &[(&str, Expected)]) {
    check_all(rows, |json| format!(r#"{{"headers":{json},"body":{{"openc2":{{"response":{{"status":200}}}}}}}}"#));
}

/// Commands, each in a message.
#[track_caller]
pub(crate) fn commands(rows: &[(&str, Expected)]) {
    check_all(rows, in_request);
}

/// Targets, each in a command.
#[track_caller]
pub(crate) fn targets(rows: &[(&str, Expected)]) {
    check_all(rows, |json| in_request(&format!(r#"{{"action":"scan","target":{json}}}"#)));
}

/// Arguments, each in a command.
#[track_caller]
pub(crate) fn args(rows: &[(&str, Expected)]) {
    check_all(rows, |json| in_request(&format!(r#"{{"action":"deny","target":{{"uri":"a:"}},"args":{json}}}"#)));
}

/// Actuators, each in a command.
#[track_caller]
pub(crate) fn actuators(rows: &[(&str, Expected)]) {
    check_all(rows, |json| in_request(&format!(r#"{{"action":"deny","target":{{"uri":"a:"}},"actuator":{json}}}"#)));
}

/// Responses, each in a message.
#[track_caller]
pub(crate) fn responses(rows: &[(&str, Expected)]) {
    check_all(rows, in_response);
}

/// Results, each in a response.
#[track_caller]
pub(crate) fn results(rows: &[(&str, Expected)]) {
    check_all(rows, |json| in_response(&format!(r#"{{"status":200,"results":{json}}}"#)));
}

/// A command as the request of a message.
pub(crate) fn in_request(command: &str) -> String {
    format!(r#"{{"body":{{"openc2":{{"request":{command}}}}}}}"#)
}

/// A response in a message.
pub(crate) fn in_response(response: &str) -> String {
    format!(r#"{{"body":{{"openc2":{{"response":{response}}}}}}}"#)
}

/// Bytes that are not text, or not in the form of the tables.
#[track_caller]
pub(crate) fn check(bytes: &[u8], expected: &Expected) {
    if let Err(fault) = verdict(bytes, expected, &|json| json.to_owned()) {
        panic!("{fault}");
    }
}

/// Every row is checked before the first fault is reported.
#[track_caller]
fn check_all(rows: &[(&str, Expected)], wrap: impl Fn(&str) -> String) {
    let faults: Vec<String> = rows
        .iter()
        .filter_map(|(json, expected)| {
            let fault = verdict(wrap(json).as_bytes(), expected, &wrap).err()?;
            Some(format!("{json}\n    {fault}"))
        })
        .collect();
    assert!(faults.is_empty(), "{} of {} rows:\n{}", faults.len(), rows.len(), faults.join("\n"));
}

fn verdict(bytes: &[u8], expected: &Expected, wrap: &dyn Fn(&str) -> String) -> Result<(), String> {
    let lenient = Json.decode(bytes, Mode::Lenient);
    let strict = Json.decode(bytes, Mode::Strict);
    match &expected.outcome {
        Outcome::Refused { lenient: in_lenient, strict: in_strict } => {
            is_refused(lenient, in_lenient).map_err(|fault| format!("lenient: {fault}"))?;
            is_refused(strict, in_strict).map_err(|fault| format!("strict: {fault}"))
        }
        Outcome::Read { written, is_strict_again } => {
            let decoded = lenient.map_err(|error| format!("lenient: refused: {error}"))?;
            let notes: Vec<_> = expected.remarks.iter().chain(&expected.notes).cloned().collect();
            is_noted(&decoded, &notes).map_err(|fault| format!("lenient: {fault}"))?;
            match expected.notes.first() {
                Some(words) => is_refused(strict, words).map_err(|fault| format!("strict: {fault}"))?,
                None => {
                    let strict = strict.map_err(|error| format!("strict: refused: {error}"))?;
                    is_noted(&strict, &expected.remarks).map_err(|fault| format!("strict: {fault}"))?;
                    if strict.message != decoded.message {
                        return Err("the modes differ in what they read".to_owned());
                    }
                }
            }
            let expected_json = written.as_ref().map_or_else(|| bytes.to_owned(), |written| wrap(written).into_bytes());
            let mode = if *is_strict_again { Mode::Strict } else { Mode::Lenient };
            is_written_as(&decoded, &expected_json, mode)
        }
    }
}

fn is_refused(res: Result<Decoded, DecodeError>, words: &str) -> Result<(), String> {
    match res {
        Ok(decoded) => Err(format!("read as {:?}", decoded.message)),
        Err(error) if error.to_string() == words => Ok(()),
        Err(error) => Err(format!("refused in other words: {error}")),
    }
}

/// Notes are placed in the message, errors in the command.
fn is_noted(decoded: &Decoded, expected: &[String]) -> Result<(), String> {
    let from_command = |note: String| match note.strip_prefix("body.openc2.request.") {
        Some(note) => note.to_owned(),
        None => note,
    };
    let notes: Vec<_> = decoded.notes.iter().map(|note| from_command(note.to_string())).collect();
    if notes == expected { Ok(()) } else { Err(format!("noted {notes:?}, not {expected:?}")) }
}

/// What was read is written as this, keeps the rules of I-JSON, and is read again as the same.
fn is_written_as(decoded: &Decoded, json: &[u8], mode: Mode) -> Result<(), String> {
    let written = Json.encode(&decoded.message, decoded.form).map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&written).into_owned();
    if mode == Mode::Strict {
        i_json::check(&written).map_err(|fault| format!("{fault} was written: {text}"))?;
    }
    let value = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).map_err(|error| error.to_string());
    if value(&written)? != value(json)? {
        return Err(format!("written as {text}"));
    }
    // Bare content is for lenient readers, whatever it is.
    let mode = if decoded.form == oc2_core::Form::DEFAULT { mode } else { Mode::Lenient };
    let again = Json.decode(&written, mode).map_err(|error| format!("{error}, in what was written: {text}"))?;
    if again.message != decoded.message || again.form != decoded.form {
        return Err(format!("read again as {:?}", again.message));
    }
    let twice = Json.encode(&again.message, again.form).map_err(|error| error.to_string())?;
    if twice == written { Ok(()) } else { Err(format!("written again as {}", String::from_utf8_lossy(&twice))) }
}

/// The message that strict mode reads.
#[track_caller]
pub(crate) fn read(json: &str) -> Message {
    match Json.decode(json.as_bytes(), Mode::Strict) {
        Ok(decoded) => decoded.message,
        Err(error) => panic!("{json}: {error}"),
    }
}
