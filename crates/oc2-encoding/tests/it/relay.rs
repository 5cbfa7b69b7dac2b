//! Who passes a message on: what nobody here knows stays as it came, in its form, and takes no other (STYLE "Keep what you do
//! not know", DECISIONS M15, E6).

use oc2_core::{Form, Message, Mode, Notation};
use oc2_encoding::{Cbor, Encoding, Json, JsonIn};

use crate::profiles::{Blinky, typed};

const FORMS: [(&str, &dyn Encoding, Notation); 5] = [
    ("verbose JSON", &Json, Notation::Verbose),
    ("compact JSON", &JsonIn(Notation::Compact), Notation::Compact),
    ("concise JSON", &JsonIn(Notation::Concise), Notation::Concise),
    ("CBOR", &Cbor, Notation::Concise),
    ("verbose CBOR", &Cbor, Notation::Verbose),
];

/// Messages with something that nobody here knows, in each of the five forms: the whole of it, in the order of `FORMS`.
///
/// CBOR holds what JSON does not have: octets and numbers for keys.
const UNKNOWN: [[&[u8]; 5]; 6] = [
    // A target.
    [
        br#"{"body":{"openc2":{"request":{"action":"scan","target":{"x-a:b":{"c":[1,null,{"d":0.5}]}}}}}}"#,
        br#"[null,{"openc2":{"request":["scan",{"x-a:b":{"c":[1,null,{"d":0.5}]}}]}}]"#,
        br#"[null,{"1":{"1":[1,{"x-a:b":{"1":[1,null,{"d":0.5}]}}]}}]"#,
        b"\x82\xf6\xa1\x01\xa1\x01\x82\x01\xa1\x65x-a:b\xa2\x01\x83\x42\x00\xff\xf6\xfb\x3f\xe0\0\0\0\0\0\0\x61c\xa1\x19\x04\x00\xf4",
        b"\xa1\x64body\xa1\x66openc2\xa1\x67request\xa2\x66action\x64scan\x66target\xa1\x65x-a:b\xa1\x61c\x83\x42\x00\xff\xf6\xa1\x07\x01",
    ],
    // A target of a profile in the registry.
    [
        br#"{"body":{"openc2":{"request":{"action":"scan","target":{"pf:advanced_connection":{"a":1}}}}}}"#,
        br#"[null,{"openc2":{"request":["scan",{"pf:advanced_connection":[1,null,"a"]}]}}]"#,
        br#"[null,{"1":{"1":[1,{"1034":{"1025":[1,null,"a"]}}]}}]"#,
        b"\x82\xf6\xa1\x01\xa1\x01\x82\x01\xa1\x19\x04\x0a\xa1\x19\x04\x01\x83\x44\x01\x02\x03\x04\xf6\x01",
        b"\xa1\x64body\xa1\x66openc2\xa1\x67request\xa2\x66action\x64scan\x66target\xa1\x76pf:advanced_connection\xa1\x61a\x41\xff",
    ],
    // Arguments.
    [
        br#"{"body":{"openc2":{"request":{"action":"scan","target":{"uri":"a:"},"args":{"x-a":{"b":[{}]},"acme":5}}}}}"#,
        br#"[null,{"openc2":{"request":["scan",{"uri":"a:"},{"x-a":{"b":[[1]]},"acme":5}]}}]"#,
        br#"[null,{"1":{"1":[1,{"19":"a:"},{"77":true,"1034":{"1025":[1]},"x-a":{"1":[[1]]}}]}}]"#,
        b"\x82\xf6\xa1\x01\xa1\x01\x83\x01\xa1\x13\x62a:\xa3\x18\x4d\xf5\x19\x04\x0a\xa1\x19\x04\x01\x81\x01\x63x-a\xa1\x07\x01",
        b"\xa1\x64body\xa1\x66openc2\xa1\x67request\xa3\x66action\x64scan\x66target\xa1\x63uri\x62a:\x64args\xa1\x63x-a\xa1\x61b\x41\x00",
    ],
    // Specifiers.
    [
        br#"{"body":{"openc2":{"request":{"action":"scan","target":{"uri":"a:"},"actuator":{"x-a":{"b":1}}}}}}"#,
        br#"[null,{"openc2":{"request":["scan",{"uri":"a:"},null,{"pf":{"b":[1]}}]}}]"#,
        br#"[null,{"1":{"1":[1,{"19":"a:"},null,{"1034":{"4":[1]}}]}}]"#,
        b"\x82\xf6\xa1\x01\xa1\x01\x84\x01\xa1\x13\x62a:\xf6\xa1\x63x-a\xa1\x01\x41\x00",
        b"\xa1\x64body\xa1\x66openc2\xa1\x67request\xa3\x66action\x64scan\x66target\xa1\x63uri\x62a:\x68actuator\xa1\x63x-a\xa1\x61b\x41\x00",
    ],
    // Results.
    [
        br#"{"body":{"openc2":{"response":{"status":200,"results":{"x-a":{"b":1},"er":{"c":"d"}}}}}}"#,
        br#"[null,{"openc2":{"response":{"status":200,"results":{"x-a":{"b":[1]}}}}}]"#,
        br#"[null,{"1":{"2":{"1":200,"3":{"1027":{"1":[1]},"x-a":{"b":1}}}}}]"#,
        b"\x82\xf6\xa1\x01\xa1\x02\xa2\x01\x18\xc8\x03\xa2\x19\x04\x03\xa1\x01\x41\x00\x63x-a\xa1\x07\xf4",
        b"\xa1\x64body\xa1\x66openc2\xa1\x68response\xa2\x66status\x18\xc8\x67results\xa1\x63x-a\xa1\x61b\x41\x00",
    ],
    // Headers.
    [
        br#"{"headers":{"request_id":"a","x-trace":{"b":[1]}},"body":{"openc2":{"response":{"status":200}}}}"#,
        br#"[{"request_id":"a","x-trace":{"b":[1]}},{"openc2":{"response":{"status":200}}}]"#,
        br#"[{"1":"a","7":[1],"x-trace":{"b":[1]}},{"1":{"2":{"1":200}}}]"#,
        b"\x82\xa3\x01\x61a\x07\x41\x00\x67x-trace\x01\xa1\x01\xa1\x02\xa1\x01\x18\xc8",
        b"\xa2\x67headers\xa3\x6arequest_id\x61a\x07\x01\x67x-trace\x41\x00\x64body\xa1\x66openc2\xa1\x68response\xa1\x66status\x18\xc8",
    ],
];

