//! The vectors of `tests/data/cbor-vectors.json`: each of them read and written byte for byte in every form it states.

use std::collections::BTreeMap;

use oc2_core::{Command, Content, Envelope, Form, Headers, Message, Mode, Notation, Response};
use oc2_encoding::{Cbor, Encoding, Json, JsonIn};
use oc2_profile_slpf::Slpf;
use serde_json::Value;
use serde_json::value::RawValue;

/// A vector in one form.
struct Stated {
    name: String,
    encoding: &'static dyn Encoding,
    form: Form,
    /// What is read.
    bytes: Vec<u8>,
    /// What is written: the same, but for one text.
    due: Vec<u8>,
    is_bare: bool,
}

/// The forms of each vector, verbose JSON first.
fn vectors() -> Vec<Vec<Stated>> {
    let file: BTreeMap<&str, &RawValue> =
        serde_json::from_str(include_str!("../data/cbor-vectors.json")).expect("JSON");
    let vectors: Vec<BTreeMap<&str, &RawValue>> = serde_json::from_str(file["vectors"].get()).expect("a list");
    assert_eq!(vectors.len(), 23);
    vectors.iter().map(stated).collect()
}

fn stated(vector: &BTreeMap<&str, &RawValue>) -> Vec<Stated> {
    let text = |member: &str| serde_json::from_str::<String>(vector[member].get()).expect("a text");
    let json = |member: &str| without_white_space(vector[member].get());
    let hex = |member: &str| data_encoding::HEXLOWER.decode(text(member).as_bytes()).expect("hexadecimal");
    let is_bare = text("type") != "Message";
    let envelope = if is_bare { Envelope::Bare } else { Envelope::Message };
    let form = |notation| Form::DEFAULT.with_envelope(envelope).with_notation(notation);
    let state = |encoding: &'static dyn Encoding, notation, bytes: Vec<u8>| Stated {
        name: format!("{} {notation:?} {}", text("name"), encoding.media_type()),
        encoding,
        form: form(notation),
        due: bytes.clone(),
        bytes,
        is_bare,
    };
    assert_eq!(vector["cbor_len"].get(), hex("cbor_hex").len().to_string(), "{}", text("name"));
    let mut forms = vec![
        state(&Json, Notation::Verbose, json("json")),
        state(&JsonIn(Notation::Compact), Notation::Compact, json("json_compact")),
        state(&JsonIn(Notation::Concise), Notation::Concise, json("json_concise")),
        state(&Cbor, Notation::Concise, hex("cbor_hex")),
        state(&Cbor, Notation::Verbose, hex("verbose_cbor_hex")),
    ];
    // One vector has an address in a text that RFC 5952 4.2.2 forbids to write (a single group shortened), as SLPF A.1.4 prints
    // it. It is read; what is written is the text of RFC 5952 (LS-052, DECISIONS L18).
    for form in &mut forms {
        for (printed, due) in [
            (&b"x\x203ffe:1900:4545:3::f8ff:fe21:67cf"[..], &b"x\x213ffe:1900:4545:3:0:f8ff:fe21:67cf"[..]),
            (b"3ffe:1900:4545:3::f8ff:fe21:67cf", b"3ffe:1900:4545:3:0:f8ff:fe21:67cf"),
        ] {
            if let Some(at) = form.bytes.windows(printed.len()).position(|window| window == printed) {
                form.due = [&form.bytes[..at], due, &form.bytes[at + printed.len()..]].concat();
                break;
            }
        }
    }
    forms
}

/// JSON as it stands, without the white space between its parts.
fn without_white_space(json: &str) -> Vec<u8> {
    let (mut is_in_string, mut is_escaped) = (false, false);
    let keep = |byte: &u8| {
        let is_kept = is_in_string || !byte.is_ascii_whitespace();
        if *byte == b'"' && !is_escaped {
            is_in_string = !is_in_string;
        }
        is_escaped = *byte == b'\\' && !is_escaped;
        is_kept
    };
    json.bytes().filter(keep).collect()
}

