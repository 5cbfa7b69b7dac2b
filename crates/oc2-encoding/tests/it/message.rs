//! The wrapper, its headers, and bare content (HTTPS 1.1 3.3.2, DECISIONS M1 to M15).

use oc2_core::{Content, Envelope, Form, Mode};
use oc2_encoding::{Encoding, Json};

use crate::support::{accepted, becomes, check, headers, messages, refused, tolerated};

const BODY: &str = r#""body":{"openc2":{"request":{"action":"query","target":{"features":[]}}}}"#;
const BARE_COMMAND: &str = "a bare Command is no message (HTTPS 1.1 3.3.2)";
const BARE_RESPONSE: &str = "a bare Response is no message (HTTPS 1.1 3.3.2)";

// LS-073, LS-085, M1
#[test]
fn a_message_has_a_body_and_perhaps_headers_and_a_signature() {
    messages(&[
        (&format!("{{{BODY}}}"), accepted()),
        (&format!(r#"{{"headers":{{"from":"a"}},{BODY}}}"#), accepted()),
        (&format!(r#"{{{BODY},"signature":"e30..c2ln","headers":{{"created":1}}}}"#), accepted()),
        (&format!(r#"{{{BODY},"signature":""}}"#), accepted()),
        ("{}", refused(r#"the member "body" is missing"#)),
        (r#"{"headers":{"from":"a"}}"#, refused(r#"the member "body" is missing"#)),
        (r#"{"signature":"a"}"#, refused(r#"the member "body" is missing"#)),
        (&format!("{{{BODY},{BODY}}}"), refused(r#"the member "body" stands twice"#)),
        (
            &format!(r#"{{"headers":{{}},{BODY},"headers":{{}}}}"#),
            refused(r#"the member "headers" stands twice"#).strictly("headers: must hold at least one member"),
        ),
        (&format!(r#"{{"signature":"a",{BODY},"signature":"a"}}"#), refused(r#"the member "signature" stands twice"#)),
        (&format!(r#"{{{BODY},"signature":1}}"#), refused("signature: invalid type: integer `1`, expected a string")),
        (
            &format!(r#"{{{BODY},"signature":null}}"#),
            tolerated("signature: null where the member is to be left out").written(&format!("{{{BODY}}}")),
        ),
        (r#"{"body":null}"#, refused("body: invalid type: null, expected an object of one member (Body)")),
        (
            &format!(r#"{{"headers":[],{BODY}}}"#),
            refused("headers: invalid type: sequence, expected an object (Headers)"),
        ),
        (
            "[]",
            refused("the member \"body\" is missing").strictly("invalid type: sequence, expected an object (Message)"),
        ),
        ("null", refused("invalid type: null, expected an object (Message)")),
        ("200", refused("invalid type: integer `200`, expected an object (Message)")),
        (r#""{}""#, refused("invalid type: string \"{}\", expected an object (Message)")),
    ]);
}

// LS-007, LS-009, LS-076, LS-196, M1, M3, M13
#[test]
fn a_body_is_one_request_or_response_or_notification() {
    let content = "body.openc2: exactly one member is due";
    messages(&[
        (r#"{"body":{"openc2":{"response":{"status":200}}}}"#, accepted()),
        (r#"{"body":{"openc2":{"notification":{"a":1}}}}"#, accepted()),
        (r#"{"body":{}}"#, refused("body: exactly one member is due, there is none")),
        (r#"{"body":{"openc2":{}}}"#, refused(format!("{content}, there is none"))),
        (
            r#"{"body":{"openc2":{"response":{"status":200},"request":{"action":"query","target":{"features":[]}}}}}"#,
            refused(format!("{content}, \"request\" is a second")),
        ),
        (
            r#"{"body":{"openc2":{"response":{"status":200},"response":{"status":200}}}}"#,
            refused(format!("{content}, \"response\" is a second")),
        ),
        (
            r#"{"body":{"openc2":{"response":{"status":200}},"other":1}}"#,
            refused("body: exactly one member is due, \"other\" is a second"),
        ),
        (r#"{"body":{"openc3":{}}}"#, refused("body: unknown member \"openc3\"; Body is a choice of openc2")),
        (
            r#"{"body":{"openc2":{"command":{}}}}"#,
            refused(
                "body.openc2: unknown member \"command\"; OpenC2-Content is a choice of request, response, notification",
            ),
        ),
        (r#"{"body":[]}"#, refused("body: invalid type: sequence, expected an object of one member (Body)")),
        (
            r#"{"body":{"openc2":1}}"#,
            refused("body.openc2: invalid type: integer `1`, expected an object of one member (OpenC2-Content)"),
        ),
        (
            r#"{"body":{"openc2":{"notification":{}}}}"#,
            refused("body.openc2.notification: expected an object with at least one member"),
        ),
        (
            r#"{"body":{"openc2":{"notification":[1]}}}"#,
            refused("body.openc2.notification: expected an object with at least one member"),
        ),
    ]);
}

// M15
#[test]
fn an_unknown_member_of_a_message_is_refused_wherever_it_stands() {
    let words = |name: &str| refused(format!("unknown member {name:?}; Message has headers, body, signature"));
    messages(&[
        (&format!(r#"{{"id":1,{BODY}}}"#), words("id")),
        (&format!(r#"{{{BODY},"id":1}}"#), words("id")),
        (&format!(r#"{{"Headers":{{}},{BODY}}}"#), words("Headers")),
        (&format!(r#"{{{BODY},"":1}}"#), words("")),
        (&format!(r#"{{{BODY},"action":"deny"}}"#), words("action")),
        (&format!(r#"{{{BODY},"status":200}}"#), words("status")),
        (r#"{"id":1}"#, words("id")),
        (r#"{"":1}"#, words("")),
    ]);
}

// JADN-017, LS-078 to LS-081, LS-085, M5, M7, M9
#[test]
fn headers_are_four_and_whatever_else_is_said() {
    headers(&[
        (r#"{"request_id":"95ad511c-3339-4111-9c47-9156c47d37d3"}"#, accepted()),
        (r#"{"created":1595268027000}"#, accepted()),
        (r#"{"from":"Producer1@example.com"}"#, accepted()),
        (r#"{"from":""}"#, accepted()),
        (r#"{"to":["a"]}"#, accepted()),
        (r#"{"to":["b","a","b",""]}"#, accepted()),
        (
            r#"{"to":["a"],"content_type":"application/openc2","x-trace":{"id":[1,0.5,true,{"a":"b"}]},"":1}"#,
            accepted(),
        ),
        (r#"{"request_id":"a","request_id":"a"}"#, refused(r#"headers: the member "request_id" stands twice"#)),
        (r#"{"created":1,"created":1}"#, refused(r#"headers: the member "created" stands twice"#)),
        (r#"{"from":"a","from":"a"}"#, refused(r#"headers: the member "from" stands twice"#)),
        (r#"{"to":["a"],"to":["a"]}"#, refused(r#"headers: the member "to" stands twice"#)),
        (r#"{"x":1,"x":1}"#, refused(r#"headers: the member "x" stands twice"#)),
        (r#"{"x":{"y":1,"y":1}}"#, refused(r#"headers.x: the member "y" stands twice"#)),
        (r#"{"from":["a"]}"#, refused("headers.from: invalid type: sequence, expected a string")),
        (r#"{"from":1}"#, refused("headers.from: invalid type: integer `1`, expected a string")),
        (r#"{"to":[1]}"#, refused("headers.to[0]: invalid type: integer `1`, expected a string")),
        (r#"{"to":["a",null]}"#, refused("headers.to[1]: invalid type: null, expected a string")),
        (r#"{"to":{}}"#, refused("headers.to: invalid type: map, expected a list of strings")),
        (r#"{"to":1}"#, refused("headers.to: invalid type: integer `1`, expected a list of strings")),
    ]);
    let without = r#"{"body":{"openc2":{"response":{"status":200}}}}"#;
    for (name, note) in [
        ("request_id", "null where the member is to be left out"),
        ("created", "null where the member is to be left out"),
        ("from", "null where the member is to be left out"),
        ("to", "null where the member is to be left out"),
    ] {
        let note = format!("headers.{name}: {note}");
        let only = format!(r#"{{"headers":{{"{name}":null}},"body":{{"openc2":{{"response":{{"status":200}}}}}}}}"#);
        messages(&[(&only, tolerated(&note).written(without))]);
        headers(&[(&format!(r#"{{"x":1,"{name}":null}}"#), tolerated(&note).written(r#"{"x":1}"#))]);
    }
    messages(&[
        (
            r#"{"headers":{},"body":{"openc2":{"response":{"status":200}}}}"#,
            tolerated("headers: must hold at least one member").written(without),
        ),
        (
            r#"{"headers":null,"body":{"openc2":{"response":{"status":200}}}}"#,
            tolerated("headers: null where the member is to be left out").written(without),
        ),
    ]);
    headers(&[
        (r#"{"x":1,"to":[]}"#, tolerated("headers.to: an empty list is to be left out").written(r#"{"x":1}"#)),
        (
            r#"{"to":"a"}"#,
            tolerated("headers.to: a single recipient is to be a list of one").written(r#"{"to":["a"]}"#),
        ),
    ]);
}

// LS-079, M4
#[test]
fn created_is_taken_for_milliseconds_whatever_its_size() {
    let what = "a time in milliseconds since 1970 (0..9007199254740991)";
    headers(&[
        (r#"{"created":0}"#, accepted()),
        // Every example of MQTT 1.0 has seconds; they are not rescaled.
        (r#"{"created":1610483630}"#, accepted()),
        (r#"{"created":9007199254740991}"#, accepted()),
        (r#"{"created":9007199254740992}"#, refused(format!("headers.created: 9007199254740992 is not {what}"))),
        (r#"{"created":-1}"#, refused(format!("headers.created: -1 is not {what}"))),
        (r#"{"created":1595268027000.5}"#, refused(format!("headers.created: 1595268027000.5 is not {what}"))),
        (
            r#"{"created":"2020-07-20T18:00:27Z"}"#,
            refused(format!("headers.created: invalid type: string \"2020-07-20T18:00:27Z\", expected {what}")),
        ),
        (
            r#"{"created":1595268027000.0}"#,
            tolerated("headers.created: an Integer is spelled as a fraction").written(r#"{"created":1595268027000}"#),
        ),
    ]);
}

// LS-078, LS-083, LS-084, M9
#[test]
fn a_request_id_is_any_text_of_at_most_256_characters_without_controls() {
    let (long, longer) = ("ä".repeat(256), "ä".repeat(257));
    for id in ["abc-1", "two words", " ", "\u{A0}\u{FEFF}\u{1F600}", "\"\\/", "uuid_1", long.as_str()] {
        let json = format!(r#"{{"request_id":{}}}"#, serde_json::to_string(id).expect("a string"));
        headers(&[(&json, accepted())]);
    }
    let start = "ä".repeat(60);
    headers(&[
        (r#"{"request_id":"","from":"a"}"#, becomes(r#"{"from":"a"}"#)),
        (
            &format!(r#"{{"request_id":"{longer}"}}"#),
            refused(format!("headers.request_id: \"{start}\"... is not a request_id: it has more than 256 characters")),
        ),
        (
            r#"{"request_id":"a\n"}"#,
            refused(r#"headers.request_id: "a\n" is not a request_id: it has a control character"#),
        ),
        (
            r#"{"request_id":"\u0000"}"#,
            refused(r#"headers.request_id: "\0" is not a request_id: it has a control character"#),
        ),
        (
            r#"{"request_id":"\u0085"}"#,
            refused(r#"headers.request_id: "\u{85}" is not a request_id: it has a control character"#),
        ),
        (r#"{"request_id":1}"#, refused("headers.request_id: invalid type: integer `1`, expected a request id")),
        (r#"{"request_id":["a"]}"#, refused("headers.request_id: invalid type: sequence, expected a request id")),
    ]);
    messages(&[(&format!(r#"{{"headers":{{"request_id":""}},{BODY}}}"#), becomes(&format!("{{{BODY}}}")))]);
}

// L24
#[test]
fn headers_and_responses_have_at_most_a_thousand_members_that_nobody_knows() {
    let members = |n: usize| (0..n).map(|i| format!("\"a{i}\":{i}")).collect::<Vec<_>>().join(",");
    headers(&[
        (&format!("{{{}}}", members(1000)), accepted()),
        (&format!("{{{}}}", members(1001)), refused("headers: more than 1000 members")),
        (&format!(r#"{{"from":"a",{},"created":1}}"#, members(1000)), accepted()),
    ]);
    let response = format!(r#"{{"body":{{"openc2":{{"response":{{"status":200,{}}}}}}}}}"#, members(1001));
    let error = Json.decode(response.as_bytes(), Mode::Lenient).expect_err("too many");
    assert_eq!(error.to_string(), "body.openc2.response: more than 1000 members");
}

// M1
#[test]
fn bare_content_is_read_in_lenient_mode_and_answered_bare() {
    messages(&[
        (r#"{"action":"query","target":{"features":[]}}"#, tolerated(BARE_COMMAND)),
        (r#"{"target":{"features":[]},"action":"query"}"#, tolerated(BARE_COMMAND)),
        (r#"{"command_id":"a","target":{"uri":"a:"},"action":"deny"}"#, tolerated(BARE_COMMAND)),
        (
            r#"{"args":{"duration":1},"actuator":{"slpf":{}},"target":{"uri":"a:"},"action":"deny"}"#,
            tolerated(BARE_COMMAND),
        ),
        (r#"{"status":200}"#, tolerated(BARE_RESPONSE)),
        (r#"{"status_text":"a","status":200}"#, tolerated(BARE_RESPONSE)),
        (r#"{"results":{"x-a":{}},"status":200}"#, tolerated(BARE_RESPONSE)),
        (
            r#"{"args":null,"action":"deny","target":{"uri":"a:"}}"#,
            tolerated(BARE_COMMAND)
                .noted("args: null where the member is to be left out")
                .written(r#"{"action":"deny","target":{"uri":"a:"}}"#),
        ),
    ]);
    for (json, envelope) in [
        (r#"{"action":"query","target":{"features":[]}}"#, Envelope::Bare),
        (r#"{"status":200}"#, Envelope::Bare),
        (r#"{"body":{"openc2":{"response":{"status":200}}}}"#, Envelope::Message),
    ] {
        let decoded = Json.decode(json.as_bytes(), Mode::Lenient).expect(json);
        assert_eq!(decoded.form, Form::DEFAULT.with_envelope(envelope), "{json}");
        let headers = decoded.message.headers.clone().into_builder().from("a").build().expect("headers");
        let content = decoded.message.content().clone();
        let mut message = decoded.message;
        message.headers = headers;
        let written = Json.encode(&message, decoded.form).expect("a message");
        let text = String::from_utf8(written).expect("UTF-8");
        assert_eq!(text.contains("headers"), envelope == Envelope::Message, "{text}");
        let again = Json.decode(text.as_bytes(), Mode::Lenient).expect(json);
        assert_eq!(*again.message.content(), content);
    }
}

// LS-004, M15: an unknown member is as welcome in the first place as in any other.
#[test]
fn the_place_of_an_unknown_member_does_not_decide_over_bare_content() {
    let unknown = |name: &str| format!("{name}: unknown member");
    messages(&[
        (r#"{"status":200,"took":1}"#, tolerated(BARE_RESPONSE).noted(&unknown("took")).kept()),
        (r#"{"took":1,"status":200}"#, tolerated(BARE_RESPONSE).noted(&unknown("took")).kept()),
        (
            r#"{"a":{"b":[1]},"c":2,"status":200,"d":3}"#,
            tolerated(BARE_RESPONSE).noted(&unknown("a")).noted(&unknown("c")).noted(&unknown("d")).kept(),
        ),
        (r#"{"a":1,"status":200,"a":1}"#, refused(r#"the member "a" stands twice"#).strictly(BARE_RESPONSE)),
        (
            r#"{"a":1,"a":1,"status":200}"#,
            refused(r#"the member "a" stands twice"#).strictly(r#"the member "a" stands twice"#),
        ),
        (
            r#"{"id":1,"action":"query","target":{"features":[]}}"#,
            refused("unknown member \"id\"; OpenC2-Command has action, target, args, actuator, command_id")
                .strictly(BARE_COMMAND),
        ),
        (
            r#"{"action":"query","target":{"features":[]},"id":1}"#,
            refused("unknown member \"id\"; OpenC2-Command has action, target, args, actuator, command_id")
                .strictly(BARE_COMMAND),
        ),
        (
            r#"{"action":"query","target":{"features":[]},"body":{}}"#,
            refused("unknown member \"body\"; OpenC2-Command has action, target, args, actuator, command_id")
                .strictly(BARE_COMMAND),
        ),
    ]);
    let many: Vec<_> = (0..1001).map(|i| format!("\"a{i}\":{i}")).collect();
    let error =
        Json.decode(format!(r#"{{{},"status":200}}"#, many.join(",")).as_bytes(), Mode::Lenient).expect_err("too many");
    assert_eq!(error.to_string(), "more than 1000 members");
}

// M1
#[test]
fn a_bare_error_is_placed_from_the_command() {
    check(
        br#"{"action":"deny","target":{"ipv4_connection":{"dst_port":65536}}}"#,
        &refused("target.ipv4_connection.dst_port: 65536 is not a port (0..65535)").strictly(BARE_COMMAND),
    );
    check(
        br#"{"body":{"openc2":{"request":{"action":"deny","target":{"ipv4_connection":{"dst_port":65536}}}}}}"#,
        &refused("target.ipv4_connection.dst_port: 65536 is not a port (0..65535)"),
    );
}

// M13
#[test]
fn a_notification_keeps_its_members() {
    let message = crate::support::read(r#"{"body":{"openc2":{"notification":{"b":[1,{"c":true}],"a":"x"}}}}"#);
    match message.into_content() {
        Content::Notification(notification) => {
            assert_eq!(notification.members().keys(), ["b".into(), "a".into()]);
        }
        other => panic!("{other:?}"),
    }
}
