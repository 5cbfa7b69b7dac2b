//! What is kept of a Command that is over: how it ended, for repetitions of its request after a restart; what it is called and
//! how it is undone, for Commands about it (DECISIONS M12, L27).

use std::panic::{AssertUnwindSafe, catch_unwind};

use oc2_core::{Content, Envelope, Form, Headers, Message, Mode, Nsid, Rejection, Response, StatusCode};
use oc2_encoding::Encoding;
use tracing::error;

use crate::key::Fingerprint;
use crate::octets::{get, get_text, put, take};

/// What is known of a Command that is over, besides its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) fate: Fate,
    /// What it is called, if not as its request (LS 3.3.1).
    pub(crate) name: Option<Fingerprint>,
    /// How to undo it.
    pub(crate) notes: Notes,
}

/// How to undo a Command: what actuators of these profiles noted.
pub(crate) type Notes = Vec<(Nsid, Vec<u8>)>;

/// What became of a Command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It has its outcome, with this status.
    Done(StatusCode),
    /// It was made void before its time.
    Cancelled,
    /// It was performed, and undone.
    Undone,
}

impl Fate {
    /// The answer of one that has no other.
    pub(crate) fn response(self) -> Response {
        match self {
            Self::Done(status) => Response::new(status),
            Self::Cancelled => Rejection::failed("cancelled before its time").into(),
            Self::Undone => Rejection::failed("cancelled after it was performed: its effect was undone").into(),
        }
    }
}

/// Writes an ending, and the outcome as the message that tells it, in the encoding and notation of the request: the repetition
/// comes in the same, and extensions can be written in the form only in which they were read.
pub(crate) fn write(ending: &Ending, encoding: &dyn Encoding, form: Form, outcome: Response) -> Vec<u8> {
    // Bare ones are not told apart by notation as surely.
    let form = form.with_envelope(Envelope::Message);
    let encode = |response: Response| {
        let message = Message::response(Headers::default(), response);
        // Results are written by code of a profile's author.
        catch_unwind(AssertUnwindSafe(|| encoding.encode(&message, form).ok())).ok().flatten()
    };
    let message = encode(outcome).unwrap_or_else(|| {
        error!("The outcome of a Command could not be written; it is remembered as it is told, as an internal error.");
        encode(Response::new(StatusCode::InternalError).with_text("internal error")).unwrap_or_default()
    });
    let mut bytes = ending.write();
    bytes.extend_from_slice(&message);
    bytes
}

/// Reads an answer that was written in the encoding and notation of the request.
pub(crate) fn read(encoding: &dyn Encoding, bytes: &[u8]) -> Option<Response> {
    let (ending, message) = Ending::read(bytes)?;
    if !matches!(ending.fate, Fate::Done(_)) {
        return Some(ending.fate.response());
    }
    let decoded = encoding.decode(message, Mode::Lenient);
    match decoded.map(|decoded| decoded.message.into_content()) {
        Ok(Content::Response(response)) => Some(response),
        Ok(Content::Request(_) | Content::Notification(_)) => None,
        Err(error) => {
            error!(%error, "The outcome of a Command that was remembered cannot be read.");
            None
        }
    }
}

impl Ending {
    /// As bytes: what became of it, its name, its notes.
    pub(crate) fn write(&self) -> Vec<u8> {
        let (fate, status) = match self.fate {
            Fate::Done(status) => (0, status.as_u16()),
            Fate::Cancelled => (1, 0),
            Fate::Undone => (2, 0),
        };
        // Mostly the outcome, too, has room in it.
        let mut bytes = Vec::with_capacity(512);
        bytes.push(fate);
        bytes.extend(status.to_be_bytes());
        bytes.push(u8::from(self.name.is_some()));
        if let Some(name) = &self.name {
            bytes.extend(name.0);
        }
        let notes = self.notes.iter().take(MAX_NOTES);
        bytes.push(notes.len() as u8);
        for (nsid, note) in notes {
            put(&mut bytes, nsid.as_str().as_bytes());
            put(&mut bytes, note);
        }
        bytes
    }

    /// From bytes, and what follows it.
    pub(crate) fn read(mut bytes: &[u8]) -> Option<(Self, &[u8])> {
        let bytes = &mut bytes;
        let [fate, high, low, is_named] = *take::<4>(bytes)?;
        let fate = match fate {
            0 => Fate::Done(StatusCode::from_u16(u16::from_be_bytes([high, low]))?),
            1 => Fate::Cancelled,
            2 => Fate::Undone,
            _ => return None,
        };
        let name = match is_named {
            0 => None,
            _ => Some(Fingerprint(*take(bytes)?)),
        };
        let [n_notes] = *take(bytes)?;
        let mut notes = Notes::new();
        for _ in 0..n_notes {
            let nsid = get_text(bytes)?.parse().ok()?;
            notes.push((nsid, get(bytes)?.to_vec()));
        }
        Some((Self { fate, name, notes }, bytes))
    }
}

/// One for each actuator; no Consumer has more.
const MAX_NOTES: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(fate: Fate) -> Ending {
        let notes = vec![(Nsid::constant("slpf"), b"a note".to_vec()), (Nsid::constant("x-a"), vec![7; 1024])];
        Ending { fate, name: Some(Fingerprint([7; 32])), notes }
    }

    #[test]
    fn an_ending_is_read_back_and_what_follows_it_too() {
        let fates = [Fate::Done(StatusCode::Ok), Fate::Done(StatusCode::InternalError), Fate::Cancelled, Fate::Undone];
        for fate in fates {
            for ending in [ending(fate), Ending { fate, name: None, notes: Notes::new() }] {
                let mut bytes = ending.write();
                bytes.extend(b"what follows");
                assert_eq!(Ending::read(&bytes), Some((ending, &b"what follows"[..])));
            }
        }
    }

    #[test]
    fn what_is_cut_off_or_of_another_kind_is_no_ending() {
        let whole = ending(Fate::Done(StatusCode::Ok)).write();
        for length in 0..whole.len() {
            assert_eq!(Ending::read(&whole[..length]), None, "{length}");
        }
        for (at, octet) in [(0, 3), (1, 9), (4 + 32 + 1 + 4, b' ')] {
            let mut other = whole.clone();
            other[at] = octet;
            assert_eq!(Ending::read(&other), None, "{at}");
        }
    }
}
