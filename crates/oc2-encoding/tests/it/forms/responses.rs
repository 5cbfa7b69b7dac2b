//! Responses as maps and as lists, and what is left of a message that cannot be read (DECISIONS E5, M1).

use super::*;

// E5
#[test]
fn a_response_is_a_map_and_read_as_a_list_too() {
    for (encoding, list, map) in [
        (
            &Cbor as &dyn Encoding,
            &b"\x82\xf6\xa1\x01\xa1\x02\x83\x18\xc8\xf6\xa1\x04\x01"[..],
            &b"\x82\xf6\xa1\x01\xa1\x02\xa2\x01\x18\xc8\x03\xa1\x04\x01"[..],
        ),
        (&CONCISE, br#"[null,{"1":{"2":[200,null,{"4":1}]}}]"#, br#"[null,{"1":{"2":{"1":200,"3":{"4":1}}}}]"#),
        (
            &COMPACT,
            br#"[null,{"openc2":{"response":[200,null,{"rate_limit":1}]}}]"#,
            br#"[null,{"openc2":{"response":{"status":200,"results":{"rate_limit":1}}}}]"#,
        ),
        // Bare, and told from a Command by the status.
        (&Cbor, b"\x82\x18\xc8\x61a", b"\xa2\x01\x18\xc8\x02\x61a"),
        (&Json, br#"[200,null,{"1024":{"1024":7}}]"#, br#"{"1":200,"3":{"1024":{"1024":7}}}"#),
    ] {
        let read = |bytes: &[u8]| {
            encoding.decode(bytes, Mode::Lenient).unwrap_or_else(|error| panic!("{}: {error}", shown(bytes)))
        };
        let (from_list, from_map) = (read(list), read(map));
        assert_eq!(from_list.message, from_map.message, "{}", shown(list));
        assert_eq!(from_list.form, from_map.form, "{}", shown(list));
        let again = read(&encoding.encode(&from_list.message, from_list.form).expect("written"));
        assert_eq!(again.message, from_list.message);
    }
    check(
        &JsonIn(Notation::Verbose),
        around(br#"{"body":{"openc2":{"response":"#, b"}}}"),
        &[(b"[200]", Refused("body.openc2.response: invalid type: sequence, expected an object (OpenC2-Response)"))],
    );
    // {1: 200}: a map that tells that ids are used.
    let decoded = Cbor.decode(b"\xa1\x01\x18\xc8", Mode::Lenient).expect("a Response");
    assert_eq!(decoded.form, Form::DEFAULT.with_envelope(Envelope::Bare).with_notation(Notation::Concise));
    let decoded = Cbor.decode(b"\xa1\x66status\x18\xc8", Mode::Lenient).expect("a Response");
    assert_eq!(decoded.form, Form::DEFAULT.with_envelope(Envelope::Bare));
}

/// A message that is none, and what is left of it: its form, the id, what was asked for.
type Row<'a> = (&'a dyn Encoding, &'a [u8], Form, Option<&'a str>, Option<ResponseType>);

// L2, L3, M1
#[test]
fn what_cannot_be_read_is_answered_in_its_form() {
    let message = Form::DEFAULT;
    let by_id = message.with_notation(Notation::Concise);
    let compact = message.with_notation(Notation::Compact);
    let bare = |form: Form| form.with_envelope(Envelope::Bare);
    let id = Some("a");
    let none = Some(ResponseType::None);
    let rows: [Row<'_>; 14] = [
        (&Json, br#"{"headers":{"request_id":"a"},"body":{"openc2":{"request":{"action":"no","args":{"response_requested":"none"}}}}}"#, message, id, none),
        (&COMPACT, br#"[{"request_id":"a"},{"openc2":{"request":["no",{},{"response_requested":"none"}]}}]"#, compact, id, none),
        (&CONCISE, br#"[{"1":"a"},{"1":{"1":[99,{},{"4":0}]}}]"#, by_id, id, none),
        (&Cbor, b"\x82\xa1\x01\x61a\xa1\x01\xa1\x01\x83\x18\x63\xa0\xa1\x04\x00", by_id, id, none),
        (&Cbor, b"\xa2\x67headers\xa1\x6arequest_id\x61a\x64body\xa1\x66openc2\xa1\x67request\xa2\x66action\x62no\x64args\xa1\x72response_requested\x64none", message, id, none),
        (&COMPACT, br#"["no",{},{"response_requested":"none"}]"#, bare(compact), None, none),
        (&CONCISE, br#"[99,{},{"4":0}]"#, bare(by_id), None, none),
        (&Cbor, b"\x83\x18\x63\xa0\xa1\x04\x00", bare(by_id), None, none),
        // Cut, or nothing at all.
        (&Cbor, b"\x82\xa1\x01\x61a\xa1\x01\xa1", by_id, id, None),
        (&CONCISE, br#"[{"1":"a"},{"1":"#, by_id, id, None),
        (&Cbor, b"", by_id, None, None),
        (&CONCISE, b"", by_id, None, None),
        (&COMPACT, b"[", compact, None, None),
        (&Json, b"", message, None, None),
    ];
    for (encoding, bytes, form, request_id, response_requested) in rows {
        for mode in [Mode::Lenient, Mode::Strict] {
            let error: DecodeError = encoding.decode(bytes, mode).expect_err("broken");
            let glimpse = error.glimpse();
            assert_eq!(glimpse.form, form, "{}", shown(bytes));
            assert_eq!(glimpse.request_id.as_ref().map(|id| id.as_str()), request_id, "{}", shown(bytes));
            assert_eq!(glimpse.response_requested, response_requested, "{}", shown(bytes));
        }
    }
}
