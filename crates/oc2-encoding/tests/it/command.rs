//! Commands and their actions (LS 3.3.1, 3.3.1.1).

use oc2_core::{Action, Content};

use crate::support::{accepted, becomes, commands, in_request, read, refused, tolerated};

const NO_OBJECT: &str = "expected an object (OpenC2-Command)";

// LS-007, LS-070, LS-086, LS-089, LS-090, LS-091, LS-219
#[test]
fn a_command_has_five_members_of_which_three_are_optional() {
    commands(&[
        (r#"{"action":"query","target":{"features":[]}}"#, accepted()),
        (r#"{"action":"query","target":{"features":[]},"args":{"duration":1}}"#, accepted()),
        (r#"{"action":"query","target":{"features":[]},"actuator":{"slpf":{}}}"#, accepted()),
        (r#"{"action":"query","target":{"features":[]},"command_id":"c-1"}"#, accepted()),
        (
            r#"{"action":"deny","target":{"uri":"a:"},"args":{"start_time":1},"actuator":{"x-a":{"b":1}},
                "command_id":"c-1"}"#,
            accepted(),
        ),
        ("[]", refused(format!("invalid type: sequence, {NO_OBJECT}"))),
        (r#"["query",{"features":[]}]"#, refused(format!("invalid type: sequence, {NO_OBJECT}"))),
        (r#""deny""#, refused(format!("invalid type: string \"deny\", {NO_OBJECT}"))),
        ("1", refused(format!("invalid type: integer `1`, {NO_OBJECT}"))),
        ("true", refused(format!("invalid type: boolean `true`, {NO_OBJECT}"))),
        ("null", refused(format!("invalid type: null, {NO_OBJECT}"))),
    ]);
}

// LS-027, LS-087, LS-088, LS-094, LS-220, LS-221
#[test]
fn action_and_target_are_due() {
    commands(&[
        ("{}", refused(r#"the member "action" is missing"#)),
        (r#"{"target":{"uri":"a:"}}"#, refused(r#"the member "action" is missing"#)),
        (r#"{"action":"deny"}"#, refused(r#"the member "target" is missing"#)),
        (
            r#"{"action":null,"target":{"uri":"a:"}}"#,
            refused(
                "action: invalid type: null, expected one of scan, locate, query, deny, contain, allow, start, stop, restart, cancel, set, update, redirect, create, delete, detonate, restore, copy, investigate, remediate",
            ),
        ),
        (
            r#"{"action":"deny","target":null}"#,
            refused("target: invalid type: null, expected an object of one member (Target)"),
        ),
    ]);
}

// LS-010, LS-011, LS-046
#[test]
fn no_member_of_a_command_stands_twice() {
    commands(&[
        (r#"{"action":"deny","action":"deny","target":{"uri":"a:"}}"#, refused(r#"the member "action" stands twice"#)),
        (
            r#"{"action":"deny","target":{"uri":"a:"},"act\u0069on":"allow"}"#,
            refused(r#"the member "action" stands twice"#),
        ),
        (
            r#"{"action":"deny","target":{"uri":"a:"},"target":{"uri":"a:"}}"#,
            refused(r#"the member "target" stands twice"#),
        ),
        (
            r#"{"action":"deny","target":{"uri":"a:"},"args":{"duration":1},"args":{"duration":1}}"#,
            refused(r#"the member "args" stands twice"#),
        ),
        (
            r#"{"action":"deny","target":{"uri":"a:"},"actuator":{"slpf":{}},"actuator":{"slpf":{}}}"#,
            refused(r#"the member "actuator" stands twice"#),
        ),
        (
            r#"{"action":"deny","target":{"uri":"a:"},"command_id":"a","command_id":"a"}"#,
            refused(r#"the member "command_id" stands twice"#),
        ),
    ]);
}

// LS-001, LS-086, M15; `profile` is that of LS 2.0, `id` that of drafts
#[test]
fn an_unknown_member_of_a_command_is_refused() {
    for (name, value) in [("Action", "1"), ("profile", r#""slpf""#), ("id", r#""a""#), ("", "null"), ("x-acme", "{}")] {
        let command = format!(r#"{{"action":"deny","target":{{"uri":"a:"}},"{name}":{value}}}"#);
        let words = format!("unknown member {name:?}; OpenC2-Command has action, target, args, actuator, command_id");
        commands(&[(&command, refused(words))]);
    }
}

// JADN-004, LS-028, LS-222, LS-223, L36
#[test]
fn null_is_absence_of_an_optional_member_in_lenient_mode() {
    let bare = r#"{"action":"deny","target":{"uri":"a:"}}"#;
    for name in ["args", "actuator", "command_id"] {
        let command = format!(r#"{{"action":"deny","target":{{"uri":"a:"}},"{name}":null}}"#);
        let note = format!("{name}: null where the member is to be left out");
        commands(&[(&command, tolerated(&note).written(bare))]);
    }
}

// LS-004, LS-005
#[test]
fn order_and_white_space_have_no_meaning() {
    let members = [
        r#""action": "deny""#,
        r#""target": {"uri": "a:"}"#,
        r#""args": {"duration": 1, "slpf": {"direction": "both", "persistent": true}}"#,
        r#""actuator": {"slpf": {"asset_id": "30"}}"#,
        r#""command_id": "c-1""#,
    ];
    let first = read(&in_request(&format!("{{{}}}", members.join(","))));
    for i in 0..members.len() {
        let mut rotated = members;
        rotated.rotate_left(i);
        assert_eq!(read(&in_request(&format!("{{{}}}", rotated.join(",")))), first);
        rotated.reverse();
        assert_eq!(read(&in_request(&format!(" \r\n{{\t{}\n}} ", rotated.join(" ,\n ")))), first);
    }
    let inner_swapped = r#""args": {"slpf": {"persistent": true, "direction": "both"}, "duration": 1}"#;
    let swapped = [members[0], members[1], inner_swapped, members[3], members[4]];
    assert_eq!(read(&in_request(&format!("{{{}}}", swapped.join(",")))), first);
}

// LS-095, LS-065
#[test]
fn each_of_the_twenty_actions_is_read_by_its_name() {
    assert_eq!(Action::ALL.len(), 20);
    for action in Action::ALL {
        let command = format!(r#"{{"action":"{}","target":{{"uri":"a:"}}}}"#, action.name());
        commands(&[(&command, accepted())]);
        match read(&in_request(&command)).into_content() {
            Content::Request(command) => assert_eq!(command.action, *action),
            other => panic!("{other:?}"),
        }
    }
}

// LS-001, LS-035, LS-094, LS-095
#[test]
fn an_action_is_one_of_the_twenty_names_and_nothing_else() {
    let names = "scan, locate, query, deny, contain, allow, start, stop, restart, cancel, set, update, redirect, \
                 create, delete, detonate, restore, copy, investigate, remediate";
    for text in ["Deny", "DENY", "block", "x-acme:foo", "slpf:deny", "", " deny", "deny ", "report"] {
        let command = format!(r#"{{"action":"{text}","target":{{"uri":"a:"}}}}"#);
        commands(&[(&command, refused(format!("action: {text:?} is not one of {names}")))]);
    }
    for (value, found) in [
        ("6", "integer `6`"),
        ("6.0", "floating point `6.0`"),
        ("true", "boolean `true`"),
        (r#"["deny"]"#, "sequence"),
        (r#"{"deny":1}"#, "map"),
    ] {
        let command = format!(r#"{{"action":{value},"target":{{"uri":"a:"}}}}"#);
        commands(&[(&command, refused(format!("action: invalid type: {found}, expected one of {names}")))]);
    }
}

// JADN-001, JADN-012, LS-014, LS-202, LS-091, L33
#[test]
fn a_command_id_has_at_most_36_characters_and_no_white_space() {
    let with = |id: &str| format!(r#"{{"action":"deny","target":{{"uri":"a:"}},"command_id":{id}}}"#);
    let long = "a".repeat(36);
    let wide = "\u{1F600}".repeat(36);
    for id in ["", "a", long.as_str(), wide.as_str(), "a/b\\\"", "\u{85}"] {
        let id = serde_json::to_string(id).expect("a string");
        commands(&[(&with(&id), accepted())]);
    }
    for (id, words) in [
        (r#""a b""#, r#""a b" is not a Command-ID: it has white space"#),
        (r#""a\t""#, r#""a\t" is not a Command-ID: it has white space"#),
        (r#""\n""#, r#""\n" is not a Command-ID: it has white space"#),
        ("\"\u{A0}\"", "\"\\u{a0}\" is not a Command-ID: it has white space"),
        ("\"\u{FEFF}\"", "\"\\u{feff}\" is not a Command-ID: it has white space"),
        ("1", "invalid type: integer `1`, expected a command id"),
        (r#"["a"]"#, "invalid type: sequence, expected a command id"),
    ] {
        commands(&[(&with(id), refused(format!("command_id: {words}")))]);
    }
    let longer = "a".repeat(37);
    let words = format!("command_id: \"{longer}\" is not a Command-ID: it has more than 36 characters");
    commands(&[(&with(&format!("\"{longer}\"")), refused(words))]);
}

// LS-092: the reader leaves the place empty, the consumer fills it from the headers.
#[test]
fn an_absent_command_id_stays_absent() {
    let command = r#"{"action":"deny","target":{"uri":"a:"}}"#;
    commands(&[(command, becomes(command))]);
    match read(&in_request(command)).into_content() {
        Content::Request(command) => assert_eq!(command.command_id, None),
        other => panic!("{other:?}"),
    }
}
