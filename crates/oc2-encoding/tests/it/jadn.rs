//! What JADN 1.0 says of the forms and the vectors do not show: nulls, duplicates, Arrays, tags, sizes of numbers.

use oc2_core::{Envelope, Form, Message, Mode, Notation};
use oc2_encoding::{Cbor, Encoding, Json};
use oc2_profile_slpf::Slpf;

use crate::support::in_request;

/// A bare document, whatever is noted.
#[track_caller]
fn read(encoding: &dyn Encoding, bytes: &[u8]) -> Message {
    match encoding.decode(bytes, Mode::Lenient) {
        Ok(decoded) => decoded.message,
        Err(error) => panic!("{bytes:02x?}: {error}"),
    }
}

/// What is bare is for lenient readers.
#[track_caller]
fn refused(encoding: &dyn Encoding, bytes: &[u8], words: &str) {
    match encoding.decode(bytes, Mode::Lenient) {
        Err(error) if error.to_string().contains(words) => {}
        other => panic!("{bytes:02x?}: {other:?}"),
    }
    encoding.decode(bytes, Mode::Strict).expect_err("refused in lenient mode");
}

fn form(notation: Notation) -> Form {
    Form::DEFAULT.with_envelope(Envelope::Bare).with_notation(notation)
}

/// A Command by name, written bare in JSON in a notation.
#[track_caller]
fn json(command: &str, notation: Notation) -> String {
    let message = read(&Json, in_request(command).as_bytes());
    String::from_utf8(Json.encode(&message, form(notation)).expect("JSON")).expect("UTF-8")
}

