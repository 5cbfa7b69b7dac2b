//! An answer that is written but for what differs from one Command to the next: its id, who asked, and the time.

use oc2_core::Response;
use oc2_core::types::time::DateTime;

use super::Responder;

/// The octets of an answer, with holes in them.
///
/// It is made by looking at what the encoding wrote, and kept only if it then writes another answer as the encoding does: a text has to
/// stand there as it is, with nothing about it elsewhere. So it is in JSON, and not in CBOR.
#[derive(Debug)]
pub(crate) struct Template {
    /// What stands before each hole.
    pieces: Vec<(Vec<u8>, Hole)>,
    rest: Vec<u8>,
    length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hole {
    RequestId,
    Created,
    To,
}

/// What goes into the holes.
#[derive(Clone, Copy)]
struct Filling<'a> {
    request_id: Option<&'a str>,
    created: u64,
    to: Option<&'a str>,
}

impl Template {
    /// That of an answer of this responder; none if there is none that is right for every Command.
    pub(crate) fn of(responder: &Responder, response: &Response) -> Option<Self> {
        let [first, second] = PROBES.map(|(text, created)| Filling {
            request_id: responder.request_id.as_ref().map(|_| text),
            created,
            to: responder.to.as_ref().map(|_| text),
        });
        let first = Filling { to: first.to.map(|_| OTHER_TEXT), ..first };
        let template = Self::around(&write(responder, first, response)?, first)?;
        (template.fill(second)? == write(responder, second, response)?).then_some(template)
    }

    /// The answer at this time; none if it is not one to be written so.
    pub(crate) fn write(&self, responder: &Responder, now: DateTime) -> Option<Vec<u8>> {
        let request_id = responder.request_id.as_ref().map(|id| id.as_str());
        self.fill(Filling { request_id, created: now.as_millis(), to: responder.to.as_deref() })
    }

    fn around(bytes: &[u8], filling: Filling<'_>) -> Option<Self> {
        let created = filling.created.to_string();
        let mut found = Vec::new();
        for (hole, text) in
            [(Hole::RequestId, filling.request_id), (Hole::Created, Some(&*created)), (Hole::To, filling.to)]
        {
            let Some(text) = text else { continue };
            let mut places = bytes.windows(text.len()).enumerate().filter(|(_, window)| *window == text.as_bytes());
            let (Some((at, _)), None) = (places.next(), places.next()) else { return None };
            found.push((at, text.len(), hole));
        }
        found.sort_unstable_by_key(|(at, ..)| *at);
        let (mut pieces, mut end) = (Vec::new(), 0);
        for (at, length, hole) in found {
            pieces.push((bytes.get(end..at)?.to_vec(), hole));
            end = at + length;
        }
        Some(Self { pieces, rest: bytes[end..].to_vec(), length: bytes.len() })
    }

    fn fill(&self, filling: Filling<'_>) -> Option<Vec<u8>> {
        let texts = [filling.request_id, filling.to].map(Option::unwrap_or_default);
        let mut bytes = Vec::with_capacity(self.length + texts.map(str::len).iter().sum::<usize>());
        for (piece, hole) in &self.pieces {
            bytes.extend_from_slice(piece);
            match hole {
                Hole::RequestId => bytes.extend_from_slice(plain(filling.request_id?)?),
                Hole::Created => append_decimal(&mut bytes, filling.created),
                Hole::To => bytes.extend_from_slice(plain(filling.to?)?),
            }
        }
        bytes.extend_from_slice(&self.rest);
        Some(bytes)
    }
}

/// The answer as the encoding writes it.
fn write(responder: &Responder, filling: Filling<'_>, response: &Response) -> Option<Vec<u8>> {
    let responder = Responder {
        request_id: filling.request_id.and_then(|id| id.parse().ok()),
        to: filling.to.map(Into::into),
        ..responder.clone()
    };
    responder.write(DateTime::from_millis(filling.created).ok()?, response.clone()).ok()
}

/// A text that needs no escape.
fn plain(text: &str) -> Option<&[u8]> {
    let is_plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\');
    is_plain.then_some(text.as_bytes())
}

fn append_decimal(bytes: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return bytes.extend_from_slice(&digits[start..]);
        }
    }
}

/// Texts and times that stand nowhere else in an answer. The second text has every character that needs no escape.
const PROBES: [(&str, u64); 2] = [
    ("q-e5f0c1a7-q", 1_357_924_680_123),
    ("!#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~ ", 4_000),
];
const OTHER_TEXT: &str = "p-0b6d4";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use oc2_core::{Envelope, Form, Notation, ResponseType, StatusCode};
    use oc2_encoding::{Cbor, Encoding, Json, JsonInAscii};

    use super::*;

    fn responder(encoding: impl Encoding + 'static, form: Form, id: Option<&str>, to: Option<&str>) -> Responder {
        Responder {
            identity: "fw1 \u{e9}".into(),
            encoding: Arc::new(encoding),
            form,
            request_id: id.map(|id| id.parse().unwrap()),
            to: to.map(Into::into),
            wanted: ResponseType::Complete,
        }
    }

    fn check(encoding: impl Encoding + Clone + 'static, form: Form, is_possible: bool) {
        let response = Response::new(StatusCode::Ok).with_text("1357924680 fw1 soc \"1\"");
        let now = DateTime::from_millis(1_700_000_000_000).unwrap();
        for (id, to) in [(None, None), (Some("1"), None), (None, Some("soc 1")), (Some("a b"), Some("a b"))] {
            let made_for = responder(encoding.clone(), form, id.map(|_| "another"), to.map(|_| ""));
            let template = Template::of(&made_for, &response);
            assert_eq!(template.is_some(), is_possible, "{form:?} {id:?} {to:?}");
            let responder = responder(encoding.clone(), form, id, to);
            if let Some(template) = template {
                assert_eq!(template.write(&responder, now), responder.write(now, response.clone()).ok());
            }
        }
    }

    #[test]
    fn an_answer_is_the_same_by_a_template() {
        for notation in [Notation::Verbose, Notation::Compact, Notation::Concise] {
            check(Json, Form::DEFAULT.with_notation(notation), true);
            check(JsonInAscii, Form::DEFAULT.with_notation(notation), true);
        }
        check(Cbor, Cbor.default_form(), false);
        check(Json, Form::DEFAULT.with_envelope(Envelope::Bare), false);
    }

    #[test]
    fn what_needs_an_escape_is_left_to_the_encoding() {
        let response = Response::new(StatusCode::Ok);
        let template = Template::of(&responder(Json, Form::DEFAULT, Some("1"), Some("soc")), &response).unwrap();
        for text in ["a\"", "\\", "\u{e9}", "\u{7f}"] {
            let responder = responder(Json, Form::DEFAULT, Some("1"), Some(text));
            assert_eq!(template.write(&responder, DateTime::now()), None, "{text:?}");
        }
    }

    #[test]
    fn a_response_that_looks_like_what_is_looked_for_has_no_template() {
        let responder = responder(Json, Form::DEFAULT, Some("1"), None);
        for (text, _) in PROBES {
            let response = Response::new(StatusCode::Ok).with_text(format!("x{text}1357924680123"));
            assert!(Template::of(&responder, &response).is_none(), "{text}");
        }
    }
}
