//! What was found, each with the smallest input that shows it.

use oc2_core::any::Tree;
use oc2_core::shape::read::{Context, Read};
use oc2_core::{Content, Message, Mode, Notation};
use oc2_encoding::{Cbor, Encoding, Json, JsonIn};
use oc2_profile_slpf::Host;

#[test]
fn a_bare_command_by_id_is_read_from_a_tree() {
    is_the_same_from_a_tree(r#"[3,{"9":[]}]"#);
}

#[test]
fn pairs_by_id_are_read_from_a_tree() {
    is_the_same_from_a_tree(r#"{"1":200,"3":{"3":{"3":[9]}}}"#);
}

#[test]
fn a_response_by_id_keeps_a_member_before_its_status() {
    survives(&Json, br#"{"0":"","1":200}"#);
    survives(&Cbor, b"\xa2\x00\x60\x01\x18\xc8");
}

#[test]
fn a_message_by_id_keeps_a_header_before_its_first_id() {
    survives(&Json, br#"[{"a":1},{"1":{"1":[3,{"9":[]}]}}]"#);
}

#[test]
fn a_member_known_by_its_id_alone_does_not_go_into_a_form_by_name() {
    let decoded = Cbor.decode(b"\x83\x03\xa1\x09\x81\x03\xa1\x00\xa0", Mode::Lenient).expect("it is read");
    let by_name = decoded.form.with_notation(Notation::Verbose);
    if let Ok(written) = Json.encode(&decoded.message, by_name) {
        let again = Json.decode(&written, Mode::Lenient).expect("it is read again");
        assert_eq!(again.message, decoded.message, "{}", written.escape_ascii());
    }
}

#[test]
fn an_address_with_a_final_dot_does_not_become_another_host() {
    if let Ok(host) = "192.0.2.1.".parse::<Host>() {
        assert_eq!(host.to_string().parse().ok(), Some(host));
    }
}

#[test]
fn a_name_that_is_no_id_is_not_glimpsed_as_one() {
    let bytes = br#"[3,{"9":[]},{"04":1}]"#;
    let error = Json.decode(bytes, Mode::Strict).expect_err("bare");
    let decoded = Json.decode(bytes, Mode::Lenient).expect("it is read");
    let Content::Request(command) = decoded.message.content() else { panic!("a Command") };
    assert_eq!(error.glimpse().response_requested, command.args.response_requested().copied());
}

#[test]
fn what_is_not_a_number_is_refused() {
    for float in [&b"\xf9\x7e\x00"[..], b"\xf9\x7c\x00", b"\xf9\xfc\x00"] {
        // {"status": 200, "results": {"x-a": {"a": float}}} in a Message by name.
        let before = b"\xa1\x64body\xa1\x66openc2\xa1\x68response\xa2\x66status\x18\xc8\x67results\xa1\x63x-a\xa1\x61a";
        assert!(Cbor.decode(&[before, float].concat(), Mode::Strict).is_err(), "{float:02x?}");
    }
}

#[test]
fn a_name_that_looks_like_an_id_does_not_become_one() {
    let bytes = br#"["deny",{"ipv4_net":"192.0.2.1"},{"3":{}}]"#;
    let decoded = JsonIn(Notation::Compact).decode(bytes, Mode::Lenient).expect("it is read");
    let by_id = decoded.form.with_notation(Notation::Concise);
    if let Ok(written) = Json.encode(&decoded.message, by_id) {
        let again = JsonIn(Notation::Concise).decode(&written, Mode::Lenient).expect("it is read again");
        assert_eq!(again.message, decoded.message, "{}", written.escape_ascii());
    }
}

#[test]
fn an_id_that_nobody_knows_is_not_read_again_as_a_name() {
    survives(&Json, br#"[{"1":"a","0":"b"},{"1":{"1":[3,{"9":[]}]}}]"#);
}

#[test]
fn a_target_known_by_its_id_alone_is_written_as_it_came() {
    survives(&JsonIn(Notation::Concise), br#"[3,{"x-a":{"0":1}}]"#);
}

#[test]
fn an_id_is_not_read_that_cannot_be_written() {
    let bytes = br#"[{"9007199254740992":"a"},{"1":{"1":[3,{"9":[]}]}}]"#;
    if JsonIn(Notation::Concise).decode(bytes, Mode::Strict).is_ok() {
        survives(&JsonIn(Notation::Concise), bytes);
    }
}

#[track_caller]
fn is_the_same_from_a_tree(json: &str) {
    let direct = Json.decode(json.as_bytes(), Mode::Lenient).expect("it is read");
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let tree = Tree::read(&mut Context::new(Mode::Lenient), &mut deserializer).expect("it is a tree");
    match Message::read_in_any_envelope(&mut Context::new(Mode::Lenient), &tree) {
        Ok((message, form)) => assert_eq!((message, form), (direct.message, direct.form)),
        Err(error) => panic!("{json}: {error}"),
    }
}

#[track_caller]
fn survives(encoding: &dyn Encoding, bytes: &[u8]) {
    let decoded = encoding.decode(bytes, Mode::Lenient).expect("it is read");
    let written = match encoding.encode(&decoded.message, decoded.form) {
        Ok(written) => written,
        Err(error) => panic!("{} was read, but {error}", bytes.escape_ascii()),
    };
    let again = encoding.decode(&written, Mode::Lenient).expect("it is read again");
    assert_eq!((again.message, again.form), (decoded.message, decoded.form), "{}", written.escape_ascii());
}