impl Stated {
    /// Bare content is for lenient readers; what else it deviates in is noted.
    fn read(&self) -> Message {
        let mode = if self.is_bare { Mode::Lenient } else { Mode::Strict };
        let decoded = self.encoding.decode(&self.bytes, mode).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let n_notes = usize::from(self.is_bare);
        assert_eq!(decoded.notes.len(), n_notes, "{}: {:?}", self.name, decoded.notes);
        assert_eq!(decoded.form, self.form, "{}", self.name);
        decoded.message
    }

    /// Byte for byte; by name the members stand in the order of the tables, which the vectors do not keep everywhere.
    #[track_caller]
    fn is_written(&self, message: &Message) {
        let written = self.encoding.encode(message, self.form).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let as_value = |bytes: &[u8]| -> Value {
            match self.encoding.media_type() {
                "application/openc2+cbor;version=1.0" => serde_cbor::from_slice(bytes).expect("CBOR"),
                _ => serde_json::from_slice(bytes).expect("JSON"),
            }
        };
        if self.form.notation != Notation::Concise {
            assert_eq!(as_value(&written), as_value(&self.due), "{}", self.name);
            assert_eq!(written.len(), self.due.len(), "{}", self.name);
        } else {
            assert_eq!(written, self.due, "{}: {:?}", self.name, String::from_utf8_lossy(&written));
        }
    }
}

/// The same message with what SLPF defines typed.
fn typed(message: Message) -> Message {
    let Message { headers, .. } = message.clone();
    match message.into_content() {
        Content::Request(command) => Message::request(headers, command.typed::<Slpf>().expect("SLPF")),
        Content::Response(response) => Message::response(headers, response.typed::<Slpf>().expect("SLPF")),
        other @ Content::Notification(_) => panic!("{other:?}"),
    }
}

// LS-008, LS-071, LS-167, JADN-018, JADN-019, JADN-021 to JADN-027, JADN-029 to JADN-037, JADN-039, JADN-040
#[test]
fn every_form_of_a_vector_is_read_as_the_same_message() {
    for forms in vectors() {
        let expected = typed(forms[0].read());
        for form in &forms {
            assert_eq!(typed(form.read()), expected, "{}", form.name);
        }
    }
}

// LS-008, LS-071, LS-167, JADN-018, JADN-019, JADN-021 to JADN-027, JADN-029 to JADN-037, JADN-040
#[test]
fn a_vector_is_written_byte_for_byte_in_every_form_from_every_form() {
    for forms in vectors() {
        for from in &forms {
            let message = typed(from.read());
            for to in &forms {
                to.is_written(&message);
            }
        }
    }
}

#[test]
fn what_nobody_types_is_passed_on_in_the_form_it_came_in() {
    for forms in vectors() {
        for form in &forms {
            form.is_written(&form.read());
        }
    }
}

#[test]
fn the_examples_of_the_decisions_have_the_bytes_printed_there() {
    let command: Command = match Json.decode(br#"{"action":"query","target":{"features":[]}}"#, Mode::Lenient) {
        Ok(decoded) => match decoded.message.into_content() {
            Content::Request(command) => command,
            other => panic!("{other:?}"),
        },
        Err(error) => panic!("{error}"),
    };
    let bare = Form::DEFAULT.with_envelope(Envelope::Bare).with_notation(Notation::Concise);
    let message = Message::request(Headers::default(), command);
    assert_eq!(Cbor.encode(&message, bare).expect("CBOR"), [0x82, 0x03, 0xa1, 0x09, 0x80]);
    let message = Message::response(Headers::default(), Response::new(oc2_core::StatusCode::Ok));
    assert_eq!(Cbor.encode(&message, bare).expect("CBOR"), [0xa1, 0x01, 0x18, 0xc8]);
}
