//! What is left of a message that cannot be read: under which id, whether and in which form to answer (DECISIONS L2, L3,
//! M1, M10).

use oc2_core::{Envelope, Mode, ResponseType};
use oc2_encoding::{ContentKind, Encoding, Glimpse, Json, MAX_MESSAGE};

/// What is due to the peer: the id, what it asked for, and whether its content was bare.
type Due<'a> = (Option<&'a str>, Option<ResponseType>, Envelope);

const HEADERS: &str = r#""headers":{"created":1,"request_id":"id-1","from":"a"}"#;

#[track_caller]
fn check(bytes: &[u8], expected: Due<'_>) {
    for mode in [Mode::Lenient, Mode::Strict] {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]);
        let error = Json.decode(bytes, mode).expect_err(&text);
        let glimpse = error.glimpse();
        let due =
            (glimpse.request_id.as_ref().map(|id| id.as_str()), glimpse.response_requested, glimpse.form.envelope);
        assert_eq!(due, expected, "{mode:?}: {text}");
    }
}

#[track_caller]
fn check_all(rows: &[(&str, Due<'_>)]) {
    for (json, expected) in rows {
        check(json.as_bytes(), *expected);
    }
}

const fn id(request_id: &str) -> Due<'_> {
    (Some(request_id), None, Envelope::Message)
}

const NOTHING: Due<'_> = (None, None, Envelope::Message);

#[test]
fn a_request_id_is_found_before_and_behind_the_body() {
    check_all(&[
        (
            &format!(r#"{{{HEADERS},"body":{{"openc2":{{"request":{{"action":"deni","target":{{"uri":"a:"}}}}}}}}}}"#),
            id("id-1"),
        ),
        (
            &format!(r#"{{"body":{{"openc2":{{"request":{{"action":"deni","target":{{"uri":"a:"}}}}}}}},{HEADERS}}}"#),
            id("id-1"),
        ),
        (&format!(r#"{{"body":{{"openc2":{{}}}},{HEADERS}}}"#), id("id-1")),
        (&format!(r#"{{"body":5,{HEADERS}}}"#), id("id-1")),
        (&format!(r#"{{"body":null,{HEADERS}}}"#), id("id-1")),
        (&format!(r#"{{"unknown":[[{{}}]],{HEADERS}}}"#), id("id-1")),
        (&format!(r"{{{HEADERS}}}"), id("id-1")),
        (r#"{"headers":{"x":{"request_id":"no"},"request_id":"id-1"},"body":{}}"#, id("id-1")),
        (r#"{"body":{"request_id":"no"},"request_id":"no"}"#, NOTHING),
        (r#"{"body":{"headers":{"request_id":"no"}}}"#, NOTHING),
    ]);
}

#[test]
fn a_request_id_survives_what_is_wrong_behind_it() {
    for rest in [
        "",
        ",",
        r#","body""#,
        r#","body":"#,
        r#","body":{"#,
        r#","body":{"openc2":{"request":{"action":"#,
        r#","body":tru"#,
        r#","body":{"openc2"}}"#,
        r#","body":01}"#,
        r#","body":"\ud800"}"#,
        r#","\ud800":1}"#,
        "]",
        "}}",
        "} x",
        ",\"body\":\"\u{1}\"}",
        r#","body":1e999}"#,
        r#","body":[1,]}"#,
    ] {
        check(format!("{{{HEADERS}{rest}").as_bytes(), id("id-1"));
    }
    let mut not_utf_8 = format!("{{{HEADERS},\"body\":\"").into_bytes();
    not_utf_8.extend(b"\xFF\xFE\"}");
    check(&not_utf_8, id("id-1"));
    let mut in_front = b"{\"x\":\"\xFF\",".to_vec();
    in_front.extend(format!("{HEADERS}}}").into_bytes());
    check(&in_front, id("id-1"));
}

#[test]
fn what_stands_behind_a_syntax_error_is_not_guessed() {
    check_all(&[
        (&format!(r#"{{"body":{{"a" 1}},{HEADERS}}}"#), NOTHING),
        (&format!(r#"{{"body":01,{HEADERS}}}"#), NOTHING),
        (&format!("[{{{HEADERS}}}]"), NOTHING),
        (&format!("\u{FEFF}{{{HEADERS}}}"), NOTHING),
        ("", NOTHING),
        ("\"id-1\"", NOTHING),
        ("null", NOTHING),
    ]);
}

// M9
#[test]
fn an_id_that_is_none_is_not_repeated() {
    for value in ["1", "null", "true", r#"["a"]"#, r#"{"a":"b"}"#, r#""""#, r#""a\n""#, r#""a\u0000""#] {
        check(format!(r#"{{"headers":{{"request_id":{value}}},"body":{{}}}}"#).as_bytes(), NOTHING);
    }
    let long = "a".repeat(257);
    check(format!(r#"{{"headers":{{"request_id":"{long}"}},"body":{{}}}}"#).as_bytes(), NOTHING);
    // Which character it was is not known, so it is not the id.
    check(b"{\"headers\":{\"request_id\":\"a\xFF\"},\"body\":{}}", NOTHING);
    check_all(&[
        (r#"{"headers":{"request_id":"a b\"\u00e4"},"body":{}}"#, id("a b\"ä")),
        (r#"{"headers":[],"body":{}}"#, NOTHING),
        (r#"{"headers":"id-1","body":{}}"#, NOTHING),
    ]);
}

// LS-046
#[test]
fn of_two_the_first_counts() {
    check_all(&[
        (r#"{"headers":{"request_id":"a","request_id":"b"},"body":{}}"#, id("a")),
        (r#"{"headers":{"request_id":"a"},"headers":{"request_id":"b"},"body":{}}"#, id("a")),
        (r#"{"headers":{"request_id":1},"headers":{"request_id":"b"},"body":{}}"#, id("b")),
        (
            r#"{"headers":{"request_id":"a"},"body":{"openc2":{"request":{"args":{"response_requested":"none","response_requested":"ack"}}}}}"#,
            (Some("a"), Some(ResponseType::None), Envelope::Message),
        ),
    ]);
}

// L3, SLPF-212
#[test]
fn the_answer_that_was_asked_for_is_known_wherever_it_stands() {
    let with =
        |command: &str| format!(r#"{{"headers":{{"request_id":"a"}},"body":{{"openc2":{{"request":{command}}}}}}}"#);
    let asked = |response| (Some("a"), response, Envelope::Message);
    check_all(&[
        (&with(r#"{"action":"deni","args":{"response_requested":"none"}}"#), asked(Some(ResponseType::None))),
        (
            &with(r#"{"args":{"slpf":{"a":[1]},"response_requested":"ack"},"action":"deni"}"#),
            asked(Some(ResponseType::Ack)),
        ),
        (&with(r#"{"args":{"response_requested":"status"},"target":{}}"#), asked(Some(ResponseType::Status))),
        (&with(r#"{"args":{"response_requested":"complete","duration":-1}}"#), asked(Some(ResponseType::Complete))),
        (&with(r#"{"args":{"response_requested":"perhaps"}}"#), asked(None)),
        (&with(r#"{"args":{"response_requested":0}}"#), asked(None)),
        (&with(r#"{"args":{"slpf":{"response_requested":"none"},"duration":-1}}"#), asked(None)),
        (&with(r#"{"args":[{"response_requested":"none"}]}"#), asked(None)),
        (&with(r#"{"response_requested":"none"}"#), asked(None)),
        (&with(r#"[{"args":{"response_requested":"none"}}]"#), asked(None)),
        (
            r#"{"body":{"openc2":{"request":{"args":{"response_requested":"none"},"target":"#,
            (None, Some(ResponseType::None), Envelope::Message),
        ),
        (r#"{"body":{"openc2":{"response":{"args":{"response_requested":"none"}}}}}"#, NOTHING),
    ]);
}

// M1
#[test]
fn what_looks_bare_is_answered_bare() {
    let bare = |response| (None, response, Envelope::Bare);
    check_all(&[
        (r#"{"action":"deni","target":{"uri":"a:"}}"#, bare(None)),
        (r#"{"target":{"uri":"a:"}}"#, bare(None)),
        (r#"{"args":{"response_requested":"none"},"action":"deni"}"#, bare(Some(ResponseType::None))),
        (r#"{"action":"deny","target":{"uri":"#, bare(None)),
        (r#"{"x":1,"action":"deny"}"#, bare(None)),
        (r#"{"status":201}"#, NOTHING),
    ]);
    // A top-level body makes a message of it.
    check_all(&[
        (&format!(r#"{{{HEADERS},"action":"deny"}}"#), id("id-1")),
        (&format!(r#"{{"action":"deny",{HEADERS}}}"#), id("id-1")),
        (r#"{"action":"deny","target":{"uri":"a:"},"body":{}}"#, NOTHING),
        (r#"{"body":{},"action":"deny","target":{"uri":"a:"}}"#, NOTHING),
    ]);
}

// L24
#[test]
fn a_message_that_is_too_long_is_answered_under_its_id() {
    let long = format!("{{{HEADERS},\"body\":\"{}\"}}", "a".repeat(MAX_MESSAGE));
    check(long.as_bytes(), id("id-1"));
    let late = format!("{{\"body\":\"{}\",{HEADERS}}}", "a".repeat(MAX_MESSAGE));
    check(late.as_bytes(), NOTHING);
    let deep = format!("{{{HEADERS},\"body\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    check(deep.as_bytes(), id("id-1"));
    let deep = format!("{{\"body\":{}{},{HEADERS}}}", "[".repeat(100_000), "]".repeat(100_000));
    check(deep.as_bytes(), id("id-1"));
    let wide: Vec<_> = (0..60_000).map(|i| format!("\"a{i}\":1")).collect();
    check(format!("{{{},{HEADERS}}}", wide.join(",")).as_bytes(), id("id-1"));
}

/// What a glimpse without a reading tells: who sent it, what it is, and a Response's status.
#[track_caller]
fn check_look(bytes: &[u8], expected: (Option<&str>, Option<ContentKind>, Option<u64>)) {
    let json = Glimpse::of_json(bytes);
    let glimpse = if json.content.is_some() { json } else { Glimpse::of_cbor(bytes) };
    assert_eq!((glimpse.from.as_deref(), glimpse.content, glimpse.status), expected, "{:?}", Bytes(bytes));
}

/// Bytes as text, for the messages of failed tests.
struct Bytes<'a>(&'a [u8]);

impl std::fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.0))
    }
}

#[test]
fn a_look_tells_who_sent_what() {
    let request = br#"{"headers":{"from":"p"},"body":{"openc2":{"request":{"action":"query"}}}}"#;
    check_look(request, (Some("p"), Some(ContentKind::Request), None));
    let response = br#"{"body":{"openc2":{"response":{"status":102}}},"headers":{"from":"c"}}"#;
    check_look(response, (Some("c"), Some(ContentKind::Response), Some(102)));
    check_look(br#"{"body":{"openc2":{"notification":{}}}}"#, (None, Some(ContentKind::Notification), None));
    check_look(br#"{"action":"query","target":{}}"#, (None, Some(ContentKind::Request), None));
    check_look(br#"{"status":200}"#, (None, Some(ContentKind::Response), Some(200)));
}

#[test]
fn a_look_at_cbor_tells_the_same() {
    // [{3: "c"}, {1: {2: {1: 200}}}]
    let by_id = [0x82, 0xa1, 0x03, 0x61, b'c', 0xa1, 0x01, 0xa1, 0x02, 0xa1, 0x01, 0x18, 0xc8];
    check_look(&by_id, (Some("c"), Some(ContentKind::Response), Some(200)));
}

#[test]
fn a_sender_that_no_message_may_name_is_none() {
    // DECISIONS M16
    let long = format!(r#"{{"headers":{{"from":"{}"}},"body":{{"openc2":{{"request":{{}}}}}}}}"#, "a".repeat(257));
    check_look(long.as_bytes(), (None, Some(ContentKind::Request), None));
    let control = br#"{"headers":{"from":"a\u0007"},"body":{"openc2":{"request":{}}}}"#;
    check_look(control, (None, Some(ContentKind::Request), None));
}

#[test]
fn a_replacement_character_that_was_sent_is_no_sign_of_bad_utf_8() {
    let id_in = |bytes: &[u8]| Glimpse::of_json(bytes).request_id.map(|id| id.to_string());
    assert_eq!(id_in("{\"headers\":{\"request_id\":\"a\u{fffd}\"}}".as_bytes()).as_deref(), Some("a\u{fffd}"));
    assert_eq!(id_in(b"{\"headers\":{\"request_id\":\"a\xff\"}}"), None);
}