#[track_caller]
fn read(encoding: &dyn Encoding, bytes: &[u8], mode: Mode) -> (Message, Form) {
    match encoding.decode(bytes, mode) {
        Ok(decoded) => {
            assert!(decoded.notes.is_empty(), "{:?}", decoded.notes);
            (decoded.message, decoded.form)
        }
        Err(error) => panic!("{}: {error}", String::from_utf8_lossy(bytes)),
    }
}

// LS-042, E6
#[test]
fn what_nobody_knows_passes_unchanged_in_its_form() {
    for messages in UNKNOWN {
        for ((name, encoding, notation), bytes) in FORMS.into_iter().zip(messages) {
            for mode in [Mode::Strict, Mode::Lenient] {
                let (message, form) = read(encoding, bytes, mode);
                assert_eq!(form, Form::DEFAULT.with_notation(notation), "{name}");
                let written = encoding.encode(&message, form).expect(name);
                assert_eq!(written, bytes, "{name}: {}", String::from_utf8_lossy(&written));
            }
        }
    }
}

#[test]
fn what_nobody_knows_takes_no_other_form() {
    for messages in UNKNOWN {
        for (from, ((name, encoding, _), bytes)) in FORMS.into_iter().zip(messages).enumerate() {
            let (message, _) = read(encoding, bytes, Mode::Strict);
            for (to, (other, encoding, notation)) in FORMS.into_iter().enumerate().filter(|(to, _)| *to != from) {
                let res = encoding.encode(&message, Form::DEFAULT.with_notation(notation));
                // By name JSON and CBOR are the same, as long as there is nothing in it that JSON does not have.
                if (from, to) == (0, 4) {
                    let cbor = res.expect(other);
                    let (again, _) = read(&Cbor, &cbor, Mode::Strict);
                    assert_eq!(again, message);
                    assert_eq!(Json.encode(&again, Form::DEFAULT).expect("JSON"), bytes);
                    continue;
                }
                match res {
                    Err(error) => assert_eq!(
                        error.to_string(),
                        "the message cannot be written: an extension that nobody here knows cannot change its form",
                        "{name} to {other}"
                    ),
                    Ok(written) => panic!("{name} to {other}: {}", String::from_utf8_lossy(&written)),
                }
            }
        }
    }
}

