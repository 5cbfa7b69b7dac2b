//! What holds of every message in every form (JADN 4, DECISIONS "CBOR and the integer ids"): the values are generated, and
//! `PROPTEST_CASES` says how many.

mod generate;
mod item;
mod mutate;

use oc2_core::any::Tree;
use oc2_core::shape::read::{Context, Read, ReadError};
use oc2_core::{Content, Envelope, Form, Message, Mode, Notation};
use oc2_encoding::{Cbor, Encoding, Json, JsonIn};
use proptest::prelude::*;

use self::generate::message;
use self::item::{Foreign, Item, deterministic};
use self::mutate::change;
use crate::profiles::typed;

/// The forms there are, each with the encoding that reads and writes it.
const FORMS: [(&str, &dyn Encoding, Notation); 5] = [
    ("verbose JSON", &Json, Notation::Verbose),
    ("compact JSON", &JsonIn(Notation::Compact), Notation::Compact),
    ("concise JSON", &JsonIn(Notation::Concise), Notation::Concise),
    ("CBOR", &Cbor, Notation::Concise),
    ("verbose CBOR", &Cbor, Notation::Verbose),
];
const MODES: [Mode; 2] = [Mode::Strict, Mode::Lenient];

/// So many cases, unless the environment asks for another number.
fn cases(default: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(default), failure_persistence: None, ..ProptestConfig::default() }
}

fn in_notation(notation: Notation) -> Form {
    Form::DEFAULT.with_notation(notation)
}

fn shown(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) if bytes.first().is_some_and(u8::is_ascii_graphic) => text.to_owned(),
        _ => data_encoding::HEXLOWER.encode(bytes),
    }
}