/// A Command by name, written bare in CBOR by id once what SLPF defines is typed.
#[track_caller]
fn cbor(command: &str) -> Vec<u8> {
    let oc2_core::Content::Request(command) = read(&Json, in_request(command).as_bytes()).into_content() else {
        panic!("{command}")
    };
    let message = Message::request(oc2_core::Headers::default(), command.typed::<Slpf>().expect("SLPF"));
    Cbor.encode(&message, form(Notation::Concise)).expect("CBOR")
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

// JADN-002
#[test]
fn a_key_stands_once_in_every_form() {
    refused(&Cbor, b"\xa2\x01\x18\xc8\x01\x18\xc8", "twice");
    refused(&Cbor, b"\xa2\x66status\x18\xc8\x66status\x18\xc8", "twice");
    refused(&Json, br#"{"1":200,"1":200}"#, "twice");
    refused(&Json, br#"[3,{"9":[]},{"4":1,"4":1}]"#, "twice");
    // In what nobody here can type.
    refused(&Cbor, b"\x83\x03\xa1\x09\x80\xa1\x63x-a\xa2\x01\x01\x01\x02", "twice");
}

// JADN-003
#[test]
fn null_is_no_key() {
    refused(&Cbor, b"\xa2\x01\x18\xc8\xf6\x01", "null");
    refused(&Cbor, b"\x83\x03\xa1\x09\x80\xa1\xf6\x01", "null");
    refused(&Cbor, b"\x83\x03\xa1\x09\x80\xa1\x63x-a\xa1\xf6\x01", "null");
}

// JADN-005, JADN-006
#[test]
fn nulls_at_the_end_of_a_record_do_not_count() {
    let short = read(&Cbor, b"\x82\x03\xa1\x09\x80");
    for longer in [&b"\x83\x03\xa1\x09\x80\xf6"[..], b"\x85\x03\xa1\x09\x80\xf6\xf6\xf6"] {
        assert_eq!(read(&Cbor, longer), short, "{longer:02x?}");
        assert_eq!(Cbor.encode(&read(&Cbor, longer), form(Notation::Concise)).expect("CBOR"), b"\x82\x03\xa1\x09\x80");
    }
    for (short, longer, notation) in [
        (r#"[3,{"9":[]}]"#, r#"[3,{"9":[]},null,null,null]"#, Notation::Concise),
        (r#"["query",{"features":[]}]"#, r#"["query",{"features":[]},null]"#, Notation::Compact),
        (r#"[6,{"15":[["AQIDBA"]]}]"#, r#"[6,{"15":[["AQIDBA"],null,null,null,null]}]"#, Notation::Concise),
    ] {
        let longer = read(&Json, longer.as_bytes());
        assert_eq!(longer, read(&Json, short.as_bytes()), "{short}");
        assert_eq!(Json.encode(&longer, form(notation)).expect("JSON"), short.as_bytes());
    }
    refused(&Cbor, b"\x86\x03\xa1\x09\x80\xf6\xf6\xf6\xf6", "");
}

// JADN-004
#[test]
fn a_key_with_null_is_an_absent_key_in_cbor() {
    assert_eq!(read(&Cbor, b"\xa2\x01\x18\xc8\x03\xf6"), read(&Cbor, b"\xa1\x01\x18\xc8"));
}

// JADN-020, JADN-026
#[test]
fn an_array_ends_with_its_last_element() {
    for (net, array) in [("1.2.3.4", r#"["AQIDBA"]"#), ("192.168.17.0/24", r#"["wKgRAA",24]"#)] {
        let command = format!(r#"{{"action":"deny","target":{{"ipv4_net":"{net}"}}}}"#);
        assert_eq!(json(&command, Notation::Concise), format!(r#"[6,{{"13":{array}}}]"#));
        // Verbose and compact, a net is text.
        assert_eq!(json(&command, Notation::Compact), format!(r#"["deny",{{"ipv4_net":"{net}"}}]"#));
    }
}

// JADN-022, JADN-025
#[test]
fn a_record_has_null_for_what_is_absent_before_its_last_element() {
    let command = r#"{"action":"deny","target":{"ipv4_connection":{"src_addr":"1.2.3.4","protocol":"tcp"}}}"#;
    let compact = r#"["deny",{"ipv4_connection":["1.2.3.4",null,null,null,"tcp"]}]"#;
    assert_eq!(json(command, Notation::Compact), compact);
    assert_eq!(json(command, Notation::Concise), r#"[6,{"15":[["AQIDBA"],null,null,null,6]}]"#);
}

// JADN-028
#[test]
fn a_boolean_is_one_octet() {
    for (persistent, octet) in [("true", 0xf5), ("false", 0xf4)] {
        let written = cbor(&format!(
            r#"{{"action":"deny","target":{{"ipv4_net":"1.2.3.4"}},"args":{{"slpf":{{"persistent":{persistent}}}}}}}"#
        ));
        assert!(holds(&written, &[0x19, 0x04, 0x01, octet]), "{written:02x?}");
    }
    for other in [&b"\x00"[..], b"\x01", b"\x64true"] {
        let command = [b"\x83\x06\xa1\x0d\x81\x44\x01\x02\x03\x04\xa1\x19\x04\x00\xa1\x19\x04\x01", other].concat();
        let oc2_core::Content::Request(command) = read(&Cbor, &command).into_content() else { panic!() };
        command.args.of::<Slpf>().expect_err("no Boolean");
    }
}

// JADN-029
#[test]
fn an_integer_is_never_a_float() {
    let with =
        |port: &str| cbor(&format!(r#"{{"action":"deny","target":{{"ipv4_connection":{{"dst_port":{port}}}}}}}"#));
    assert!(with("443").ends_with(b"\x19\x01\xbb"), "{:02x?}", with("443"));
    // Read from a fraction, written as an Integer all the same.
    assert_eq!(with("443.0"), with("443"));
    let number = |number: i64| cbor(&format!(r#"{{"action":"delete","target":{{"slpf:rule_number":{number}}}}}"#));
    assert!(number(-7).ends_with(b"\x26"), "{:02x?}", number(-7));
}

// JADN-030
#[test]
fn a_number_is_a_float_of_64_bits() {
    for (limit, octets) in [("30", b"\xfb\x40\x3e\0\0\0\0\0\0"), ("0.5", b"\xfb\x3f\xe0\0\0\0\0\0\0")] {
        let response = format!(r#"{{"status":200,"results":{{"rate_limit":{limit}}}}}"#);
        let written = Cbor.encode(&read(&Json, response.as_bytes()), form(Notation::Concise)).expect("CBOR");
        assert!(written.ends_with(octets), "{written:02x?}");
    }
}

// JADN-038
#[test]
fn nothing_is_tagged_but_the_whole() {
    let query = b"\x82\x03\xa1\x09\x80";
    assert_eq!(read(&Cbor, &[b"\xd9\xd9\xf7", &query[..]].concat()), read(&Cbor, query));
    refused(&Cbor, b"\x82\x03\xa1\x09\xc1\x80", "");
    refused(&Cbor, b"\x82\xc0\x03\xa1\x09\x80", "");
    refused(&Cbor, b"\xa1\x01\xc1\x18\xc8", "");
    // A time is an Integer, a URI a text, an address octets, for each of which CBOR has a tag.
    for (command, octets) in [
        (
            r#"{"action":"deny","target":{"uri":"a:"},"args":{"start_time":1}}"#,
            &b"\x83\x06\xa1\x13\x62a:\xa1\x01\x01"[..],
        ),
        (r#"{"action":"deny","target":{"ipv4_net":"1.2.3.4"}}"#, b"\x82\x06\xa1\x0d\x81\x44\x01\x02\x03\x04"),
    ] {
        assert_eq!(cbor(command), octets);
    }
}