#[test]
fn an_object_without_members_is_the_same_in_every_form() {
    for json in [
        r#"{"body":{"openc2":{"request":{"action":"scan","target":{"x-a:b":{}},"args":{"x-a":{},"er":{}},"actuator":{"pf":{}}}}}}"#,
        r#"{"body":{"openc2":{"request":{"action":"scan","target":{"pf:b":{}},"actuator":{"x-a":{}}}}}}"#,
        r#"{"headers":{"x-a":{}},"body":{"openc2":{"response":{"status":200,"results":{"x-a":{},"th":{},"hunt":{}}}}}}"#,
    ] {
        let (message, _) = read(&Json, json.as_bytes(), Mode::Strict);
        for (name, encoding, notation) in FORMS {
            let written = encoding.encode(&message, Form::DEFAULT.with_notation(notation)).expect(name);
            let (again, form) = read(encoding, &written, Mode::Strict);
            assert_eq!(again, message, "{name}: {}", String::from_utf8_lossy(&written));
            assert_eq!(encoding.encode(&again, form).expect(name), written, "{name}");
        }
    }
    // But an id is no name, and digits are no id.
    let by_id = b"\x82\xf6\xa1\x01\xa1\x01\x83\x01\xa1\x13\x62a:\xa1\x18\x4d\xa0";
    let (message, _) = read(&Cbor, by_id, Mode::Strict);
    let concise = JsonIn(Notation::Concise).encode(&message, Form::DEFAULT.with_notation(Notation::Concise));
    assert_eq!(concise.expect("the id in decimal"), br#"[null,{"1":{"1":[1,{"19":"a:"},{"77":{}}]}}]"#);
    for (_, encoding, notation) in [FORMS[0], FORMS[1], FORMS[4]] {
        encoding.encode(&message, Form::DEFAULT.with_notation(notation)).expect_err("an id stays one");
    }
    for json in [
        r#"{"body":{"openc2":{"request":{"action":"scan","target":{"uri":"a:"},"args":{"77":{}}}}}}"#,
        r#"{"body":{"openc2":{"request":{"action":"scan","target":{"uri":"a:"},"actuator":{"1024":{}}}}}}"#,
        r#"{"body":{"openc2":{"request":{"action":"scan","target":{"pf:1025":{}}}}}}"#,
    ] {
        let (message, _) = read(&Json, json.as_bytes(), Mode::Strict);
        let concise = Form::DEFAULT.with_notation(Notation::Concise);
        JsonIn(Notation::Concise).encode(&message, concise).expect_err("digits would be an id");
        let cbor = Cbor.encode(&message, concise).expect("a text stays one");
        assert_eq!(read(&Cbor, &cbor, Mode::Strict).0, message);
    }
}

// E2
#[test]
fn whoever_knows_a_profile_names_its_target_and_takes_it_to_any_form() {
    let cbor = b"\x82\xf6\xa1\x01\xa1\x01\x82\x01\xa1\x19\x23\x29\xa1\x01\x83\xf6\xf5\x07";
    let (message, _) = read(&Cbor, cbor, Mode::Strict);
    let oc2_core::Content::Request(command) = message.content() else { panic!("no request") };
    assert_eq!(command.pair().to_string(), "scan blinky:1");
    assert_eq!(command.pair_in::<oc2_profile_slpf::Slpf>().to_string(), "scan blinky:1");
    assert_eq!(command.pair_in::<Blinky>().to_string(), "scan blinky:led");
    let typed = typed(message.clone());
    assert_eq!(typed, message);
    let json = Json.encode(&typed, Form::DEFAULT).expect("known by its type");
    let due = r#"{"body":{"openc2":{"request":{"action":"scan","target":{"blinky:led":{"is_on":true,"level":7}}}}}}"#;
    assert_eq!(String::from_utf8_lossy(&json), due);
    assert_eq!(Cbor.encode(&typed, Form::DEFAULT.with_notation(Notation::Concise)).expect("CBOR"), cbor);
}
