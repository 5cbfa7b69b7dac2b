//! What a record says.

use oc2_core::types::time::DateTime;
use oc2_encoding::write_json;
use oc2_transfer::Peer;
use serde::Serialize;
use serde_json::Value;

use super::chain::{Head, Torn, digest};
use crate::features::QUERY_FEATURES;
use crate::observer::{End, Ended};

/// A record that has no place in the chain yet.
#[derive(Debug)]
pub(super) struct Entry {
    time: u64,
    event: Event,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Event {
    Start {
        version: &'static str,
        /// Which event the last record before was; `stop` if the process ended in order.
        #[serde(skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        torn: Option<Torn>,
    },
    /// Writing failed and goes on.
    Resume {
        #[serde(skip_serializing_if = "Option::is_none")]
        torn: Option<Torn>,
        /// How many records are missing here, because there was no place to keep them.
        lost: u64,
    },
    Settings {
        settings: String,
    },
    Command(Box<Command>),
    Stop {},
}

/// A Command that ended. Absent is what is not known.
#[derive(Debug, Serialize)]
pub(super) struct Command {
    end: &'static str,
    peer: String,
    authenticated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Of profiles: the number of a rule, for instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<Value>,
    elapsed_us: u64,
}

/// A record as it stands in the file.
#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    time: u64,
    event: &'static str,
    #[serde(flatten)]
    content: &'a Event,
    prev: &'a str,
}

impl Entry {
    pub(super) fn now(event: Event) -> Self {
        Self { time: DateTime::now().as_millis(), event }
    }

    pub(super) fn of(ended: &Ended<'_>) -> Self {
        let owned = |text: Option<&str>| text.map(|text| shortened(text, MAX_TEXT));
        let response = ended.response;
        let command = Command {
            end: ended.end.name(),
            peer: shortened(ended.peer.name(), MAX_TEXT),
            authenticated: matches!(ended.peer, Peer::Authenticated(_)),
            key_id: owned(ended.key_id),
            from: owned(ended.from),
            request_id: owned(ended.request_id),
            command_id: owned(ended.command_id),
            command: ended.pair.map(|pair| pair.to_string()),
            target: owned(ended.target),
            status: response.map(|response| response.status.as_u16()),
            text: owned(response.and_then(|response| response.status_text.as_deref())),
            results: results(ended),
            elapsed_us: u64::try_from(ended.elapsed.as_micros()).unwrap_or(u64::MAX),
        };
        Self::now(Event::Command(Box::new(command)))
    }

    /// Whether it says that writing failed before it.
    pub(super) fn is_resumption(&self) -> bool {
        matches!(self.event, Event::Resume { .. })
    }

    /// Appends the line that follows this head; the new head.
    pub(super) fn append(&self, head: &Head, out: &mut Vec<u8>) -> Result<Head, serde_json::Error> {
        let seq = head.seq + 1;
        let event = match self.event {
            Event::Start { .. } => "start",
            Event::Resume { .. } => "resume",
            Event::Settings { .. } => "settings",
            Event::Command(_) => "command",
            Event::Stop {} => STOP,
        };
        let start = out.len();
        let line = Line { seq, time: self.time, event, content: &self.event, prev: &head.sha256 };
        serde_json::to_writer(&mut *out, &line)?;
        let sha256 = digest(&out[start..]);
        out.push(b'\n');
        Ok(Head { seq, sha256 })
    }
}

/// What a profile made of the Command; what `query features` tells is no news.
fn results(ended: &Ended<'_>) -> Option<Value> {
    let response = ended.response.filter(|_| ended.end == End::Performed && ended.pair != Some(QUERY_FEATURES))?;
    // A profile that panics when it is written spoils the answer too, and that is told.
    let json = write_json(&response.results).ok().filter(|json| json.len() <= MAX_RESULTS)?;
    serde_json::from_slice(&json).ok().filter(|results| *results != Value::Object(serde_json::Map::new()))
}

fn shortened(text: &str, most: usize) -> String {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    if end == text.len() { text.to_owned() } else { format!("{}...", &text[..end]) }
}

/// In octets; ids and names have at most 256 characters (DECISIONS M9, M16).
const MAX_TEXT: usize = 1024;
const MAX_RESULTS: usize = 1024;

/// The event of a process that ended in order.
pub(super) const STOP: &str = "stop";