proptest! {
    #![proptest_config(cases(32))]

    // LS-008, LS-071, JADN-040
    #[test]
    fn what_is_written_is_read_again_as_the_same_and_written_again_alike(message in message()) {
        for (name, encoding, notation) in FORMS {
            let form = in_notation(notation);
            let written = encoding.encode(&message, form).expect(name);
            for mode in MODES {
                let decoded = encoding.decode(&written, mode);
                prop_assert!(decoded.is_ok(), "{name} {mode:?}: {}: {}", decoded.unwrap_err(), shown(&written));
                let decoded = decoded.expect("asserted");
                prop_assert_eq!(decoded.form, form, "{}", name);
                prop_assert!(decoded.notes.is_empty(), "{name}: {:?}: {}", decoded.notes, shown(&written));
                // As it came, before anybody types it, and after.
                prop_assert_eq!(&encoding.encode(&decoded.message, form).expect(name), &written, "{}", name);
                prop_assert_eq!(&decoded.message, &message, "{}: {}", name, shown(&written));
                let typed = typed(decoded.message);
                prop_assert_eq!(&encoding.encode(&typed, form).expect(name), &written, "{}", name);
            }
        }
    }

    // LS-008, LS-071, LS-167, JADN-019, JADN-022 to JADN-037
    #[test]
    fn every_form_of_a_message_is_read_as_the_same_message(message in message()) {
        for (name, encoding, notation) in FORMS {
            let written = encoding.encode(&message, in_notation(notation)).expect(name);
            let read = typed(encoding.decode(&written, Mode::Strict).expect(name).message);
            prop_assert_eq!(&read, &message, "{}: {}", name, shown(&written));
            // By name the members of profiles stand in the order they came in; by id they are sorted.
            let by_id = in_notation(Notation::Concise);
            prop_assert_eq!(Cbor.encode(&read, by_id).expect(name), Cbor.encode(&message, by_id).expect(name));
        }
    }

    // E1
    #[test]
    fn bare_content_is_read_again_as_the_same(message in message()) {
        for (name, encoding, notation) in FORMS {
            let form = in_notation(notation).with_envelope(Envelope::Bare);
            let written = encoding.encode(&message, form).expect(name);
            let decoded = encoding.decode(&written, Mode::Lenient).expect(name);
            prop_assert_eq!(decoded.form, form, "{}: {}", name, shown(&written));
            prop_assert_eq!(decoded.message.content(), message.content(), "{}: {}", name, shown(&written));
            prop_assert_eq!(&encoding.encode(&decoded.message, form).expect(name), &written, "{}", name);
            encoding.decode(&written, Mode::Strict).expect_err("strict");
        }
    }

    // E8: what is not by name is told by its shape.
    #[test]
    fn lenient_json_is_read_in_the_notation_it_came_in(message in message()) {
        for envelope in [Envelope::Message, Envelope::Bare] {
            for notation in [Notation::Verbose, Notation::Compact, Notation::Concise] {
                let form = in_notation(notation).with_envelope(envelope);
                let written = Json.encode(&message, form).expect("JSON");
                let decoded = Json.decode(&written, Mode::Lenient);
                prop_assert!(decoded.is_ok(), "{}: {}", decoded.unwrap_err(), shown(&written));
                let decoded = decoded.expect("asserted");
                // A Response is no Record, and of what is in it nobody knows what is one.
                if (envelope, notation) == (Envelope::Bare, Notation::Compact) && !is_request(&message) {
                    continue;
                }
                prop_assert_eq!(decoded.form, form, "{}", shown(&written));
                prop_assert_eq!(decoded.message.content(), message.content(), "{}", shown(&written));
                prop_assert_eq!(&Json.encode(&decoded.message, decoded.form).expect("JSON"), &written);
            }
        }
    }

    // E7, JADN-027 to JADN-038
    #[test]
    fn cbor_by_id_is_deterministic(message in message()) {
        for envelope in [Envelope::Message, Envelope::Bare] {
            let form = in_notation(Notation::Concise).with_envelope(envelope);
            let written = Cbor.encode(&message, form).expect("CBOR");
            let item = deterministic(&written);
            prop_assert!(item.is_ok(), "{}: {}", item.unwrap_err(), shown(&written));
        }
    }

    // E7, JADN-038
    #[test]
    fn cbor_of_foreign_encoders_is_read_as_the_same(message in message(), choices in prop::collection::vec(any::<u8>(), 1..40)) {
        let written = Cbor.encode(&message, in_notation(Notation::Concise)).expect("CBOR");
        let item = deterministic(&written).expect("deterministic");
        let mut foreign = Vec::new();
        if choices[0] % 2 == 0 {
            foreign.extend_from_slice(b"\xd9\xd9\xf7");
        }
        Foreign::new(&choices).write(&item, &mut foreign);
        for mode in MODES {
            let decoded = Cbor.decode(&foreign, mode);
            prop_assert!(decoded.is_ok(), "{}: {}", decoded.unwrap_err(), shown(&foreign));
            let decoded = decoded.expect("asserted");
            prop_assert!(decoded.notes.is_empty(), "{:?}: {}", decoded.notes, shown(&foreign));
            prop_assert_eq!(&decoded.message, &message, "{}", shown(&foreign));
            let again = Cbor.encode(&typed(decoded.message), decoded.form).expect("CBOR");
            prop_assert_eq!(&again, &written);
        }
    }
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn a_changed_document_is_refused_or_stays_the_same_from_then_on(
        message in message(),
        changes in prop::collection::vec(change(), 1..4),
        is_bare in any::<bool>(),
    ) {
        let envelope = if is_bare { Envelope::Bare } else { Envelope::Message };
        for (name, encoding, notation) in FORMS {
            let written = encoding.encode(&message, in_notation(notation).with_envelope(envelope)).expect(name);
            let changed = changed(encoding, &written, &changes);
            for mode in MODES {
                stays_the_same(encoding, &changed, mode)?;
                is_read_from_a_tree_alike(encoding, notation, &changed, mode)?;
            }
            if encoding.media_type() == Json.media_type() {
                stays_the_same(&Json, &changed, Mode::Lenient)?;
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(2))]

    #[test]
    fn a_message_that_is_cut_or_flipped_is_refused_or_stays_the_same(message in message()) {
        for (name, encoding, notation) in FORMS {
            let written = encoding.encode(&message, in_notation(notation)).expect(name);
            for end in 0..written.len() {
                encoding.decode(&written[..end], Mode::Lenient).expect_err(name);
                encoding.decode(&written[..end], Mode::Strict).expect_err(name);
            }
            let mut bytes = written;
            for place in 0..bytes.len() {
                for bit in 0..8 {
                    bytes[place] ^= 1 << bit;
                    for mode in MODES {
                        stays_the_same(encoding, &bytes, mode)?;
                    }
                    bytes[place] ^= 1 << bit;
                }
            }
        }
    }
}

fn is_request(message: &Message) -> bool {
    matches!(message.content(), Content::Request(_))
}

/// The document with the changes made, in the encoding it came in.
fn changed(encoding: &dyn Encoding, written: &[u8], changes: &[mutate::Change]) -> Vec<u8> {
    let is_cbor = encoding.media_type() == Cbor.media_type();
    let mut document: serde_cbor::Value = match is_cbor {
        true => serde_cbor::from_slice(written).expect("CBOR"),
        false => serde_json::from_slice(written).expect("JSON"),
    };
    for change in changes {
        change.apply(&mut document);
    }
    match is_cbor {
        true => serde_cbor::to_vec(&document).expect("CBOR"),
        false => serde_json::to_vec(&document).expect("JSON"),
    }
}

/// What is accepted is written in its form and read again as the same; what lenient mode writes, strict mode reads.
fn stays_the_same(encoding: &dyn Encoding, bytes: &[u8], mode: Mode) -> Result<(), TestCaseError> {
    let Ok(decoded) = encoding.decode(bytes, mode) else { return Ok(()) };
    let written = encoding.encode(&decoded.message, decoded.form);
    prop_assert!(written.is_ok(), "{}: {}", written.unwrap_err(), shown(bytes));
    let written = written.expect("asserted");
    let again = encoding.decode(&written, mode);
    prop_assert!(again.is_ok(), "{mode:?}: {}: {} of {}", again.unwrap_err(), shown(&written), shown(bytes));
    let again = again.expect("asserted");
    prop_assert_eq!(again.form, decoded.form, "{} of {}", shown(&written), shown(bytes));
    prop_assert_eq!(&again.message, &decoded.message, "{} of {}", shown(&written), shown(bytes));
    prop_assert_eq!(&encoding.encode(&again.message, again.form).expect("written before"), &written);
    if mode == Mode::Lenient && decoded.form.envelope == Envelope::Message && !keeps_deviations(&decoded.message, bytes)
    {
        // Under the media type of JSON strict mode reads by name only (E8).
        let agreed = JsonIn(decoded.form.notation);
        let encoding = if encoding.media_type() == Json.media_type() { &agreed } else { encoding };
        let strict = encoding.decode(&written, Mode::Strict);
        prop_assert!(strict.is_ok(), "{}: {} of {}", strict.unwrap_err(), shown(&written), shown(bytes));
        prop_assert_eq!(&strict.expect("asserted").message, &decoded.message);
    }
    Ok(())
}

/// Responses keep what strict mode refuses (M15), and so does what nobody here can type, if it holds a noncharacter.
fn keeps_deviations(message: &Message, bytes: &[u8]) -> bool {
    let has_unknown = match message.content() {
        Content::Response(response) => {
            let is_namespace = |(key, value): (&oc2_core::any::Key, &oc2_core::any::Any)| {
                key.as_name().is_some_and(|name| name.parse::<oc2_core::Nsid>().is_ok()) && value.is_object()
            };
            !response.others.is_empty() || !response.results.namespaces().iter().all(is_namespace)
        }
        Content::Request(_) | Content::Notification(_) => false,
    };
    has_unknown
        || bytes.windows(3).any(|octets| matches!(octets, [0xef, 0xb7 | 0xbf, _]) || octets == b"\\uf")
        || bytes.windows(4).any(|octets| matches!(octets, [0xf0..=0xf4, _, 0xbf, 0xbe | 0xbf]))
}

/// A reader that goes on after errors and one that reads the bytes themselves agree; one that fails says why.
fn is_read_from_a_tree_alike(
    encoding: &dyn Encoding,
    notation: Notation,
    bytes: &[u8],
    mode: Mode,
) -> Result<(), TestCaseError> {
    let is_binary = encoding.media_type() == Cbor.media_type();
    let context = || match is_binary {
        true => Context::new(mode).of_binary(),
        false if notation == Notation::Verbose && mode == Mode::Lenient => Context::new(mode),
        false => Context::new(mode).in_notation(notation),
    };
    let tree: Result<Tree, String> = match is_binary {
        true => {
            let mut deserializer = serde_cbor::Deserializer::from_slice(bytes);
            let tree = Tree::read(&mut context(), &mut deserializer).map_err(|error| error.to_string());
            tree.and_then(|tree| deserializer.end().map(|()| tree).map_err(|error| error.to_string()))
        }
        false => {
            let mut deserializer = serde_json::Deserializer::from_slice(bytes);
            let tree = Tree::read(&mut context(), &mut deserializer).map_err(|error| error.to_string());
            tree.and_then(|tree| deserializer.end().map(|()| tree).map_err(|error| error.to_string()))
        }
    };
    let mut context = context().finding_all();
    let from_tree = tree.and_then(|tree| {
        Message::read_in_any_envelope(&mut context, &tree).map_err(|error: ReadError| error.to_string())
    });
    let direct = encoding.decode(bytes, mode);
    let faults: Vec<String> = context.into_faults().iter().map(ToString::to_string).collect();
    match (direct, from_tree) {
        (Ok(direct), Ok((message, form))) => {
            prop_assert_eq!(&direct.message, &message, "{}", shown(bytes));
            prop_assert_eq!(direct.form, form, "{}", shown(bytes));
            prop_assert!(faults.is_empty(), "{faults:?}: {}", shown(bytes));
        }
        (Err(_), Err(error)) => {
            prop_assert!(!faults.is_empty() || !error.is_empty(), "{}", shown(bytes));
        }
        (Ok(_), Err(error)) => {
            prop_assert!(false, "{mode:?}: only from the tree refused: {error} {faults:?}: {}", shown(bytes));
        }
        (Err(error), Ok(_)) => prop_assert!(false, "{mode:?}: only from the bytes refused: {error}: {}", shown(bytes)),
    }
    Ok(())
}

// E7, JADN-029, JADN-031, JADN-038
#[test]
fn cbor_that_no_encoder_of_the_standard_writes_is_refused() {
    let command = |arg: &[u8]| [b"\x83\x03\xa1\x09\x80\xa1", arg].concat();
    for (bytes, words) in [
        (command(b"\x03\xf9\x3c\x00"), "args.duration: invalid type: floating point `1.0`, expected a duration"),
        (
            command(b"\x03\xfb\x3f\xf0\0\0\0\0\0\0"),
            "args.duration: invalid type: floating point `1.0`, expected a duration",
        ),
        (command(b"\x04\xf5"), "args.response_requested: invalid type: boolean `true`, expected one of none"),
        (command(b"\x03\xf7"), "not CBOR of OpenC2: undefined at byte 7"),
        (command(b"\x03\xc1\x01"), "not CBOR of OpenC2: tag 1 at byte 7; no type has one"),
        (command(b"\xd9\xd9\xf7\x03\x01"), "not CBOR of OpenC2: tag 55799 at byte 6; no type has one"),
        (
            b"\xd9\xd9\xf7\xd9\xd9\xf7\x82\x03\xa1\x09\x80".to_vec(),
            "not CBOR of OpenC2: tag 55799 at byte 3; no type has one",
        ),
        (b"\xa2\x01\x18\xc8\x01\x18\xc8".to_vec(), "the member \"status\" stands twice"),
        (command(b"\x03\x01\x00"), "not CBOR: trailing data at offset 9"),
        (b"\x83\x06\xa1\x13\x62\xff\xfe".to_vec(), "target.uri: not CBOR: invalid UTF-8 at offset 5"),
        (command(b"\x03\x1b\xff\xff\xff\xff\xff\xff\xff\xff"), "args.duration: 18446744073709551615 is not a duration"),
        (
            command(b"\x03\x3b\xff\xff\xff\xff\xff\xff\xff\xff"),
            "args.duration: invalid type: integer `-18446744073709551616` as i128",
        ),
        (command(b"\x03\xc2\x41\x01"), "not CBOR of OpenC2: tag 2 at byte 7; no type has one"),
        (command(b"\x63x-a\xa1\x01\xf9\x7e\x00"), "args.x-a.1: NaN is no number (RFC 8259 6)"),
        (command(b"\x63x-a\xa1\x01\xfa\x7f\x80\0\0"), "args.x-a.1: inf is no number (RFC 8259 6)"),
        (command(b"\x63x-a\xa1\x20\x01"), "args.x-a: -1 is no id of a member"),
        (
            command(b"\x63x-a\xa1\x41\x20\x01"),
            "args.x-a: invalid type: byte array, expected the name or id of a member",
        ),
        (b"\xff".to_vec(), "not CBOR: unexpected code at offset 1"),
        (b"\x1c".to_vec(), "not CBOR: unassigned type at offset 1"),
        (Vec::new(), "not CBOR: EOF while parsing a value"),
    ] {
        for mode in MODES {
            let error = Cbor.decode(&bytes, mode).expect_err(words).to_string();
            let is_envelope = mode == Mode::Strict && error.starts_with("a bare ");
            assert!(is_envelope || error.starts_with(words), "{}: {error}, not {words}", shown(&bytes));
        }
    }
    assert_eq!(
        deterministic(b"\xa1\x01\xfb\x3f\xf8\0\0\0\0\0\0"),
        Ok(Item::Map(vec![(Item::Unsigned(1), Item::Float(1.5))]))
    );
    for bytes in [
        &b"\x18\x01"[..],
        b"\x9f\xff",
        b"\xa2\x02\x01\x01\x01",
        b"\xa2\x01\x01\x01\x01",
        b"\xc1\x01",
        b"\xfa\0\0\0\0",
        b"\x01\x01",
    ] {
        deterministic(bytes).expect_err("not deterministic");
    }
}
